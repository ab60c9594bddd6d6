"""Overviews from pixels in memory: each has half the rows and columns of the one before."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from stratocube.pixels.nodata import has_none

_PIECE: Final = 1 << 16
"""Pixels added up at a time, so that their sums stay in the cache."""


def nearest_half(pixels: NDArray[Any]) -> NDArray[Any]:
    """Every second pixel of every second row, (bands, rows, columns) as given; a last odd row or column is kept.

    >>> nearest_half(np.array([[[1, 2, 3], [4, 5, 6]]])).tolist()
    [[[1, 3]]]
    """
    return np.ascontiguousarray(pixels[:, ::2, ::2])


def average_half(pixels: NDArray[Any], nodata: float | None) -> NDArray[Any]:
    """The mean of the valid ones of each 2 × 2 pixels, ``nodata`` where none is; integers rounded, half up.

    (bands, rows, columns) as given, in the same type. What an odd last row or column lacks does not count. NaN is never
    valid; where nothing is and ``nodata`` is None, the mean is NaN.

    >>> average_half(np.array([[[10, 20, 7], [-9999, 61, -9999]]], dtype=np.int16), -9999).tolist()
    [[[30, 7]]]
    """
    rows, columns = pixels.shape[1:]
    if rows % 2 or columns % 2:
        # Repeated, the last pixels weigh in each mean as much as before.
        pixels = np.pad(pixels, ((0, 0), (0, rows % 2), (0, columns % 2)), mode="edge")
    mean = _mean_of_four(pixels)
    gaps = None if has_none(pixels, nodata) else _missing(pixels, nodata)
    if gaps is None:
        return mean
    touched = gaps[:, ::2] | gaps[:, 1::2]
    touched = touched[:, :, ::2] | touched[:, :, 1::2]
    if touched.any():
        values = np.stack([quarter[touched] for quarter in _quarters(pixels)])
        missing = np.stack([quarter[touched] for quarter in _quarters(gaps)])
        mean[touched] = _mean_of_valid(values, missing, np.nan if nodata is None else nodata)
    return mean


def _quarters(pixels: NDArray[Any]) -> list[NDArray[Any]]:
    return [pixels[:, row::2, column::2] for row in (0, 1) for column in (0, 1)]


def _mean_of_four(pixels: NDArray[Any]) -> NDArray[Any]:
    """The mean of each 2 × 2 pixels, as if all were valid."""
    if pixels.dtype.kind in "iu" and pixels.dtype.itemsize <= 2:
        bands, height, width = pixels.shape
        mean = np.empty((bands, height // 2, width // 2), dtype=pixels.dtype)
        step = 2 * max(_PIECE // (2 * width), 1)
        for top in range(0, height, step):
            piece = pixels[:, top : top + step]
            rows = piece[:, ::2].astype(np.int32)
            rows += piece[:, 1::2]
            total = rows[:, :, ::2] + rows[:, :, 1::2]
            total += 2
            total >>= 2
            mean[:, top // 2 : (top + step) // 2] = total
        return mean
    first, *others = _quarters(pixels)
    sums = first.astype(np.float64)
    for quarter in others:
        np.add(sums, quarter, out=sums)
    return _rounded(np.multiply(sums, 0.25, out=sums), pixels.dtype)


def _mean_of_valid(values: NDArray[Any], missing: NDArray[np.bool_], nodata: float) -> NDArray[Any]:
    """The mean of the four ``values`` of each pixel that are not ``missing``: both are (4, pixels)."""
    dtype = values.dtype
    # A type that holds the sum of four values exactly.
    wide = np.float32 if dtype.kind != "f" and dtype.itemsize <= 2 else np.float64
    valid = values.astype(wide)
    np.copyto(valid, 0, where=missing)
    count = len(values) - np.count_nonzero(missing, axis=0)
    total = valid[0]
    for quarter in valid[1:]:
        np.add(total, quarter, out=total)
    mean = _rounded(np.divide(total, np.maximum(count, 1).astype(wide), out=total), dtype)
    np.copyto(mean, dtype.type(nodata), where=count == 0)
    return mean


def _missing(values: NDArray[Any], nodata: float | None) -> NDArray[np.bool_] | None:
    """Where values are nodata or NaN, None when no value can be."""
    gaps: NDArray[np.bool_] | None = None
    if nodata is not None and not np.isnan(nodata):
        gaps = values == values.dtype.type(nodata)
    if values.dtype.kind == "f":
        nans = np.isnan(values)
        gaps = nans if gaps is None else np.logical_or(gaps, nans, out=gaps)
    return gaps


def _rounded(values: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    if dtype.kind != "f":
        values += values.dtype.type(0.5)
        np.floor(values, out=values)
    return values.astype(dtype)
