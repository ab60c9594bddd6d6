"""Commands of documents that are not run: parsed by what they call, so that names and options at least exist."""

from __future__ import annotations

import functools
import importlib.util
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import typer
import typer.main
from botocore import xform_name

from stratocube.cli.main import app

REPOSITORY = Path(__file__).parents[2]
_ASSIGNED = re.compile(r"^\w+=\$\((?P<command>.*)\)$", re.DOTALL)
_PLACEHOLDER = re.compile(r"<[^>]+>|'<[^>]+>'")
_AWS_EVERYWHERE = {"query", "output", "profile", "region", "endpoint-url", "cli-binary-format", "no-cli-pager"}
# typer brings a click of its own: its errors by what they are made of.
_REFUSED: Any = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")
_SHELL = {"cd", "export", "test", "pip", "pytest", ".", "python"}


def problems_of(script: str) -> list[str]:
    """What is wrong with the commands of a script; empty when each could be begun."""
    return [f"{shlex.join(words)}: {problem}" for words in commands_of(script) for problem in _problems(words)]


def commands_of(script: str) -> Iterator[list[str]]:
    """The commands as words, without comments; what is assigned from a command is that command."""
    text = script.replace("\\\n", " ")
    for line in _PLACEHOLDER.sub("PLACEHOLDER", text).splitlines():
        assigned = _ASSIGNED.match(line.strip())
        for part in re.split(r"\s*&&\s*", assigned["command"] if assigned else line):
            words = shlex.split(part, comments=True)
            if words:
                yield words


def _problems(words: list[str]) -> list[str]:
    program, *arguments = words
    if program == "stratocube":
        return _of_stratocube(arguments)
    if program == "aws":
        return _of_aws(arguments)
    if program == "sam":
        return _of_sam(arguments)
    if program == "make":
        targets = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
        return [f"no target {word}" for word in arguments if "=" not in word and word not in targets]
    if program.endswith("python") and arguments[:1] == ["-m"]:
        return [] if importlib.util.find_spec(arguments[1]) else [f"no module {arguments[1]}"]
    return [] if program in _SHELL else [f"{program} is a command nobody checks"]


def _of_stratocube(arguments: list[str]) -> list[str]:
    """As the command line itself parses it, without running anything."""
    command: Any = typer.main.get_command(app)
    try:
        context = command.make_context("stratocube", list(arguments))
        while hasattr(command, "commands"):
            name, command, rest = command.resolve_command(context, [*context._protected_args, *context.args])
            context = command.make_context(name, list(rest), parent=context)
    except _REFUSED as error:
        return [error.format_message()]
    return []


@functools.cache
def _sam_help(command: str) -> str:
    answer = subprocess.run(
        [sys.executable, "-m", "samcli", command, "--help"], capture_output=True, text=True, check=False
    )
    return answer.stdout if answer.returncode == 0 else ""


def _of_sam(arguments: list[str]) -> list[str]:
    known = _sam_help(arguments[0])
    if not known:
        return [f"sam has no command {arguments[0]}"]
    options = [word.partition("=")[0] for word in arguments if word.startswith("--")]
    # For a flag that can be told off, sam's help shows both forms.
    return [f"no option {option}" for option in options if option not in known]


def _of_aws(arguments: list[str]) -> list[str]:
    service, operation, *rest = arguments
    if service == "s3":
        return [] if operation in {"cp", "ls", "rm", "sync"} else [f"aws s3 has no {operation}"]
    try:
        model = botocore.session.get_session().get_service_model(service)
    except botocore.exceptions.UnknownServiceError:
        return [f"AWS has no service {service}"]
    names = {xform_name(name, "-"): name for name in model.operation_names}
    if operation not in names:
        return [f"{service} has no {operation}"]
    shape = model.operation_model(names[operation]).input_shape
    members = {xform_name(name, "-") for name in shape.members} if shape else set()
    options = [word.removeprefix("--").removeprefix("no-").partition("=")[0] for word in rest if word.startswith("--")]
    return [f"no option --{option}" for option in options if option not in members | _AWS_EVERYWHERE]
