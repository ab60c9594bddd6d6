"""``stratocube init``: a small example to begin with, that works without network."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from stratocube.cli.options import AsJson
from stratocube.cli.session import explained, print_json
from stratocube.errors import InvalidRequest
from stratocube.local.project import find_project

EXAMPLE = Path(__file__).parent / "example"
FOLDER = "my-cube"
STEPS = (
    ("stratocube up", "start a stack on this machine; skip it if you have one on AWS"),
    ("stratocube grid create grid.yaml", "the tiles"),
    ("stratocube cube create cube.yaml", "the definition"),
    ("stratocube start start.yaml --watch", "build a month"),
    ("stratocube quicklook S2-1M-1", "look at it"),
)
_SCENES = "scenes"


def init(
    directory: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help=f"Folder to write, new or empty [default: {FOLDER}]")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write an example to begin with: a grid, a cube, a start request, all with comments, and small real scenes.

    Nothing is overwritten, nothing is fetched from the network. In a terminal without DIR it asks for the folder.

    Example: stratocube init my-cube && cd my-cube && stratocube up
    """
    with explained():
        folder = directory or _asked_for()
        written = write_example(folder, find_project().demo / _SCENES)
        if as_json:
            print_json({"folder": str(folder), "files": written, "next": [command for command, _ in STEPS]})
            return
        typer.echo(f"wrote {len(written)} files to {folder}: {', '.join(name for name in written if '/' not in name)}")
        typer.echo("Read them (they are short), then:\n")
        width = max(len(command) for command, _ in STEPS)
        typer.echo(f"  cd {folder}")
        for command, why in STEPS:
            typer.echo(f"  {command:<{width}}  # {why}")


def write_example(folder: Path, scenes: Path) -> list[str]:
    """Write the example's files; their names below ``folder``.

    Raises:
        InvalidRequest: the folder holds something already.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InvalidRequest(f"{folder} is there already and not empty: name another folder", field="DIR")
    folder.mkdir(parents=True, exist_ok=True)
    for source in sorted(EXAMPLE.glob("*.yaml")):
        shutil.copyfile(source, folder / source.name)
    shutil.copytree(scenes, folder / _SCENES)
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def _asked_for() -> Path:
    if not sys.stdin.isatty():
        return Path(FOLDER)
    return Path(typer.prompt("Folder", default=FOLDER))
