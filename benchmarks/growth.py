"""How ours grows: CPU over dates and over pixels, and memory at the size of a Sentinel-2 tile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

import numpy as np

from benchmarks.process import Usage, run_module
from benchmarks.workload import BlendInputs, blend_inputs, folder_of

DATES: Final = (4, 8, 12, 16, 20, 24)
SIDES: Final = (1024, 1448, 2048, 2896)
"""Twice the pixels each."""
_SIDE_OF_DATES: Final = 2048
_DATES_OF_SIDES: Final = 12

Say = Callable[[str], None]


@dataclass(frozen=True)
class Line:
    """A straight line through measurements."""

    x: list[float]
    y: list[float]
    slope: float
    intercept: float
    r_squared: float
    """1: exactly straight."""

    @classmethod
    def through(cls, x: Sequence[float], y: Sequence[float]) -> Line:
        """Least squares."""
        slope, intercept = np.polyfit(x, y, 1)
        rest = np.asarray(y) - (slope * np.asarray(x) + intercept)
        spread = float(np.var(y))
        r_squared = 1.0 if spread == 0 else 1 - float(np.var(rest)) / spread
        return cls(list(x), list(y), float(slope), float(intercept), r_squared)


def over_dates(data: Path, out: Path, threads: int, rounds: int, say: Say, *, quick: bool) -> Line:
    """CPU seconds of the job over the number of dates, all on one tile."""
    counts = DATES[:4] if quick else DATES
    inputs = blend_inputs(data, size=_SIDE_OF_DATES // (2 if quick else 1), dates=counts[-1])
    return _measured([(float(count), inputs.first(count)) for count in counts], out, threads, rounds, say)


def over_pixels(data: Path, out: Path, threads: int, rounds: int, say: Say, *, quick: bool) -> Line:
    """CPU seconds of the job over megapixels of the tile, all with as many dates."""
    sides, dates = (SIDES[:3], 6) if quick else (SIDES, _DATES_OF_SIDES)
    stacks = [blend_inputs(data, size=side, dates=dates) for side in sides]
    return _measured([(stack.size**2 / 1e6, stack) for stack in stacks], out, threads, rounds, say)


def at_full_size(data: Path, out: Path, threads: int, say: Say, *, dates: int = 8, size: int = 10_980) -> Usage:
    """One composite of a whole Sentinel-2 tile."""
    inputs = blend_inputs(data, size=size, dates=dates)
    say(f"  {size}² × {dates} dates")
    return _blend(inputs, out, threads)


def _measured(stacks: Sequence[tuple[float, BlendInputs]], out: Path, threads: int, rounds: int, say: Say) -> Line:
    taken: dict[float, list[float]] = {x: [] for x, _ in stacks}
    for _ in range(rounds):
        for x, inputs in stacks:
            usage = _blend(inputs, out, threads)
            taken[x].append(usage.job_cpu_s)
            say(f"  {inputs.size}² × {len(inputs.dates)} dates: {usage.job_cpu_s:.2f} CPU s")
    return Line.through(list(taken), [round(median(runs), 4) for runs in taken.values()])


def _blend(inputs: BlendInputs, out: Path, threads: int) -> Usage:
    return run_module(
        "benchmarks.contender",
        [
            *("blend", "ours", str(folder_of(inputs)), str(out / "growth")),
            *("--threads", str(threads), "--dates", str(len(inputs.dates))),
        ],
    )
