"""rasterio's WarpedVRT of every scene on the grid of the tile, read in strips."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import rasterio
from rasterio.enums import Resampling
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

from benchmarks.peers.cogs import write_cog
from benchmarks.workload import MergeInputs

_ROWS: Final = 1024


def merge(inputs: MergeInputs, out: Path, threads: int) -> None:
    size = inputs.size
    mosaic = np.full((size, size), inputs.nodata, inputs.dtype)
    for path in inputs.scenes:
        with (
            rasterio.open(path) as dataset,
            WarpedVRT(
                dataset,
                crs=inputs.crs,
                transform=inputs.transform,
                width=size,
                height=size,
                resampling=Resampling.bilinear,
                src_nodata=inputs.nodata,
                nodata=inputs.nodata,
                num_threads=threads,
                warp_mem_limit=256,
            ) as warped,
        ):
            for top in range(0, size, _ROWS):
                strip = warped.read(1, window=Window(0, top, size, min(_ROWS, size - top)))
                np.copyto(mosaic[top : top + len(strip)], strip, where=strip != inputs.nodata)
    write_cog(out / "MERGE.tif", mosaic, inputs.crs, inputs.transform, inputs.nodata, threads)
