"""GDAL's warper on the open files, scene after scene into one raster: what the program gdalwarp does.

rasterio's wheels have no command line; ``rasterio.warp.reproject`` of a band calls the same warp operation, here with
gdalwarp's ``-multi -wo NUM_THREADS=… -wm 512``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
from rasterio.enums import Resampling
from rasterio.warp import reproject

from benchmarks.peers.cogs import write_cog
from benchmarks.workload import MergeInputs


def merge(inputs: MergeInputs, out: Path, threads: int) -> None:
    mosaic = np.full((inputs.size, inputs.size), inputs.nodata, inputs.dtype)
    for path in inputs.scenes:
        with rasterio.open(path) as dataset:
            reproject(
                rasterio.band(dataset, 1),
                mosaic,
                src_nodata=inputs.nodata,
                dst_transform=inputs.transform,
                dst_crs=inputs.crs,
                dst_nodata=inputs.nodata,
                init_dest_nodata=False,
                resampling=Resampling.bilinear,
                num_threads=threads,
                warp_mem_limit=512,
            )
    write_cog(out / "MERGE.tif", mosaic, inputs.crs, inputs.transform, inputs.nodata, threads)
