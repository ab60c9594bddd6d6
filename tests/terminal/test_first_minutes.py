"""A new user's first minutes, in a real terminal: from ``stratocube init`` to a picture.

What is typed here is what ``stratocube init`` says to type. The stack runs from a copy of the checkout, so that one of
the user's own is left alone.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pexpect
import pytest
from PIL import Image

pytestmark = pytest.mark.slow

CHECKOUT = Path(__file__).parents[2]
NEEDED = ("shared", "functions", "infra", "examples")
CUBE = "S2-1M-1"
_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b\]\d+;[^\a]*\a|\r")
_PROMPT = re.compile(r"<(\d+)> ")


class Terminal:
    """A shell in a terminal of 120 x 40 characters with all colours."""

    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        self._shell = pexpect.spawn(
            "bash",
            ["--norc", "--noprofile"],
            cwd=str(folder),
            env=env,
            dimensions=(40, 120),
            encoding="utf-8",
            echo=False,
        )
        self._shell.setwinsize(40, 120)
        self._shell.sendline("PS1='<$?> '; PS2=''; bind 'set enable-bracketed-paste off'")
        self._shell.expect(r"<0> ")

    def type(self, line: str, *, seconds: float = 60, answers: dict[str, str] | None = None) -> tuple[int, str]:
        """Type a line, answer what is asked; the exit code, and what was shown, colours and all."""
        self._shell.sendline(line)
        for question, answer in (answers or {}).items():
            self._shell.expect_exact(question, timeout=seconds)
            self._shell.sendline(answer)
        self._shell.expect(_PROMPT, timeout=seconds)
        return int(self._shell.match.group(1)), str(self._shell.before)

    def interrupt(self, line: str, shown: str) -> tuple[int, str]:
        """Type a line, press Ctrl-C once a text is shown; the exit code, and what was shown after."""
        self._shell.sendline(line)
        self._shell.expect_exact(shown, timeout=120)
        self._shell.sendcontrol("c")
        self._shell.expect(_PROMPT, timeout=60)
        return int(self._shell.match.group(1)), str(self._shell.before)

    def complete(self, beginning: str, expected: str) -> None:
        """Press the tab key twice, wait for a text, and wipe the line."""
        self._shell.send(f"{beginning}\t\t")
        self._shell.expect_exact(expected, timeout=60)
        self._shell.sendcontrol("c")
        self._shell.expect(_PROMPT, timeout=60)

    def close(self) -> None:
        self._shell.close(force=True)


def plain(text: str) -> str:
    """What is left without colours and movements of the cursor."""
    return _ESCAPE.sub("", text)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    copy = tmp_path / "checkout"
    for name in NEEDED:
        shutil.copytree(CHECKOUT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
    home = tmp_path / "home"
    home.mkdir()
    env = {
        "HOME": str(home),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(copy / "shared"),
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "LANG": "C.UTF-8",
    }
    opened = Terminal(copy, env)
    try:
        yield opened
    finally:
        opened.close()
        subprocess.run(["stratocube", "down"], cwd=copy, env=env, check=True, capture_output=True)


def test_from_nothing_to_a_picture(terminal: Terminal, tmp_path: Path) -> None:
    code, shown = terminal.type("stratocube init", answers={"Folder [my-cube]: ": "slovenia"})
    assert code == 0
    commands = re.findall(r"^  (stratocube .*?)  +#", plain(shown), re.MULTILINE)
    assert [command.split()[1] for command in commands] == ["up", "grid", "cube", "start", "quicklook"]
    up, grid, cube, start, quicklook = commands
    folder = tmp_path / "checkout" / "slovenia"
    assert terminal.type("cd slovenia")[0] == 0

    code, shown = terminal.type(f"{up} --port 0", seconds=180)
    assert (code, "the embedded stack runs" in shown) == (0, True), plain(shown)
    code, shown = terminal.type("stratocube up --json | python -c 'import json, sys; print(*json.load(sys.stdin))'")
    assert (code, plain(shown)) == (0, "url api_key outputs\n"), "it runs already, and is left as it is"
    assert terminal.type(grid) == (0, "SLOVENIA_DEMO: 2 tiles\r\n")
    assert terminal.type(cube) == (0, f"created {CUBE}\r\n")

    code, shown = terminal.type(start, seconds=400)
    assert (code, "SUCCEEDED" in shown) == (0, True), plain(shown)
    for step, count in (("search", "2/2"), ("merge", "50/50"), ("blend", "12/12"), ("publish", "12/12")):
        assert re.search(rf"{step} +━+ {count}", plain(shown)), plain(shown)

    code, shown = terminal.type(f"stratocube items {CUBE}")
    items = re.findall(r"^(S2-1M_V1_\d{6}_20230801) ", plain(shown), re.MULTILINE)
    assert (code, items) == (0, ["S2-1M_V1_000000_20230801", "S2-1M_V1_000001_20230801"])

    code, shown = terminal.type(quicklook)
    assert code == 0, plain(shown)
    assert shown.count("▀") > 1000, "the picture is shown in the terminal"
    assert "\x1b[38;2;" in shown
    saved = re.search(r"saved: (\S+\.png)", plain(shown))
    assert saved is not None, plain(shown)
    picture = Path(saved[1])
    assert picture.parent == folder
    with Image.open(picture) as image:
        image.verify()
    with Image.open(picture) as image:
        pixels = np.asarray(image.convert("RGB"), dtype=np.float64)
    assert pixels.shape[0] == 768
    assert pixels.std() > 5, "there is something to see"

    code, shown = terminal.interrupt(f"{start} --force", "search")
    assert code == 130, plain(shown)
    goes_on = re.search(r"the build goes on: .*`stratocube cancel (\S+)`", plain(shown))
    assert goes_on is not None, plain(shown)
    code, shown = terminal.type(f"stratocube cancel {goes_on[1]}")
    assert (code, f"build {goes_on[1]} is CANCELLED" in plain(shown)) == (0, True), plain(shown)

    code, shown = terminal.type("stratocube doctor")
    assert (code, plain(shown).rstrip().endswith("nothing is broken")) == (0, True), plain(shown)
    assert terminal.type('eval "$(stratocube --show-completion bash)"')[0] == 0
    terminal.complete("stratocube sta", "status")
    code, shown = terminal.type(f"stratocube items {CUBE.lower()}")
    assert (code, f"Did you mean {CUBE}?" in plain(shown).replace("\n", "")) == (2, True)
    assert terminal.type("stratocube down") == (0, "the embedded stack has ended\r\n")
    code, shown = terminal.type(f"stratocube items {CUBE}")
    assert (code, "stratocube up" in plain(shown).replace("\n", "")) == (3, True)
