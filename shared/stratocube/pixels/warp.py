"""One scene on part of the tile: which pixels to read, and the warp itself."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.enums import Resampling
from rasterio.io import MemoryFile
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window
from rasterio.windows import transform as window_transform

from stratocube.errors import SourceMissing
from stratocube.pixels.cog import fits
from stratocube.pixels.resampling import PICKING, WITHIN_SOURCE_RANGE, reach
from stratocube.pixels.scaling import rescale, truncated
from stratocube.pixels.sources import Points, is_nodata, projected

_EDGE_POINTS: Final = 22
"""Points along each edge of a piece that are projected to find what it needs of a scene."""

_EDGE_MARGIN: Final = 2
"""Source pixels added around that: an edge may bulge between two points."""

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
class SceneGrid:
    """Where the pixels of a scene are; any direction of rows and columns will do."""

    crs: CRS
    transform: Affine
    """Pixel corner to CRS."""
    shape: tuple[int, int]
    """(rows, columns)"""


@dataclass(frozen=True)
class ScenePart:
    """Pixels of a scene that were read, and where they are."""

    data: NDArray[Any]
    """(rows, columns), type of the file."""
    crs: CRS
    transform: Affine
    """Pixel corner to CRS, of ``data``."""
    nodata: float | None
    scaling: Scaling | None
    """None: the numbers are on the scale of the cube already."""


def grid_of_scene(dataset: Any, href: str) -> SceneGrid:
    """The grid of an open scene. Raises SourceMissing for one that is nowhere on Earth."""
    if dataset.crs is None or dataset.transform.is_identity:
        raise SourceMissing(href, "has no georeference, so it cannot be placed on the tile")
    return SceneGrid(dataset.crs, dataset.transform, dataset.shape)


def pixels_per_pixel(scene: SceneGrid, target: Target) -> tuple[float, float]:
    """Columns and rows of a scene under the box around one pixel in the middle of the tile."""
    row, column = target.shape[0] / 2, target.shape[1] / 2
    columns = np.array([column - 0.5, column + 0.5, column, column])
    rows = np.array([row, row, row - 0.5, row + 0.5])
    x, y = _source_pixels(columns, rows, scene, target)
    across = abs(x[1] - x[0]) + abs(x[3] - x[2])
    down = abs(y[1] - y[0]) + abs(y[3] - y[2])
    return (across, down) if math.isfinite(across) and math.isfinite(down) else (1.0, 1.0)


def window_for(piece: Piece, scene: SceneGrid, target: Target, ratio: tuple[float, float]) -> Window | None:
    """What a piece of the tile needs of a scene; None when they do not meet."""
    steps = np.linspace(0.0, 1.0, _EDGE_POINTS)
    none, full = np.zeros_like(steps), np.ones_like(steps)
    columns = piece.column + piece.columns * np.concatenate([steps, steps, none, full])
    rows = piece.row + piece.rows * np.concatenate([none, full, steps, steps])
    x, y = _source_pixels(columns, rows, scene, target)
    height, width = scene.shape
    known = np.isfinite(x) & np.isfinite(y)
    if not known.all():  # the tile reaches beyond where the scene's projection has coordinates: read it all
        return Window(0, 0, width, height)
    margin_x, margin_y = (math.ceil(reach(target.method, r)) + _EDGE_MARGIN for r in ratio)
    left = max(0, math.floor(x.min()) - margin_x)
    right = min(width, math.ceil(x.max()) + margin_x)
    top = max(0, math.floor(y.min()) - margin_y)
    bottom = min(height, math.ceil(y.max()) + margin_y)
    return Window(left, top, right - left, bottom - top) if right > left and bottom > top else None


def warp(
    part: ScenePart, window: Window, piece: Piece, target: Target, ratio: tuple[float, float]
) -> NDArray[Any] | None:
    """A scene on a piece of the tile: an array of the piece's shape in the type of the tile.

    ``window`` says which rows and columns of ``part`` to draw on. Pixels the scene does not cover, and those whose
    kernel finds nothing but nodata, are nodata; a valid pixel never is. None when there is nothing valid.
    """
    data = part.data[window.toslices()]
    missing = is_nodata(data, part.nodata)
    if missing.all():
        return None
    work = _work(data, part, target)
    hole = part.nodata
    if data.dtype.kind == "f":  # NaN is a hole whatever the tag says, and GDAL knows one nodata value
        data, hole = np.where(missing, _BEYOND, data), _BEYOND
    # Without a hole in what was read GDAL's kernel without masks gives the same pixels in half the time, except that
    # of a kernel that overshoots a valid pixel might come out as nodata.
    masked = bool(missing.any()) or target.method not in WITHIN_SOURCE_RANGE
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
    )
    stored = part.scaling is None and work == _Numbers(target.dtype, target.nodata)
    return warped if stored else _converted(warped, work.nodata, part, target)


def beside_nodata(nodata: float, dtype: np.dtype[Any]) -> Any:
    """What a valid value that would equal nodata becomes: one step toward zero, up from zero."""
    value = dtype.type(nodata)
    if dtype.kind == "f":
        return np.nextafter(value, dtype.type(0) if value != 0 else dtype.type(1))
    return dtype.type(int(value) - 1 if value > 0 else int(value) + 1)


def _warped(
    data: NDArray[Any], grid: Affine, piece: Piece, part: ScenePart, target: Target, options: Mapping[str, Any]
) -> NDArray[Any]:
    # A warped dataset and not rasterio's reproject(): that one makes four boto3 sessions a call (30 ms) wherever AWS
    # credentials are in the environment, as they are in every Lambda function.
    with MemoryFile(ext=".tif") as memory:
        with memory.open(
            driver="GTiff",
            width=data.shape[1],
            height=data.shape[0],
            count=1,
            dtype=data.dtype.name,
            crs=part.crs,
            transform=grid,
        ) as written:
            written.write(data, 1)
        with (
            memory.open() as source,
            WarpedVRT(
                source,
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
            result: NDArray[Any] = on_tile.read(1)
    return result


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


def _source_pixels(
    columns: NDArray[np.floating[Any]], rows: NDArray[np.floating[Any]], scene: SceneGrid, target: Target
) -> Points:
    """Where points of the tile (columns and rows from its corner) are in a scene; NaN where it has no coordinates."""
    x, y = _applied(target.transform, columns, rows)
    return _applied(~scene.transform, *projected(x.tolist(), y.tolist(), target.crs, scene.crs))


def _applied(affine: Affine, x: NDArray[np.floating[Any]], y: NDArray[np.floating[Any]]) -> Points:
    a, b, c, d, e, f = tuple(affine)[:6]
    known = np.isfinite(x) & np.isfinite(y)
    x, y = np.where(known, x, np.nan), np.where(known, y, np.nan)
    return a * x + b * y + c, d * x + e * y + f


def source_nodata(tag: float | None, declared: float | None, cube_nodata: float, dtype: np.dtype[Any]) -> float | None:
    """The nodata of a scene: its own tag, else what its catalog declares, else that of the cube's band.

    A value the type of the file cannot hold marks nothing; an unsigned file for which only such values are known
    (-9999 for uint16) has 0, the fill of archives.
    """
    for value in (tag, declared, cube_nodata):
        if value is not None and fits(value, dtype):
            return value
    return 0 if dtype.kind == "u" else None
