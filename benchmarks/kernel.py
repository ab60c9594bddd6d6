"""Compositing alone: pixels and classes in memory → LCF, MED, CLEAROB, TOTALOB and PROVENANCE, in one thread.

No files, no decoding: :func:`stratocube.pixels.blend_window.blend_window` with a reader that hands out arrays.
Judging the classes (clear, not clear, nodata) is part of it.
"""

from __future__ import annotations

import datetime as dt
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from benchmarks.peers.ours import MASK
from benchmarks.process import JobClock
from benchmarks.terrain import CLOUD, LAND, SHADOW, UNSEEN
from stratocube.pixels.blend_plan import Observation, make_plan
from stratocube.pixels.blend_window import blend_window
from stratocube.pixels.median import Workspace
from stratocube.pixels.stack import StackReader

DTYPES: Final = ("int16", "uint16", "float32")
COUNTS: Final = (8, 12, 16, 24)
ROWS, COLUMNS = 512, 1024
"""Two blocks of a COG: what is composited at a time where every date is read."""

_NODATA: Final[Mapping[str, float]] = {"int16": -9999, "uint16": 0, "float32": -9999}
_CLEAR_SHARE, _SWATH_SHARE = 0.55, 0.1


@dataclass(frozen=True)
class Stack:
    """Dates in rank order: (rows, columns) each."""

    values: list[NDArray[Any]]
    quality: list[NDArray[np.uint8]]
    nodata: float


class MemoryReader:
    """Stands in for :class:`stratocube.pixels.stack.StackReader`: paths are ``band/<n>`` and ``quality/<n>``."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def read(self, path: str, window: Window) -> NDArray[Any]:
        kind, number = path.split("/")
        layers: Sequence[NDArray[Any]] = self._stack.values if kind == "band" else self._stack.quality
        return layers[int(number)]

    def nodata(self, path: str) -> float | None:
        return self._stack.nodata if path.startswith("band") else MASK.nodata


def make_stack(dates: int, dtype: str, *, seed: int = 5) -> Stack:
    """Noise with clouds in lumps of 16 pixels and a swath's edge at every fifth date."""
    rng = np.random.default_rng(seed)
    nodata = _NODATA[dtype]
    values, quality = [], []
    for date in range(dates):
        seen = rng.integers(1, 10_000, (ROWS, COLUMNS)).astype(dtype)
        lumps = rng.random((ROWS // 16, COLUMNS // 16)).repeat(16, 0).repeat(16, 1)
        classes = np.where(lumps < _CLEAR_SHARE, LAND, np.where(lumps < 0.9, CLOUD, SHADOW)).astype(np.uint8)
        if date % 5 == 0:
            edge = int(COLUMNS * _SWATH_SHARE)
            seen[:, :edge], classes[:, :edge] = nodata, UNSEEN
        values.append(seen / np.float32(10_000) if dtype == "float32" else seen)
        if dtype == "float32":
            values[-1][classes == UNSEEN] = nodata
        quality.append(classes)
    return Stack(values, quality, nodata)


def observations_of(stack: Stack) -> list[Observation]:
    """The dates as the blend takes them, in rank order."""
    return [
        Observation(
            date=dt.date(2023, 1, 1) + dt.timedelta(days=5 * number),
            band=f"band/{number}",
            quality=f"quality/{number}",
            efficacy=100.0 - number,
            resolution=10,
        )
        for number in range(len(stack.values))
    ]


def composite_all(stack: Stack, workspace: Workspace) -> dict[str, NDArray[Any]]:
    """All five products of a block, by name."""
    plan = make_plan(
        observations_of(stack),
        ("LCF", "MED"),
        MASK,
        stack.values[0].dtype,
        stack.nodata,
        layers=True,
        quality_nodata=None,
        valid_range=None,
        sources=(),
        reference_day=None,
        period_start=None,
    )
    shape = stack.values[0].shape
    into = {product.name: np.empty(shape, product.dtype) for product in plan.products}
    # Anything with StackReader's read and nodata will do.
    blend_window(plan, cast(StackReader, MemoryReader(stack)), Window(0, 0, shape[1], shape[0]), into, workspace)
    return into


def nanoseconds(dates: int, dtype: str, *, repeats: int) -> float:
    """Per pixel and date: median of several runs of CPU time."""
    stacks = [make_stack(dates, dtype, seed=seed) for seed in range(4)]
    workspace = Workspace()
    composite_all(stacks[0], workspace)
    taken = []
    for repeat in range(repeats):
        started = time.thread_time_ns()
        composite_all(stacks[repeat % len(stacks)], workspace)
        taken.append(time.thread_time_ns() - started)
    return median(taken) / (ROWS * COLUMNS * dates)


def main() -> None:
    """All types and counts; reports ``{dtype: {N: ns}}`` to the parent process."""
    clock = JobClock()
    repeats = int(sys.argv[1])
    clock.report(
        {
            dtype: {str(count): round(nanoseconds(count, dtype, repeats=repeats), 3) for count in COUNTS}
            for dtype in DTYPES
        }
    )


if __name__ == "__main__":
    main()
