"""What the commands have in common: which stack, how errors end a command, how answers are shown."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from stratocube.client.api import ApiClient, ApiError, Unreachable
from stratocube.client.connection import connect
from stratocube.errors import InvalidRequest, NotFound, StratocubeError
from stratocube.local.project import find_project

FAILED = 1
"""A build ended otherwise than SUCCEEDED, or something broke."""
REFUSED = 2
"""The command or the request was wrong: nothing was done."""
NO_STACK = 3
"""No stack is named, or it does not answer."""
INTERRUPTED = 130
"""Ctrl-C, by the shell's convention."""

EXIT_CODES = (
    "Exit codes: 0 done; 1 a build ended otherwise than SUCCEEDED, or something broke; 2 wrong use, or the request was "
    "refused; 3 no stack answers; 130 interrupted."
)

_FILE_WIDTH = 240

AsJson = Annotated[bool, typer.Option("--json", help="Print the API's answer as JSON.")]
RequestFile = Annotated[
    Path, typer.Argument(metavar="FILE", help="JSON file with the request; - reads standard input.", allow_dash=True)
]


@dataclass(frozen=True)
class Session:
    """Which stack the user means."""

    url: str | None = None
    api_key: str | None = None
    stack: str | None = None
    profile: str | None = None
    region: str | None = None

    def client(self) -> ApiClient:
        """A client of its API. Errors as :func:`stratocube.client.connection.connect`."""
        return connect(
            url=self.url,
            api_key=self.api_key,
            stack=self.stack,
            profile=self.profile,
            region=self.region,
            state_dir=_state_dir(),
        )


def client_of(context: typer.Context) -> ApiClient:
    """The client a command talks through.

    Raises:
        typer.Exit: with NO_STACK, after saying why, when there is none.
    """
    session = context.find_object(Session) or Session()
    try:
        return session.client()
    except NotFound as error:
        raise stop(str(error), NO_STACK) from None


def stop(message: str, code: int) -> typer.Exit:
    """Say what is wrong, on standard error; what is to be raised."""
    typer.echo(f"error: {message}", err=True)
    return typer.Exit(code)


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """Errors end the command with a message and the exit code that says of which kind they are."""
    try:
        yield
    except ApiError as error:
        for fault in error.errors:
            typer.echo(f"  {fault.get('field')}: {fault.get('message')}", err=True)
        raise stop(str(error), REFUSED if error.status < 500 else FAILED) from None
    except Unreachable as error:
        raise stop(str(error), NO_STACK) from None
    except (InvalidRequest, NotFound) as error:
        raise stop(str(error), REFUSED) from None
    except (StratocubeError, OSError) as error:
        raise stop(str(error), FAILED) from None
    except KeyboardInterrupt:
        typer.echo("\ninterrupted", err=True)
        raise typer.Exit(INTERRUPTED) from None


def read_request(path: Path) -> dict[str, Any]:
    """The JSON object of a request file.

    Raises:
        InvalidRequest: when it cannot be read, or is no JSON object.
    """
    try:
        text = typer.get_text_stream("stdin").read() if str(path) == "-" else path.read_text()
        document = json.loads(text)
    except (OSError, ValueError) as error:
        raise InvalidRequest(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(document, dict):
        raise InvalidRequest(f"{path} holds no JSON object")
    return document


def print_json(value: Any) -> None:
    """JSON as programs read it."""
    typer.echo(json.dumps(value, indent=2))


def print_table(title: str, columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows below headings; ``columns`` are heading by field. An empty list says so."""
    console = Console(highlight=False)
    if not console.is_terminal:
        # What goes to a file or another program is not cut to the width of a screen nobody looks at.
        console = Console(highlight=False, width=_FILE_WIDTH)
    if not rows:
        console.print(f"no {title}")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for position, heading in enumerate(columns.values()):
        # Ids come first, and are there to be copied.
        table.add_column(heading, no_wrap=position == 0)
    for row in rows:
        table.add_row(*("" if row.get(name) is None else str(row[name]) for name in columns))
    console.print(table, soft_wrap=True)


def _state_dir() -> Path | None:
    try:
        return find_project().state
    except NotFound:
        return None
