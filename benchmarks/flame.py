"""A picture of where a step spends its time, for the documents: ``python -m benchmarks.flame FOLDED OUT.svg TITLE``.

FOLDED comes from py-spy, which is installed apart (``pip install py-spy``)::

    py-spy record --native --rate 200 --format raw -o merge.folded -- python -m benchmarks.flame --run merge INPUTS

What is drawn is one row a call, from the outermost down, as wide as its share of the samples. Frames of a compiled
library are drawn as one, by the library's name; threads that wait, and imports, are left out; so are narrow calls.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.memory_sizes import JOBS

_WIDTH, _ROW, _HEAD = 1000, 17, 26
_NARROW: Final = 0.004
_PYTHON: Final = re.compile(r"^(?P<name>\S+) \((?P<file>[^():]+\.py):\d+\)$")
_OUTER: Final = re.compile(r"threading\.py|concurrent/futures|<module>|runpy|_run_code|_run_module")
_WAITING: Final = ("wait (", "_wait_for_tstate_lock", "result (concurrent", "acquire", "result_iterator")
_LIBRARIES: Final = {
    "libdeflate": "DEFLATE (libdeflate)",
    "libz": "DEFLATE (zlib)",
    "libtiff": "TIFF (libtiff)",
    "libgdal": "GDAL",
    "libproj": "projections (PROJ)",
    "_multiarray_umath": "numpy",
    "isal_zlib": "DEFLATE (ISA-L)",
}


@dataclass
class Call:
    """A call and what it called."""

    samples: int = 0
    calls: dict[str, Call] = field(default_factory=dict)

    def add(self, stack: list[str], samples: int) -> None:
        """Count samples of a stack, outermost call first."""
        self.samples += samples
        if stack:
            self.calls.setdefault(stack[0], Call()).add(stack[1:], samples)


def tree(folded: str) -> Call:
    """The calls of lines ``outermost;…;innermost samples``."""
    root = Call()
    for line in folded.splitlines():
        text, _, samples = line.rpartition(" ")
        frames = text.split(";")
        if any("importlib" in frame or "acquire_lock" in frame for frame in frames):
            continue
        if any(mark in frames[-1] for mark in _WAITING):
            continue
        stack = list(_named(frames))
        if stack:
            root.add(stack, int(samples))
    return root


def _named(frames: list[str]) -> Iterator[str]:
    last = ""
    for frame in frames:
        name = _name(frame)
        if name and name != last:
            yield name
            last = name


def _name(frame: str) -> str:
    """How a frame is drawn; empty for one that says nothing."""
    if python := _PYTHON.match(frame):
        if _OUTER.search(frame):
            return ""
        file = "/".join(Path(python["file"]).parts[-2:])
        return f"{python['name']} ({file})"
    for library, name in _LIBRARIES.items():
        if library in frame:
            return name
    return ""


def svg(root: Call, title: str) -> str:
    """The picture."""
    shapes = list(_shapes(root, 0.0, 0, root.samples))
    height = _HEAD + _ROW * (1 + max(row for _, _, row, _, _ in shapes))
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        'font-family="sans-serif" font-size="11">',
        f'<rect width="{_WIDTH}" height="{height}" fill="white"/>',
        f'<text x="4" y="17" font-size="14">{escape(title)}</text>',
    ]
    for left, width, row, name, share in shapes:
        x, y, w = left * _WIDTH, _HEAD + row * _ROW, max(width * _WIDTH - 0.5, 0.5)
        lines.append(
            f'<g><title>{escape(name)}: {share:.1%}</title><rect x="{x:.1f}" y="{y}" width="{w:.1f}" '
            f'height="{_ROW - 1}" fill="{_colour(name)}"/>'
        )
        if room := int((w - 6) / 6):
            label = f"{name} {share:.0%}"
            lines.append(f'<text x="{x + 3:.1f}" y="{y + 12}">{escape(label[:room])}</text>')
        lines.append("</g>")
    return "\n".join([*lines, "</svg>"]) + "\n"


def _shapes(call: Call, left: float, row: int, whole: int) -> Iterator[tuple[float, float, int, str, float]]:
    for name, inner in sorted(call.calls.items(), key=lambda pair: -pair[1].samples):
        width = inner.samples / whole
        if width >= _NARROW:
            yield left, width, row, name, width
            yield from _shapes(inner, left, row + 1, whole)
        left += width


def _colour(name: str) -> str:
    if name in _LIBRARIES.values():
        return "#f2a65a" if name.startswith("DEFLATE") else "#8fb8de" if name == "numpy" else "#e6cf6b"
    return "#b7d7a8" if "stratocube" in name or "pixels/" in name else "#dddddd"


def main() -> None:
    if sys.argv[1] == "--run":
        with TemporaryDirectory() as out:
            JOBS[sys.argv[2]](Path(sys.argv[3]), Path(out), 2)
        return
    folded, out, title = sys.argv[1:4]
    Path(out).write_text(svg(tree(Path(folded).read_text()), title))


if __name__ == "__main__":
    main()
