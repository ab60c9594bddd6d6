"""The composite on a lazy xarray stack, as the guides of odc-stac and xarray have it."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, Final

import dask
import numpy as np
import xarray as xr

from benchmarks.peers.cogs import write_cogs
from benchmarks.workload import CLEAR, BlendInputs

CHUNK: Final = 1024
"""Side of a chunk: four COG blocks, so that none is decoded twice."""


def write_composite(inputs: BlendInputs, values: xr.DataArray, quality: xr.DataArray, out: Path, threads: int) -> None:
    """Compute and write the products that the stack gives without writing a kernel: dates are on axis ``time``."""
    clear = quality.isin(CLEAR)
    masked = values.where(clear).astype("float32").chunk(time=-1)
    lazy: dict[str, Any] = {
        "LCF": masked.bfill("time").isel(time=0).fillna(inputs.nodata).astype(inputs.dtype),
        "MED": masked.median("time", skipna=True).fillna(inputs.nodata).astype(inputs.dtype),
        "CLEAROB": clear.sum("time").astype(np.uint8),
        "TOTALOB": (values != inputs.nodata).sum("time").astype(np.uint8),
    }
    with warnings.catch_warnings(), dask.config.set(scheduler="threads", num_workers=threads):
        warnings.simplefilter("ignore", RuntimeWarning)  # pixels without a clear date
        computed = dask.compute(*lazy.values())
    products = {name: array.values for name, array in zip(lazy, computed, strict=True)}
    write_cogs(out, products, inputs.dates[0].band, threads)
