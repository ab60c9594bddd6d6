"""``stratocube init``: the example is right, and nothing is overwritten."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stratocube.cli.main import app
from stratocube.cli.requests import read_request
from stratocube.cube.definition import CubeDefinition
from stratocube.cube.grid_creation import create_grids
from stratocube.cube.requests import GridRequest, StartRequest


def test_the_example_is_a_grid_a_cube_and_a_build_of_it(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "cube"
    answer = CliRunner().invoke(app, ["init", str(folder), "--json"])
    assert answer.exit_code == 0, answer.output
    said = json.loads(answer.stdout)
    assert sorted(said["files"]) == sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )
    ((grid, tiles),) = create_grids(GridRequest.parse(read_request(folder / "grid.yaml")))
    cube = CubeDefinition.parse(read_request(folder / "cube.yaml"))
    start = read_request(folder / "start.yaml")
    items = json.loads((folder / start["stac_url"]).read_text())["features"]
    assert cube.grs == grid.name
    assert start["datacube"] == cube.id
    assert set(start["tiles"]) <= {tile.id for tile in tiles}
    assert StartRequest.parse(start | {"stac_url": "s3://bucket/items.json"}).units(cube)
    assert all((folder / "scenes" / asset["href"]).is_file() for item in items for asset in item["assets"].values())
    assert said["next"][-1] == f"stratocube quicklook {cube.id}"


def test_without_a_terminal_nothing_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    answer = CliRunner().invoke(app, ["init"])
    assert answer.exit_code == 0, answer.output
    assert (tmp_path / "my-cube" / "cube.yaml").is_file()
    assert "stratocube start start.yaml --watch" in answer.stdout


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    answer = CliRunner().invoke(app, ["init", str(tmp_path)])
    assert (answer.exit_code, "not empty" in answer.stderr) == (2, True)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
