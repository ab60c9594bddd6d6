"""The fenced blocks of README and documents, each with what its page's source says of it.

A comment right above a fence tells how the block is held true; it shows neither on GitHub nor on the site:

* ``<!-- run: NAME -->``: it is run, by the test that runs the blocks of that name.
* ``<!-- json: MODEL -->``: it is what MODEL takes or gives.
* ``<!-- not run: WHY -->``: it is not run, for a reason; it is parsed by the command it calls.

Python needs no comment: all of it runs (tests/unit/test_examples.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
DOCS = REPOSITORY / "docs"
_COMMENT = re.compile(r"^<!-- (run|json|not run): (.+?) -->$")
_FENCE = re.compile(r"^(?P<indent> *)(?P<fence>`{3,})(?P<language>\S*)(?P<rest>.*)$")

# The README is shown by package indexes too, some of which show comments: what is not said in it is said here, by the
# first line of the block.
_README = {
    "make demo": ("not run", ".ci/run runs it first of all, with nothing installed"),
    "stratocube up": ("run", "readme"),
    "cd infra": ("not run", "docs/deploy.md has the same commands, run there"),
    "make test": ("not run", ".ci/run runs it"),
}


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    page: Path
    line: int
    """Of the fence, from 1."""
    language: str
    text: str
    kind: str | None
    """``run``, ``json`` or ``not run``; None where nothing is said."""
    note: str
    """What stands behind the kind."""

    @property
    def place(self) -> str:
        """Page and line."""
        return f"{self.page.relative_to(REPOSITORY)}:{self.line}"


def pages() -> list[Path]:
    """What is for readers: README, SECURITY, and all of docs."""
    return [REPOSITORY / "README.md", REPOSITORY / "SECURITY.md", *sorted(DOCS.rglob("*.md"))]


def blocks_of(page: Path) -> list[Block]:
    """The blocks of a page, in their order.

    Raises:
        ValueError: a fence that is never closed.
    """
    return list(_blocks(page, page.read_text(encoding="utf-8")))


def _blocks(page: Path, text: str) -> Iterator[Block]:
    lines = text.splitlines()
    said: re.Match[str] | None = None
    number = 0
    while number < len(lines):
        found = _FENCE.match(lines[number])
        if found is None:
            if lines[number].strip():
                said = _COMMENT.match(lines[number].strip())
            number += 1
            continue
        closing = found["indent"] + found["fence"]
        try:
            end = lines.index(closing, number + 1)
        except ValueError:
            raise ValueError(f"{page}:{number + 1}: the block is never closed") from None
        inside = [line.removeprefix(found["indent"]) for line in lines[number + 1 : end]]
        kind, note = (said[1], said[2]) if said else (None, "")
        if kind is None and inside and page == REPOSITORY / "README.md":
            kind, note = _README.get(inside[0].strip(), (None, ""))
        yield Block(page, number + 1, found["language"], "\n".join(inside) + "\n", kind, note)
        said, number = None, end + 1


def to_run(page: Path, name: str) -> list[Block]:
    """The blocks of a page that the test called ``name`` runs."""
    return [block for block in blocks_of(page) if block.kind == "run" and block.note == name]
