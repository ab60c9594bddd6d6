"""xarray over dask chunks that rasterio reads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import dask
import dask.array as da
import numpy as np
import rasterio
import xarray as xr
from numpy.typing import NDArray
from rasterio.windows import Window

from benchmarks.peers.dask_composite import CHUNK, write_composite
from benchmarks.workload import BlendInputs


def blend(inputs: BlendInputs, out: Path, threads: int) -> None:
    values = _stack([files.band for files in inputs.ranked], inputs.size, np.dtype(inputs.dtype))
    quality = _stack([files.quality for files in inputs.ranked], inputs.size, np.dtype(np.uint8))
    write_composite(inputs, values, quality, out, threads)


def _stack(paths: Sequence[Path], size: int, dtype: np.dtype[Any]) -> xr.DataArray:
    starts = range(0, size, CHUNK)
    layers = [
        da.block([[_chunk(path, row, column, size, dtype) for column in starts] for row in starts]) for path in paths
    ]
    return xr.DataArray(da.stack(layers), dims=("time", "y", "x"))


def _chunk(path: Path, row: int, column: int, size: int, dtype: np.dtype[Any]) -> da.Array:
    window = Window(column, row, min(CHUNK, size - column), min(CHUNK, size - row))
    return da.from_delayed(dask.delayed(_read)(path, window), (window.height, window.width), dtype)


def _read(path: Path, window: Window) -> NDArray[Any]:
    with rasterio.open(path) as dataset:
        return np.asarray(dataset.read(1, window=window))
