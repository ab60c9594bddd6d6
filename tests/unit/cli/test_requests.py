"""Request files: YAML reads as JSON does, and what cannot be read is told in a way that helps."""

from __future__ import annotations

from pathlib import Path

import pytest

from stratocube.cli.requests import read_request
from stratocube.errors import InvalidRequest


def read(folder: Path, text: str, name: str = "request.yaml") -> dict[str, object]:
    path = folder / name
    path.write_text(text)
    return read_request(path)


def test_yaml_has_comments_and_the_values_of_json(tmp_path: Path) -> None:
    text = """
# a comment
tiles: [011009, "011007", 011007]   # PyYAML itself reads the last one as 4615
start_date: 2023-08-01
step: 16
nodata: -9999
scale: 0.0001
small: 1e-4
force: true
country: no
time: 12:30
nothing: null
empty:
projection: +proj=laea +lat_0=46
"""
    assert read(tmp_path, text) == {
        "tiles": ["011009", "011007", "011007"],
        "start_date": "2023-08-01",
        "step": 16,
        "nodata": -9999,
        "scale": 0.0001,
        "small": 0.0001,
        "force": True,
        "country": "no",
        "time": "12:30",
        "nothing": None,
        "empty": None,
        "projection": "+proj=laea +lat_0=46",
    }


def test_json_is_read_as_json(tmp_path: Path) -> None:
    assert read(tmp_path, '{"tiles": ["011009"]}', "request.json") == {"tiles": ["011009"]}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.yaml", "tiles: [", "cannot be read as YAML: .*line 1"),
        ("a.yml", "- 1", "holds no YAML object"),
        ("a.yaml", "a: !!python/object/apply:os.system ['true']", "cannot be read as YAML"),
        ("a.json", "tiles: 1", "cannot be read as JSON"),
        ("a.json", "[1]", "holds no JSON object"),
    ],
)
def test_what_is_no_request_is_refused(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        read(tmp_path, text, name)


def test_a_file_that_is_not_there_is_answered_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="stratocube init"):
        read_request(tmp_path / "cube.yaml")
    for name in ("cube.yml", "grid.json", "notes.txt"):
        (tmp_path / name).touch()
    with pytest.raises(InvalidRequest, match=r"no file .*cube\.yaml; .* has cube\.yml, grid\.json$"):
        read_request(tmp_path / "cube.yaml")
