"""The least with nothing but GDAL: the inputs decoded once, the results encoded by the fastest way through GDAL.

That is the COG driver at DEFLATE level 1 with predictor, from a raster in memory that has its overviews already.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import rasterio
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.shutil import copy

from benchmarks.peers import PRODUCTS
from benchmarks.peers.cogs import LAYER_NODATA, profile
from benchmarks.peers.limit import decode, saved
from benchmarks.windows import Raster
from benchmarks.workload import BlendInputs, folder_of


def blend(inputs: BlendInputs, out: Path, threads: int) -> None:
    decode([Raster(path) for files in inputs.dates for path in (files.band, files.quality)], threads)
    encode(saved(folder_of(inputs), PRODUCTS), inputs.dates[0].band, out, threads)


def encode(products: Mapping[str, NDArray[Any]], like: Path, out: Path, threads: int) -> None:
    with rasterio.open(like) as dataset:
        crs, transform, nodata = dataset.crs, dataset.transform, dataset.nodata
    for name, data in products.items():
        in_memory = profile(data, crs, transform, LAYER_NODATA.get(name, nodata)) | {"driver": "MEM"}
        with rasterio.open("", "w", **in_memory) as dataset:
            dataset.write(data, 1)
            levels = [2 << power for power in range(12) if max(data.shape) > 512 << power]
            if levels:
                dataset.build_overviews(levels, Resampling.nearest)
            copy(
                dataset,
                str(out / f"{name}.tif"),
                driver="COG",
                COMPRESS="DEFLATE",
                LEVEL=1,
                PREDICTOR="YES",
                OVERVIEW_PREDICTOR="YES",
                BLOCKSIZE=512,
                NUM_THREADS=str(threads),
            )
