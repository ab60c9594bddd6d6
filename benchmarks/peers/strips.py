"""The composite in plain numpy, strip by strip in a few threads, with the median of one's choice."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.windows import Window

from benchmarks.peers.cogs import write_cogs
from benchmarks.workload import CLEAR, BlendInputs

_ROWS: Final = 512
"""As the inputs' tiles are high: fewer would decode tiles twice."""
_NOT_CLEAR_RANK, _NO_RANK = np.int16(1 << 8), np.int16(1 << 9)

ClearMedian = Callable[[NDArray[Any], NDArray[np.bool_]], NDArray[np.float32]]
"""(dates, rows, columns) values and where they are clear → (rows, columns), NaN where none is."""


def blend_by_strips(inputs: BlendInputs, out: Path, threads: int, median: ClearMedian) -> None:
    """All five products."""
    shape = inputs.size, inputs.size
    products: dict[str, NDArray[Any]] = {
        "LCF": np.empty(shape, inputs.dtype),
        "MED": np.empty(shape, inputs.dtype),
        "CLEAROB": np.empty(shape, np.uint8),
        "TOTALOB": np.empty(shape, np.uint8),
        "PROVENANCE": np.empty(shape, np.int16),
    }
    reader = StripReader(inputs)
    with ThreadPoolExecutor(threads) as pool, warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # pixels without a clear date

        def work(rows: slice) -> None:
            values, quality = reader.read(rows)
            for name, strip in composited(inputs, values, quality, median).items():
                products[name][rows] = strip

        list(pool.map(work, reader.strips()))
    write_cogs(out, products, inputs.dates[0].band, threads)


def composited(
    inputs: BlendInputs, values: NDArray[Any], quality: NDArray[np.uint8], median: ClearMedian
) -> dict[str, NDArray[Any]]:
    """The products of a strip: values and classes are (dates, rows, columns), best date first."""
    clear = np.isin(quality, CLEAR)
    there = values != inputs.nodata
    clear &= there
    middle = median(values, clear)
    rank = np.arange(len(values), dtype=np.int16)[:, None, None]
    preference = np.where(clear, rank, np.where(there, rank + _NOT_CLEAR_RANK, _NO_RANK)).min(axis=0)
    nothing = preference == _NO_RANK
    best = np.where(nothing, 0, preference % _NOT_CLEAR_RANK)
    days = np.array([files.date.timetuple().tm_yday for files in inputs.ranked], dtype=np.int16)
    return {
        "LCF": np.where(nothing, inputs.nodata, np.take_along_axis(values, best[None], axis=0)[0]),
        "MED": np.where(np.isnan(middle), inputs.nodata, middle).astype(values.dtype),
        "CLEAROB": clear.sum(axis=0),
        "TOTALOB": there.sum(axis=0),
        "PROVENANCE": np.where(nothing, -1, days[best]),
    }


class StripReader:
    """Strips of all dates of a job, best date first; every thread has files of its own, open as long as the process."""

    def __init__(self, inputs: BlendInputs) -> None:
        self._inputs, self._of_thread = inputs, threading.local()

    def strips(self) -> list[slice]:
        """The rows to read at a time."""
        size = self._inputs.size
        return [slice(top, min(top + _ROWS, size)) for top in range(0, size, _ROWS)]

    def read(self, rows: slice) -> tuple[NDArray[Any], NDArray[np.uint8]]:
        """Values and classes: (dates, rows, columns)."""
        if not hasattr(self._of_thread, "files"):
            self._of_thread.files = [
                tuple(rasterio.open(path) for path in (files.band, files.quality)) for files in self._inputs.ranked
            ]
        window = Window(0, rows.start, self._inputs.size, rows.stop - rows.start)
        pairs = [
            (band.read(1, window=window), quality.read(1, window=window)) for band, quality in self._of_thread.files
        ]
        return np.stack([values for values, _ in pairs]), np.stack([quality for _, quality in pairs])
