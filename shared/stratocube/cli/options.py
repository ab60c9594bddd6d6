"""Arguments and options that several commands have, each said once."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
RequestFile = Annotated[
    Path,
    typer.Argument(
        metavar="FILE", help="YAML or JSON file with the request; - reads JSON from standard input.", allow_dash=True
    ),
]
BuildId = Annotated[str, typer.Argument(help="Id of the build.", metavar="BUILD")]
CubeId = Annotated[str, typer.Argument(help="Id of the cube, NAME-VERSION.", metavar="CUBE")]
FirstDay = Annotated[str, typer.Argument(metavar="START", help="First day, 2023-01-01.")]
LastDay = Annotated[str, typer.Argument(metavar="END", help="Last day, included.")]

_WATCH_SECONDS = 6 * 3600.0


@dataclass(frozen=True)
class Following:
    """How a command that starts a build goes on: the options ``--watch``, ``--timeout`` and ``--json``."""

    watch: Annotated[
        bool, typer.Option("--watch", help="Follow the build to its end; the exit code says how it ended.")
    ] = False
    timeout: Annotated[float, typer.Option(min=1, help="Seconds to watch at most; the build goes on.")] = _WATCH_SECONDS
    as_json: AsJson = False


def with_following(command: Callable[..., None]) -> Callable[..., None]:
    """A command whose last parameter is ``following: Following`` as one with the options of :class:`Following`."""
    described = get_type_hints(Following, include_extras=True)
    own = get_type_hints(command, include_extras=True)
    kept = [
        parameter.replace(annotation=own[name])
        for name, parameter in inspect.signature(command).parameters.items()
        if name != "following"
    ]
    added = [
        inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=described[field.name]
        )
        for field in fields(Following)
    ]

    @functools.wraps(command)
    def with_options(*arguments: Any, **options: Any) -> None:
        given = {field.name: options.pop(field.name) for field in fields(Following)}
        command(*arguments, **options, following=Following(**given))

    shown = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in kept] + added
    with_options.__signature__ = inspect.Signature(shown)  # type: ignore[attr-defined]  # what typer reads
    with_options.__annotations__ = {parameter.name: parameter.annotation for parameter in shown}
    return with_options
