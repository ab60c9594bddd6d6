"""What all commands have in common: help that teaches, --json, exit codes, quick start, completion."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest
import typer
from typer.testing import CliRunner

from stratocube.cli.main import app
from stratocube.cli.options import Following, with_following
from stratocube.cli.session import EXIT_CODES

HEAVY = ("boto3", "botocore", "rasterio", "numpy", "pydantic", "shapely", "yaml", "PIL", "aws_lambda_powertools")


def commands(group: click.Group, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, *path, name)  # type: ignore[arg-type]  # a group has commands
        else:
            yield (*path, name), command


COMMANDS = dict(commands(typer.main.get_group(app)))


def words(text: str) -> str:
    """Text as one line, without the frames of the help."""
    return " ".join(text.replace("│", " ").split())


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_teaches_with_an_example_and_states_its_exit_codes(path: tuple[str, ...]) -> None:
    answer = CliRunner().invoke(app, [*path, "--help"], terminal_width=200)
    assert answer.exit_code == 0
    shown = words(answer.stdout)
    assert f"Example: stratocube {' '.join(path)}" in shown or (
        "Example: " in shown and f"stratocube {' '.join(path)}" in shown.partition("Example: ")[2]
    )
    assert words(EXIT_CODES) in shown


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_prints_json_when_asked(path: tuple[str, ...]) -> None:
    assert "--json" in [option for parameter in COMMANDS[path].params for option in parameter.opts]


def test_the_help_loads_nothing_it_does_not_need() -> None:
    code = f"""
import sys
from stratocube.cli.main import app
try:
    app(["--help"])
finally:
    print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stderr.strip() == "[]"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_knows_the_commands(shell: str) -> None:
    asked = {
        "_STRATOCUBE_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": "stratocube sta",
        "COMP_CWORD": "1",
        "_TYPER_COMPLETE_ARGS": "stratocube sta",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    code = "from stratocube.cli.main import app; app(prog_name='stratocube')"
    ended = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | asked, capture_output=True, text=True, check=False
    )
    assert {"start", "status", "stale"} <= {
        word for line in ended.stdout.splitlines() for word in line.replace('"', " ").replace(":", " ").split()
    }, ended


def test_the_options_for_following_a_build_are_said_once_and_arrive_together() -> None:
    seen: list[tuple[str, Following]] = []

    @with_following
    def build(name: str, *, following: Following) -> None:
        """Build."""
        seen.append((name, following))

    one = typer.Typer()
    one.command()(build)
    runner = CliRunner()
    assert runner.invoke(one, ["a"]).exit_code == 0
    assert runner.invoke(one, ["b", "--watch", "--timeout", "5", "--json"]).exit_code == 0
    assert runner.invoke(one, ["c", "--timeout", "0"]).exit_code == 2
    assert seen == [("a", Following()), ("b", Following(watch=True, timeout=5, as_json=True))]
