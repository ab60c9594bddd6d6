"""The radiometric offset of Sentinel-2 products.

Since processing baseline 04.00 (25 January 2022) the stored numbers of a Level-2A product are 1000 higher, so that
dark pixels need not be negative. Source: ESA, Sentinel-2 Products Specification Document, BOA_ADD_OFFSET. The scene
classification (SCL) and the other layers that are no reflectance are not shifted. Archives differ in whether their
copies still hold the offset: the catalog decides that, this module reads products as ESA names them.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from stratocube.cube.scene_ids import sentinel2_scene_id
from stratocube.errors import InvalidRequest
from stratocube.pixels.sources import is_nodata, open_raster, read_pixels

OFFSET: Final = 1000
"""Stored numbers of baseline 04.00 and later are higher by this."""

_FIRST_SHIFTED_BASELINE: Final = 4

_NOT_SHIFTED: Final = frozenset({"SCL", "AOT", "WVP", "CLD", "SNW"})
"""Layers beside the reflectances: scene classification, aerosol, water vapour, cloud and snow probability."""


def has_offset(scene_id: str, band: str) -> bool:
    """Whether the numbers of a band of a product hold the offset.

    Raises:
        InvalidRequest: an identifier without a processing baseline.

    >>> scene = "S2A_MSIL2A_20220621T133201_N0400_R081_T22LGL_20220621T182715"
    >>> has_offset(scene, "B04"), has_offset(scene, "SCL")
    (True, False)
    """
    parsed = sentinel2_scene_id(scene_id)
    if parsed is None:
        raise InvalidRequest(f"{scene_id!r} is no Sentinel-2 product identifier with a baseline", field="scene_id")
    return band.upper() not in _NOT_SHIFTED and parsed.baseline_major >= _FIRST_SHIFTED_BASELINE


def remove_offset(data: NDArray[Any], *, nodata: float) -> NDArray[np.int32]:
    """Reflectance numbers without the offset, int32 of the same shape.

    ``nodata`` pixels stay; numbers below the offset (reflectance below zero) become nodata. The number 1000 is
    reflectance zero, which is valid: where nodata is 0 it becomes 1.

    >>> remove_offset(np.array([0, 500, 1000, 1001, 5000], dtype=np.uint16), nodata=0).tolist()
    [0, 0, 1, 1, 4000]
    """
    shifted = data.astype(np.int32) - OFFSET
    if nodata == 0:
        shifted[shifted == 0] = 1
    shifted[is_nodata(data, nodata) | (shifted < 0)] = int(nodata)
    return shifted


def sentinel2_read(path: str, scene_id: str, band: str, *, nodata: float, href: str | None = None) -> NDArray[np.int32]:
    """A band of a Sentinel-2 product on one radiometry whatever its baseline: int32, (rows, columns).

    See :func:`remove_offset`. ``nodata`` is that of the band; ``href`` is what errors name.

    Raises:
        InvalidRequest: an identifier without a processing baseline.
        SourceMissing, TransientRead: a file that cannot be read.

    >>> from stratocube.processing import GeoBox, save_as_cog
    >>> grid = GeoBox("EPSG:32722", 700000, 8200000, 10, 10, width=3, height=1)
    >>> save_as_cog("B04.tif", np.array([[0, 1000, 1500]], dtype=np.uint16), grid, nodata=0, kind="continuous")
    >>> scene = "S2A_MSIL2A_20220621T133201_N0400_R081_T22LGL_20220621T182715"
    >>> sentinel2_read("B04.tif", scene, "B04", nodata=0).tolist()
    [[0, 1, 500]]
    """
    shifted = has_offset(scene_id, band)
    with open_raster(path, href=href) as dataset:
        data = read_pixels(dataset)
    return remove_offset(data, nodata=nodata) if shifted else data.astype(np.int32)
