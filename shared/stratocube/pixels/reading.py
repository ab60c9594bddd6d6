"""Rasters opened with typed errors, walked in strips of rows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.errors import RasterioIOError
from rasterio.windows import Window

from stratocube.errors import InvalidRequest, SourceMissing, TransientRead

STRIP_ROWS: Final = 512
"""Rows read at a time: one row of blocks of a COG, so no block is decoded twice."""

_NOT_THERE: Final = ("No such file", "does not exist", "response code: 404", "response code: 403", "AccessDenied")
"""What GDAL says of an object that is not there; S3 answers 403 when the key may not be listed either."""


def open_raster(path: str) -> Any:
    """Open a raster for reading: a rasterio dataset, to be used in a ``with`` statement.

    ``path`` is a file name or a GDAL path such as /vsis3/. Raises :class:`SourceMissing` when there is no
    such object and :class:`TransientRead` otherwise: GDAL reports a throttled read as a format it does not
    know.
    """
    try:
        return rasterio.open(path)
    except RasterioIOError as error:
        raise _typed(path, error) from error


def read_window(dataset: Any, window: Window) -> NDArray[Any]:
    """Part of the first band of an open raster: rows × columns. Raises as :func:`open_raster`, naming the raster."""
    try:
        values: NDArray[Any] = dataset.read(1, window=window)
    except RasterioIOError as error:
        raise _typed(dataset.name, error) from error
    return values


def strips(height: int, width: int, rows: int = STRIP_ROWS) -> Iterator[Window]:
    """Windows of ``rows`` whole rows that cover a raster from top to bottom; the last one may be lower."""
    for top in range(0, height, rows):
        yield Window(0, top, width, min(rows, height - top))


def rows_of(window: Window) -> slice:
    """The rows of a strip, as an index into the full array."""
    return slice(int(window.row_off), int(window.row_off + window.height))


def is_nodata(values: NDArray[Any], nodata: float | None) -> NDArray[np.bool_]:
    """Where an array is nodata: equal to ``nodata``, masked, or not a number. Bool array of the same shape."""
    data = np.ma.getdata(values)
    missing = np.isnan(data) if data.dtype.kind == "f" else np.zeros(data.shape, dtype=np.bool_)
    if nodata is not None and not math.isnan(nodata):
        missing |= data == nodata
    if np.ma.isMaskedArray(values):
        missing |= np.ma.getmaskarray(values)
    return missing


def same_shape(shapes: dict[str, tuple[int, ...]]) -> tuple[int, ...]:
    """The one shape of all bands. Raises :class:`InvalidRequest` naming two bands that differ."""
    (first, shape), *others = shapes.items()
    for name, other in others:
        if other != shape:
            raise InvalidRequest(f"has {other} pixels, {first} has {shape}: bring them on one grid", field=name)
    return shape


def _typed(path: str, error: RasterioIOError) -> SourceMissing | TransientRead:
    # A failed read hides its reason in the GDAL error that caused it.
    reason = str(error.__cause__ or error)
    missing = any(sign in reason for sign in _NOT_THERE)
    return SourceMissing(path, reason) if missing else TransientRead(path, reason)
