"""Histogram matching: one date given the distribution of values of another.

Method: the exact histogram specification of Gonzalez and Woods, Digital Image Processing, section 3.3 (match the
cumulative distributions, interpolate between the values of the reference).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stratocube.pixels.cog import fits, save_as_cog
from stratocube.pixels.sources import Raster, is_nodata, open_raster, read_raster, same_shape
from stratocube.pixels.tables import every_value, has_table, look_up
from stratocube.pixels.warp import beside_nodata


def match_histogram(
    source: NDArray[Any], reference: NDArray[Any], take_part: NDArray[np.bool_], *, nodata: float | None = None
) -> NDArray[Any]:
    """``source`` with the distribution that ``reference`` has, counting the pixels that ``take_part``.

    All three arrays have one shape; the result has the type of ``source``, rounded to the nearest integer for integer
    types. Pixels that do not take part keep their value, and those that do never become ``nodata``. Without any
    the result is a copy of ``source``.

    Raises:
        InvalidRequest: arrays of different shapes.

    >>> clear = np.array([True, True, True, False])
    >>> match_histogram(np.array([1, 2, 3, 4]), np.array([10, 20, 30, 40]), clear).tolist()
    [10, 20, 30, 4]
    """
    same_shape({"source": source.shape, "reference": reference.shape, "take_part": take_part.shape})
    result = source.copy()
    if not take_part.any():
        return result
    values = source[take_part]
    present, share = _distribution(values)
    wanted, wanted_share = _distribution(reference[take_part])
    matched = np.interp(share, wanted_share, wanted)
    if source.dtype.kind in "iu":
        limits = np.iinfo(source.dtype)
        matched = np.rint(matched).clip(limits.min, limits.max)
    becomes = matched.astype(source.dtype)
    if nodata is not None and fits(nodata, source.dtype):
        becomes[becomes == nodata] = beside_nodata(nodata, source.dtype)
    if has_table(source.dtype):
        table = every_value(source.dtype).copy()
        table[present.view(f"u{source.dtype.itemsize}")] = becomes
        result[take_part] = look_up(table, values)
    else:
        result[take_part] = becomes[np.searchsorted(present, values)]
    return result


def match_rasters(source: Raster, source_quality: Raster, reference: Raster, reference_quality: Raster) -> NDArray[Any]:
    """``source.data`` matched to ``reference``: every pixel takes part that is nodata in none of the four rasters.

    Only nodata is left out, clouds take part. Raises InvalidRequest for rasters on different grids.
    """
    rasters = {
        "source": source,
        "source_mask": source_quality,
        "reference": reference,
        "reference_mask": reference_quality,
    }
    same_shape({name: raster.data.shape for name, raster in rasters.items()})
    missing = np.zeros(source.data.shape, dtype=np.bool_)
    for raster in rasters.values():
        missing |= is_nodata(raster.data, raster.nodata)
    return match_histogram(source.data, reference.data, ~missing, nodata=source.nodata)


def match_histogram_with_merges(
    source: str,
    source_mask: str,
    reference: str,
    reference_mask: str,
    *,
    path: str | Path | None = None,
    block_size: int = 512,
) -> None:
    """Match a band of one date (``source``, with its quality ``source_mask``) to that of another, file by file.

    The result is written as a COG to ``path``; without one the source file is overwritten, as a whole. Nodata is what
    the files are tagged with. Description, scale and tags of the source are kept.

    Raises:
        InvalidRequest: rasters of different shapes, a bad block size.
        SourceMissing, TransientRead: a file that cannot be read, named by its path.

    >>> from stratocube.cube.geobox import GeoBox
    >>> grid = GeoBox("EPSG:32723", 300000, 8000000, 30, 30, width=4, height=1)
    >>> for name, row in {"nir": [1, 2, 3, -9999], "best_nir": [10, 20, 30, 40], "fmask": [0, 0, 0, 0]}.items():
    ...     save_as_cog(f"{name}.tif", np.array([row], dtype=np.int16), grid, nodata=-9999, kind="continuous")
    >>> match_histogram_with_merges("nir.tif", "fmask.tif", "best_nir.tif", "fmask.tif")
    >>> read_raster("nir.tif").data.tolist()
    [[10, 20, 30, -9999]]
    """
    own = read_raster(source)
    matched = match_rasters(own, read_raster(source_mask), read_raster(reference), read_raster(reference_mask))
    with open_raster(source) as dataset:
        tags = {name: text for name, text in dataset.tags().items() if name != "AREA_OR_POINT"}
        description, unit = dataset.descriptions[0] or "", dataset.units[0] or ""
        scale, offset = dataset.scales[0], dataset.offsets[0]
    save_as_cog(
        source if path is None else path,
        matched,
        own.geobox,
        nodata=own.nodata,
        kind="continuous",
        description=description,
        tags=tags,
        scale=None if (scale, offset) == (1, 0) else scale,
        offset=None if (scale, offset) == (1, 0) else offset,
        unit=unit,
        block_size=block_size,
    )


def _distribution(values: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Distinct values in rising order, and which share of all values is not above each."""
    if has_table(values.dtype):
        counts = np.bincount(values.view(f"u{values.dtype.itemsize}"), minlength=every_value(values.dtype).size)
        order = np.argsort(every_value(values.dtype), kind="stable")
        found = order[counts[order] > 0]
        present, counts = every_value(values.dtype)[found], counts[found]
    else:
        present, counts = np.unique(values, return_counts=True)
    return present, np.cumsum(counts) / values.size
