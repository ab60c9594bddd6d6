"""Commands against the real API: what they print, and the code they end with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from stratocube.cli.main import app
from stratocube.client.connection import LocalRecord
from tests.unit.api.api_client import Client
from tests.unit.api.conftest import client, stack  # noqa: F401 - fixtures
from tests.unit.api.forms import cube_form, grid_form, start_form
from tests.unit.cli.served import KEY, served

GRID, CUBE, START = grid_form(), cube_form(), start_form()
GRID_NAME = "BRAZIL_SM"


class Shell:
    """A user's shell."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder

    def run(self, *words: str, url: str | None = None, key: str = KEY, given: str | None = None) -> Result:
        return CliRunner().invoke(app, ["--url", url or self.url, "--api-key", key, *words], input=given)

    def file(self, name: str, content: Any) -> str:
        path = self.folder / name
        path.write_text(json.dumps(content))
        return str(path)


@pytest.fixture
def shell(client: Client, tmp_path: Path) -> Iterator[Shell]:  # noqa: F811 - the fixture
    with served(client) as url:
        yield Shell(url, tmp_path)


@pytest.fixture
def started(shell: Shell) -> tuple[Shell, str]:
    """A shell, and a build that was started in it."""
    shell.run("grid", "create", shell.file("grid.json", GRID))
    shell.run("cube", "create", shell.file("cube.json", CUBE))
    answer = shell.run("start", shell.file("start.json", START), "--json")
    assert answer.exit_code == 0, answer.output
    return shell, json.loads(answer.stdout)["build_id"]


def test_from_a_grid_to_a_build(shell: Shell) -> None:
    made = shell.run("grid", "create", shell.file("grid.json", GRID))
    assert (made.exit_code, made.stdout.splitlines()[0].split(":")[0]) == (0, GRID_NAME)
    assert GRID_NAME in shell.run("grid", "list").stdout
    assert "south" in shell.run("grid", "show", GRID_NAME).stdout
    cube = shell.run("cube", "create", "-", given=json.dumps(CUBE))
    cube_id = f"{CUBE['datacube']}-{CUBE['version']}"
    assert (cube.exit_code, cube.stdout) == (0, f"created {cube_id}\n")
    assert cube_id in shell.run("cube", "list").stdout
    assert json.loads(shell.run("cube", "show", cube_id).stdout)["datacube"] == CUBE["datacube"]
    start = shell.run("start", shell.file("start.json", START))
    assert start.exit_code == 0
    assert start.stdout.startswith("started build ")


def test_periods_of_a_cube(started: tuple[Shell, str]) -> None:
    shell, _ = started
    answer = shell.run("periods", f"{CUBE['datacube']}-{CUBE['version']}", "2023-01-01", "2023-02-28", "--json")
    assert answer.exit_code == 0, answer.output
    assert json.loads(answer.stdout)["timeline"][0][0] == "2023-01-01"


def test_a_dry_run_says_what_would_be_built_and_builds_nothing(started: tuple[Shell, str], client: Client) -> None:  # noqa: F811
    shell, build_id = started
    answer = shell.run("start", shell.file("start.json", START), "--dry-run")
    assert answer.exit_code == 0, answer.output
    assert answer.stdout.startswith("the request is right: ")
    assert "US dollars; --estimate says what of" in answer.stdout
    assert answer.stdout.endswith("nothing was built\n")
    assert client.launcher.launched == [build_id]


def test_a_build_is_shown_listed_and_cancelled(started: tuple[Shell, str]) -> None:
    shell, build_id = started
    cube_id = f"{CUBE['datacube']}-{CUBE['version']}"
    assert shell.run("status", build_id).stdout.startswith(f"build {build_id} of {cube_id}: QUEUED")
    assert build_id in shell.run("builds", cube_id).stdout
    cancelled = shell.run("cancel", build_id)
    assert cancelled.exit_code == 0
    assert cancelled.stdout.startswith(f"build {build_id} is CANCELLED; units: ")
    watched = shell.run("status", build_id, "--watch")
    assert (watched.exit_code, "CANCELLED" in watched.stdout) == (1, True)
    assert shell.run("failures", cube_id).stdout == "no failures\n"


def test_a_refused_request_names_the_field_and_ends_with_2(started: tuple[Shell, str]) -> None:
    shell, _ = started
    answer = shell.run("start", shell.file("bad.json", START | {"tiles": ["999999"]}))
    assert answer.exit_code == 2
    assert "tiles.0: " in answer.stderr
    assert "Traceback" not in answer.output


@pytest.mark.parametrize("content", ["{", "[1]"])
def test_a_file_that_is_no_request_ends_with_2(shell: Shell, content: str) -> None:
    answer = shell.run("start", "-", given=content)
    assert answer.exit_code == 2
    assert "JSON" in answer.stderr


def test_a_wrong_key_is_said(shell: Shell) -> None:
    answer = shell.run("cube", "list", key="wrong")
    assert (answer.exit_code, "403: Forbidden" in answer.stderr) == (2, True)


def test_no_answer_ends_with_3(shell: Shell) -> None:
    answer = shell.run("cube", "list", url="http://127.0.0.1:9/v1")
    assert (answer.exit_code, "nobody answers at http://127.0.0.1:9/v1" in answer.stderr) == (3, True)


def test_without_a_stack_the_ways_to_one_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stratocube.cli.session._state_dir", lambda: tmp_path)
    answer = CliRunner().invoke(app, ["cube", "list"])
    assert answer.exit_code == 3
    assert "stratocube up" in answer.stderr and "--stack" in answer.stderr


def test_the_stack_that_up_started_is_found(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = LocalRecord(shell.url, KEY, "http://127.0.0.1:1", "id", "secret", "us-east-1", {"CubeBucket": "cubes"})
    record.write(tmp_path)
    assert (tmp_path / "stack.json").stat().st_mode & 0o777 == 0o600
    assert LocalRecord.read(tmp_path) == record
    monkeypatch.setattr("stratocube.cli.session._state_dir", lambda: tmp_path)
    assert CliRunner().invoke(app, ["cube", "list"]).stdout == "no cubes\n"


def test_lists_longer_than_a_page_are_shown_whole(shell: Shell) -> None:
    names = [f"G{number:03d}" for number in range(101)]
    for name in names:
        assert shell.run("grid", "create", "-", given=json.dumps(grid_form(names=[name]))).exit_code == 0
    found = [grid["name"] for grid in json.loads(shell.run("grid", "list", "--json").stdout)]
    assert found == names


def test_a_name_that_is_not_there_is_answered_with_those_that_are_alike(started: tuple[Shell, str]) -> None:
    shell, _ = started
    cube_id = f"{CUBE['datacube']}-{CUBE['version']}"
    answer = shell.run("cube", "show", cube_id.lower())
    assert (answer.exit_code, f"Did you mean {cube_id}?" in answer.stderr) == (2, True)
    assert f"Did you mean {cube_id}?" in shell.run("builds", cube_id.lower()).stderr
    assert f"Did you mean {GRID_NAME}?" in shell.run("grid", "show", GRID_NAME.replace("_", "")).stderr
    assert "Did you mean" not in shell.run("cube", "show", "entirely-other-9").stderr


def test_a_cube_that_was_shown_can_be_changed_and_sent_back(started: tuple[Shell, str]) -> None:
    shell, _ = started
    cube_id = f"{CUBE['datacube']}-{CUBE['version']}"
    shown = json.loads(shell.run("cube", "show", cube_id).stdout)
    same = shell.run("cube", "update", cube_id, shell.file("same.json", shown))
    assert (same.exit_code, same.stdout) == (0, f"{cube_id} is so already\n"), same.output
    changed = shell.run("cube", "update", cube_id, shell.file("new.json", shown | {"title": "Another title"}))
    assert (changed.exit_code, changed.stdout) == (0, f"updated {cube_id}: title\n"), changed.output
    assert json.loads(shell.run("cube", "show", cube_id).stdout)["title"] == "Another title"
    refused = shell.run("cube", "update", cube_id, shell.file("other.json", {"resolution": 77}))
    assert (refused.exit_code, "resolution" in refused.stderr) == (2, True), refused.output
