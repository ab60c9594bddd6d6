"""The plain way: read each scene whole, warp it to a tile of its own, copy its valid pixels over."""

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
        warped = np.empty_like(mosaic)
        with rasterio.open(path, num_threads=threads) as dataset:
            reproject(
                dataset.read(1),
                warped,
                src_transform=dataset.transform,
                src_crs=dataset.crs,
                src_nodata=inputs.nodata,
                dst_transform=inputs.transform,
                dst_crs=inputs.crs,
                dst_nodata=inputs.nodata,
                resampling=Resampling.bilinear,
                num_threads=threads,
            )
        np.copyto(mosaic, warped, where=warped != inputs.nodata)
    write_cog(out / "MERGE.tif", mosaic, inputs.crs, inputs.transform, inputs.nodata, threads)
