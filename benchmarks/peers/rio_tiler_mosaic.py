"""rio-tiler: its pixel selection methods fed with masked strips; for the mosaic its mosaic reader."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.crs import CRS
from rio_tiler.io import Reader
from rio_tiler.models import ImageData
from rio_tiler.mosaic import mosaic_reader
from rio_tiler.mosaic.methods.defaults import CountMethod, FirstMethod, MedianMethod

from benchmarks.peers.cogs import write_cog, write_cogs
from benchmarks.peers.strips import StripReader
from benchmarks.workload import CLEAR, BlendInputs, MergeInputs


def blend(inputs: BlendInputs, out: Path, threads: int) -> None:
    shape = inputs.size, inputs.size
    products: dict[str, NDArray[Any]] = {
        "LCF": np.empty(shape, inputs.dtype),
        "MED": np.empty(shape, inputs.dtype),
        "CLEAROB": np.empty(shape, np.uint8),
    }
    reader = StripReader(inputs)
    with ThreadPoolExecutor(threads) as pool:

        def work(rows: slice) -> None:
            first, median, count = FirstMethod(), MedianMethod(), CountMethod()
            for values, quality in zip(*reader.read(rows), strict=True):
                image = np.ma.MaskedArray(values[None], mask=~np.isin(quality, CLEAR)[None])
                for method in (first, median, count):
                    if method is not first or not first.is_done:
                        method.feed(image)
            products["LCF"][rows] = np.ma.filled(first.data, inputs.nodata)[0]
            products["MED"][rows] = np.ma.filled(median.data.astype(inputs.dtype), inputs.nodata)[0]
            products["CLEAROB"][rows] = np.ma.filled(count.data, 0)

        list(pool.map(work, reader.strips()))
    write_cogs(out, products, inputs.dates[0].band, threads)


def merge(inputs: MergeInputs, out: Path, threads: int) -> None:
    crs = CRS.from_string(inputs.crs)

    def part(path: str) -> ImageData:
        with Reader(path) as reader:
            return reader.part(
                inputs.bounds,
                dst_crs=crs,
                bounds_crs=crs,
                width=inputs.size,
                height=inputs.size,
                reproject_method="bilinear",
                resampling_method="bilinear",
            )

    latest_first = [str(path) for path in reversed(inputs.scenes)]
    image, _ = mosaic_reader(latest_first, part, pixel_selection=FirstMethod, threads=threads)
    data = np.ma.filled(image.array[0], inputs.nodata).astype(inputs.dtype)
    write_cog(out / "MERGE.tif", data, crs, inputs.transform, inputs.nodata, threads)
