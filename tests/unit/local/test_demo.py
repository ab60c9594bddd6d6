from __future__ import annotations

import signal
import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stratocube import __version__
from stratocube.cli.main import app
from stratocube.errors import InvalidRequest, NotFound
from stratocube.local.demo import clear_away, run_demo
from stratocube.local.project import Project, find_project
from stratocube.local.stack import local_parameters

ROOT = Path(__file__).parents[3]


def test_a_port_in_use_ends_the_command_with_a_clear_message(tmp_path: Path) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = CliRunner().invoke(
            app, ["demo", "--output", str(tmp_path / "out")], env={"STRATOCUBE_PORT": str(port)}
        )
    assert result.exit_code == 1
    assert f"error: port {port} of 127.0.0.1 is in use" in result.output
    assert "Traceback" not in result.output
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


def test_a_folder_with_things_no_demo_made_is_not_touched(tmp_path: Path) -> None:
    precious = tmp_path / "thesis.txt"
    precious.write_text("chapter one")
    with pytest.raises(InvalidRequest, match=r"output: .* holds what no demo made: name another folder"):
        run_demo(Project(ROOT), port=0, output=tmp_path)
    assert precious.read_text() == "chapter one"


def test_clearing_away_removes_what_demos_wrote_and_nothing_else(tmp_path: Path) -> None:
    for name in (".stratocube/emulator.log", "demo-output/summary.json", "README.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert clear_away(Project(tmp_path)) == [
        f"removed {tmp_path / '.stratocube'}",
        f"removed {tmp_path / 'demo-output'}",
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]
    assert clear_away(Project(tmp_path)) == ["there was nothing to clear away"]


def test_the_version_is_printed() -> None:
    assert CliRunner().invoke(app, ["version"]).output == f"{__version__}\n"


def test_a_checkout_is_found_from_inside_and_from_the_package(tmp_path: Path) -> None:
    assert find_project(ROOT / "examples" / "demo").root == ROOT
    # this package is installed from the checkout
    assert find_project(tmp_path).root == ROOT


def test_a_package_that_is_in_no_checkout_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stratocube.local.project.__file__", str(tmp_path / "a" / "b" / "c" / "project.py"))
    with pytest.raises(NotFound, match="is in no checkout of stratocube"):
        find_project(tmp_path)


@pytest.mark.parametrize(("cores", "at_once"), [(1, "2"), (2, "2"), (4, "3"), (16, "9")])
def test_functions_at_once_follow_the_cores(cores: int, at_once: str) -> None:
    assert local_parameters(cores) == {
        "RequireTls": "false",
        "UnitConcurrency": "2",
        "MergeConcurrency": at_once,
        "BlendConcurrency": at_once,
        "SettleSeconds": "0",
    }
