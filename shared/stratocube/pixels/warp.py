"""One scene on part of the tile: which pixels to read, and the warp itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.windows import Window

from stratocube.pixels.cog import fits
from stratocube.pixels.coordinates import Coordinates
from stratocube.pixels.resampling import PICKING, WITHIN_SOURCE_RANGE
from stratocube.pixels.scaling import rescale, truncated
from stratocube.pixels.sources import is_nodata
from stratocube.pixels.target import Piece, Target
from stratocube.pixels.warped_dataset import Kernel, Pixels, fitted_on, projected_on

_BEYOND: Final = float(np.finfo(np.float32).min)
"""Nodata of floats while they are warped: a number that no sensor has (GDAL cannot start from NaN)."""

_SMALL: Final = 2
"""Bytes of the integers that float32 holds exactly."""


@dataclass(frozen=True)
class Scaling:
    """From the numbers of a scene to those of the cube: (value × multiplier + additive) / new_scale."""

    multiplier: float
    additive: float
    new_scale: float


@dataclass(frozen=True)
class ScenePart:
    """Pixels of a scene that were read, and where they are."""

    data: NDArray[Any]
    """(rows, columns), type of the file."""
    origin: tuple[int, int]
    """Column and row of the scene that ``data`` begins with."""
    crs: CRS
    transform: Affine
    """Pixel corner to CRS, of the whole scene."""
    nodata: float | None
    scaling: Scaling | None
    """None: the numbers are on the scale of the cube already."""

    def pixels(self, window: Window) -> NDArray[Any]:
        """Those of some rows and columns of the scene."""
        column, row = int(window.col_off) - self.origin[0], int(window.row_off) - self.origin[1]
        return self.data[row : row + int(window.height), column : column + int(window.width)]

    def has_holes(self, window: Window) -> bool:
        """Whether some of these pixels are nodata, and some are not."""
        missing = is_nodata(self.pixels(window), self.nodata)
        return bool(missing.any()) and not missing.all()


def warp(
    part: ScenePart,
    window: Window,
    piece: Piece,
    target: Target,
    ratio: tuple[float, float],
    coordinates: Coordinates | None,
    out: NDArray[Any] | None = None,
) -> NDArray[Any] | None:
    """A scene on a piece of the tile: an array of the piece's shape in the type of the tile, ``out`` if that is given.

    ``window`` says which rows and columns of the scene to draw on; ``part`` has all of them. ``ratio``: columns and
    rows of the scene under a pixel of the tile. Without ``coordinates`` PROJ tells where the pixels are. Pixels the
    scene does not cover, and those whose kernel finds nothing but nodata, are nodata; a valid pixel never is. None when
    there is nothing valid.
    """
    data = part.pixels(window)
    missing = is_nodata(data, part.nodata)
    holes = bool(missing.any())
    if holes and missing.all():
        return None
    work = _work(data, part, target)
    stored = part.scaling is None and work == _Numbers(target.dtype, target.nodata)
    hole = part.nodata
    if data.dtype.kind == "f":  # NaN is a hole whatever the tag says, and GDAL knows one nodata value
        data, hole = (np.where(missing, _BEYOND, data) if holes else data), _BEYOND
    # Without a hole in what was read GDAL's kernel without masks gives the same pixels in half the time, except that
    # of a kernel that overshoots a valid pixel might come out as nodata.
    masked = holes or target.method not in WITHIN_SOURCE_RANGE
    pixels = Pixels(data, window, part.crs, part.transform)
    kernel = Kernel(work.dtype, work.nodata, hole if masked else None, ratio)
    room = out if stored else None
    if coordinates is None:
        warped = projected_on(pixels, piece, target, kernel, room)
    else:
        warped = fitted_on(pixels, piece, target, kernel, coordinates, room)
    if stored:
        return warped
    converted = _converted(warped, work.nodata, part, target)
    if out is None:
        return converted
    out[...] = converted
    return out


def beside_nodata(nodata: float, dtype: np.dtype[Any]) -> Any:
    """What a valid value that would equal nodata becomes: one step toward zero, up from zero."""
    value = dtype.type(nodata)
    if dtype.kind == "f":
        return np.nextafter(value, dtype.type(0) if value != 0 else dtype.type(1))
    return dtype.type(int(value) - 1 if value > 0 else int(value) + 1)


@dataclass(frozen=True)
class _Numbers:
    """What to warp in."""

    dtype: np.dtype[Any]
    nodata: float


def _work(data: NDArray[Any], part: ScenePart, target: Target) -> _Numbers:
    """The type of the scene with its own nodata where no valid pixel can come out as nodata; else floats.

    float32 holds 8- and 16-bit integers exactly, and GDAL is fast in all three.
    """
    dtype, nodata = data.dtype, part.nodata
    small = dtype.itemsize <= _SMALL
    if dtype.kind in "iu" and small and nodata is not None and target.method in WITHIN_SOURCE_RANGE:
        picked = target.method in PICKING or not float(data.min()) < nodata < float(data.max())
        if picked:
            return _Numbers(dtype, nodata)
    return _Numbers(np.dtype(np.float32 if small or dtype == np.float32 else np.float64), _BEYOND)


def _converted(values: NDArray[Any], nodata: float, part: ScenePart, target: Target) -> NDArray[Any]:
    """Warped numbers of a scene as the cube stores them."""
    missing = is_nodata(values, nodata)
    scaling, source_type = part.scaling, part.data.dtype
    if scaling is not None:
        if values.dtype.kind == "f":
            values = np.where(missing, 0, values)
            values = _whole(values, source_type) if source_type.kind in "iu" else values
        found = rescale(
            np.ma.masked_array(values, mask=missing),
            scaling.multiplier,
            scaling.new_scale,
            scaling.additive,
            target.dtype,
        )
        result: NDArray[Any] = np.ma.getdata(found)
    elif target.dtype.kind == "f":
        result = values.astype(target.dtype)
    else:
        result = _whole(np.where(missing, 0, values) if values.dtype.kind == "f" else values, target.dtype)
    result[(result == target.nodata) & ~missing] = beside_nodata(target.nodata, target.dtype)
    result[missing] = target.nodata
    return result


def _whole(values: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Numbers rounded to an integer type and clamped to its limits."""
    limits = np.iinfo(dtype)
    if values.dtype.kind == "f":
        return truncated(np.rint(values), dtype)
    own = np.iinfo(values.dtype)
    return values.clip(max(limits.min, own.min), min(limits.max, own.max)).astype(dtype)


def source_nodata(tag: float | None, declared: float | None, cube_nodata: float, dtype: np.dtype[Any]) -> float | None:
    """The nodata of a scene: its own tag, else what its catalog declares, else that of the cube's band.

    A value the type of the file cannot hold marks nothing; an unsigned file for which only such values are known
    (-9999 for uint16) has 0, the fill of archives.
    """
    for value in (tag, declared, cube_nodata):
        if value is not None and fits(value, dtype):
            return value
    return 0 if dtype.kind == "u" else None
