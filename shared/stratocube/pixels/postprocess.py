"""Quality and bands brought in line: where a band has no data, there is no observation."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import ExitStack
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from stratocube.pixels.sources import is_nodata, open_raster, read_window, rows_of, same_shape, strips

DERIVED_BANDS: Final = frozenset({"CLEAROB", "TOTALOB", "PROVENANCE", "DATASOURCE", "NDVI", "EVI"})
"""Bands that are computed from the others (upper case); they say nothing about what was observed."""


def bands_to_check(bands: Collection[str], *, quality_band: str, also_skip: Collection[str] = ()) -> list[str]:
    """The bands whose nodata counts, in the order given: all but the quality band, the :data:`DERIVED_BANDS`
    (in any case) and ``also_skip``, which is for further index bands and the saturation band.

    >>> bands_to_check(["Fmask", "red", "nir", "NDVI", "CLEAROB"], quality_band="Fmask")
    ['red', 'nir']
    """
    skip = {quality_band, *also_skip}
    return [band for band in bands if band not in skip and band.upper() not in DERIVED_BANDS]


def post_process_quality(
    quality: NDArray[Any],
    quality_nodata: float,
    bands: Mapping[str, NDArray[Any]],
    nodata_by_band: Mapping[str, float | None],
) -> NDArray[Any]:
    """The quality with nodata wherever any band has nodata: a new array of the same shape and type.

    Always the nodata of the quality band. cube-builder writes class 1 for Sentinel-2, which is a clear class
    in masks other than the scene classification. ``bands`` are arrays of the shape of ``quality``.

    >>> fmask, nir = np.array([0, 4, 0], dtype=np.uint8), np.array([3500, 9000, -9999], dtype=np.int16)
    >>> post_process_quality(fmask, 255, {"nir": nir}, {"nir": -9999}).tolist()
    [0, 4, 255]
    """
    same_shape({"quality": quality.shape, **{name: values.shape for name, values in bands.items()}})
    gaps = np.zeros(quality.shape, dtype=np.bool_)
    for name, values in bands.items():
        gaps |= is_nodata(values, nodata_by_band.get(name))
    return np.where(gaps, quality.dtype.type(quality_nodata), quality)


def post_processing_quality(
    quality_path: str,
    band_paths: Mapping[str, str],
    *,
    quality_nodata: float,
    nodata_by_band: Mapping[str, float | None],
) -> NDArray[Any]:
    """As :func:`post_process_quality`, over raster files on one grid (first band of each), read in strips.

    Nothing is written: compare with the file to see whether it has to be replaced. The nodata of a band is
    the tag of its file, or when there is none that of ``nodata_by_band``. Choose the bands with
    :func:`bands_to_check`.

    Raises :class:`InvalidRequest` for files of different size, :class:`SourceMissing` or
    :class:`TransientRead` naming the file.

    >>> from stratocube.processing import GeoBox, save_as_cog
    >>> grid = GeoBox("EPSG:32723", 300000, 8000000, 30, 30, width=3, height=1)
    >>> save_as_cog("fmask.tif", np.array([[0, 4, 0]], dtype=np.uint8), grid, nodata=255, kind="categorical")
    >>> save_as_cog("nir.tif", np.array([[3500, 9000, 0]], dtype=np.int16), grid, nodata=0, kind="continuous")
    >>> post_processing_quality("fmask.tif", {"nir": "nir.tif"}, quality_nodata=255, nodata_by_band={}).tolist()
    [[0, 4, 255]]
    """
    with ExitStack() as stack:
        quality = stack.enter_context(open_raster(quality_path))
        rasters = {name: stack.enter_context(open_raster(path)) for name, path in band_paths.items()}
        tags = {
            name: nodata_by_band.get(name) if raster.nodata is None else raster.nodata
            for name, raster in rasters.items()
        }
        same_shape({"quality": quality.shape, **{name: raster.shape for name, raster in rasters.items()}})
        result = np.empty(quality.shape, dtype=quality.dtypes[0])
        for window in strips(quality.height, quality.width):
            result[rows_of(window)] = post_process_quality(
                read_window(quality, window),
                quality_nodata,
                {name: read_window(raster, window) for name, raster in rasters.items()},
                tags,
            )
    return result
