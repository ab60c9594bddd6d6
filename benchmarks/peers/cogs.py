"""COGs as users of the other tools write them: GDAL's COG driver with DEFLATE and nothing else chosen."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.io import MemoryFile
from rasterio.shutil import copy

LAYER_NODATA: Final[Mapping[str, float]] = {"CLEAROB": 0, "TOTALOB": 0, "PROVENANCE": -1}


def write_cogs(out: Path, products: Mapping[str, NDArray[Any]], like: Path, threads: int) -> None:
    """One file a product, on the grid of the raster ``like``, with its nodata where the product is a band."""
    with rasterio.open(like) as dataset:
        crs, transform, nodata = dataset.crs, dataset.transform, dataset.nodata
    for name, data in products.items():
        write_cog(out / f"{name}.tif", data, crs, transform, LAYER_NODATA.get(name, nodata), threads)


def write_cog(path: Path, data: NDArray[Any], crs: CRS | str, transform: Affine, nodata: float, threads: int) -> None:
    """One band as a COG."""
    with MemoryFile() as memory:
        with memory.open(**profile(data, crs, transform, nodata)) as dataset:
            dataset.write(data, 1)
        copy(memory.name, str(path), driver="COG", COMPRESS="DEFLATE", BLOCKSIZE=512, NUM_THREADS=str(threads))


def profile(data: NDArray[Any], crs: CRS | str, transform: Affine, nodata: float) -> dict[str, Any]:
    """What rasterio wants to know of a GeoTIFF to hold ``data``."""
    return {
        "driver": "GTiff",
        "width": data.shape[1],
        "height": data.shape[0],
        "count": 1,
        "dtype": data.dtype.name,
        "crs": crs,
        "transform": transform,
        "nodata": nodata,
    }
