"""One job done by one contender, with a clock around it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from rasterio.warp import transform

from benchmarks.peers import PRODUCTS
from benchmarks.process import JobClock
from benchmarks.workload import ALBERS, load_blend, load_merge


def run_job(
    contender: Callable[..., None], job: str, inputs: Path, out: Path, *, threads: int, dates: int | None
) -> None:
    """Do it and report to the parent process: what it took, and the size of each file.

    ``dates``: only so many of the inputs' dates (a blend alone).
    """
    given: tuple[Any, ...]
    if job == "merge":
        given = (load_merge(inputs),)
    else:
        stack = load_blend(inputs)
        given = (stack if dates is None else stack.first(dates),)
    if job == "encode":
        # Mapped: these are no files that anybody would have to read.
        products = {name: np.load(inputs / f"{name}.npy", mmap_mode="r") for name in PRODUCTS}
        given = products, stack.dates[0].band
    transform("EPSG:32722", ALBERS, [6e5], [8.8e6])  # PROJ reads its database: a megabyte that is no pixel
    clock = JobClock()
    contender(*given, out, threads)
    clock.report({path.name: path.stat().st_size for path in sorted(out.glob("*.tif"))})
