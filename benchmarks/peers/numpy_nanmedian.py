"""numpy's nanmedian, strip by strip."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.strips import blend_by_strips
from benchmarks.workload import BlendInputs


def clear_median(values: NDArray[Any], clear: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Median over the dates of the clear values, NaN where none is."""
    return np.asarray(np.nanmedian(np.where(clear, values, np.float32(np.nan)), axis=0))


def blend(inputs: BlendInputs, out: Path, threads: int) -> None:
    blend_by_strips(inputs, out, threads, clear_median)
