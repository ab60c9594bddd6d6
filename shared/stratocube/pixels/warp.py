"""One scene on part of the tile: which pixels to read, and the warp itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.dtypes import dtype_rev
from rasterio.enums import Resampling
from rasterio.session import DummySession
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window
from rasterio.windows import transform as window_transform

from stratocube.pixels.cog import fits
from stratocube.pixels.resampling import PICKING, WITHIN_SOURCE_RANGE
from stratocube.pixels.scaling import rescale, truncated
from stratocube.pixels.sources import is_nodata

_BEYOND: Final = float(np.finfo(np.float32).min)
"""Nodata of floats while they are warped: a number that no sensor has (GDAL cannot start from NaN)."""

_EXACT: Final = 1e-9
"""Tolerance in source pixels that stands for none, which GDAL's warped datasets do not know."""

_SMALL: Final = 2
"""Bytes of the integers that float32 holds exactly."""


@dataclass(frozen=True)
class Piece:
    """A rectangle of the tile, in pixels."""

    row: int
    column: int
    rows: int
    columns: int

    @property
    def index(self) -> tuple[slice, slice]:
        """Where the piece is in an array of the tile."""
        return slice(self.row, self.row + self.rows), slice(self.column, self.column + self.columns)

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)"""
        return self.rows, self.columns

    def index_in(self, outer: Piece) -> tuple[slice, slice]:
        """Where the piece is in an array of another one that encloses it."""
        row, column = self.row - outer.row, self.column - outer.column
        return slice(row, row + self.rows), slice(column, column + self.columns)

    @property
    def window(self) -> Window:
        """The same for rasterio."""
        return Window(self.column, self.row, self.columns, self.rows)


@dataclass(frozen=True)
class Target:
    """How the pixels of the tile are stored, and how they are made."""

    crs: CRS
    transform: Affine
    """Pixel corner to CRS, of the whole tile."""
    shape: tuple[int, int]
    """(rows, columns) of the whole tile."""
    dtype: np.dtype[Any]
    nodata: float
    method: Resampling
    tolerance: float
    """Greatest error of the approximated coordinates, in source pixels; 0 projects every pixel."""


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


def warp(
    part: ScenePart,
    window: Window,
    piece: Piece,
    target: Target,
    ratio: tuple[float, float],
    out: NDArray[Any] | None = None,
) -> NDArray[Any] | None:
    """A scene on a piece of the tile: an array of the piece's shape in the type of the tile, ``out`` if that is given.

    ``window`` says which rows and columns of the scene to draw on; ``part`` has all of them. Pixels the scene does not
    cover, and those whose kernel finds nothing but nodata, are nodata; a valid pixel never is. None when there is
    nothing valid.
    """
    column, row = int(window.col_off) - part.origin[0], int(window.row_off) - part.origin[1]
    data = part.data[row : row + int(window.height), column : column + int(window.width)]
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
    warped = _warped(
        data,
        window_transform(window, part.transform),
        piece,
        part,
        target,
        {
            "dtype": work.dtype.name,
            "src_nodata": hole if masked else None,
            "nodata": work.nodata if masked else None,
            "INIT_DEST": f"{work.nodata:.17g}",
            # Left alone, GDAL takes the ratio of the pixel sizes from the extents it is given. A scene that covers a
            # corner of the tile then counts as enlarged, and is sampled instead of averaged (measured: noise of a
            # quarter of the signal from 10 m to 30 m).
            "XSCALE": f"{1 / ratio[0]:.12g}",
            "YSCALE": f"{1 / ratio[1]:.12g}",
        },
        out if stored else None,
    )
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


def _warped(
    data: NDArray[Any],
    grid: Affine,
    piece: Piece,
    part: ScenePart,
    target: Target,
    options: Mapping[str, Any],
    out: NDArray[Any] | None,
) -> NDArray[Any]:
    # A warped dataset and not rasterio's reproject(): that one makes four boto3 sessions a call (30 ms) wherever AWS
    # credentials are in the environment, as they are in every Lambda function.
    with (
        _in_place(data, grid) as source,
        WarpedVRT(
            source,
            src_crs=part.crs,
            crs=target.crs,
            transform=window_transform(piece.window, target.transform),
            width=piece.columns,
            height=piece.rows,
            resampling=target.method,
            tolerance=max(target.tolerance, _EXACT),
            init_dest_nodata=False,
            warp_mem_limit=512,
            **options,
        ) as on_tile,
    ):
        result: NDArray[Any] = on_tile.read(1, out=out)
    return result


def _in_place(data: NDArray[Any], grid: Affine) -> Any:
    """An array of pixels next to each other in a row as a dataset, without a copy: to be closed before it goes.

    GDAL opens addresses of memory by name only where it is told to, as names may come from strangers: so for this one
    name alone.
    """
    name = ",".join(
        (
            f"MEM:::DATAPOINTER={data.ctypes.data:#x}",
            f"PIXELS={data.shape[1]}",
            f"LINES={data.shape[0]}",
            f"LINEOFFSET={data.strides[0]}",
            f"DATATYPE={dtype_rev[data.dtype.name]}",
            "GEOTRANSFORM=" + "/".join(f"{number:.17g}" for number in grid.to_gdal()),
        )
    )
    with rasterio.Env(session=DummySession(), GDAL_MEM_ENABLE_OPEN=True):
        return rasterio.open(name, driver="MEM")


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
