"""The pages a new user reads first, run as they stand: one after the other, in one folder, on the embedded stack."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.docs.blocks import DOCS, REPOSITORY, Block, to_run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

IN_ORDER = ("index.md", "define.md", "build.md", "catalog.md", "watch.md")
COPIED = ("infra", "functions", "shared", "examples")


@dataclass
class Reader:
    """Somebody who types what a page says, in a checkout of their own."""

    root: Path
    folder: Path = field(init=False)

    def __post_init__(self) -> None:
        self.folder = self.root

    def types(self, block: Block) -> str:
        """What the commands print. The folder they end in is where the next ones begin.

        Raises:
            AssertionError: one of them failed.
        """
        answer = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", f"{block.text}\npwd > '{self.root}/.here'"],
            cwd=self.folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        said = answer.stdout + answer.stderr
        assert answer.returncode == 0, f"{block.place}\n{block.text}\n{said}"
        assert "Traceback" not in said, f"{block.place}\n{said}"
        self.folder = Path((self.root / ".here").read_text().strip())
        return said

    def _environment(self) -> dict[str, str]:
        # The copy's own package, also for the functions of its stack; nothing of whoever runs the test.
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "STRATOCUBE_"))}
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        return {**ours, "PATH": path, "PYTHONPATH": str(self.root / "shared"), "STRATOCUBE_PORT": "0", "NO_COLOR": "1"}


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    for name in COPIED:
        shutil.copytree(REPOSITORY / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", ".aws-sam"))
    reader = Reader(tmp_path)
    yield reader
    down = "stratocube down"
    reader.types(Block(Path(__file__), 0, "bash", down, "run", "embedded"))


def test_the_readme_commands_after_the_demo_work(reader: Reader) -> None:
    said = [reader.types(block) for block in to_run(REPOSITORY / "README.md", "readme")]
    assert "the embedded stack runs" in "".join(said)


def test_from_the_quick_start_to_repair_every_command_works_as_printed(reader: Reader) -> None:
    said = {page: [reader.types(block) for block in to_run(DOCS / page, "embedded")] for page in IN_ORDER}
    assert "SUCCEEDED" in said["index.md"][-1]
    assert "resolution" in said["define.md"][-1]
    assert (reader.root / "my-cube" / "merged.tif").stat().st_size > 10_000
    assert "S2-1M_V1_000000_20230801" in said["catalog.md"][-1]
    assert "no failures" in "".join(said["watch.md"])
    assert "CANCELLED" in said["watch.md"][0]
    assert "has ended" in said["watch.md"][-1]
