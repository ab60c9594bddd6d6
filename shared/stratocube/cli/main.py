"""``stratocube``: what can be done from a shell."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stratocube import __version__
from stratocube.errors import StratocubeError
from stratocube.local.demo import clear_away, run_demo
from stratocube.local.emulator import DEFAULT_PORT, PORT_VARIABLE
from stratocube.local.project import find_project

INTERRUPTED = 130
"""Exit code of a program that Ctrl-C ended, by the shell's convention."""

app = typer.Typer(
    help="Earth-observation data cubes on AWS without servers.", no_args_is_help=True, add_completion=False
)


@app.command()
def demo(
    port: Annotated[
        int,
        typer.Option(envvar=PORT_VARIABLE, min=0, max=65535, help="Port of the AWS emulator; 0 takes any free one."),
    ] = DEFAULT_PORT,
    output: Annotated[Path | None, typer.Option(help="Folder of the products [default: demo-output]")] = None,
) -> None:
    """Build two cubes of real Sentinel-2 scenes on this machine, without docker and without an AWS account."""
    try:
        run_demo(find_project(), port=port, output=output)
    except StratocubeError as error:
        _fail(str(error))
    except KeyboardInterrupt:
        typer.echo("\ninterrupted: the embedded stack is stopped", err=True)
        raise typer.Exit(INTERRUPTED) from None


@app.command("demo-down")
def demo_down() -> None:
    """End an emulator that a killed demo left behind, and remove what demos wrote."""
    try:
        for line in clear_away(find_project()):
            typer.echo(line)
    except StratocubeError as error:
        _fail(str(error))


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


def _fail(message: str) -> None:
    typer.echo(f"error: {message}", err=True)
    raise typer.Exit(1)


if __name__ == "__main__":
    app()
