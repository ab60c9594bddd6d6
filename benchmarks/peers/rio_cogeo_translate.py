"""rio-cogeo: a tiled GeoTIFF written first, then translated to a COG, as its guide has it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import rasterio
from numpy.typing import NDArray
from rio_cogeo.cogeo import cog_translate
from rio_cogeo.profiles import cog_profiles

from benchmarks.peers.cogs import LAYER_NODATA, profile


def encode(products: Mapping[str, NDArray[Any]], like: Path, out: Path, threads: int) -> None:
    with rasterio.open(like) as dataset:
        crs, transform, nodata = dataset.crs, dataset.transform, dataset.nodata
    tiles = {"tiled": True, "blockxsize": 512, "blockysize": 512, "compress": "deflate"}
    for name, data in products.items():
        first = out / f"{name}.first.tiff"
        with rasterio.open(
            first, "w", **profile(data, crs, transform, LAYER_NODATA.get(name, nodata)), **tiles
        ) as dataset:
            dataset.write(data, 1)
        cog_translate(
            str(first),
            str(out / f"{name}.tif"),
            dict(cog_profiles.get("deflate")),
            in_memory=False,
            quiet=True,
            config={"GDAL_NUM_THREADS": threads},
        )
        first.unlink()
