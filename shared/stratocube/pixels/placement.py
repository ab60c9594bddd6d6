"""Where the pixels of a tile lie in a scene: what to read of it, and which part of the tile it can reach."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from stratocube.pixels.resampling import reach
from stratocube.pixels.scene_grid import SceneGrid, source_pixels
from stratocube.pixels.target import Piece, Target

_CELL: Final = 128
"""Greatest side of a cell, in pixels of the tile."""

_CELLS: Final = 32
"""A tile has so many cells along its longer side at least, where it has as many pixels."""

_MARGIN: Final = 2
"""Source pixels added around what the corners of a cell say."""

_BULGE: Final = 0.02
"""How far the edges of a cell may bulge between its corners, as a share of its size; 128 pixels of 1 km bulge by less
than 0.003."""


@dataclass(frozen=True)
class Nodes:
    """Rows and columns of a tile between which it is divided into cells; every edge of a piece is one of them."""

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]

    @classmethod
    def of(cls, pieces: Sequence[Piece], shape: tuple[int, int]) -> Nodes:
        """Nodes of a tile of ``shape`` (rows, columns) that is cut into ``pieces``."""
        step = max(1, min(_CELL, math.ceil(max(shape) / _CELLS)))
        return cls(
            _divided({(piece.row, piece.row + piece.rows) for piece in pieces}, step),
            _divided({(piece.column, piece.column + piece.columns) for piece in pieces}, step),
        )

    def cells(self, area: Piece) -> tuple[slice, slice]:
        """The cells an area touches, as an index."""
        return _touched(self.rows, area.row, area.rows), _touched(self.columns, area.column, area.columns)

    def quarters(self, area: Piece, smallest: int) -> list[Piece]:
        """An area cut in two along each side that is longer than ``smallest`` pixels, between cells."""
        return [
            Piece(row, column, rows, columns)
            for row, rows in _halves(self.rows, area.row, area.rows, smallest)
            for column, columns in _halves(self.columns, area.column, area.columns, smallest)
        ]


@dataclass(frozen=True)
class Placement:
    """A scene on the cells of a tile. Arrays of (cells down, cells across)."""

    nodes: Nodes
    shape: tuple[int, int]
    """(rows, columns) of the scene"""
    left: NDArray[np.float64]
    """What a cell may draw on, in pixels of the scene from its corner, with the reach of the kernel: infinite in all
    directions where the scene's projection has no coordinates."""
    right: NDArray[np.float64]
    top: NDArray[np.float64]
    bottom: NDArray[np.float64]
    meets: NDArray[np.bool_]
    """Cells the scene may give something to."""
    covers: NDArray[np.bool_]
    """Cells that lie in the scene with all they may draw on."""

    def window(self, area: Piece) -> Window | None:
        """What an area of the tile needs of the scene; None when they do not meet."""
        cells = self.nodes.cells(area)
        some = self.meets[cells]
        if not some.any():
            return None
        height, width = self.shape
        left = math.floor(max(0.0, self.left[cells][some].min()))
        right = math.ceil(min(width, self.right[cells][some].max()))
        top = math.floor(max(0.0, self.top[cells][some].min()))
        bottom = math.ceil(min(height, self.bottom[cells][some].max()))
        return Window(left, top, right - left, bottom - top)

    def reached(self, area: Piece) -> Piece | None:
        """The part of an area of the tile to which the scene may give something, in rows of the area and whole columns
        of cells; None when it gives nothing at all."""
        down, across = self.nodes.cells(area)
        some = self.meets[down, across]
        if not some.any():
            return None
        rows, columns = np.flatnonzero(some.any(axis=1)), np.flatnonzero(some.any(axis=0))
        top = max(area.row, int(self.nodes.rows[down.start + rows[0]]))
        bottom = min(area.row + area.rows, int(self.nodes.rows[down.start + rows[-1] + 1]))
        left = int(self.nodes.columns[across.start + columns[0]])
        right = int(self.nodes.columns[across.start + columns[-1] + 1])
        return Piece(top, left, bottom - top, right - left)


def pixels_per_pixel(scene: SceneGrid, target: Target) -> tuple[float, float]:
    """Columns and rows of a scene under the box around one pixel in the middle of the tile."""
    row, column = target.shape[0] / 2, target.shape[1] / 2
    columns = np.array([column - 0.5, column + 0.5, column, column])
    rows = np.array([row, row, row - 0.5, row + 0.5])
    x, y = source_pixels(columns, rows, scene, target)
    across = abs(x[1] - x[0]) + abs(x[3] - x[2])
    down = abs(y[1] - y[0]) + abs(y[3] - y[2])
    return (across, down) if math.isfinite(across) and math.isfinite(down) else (1.0, 1.0)


def place(scene: SceneGrid, target: Target, nodes: Nodes, ratio: tuple[float, float]) -> Placement:
    """Find a scene on a tile. ``ratio``: see :func:`pixels_per_pixel`."""
    columns, rows = np.meshgrid(nodes.columns.astype(float), nodes.rows.astype(float))
    x, y = source_pixels(columns, rows, scene, target)
    known: NDArray[np.bool_] = np.all(_corners(np.isfinite(x) & np.isfinite(y)), axis=0)
    left, right, slack_x = _extent(x, known, reach(target.method, ratio[0]))
    top, bottom, slack_y = _extent(y, known, reach(target.method, ratio[1]))
    height, width = scene.shape
    left, right, top, bottom = left - slack_x, right + slack_x, top - slack_y, bottom + slack_y
    meets = (left < width) & (right > 0) & (top < height) & (bottom > 0)
    covers = (left >= 0) & (right <= width) & (top >= 0) & (bottom <= height)
    return Placement(nodes, scene.shape, left, right, top, bottom, meets, covers)


def _divided(spans: Iterable[tuple[int, int]], step: int) -> NDArray[np.intp]:
    return np.array(sorted({node for start, end in spans for node in (*range(start, end, step), end)}), dtype=np.intp)


def _touched(nodes: NDArray[np.intp], start: int, length: int) -> slice:
    return slice(
        int(np.searchsorted(nodes, start, side="right")) - 1, int(np.searchsorted(nodes, start + length, side="left"))
    )


def _halves(nodes: NDArray[np.intp], start: int, length: int, smallest: int) -> list[tuple[int, int]]:
    """(start, length) of one or two parts of a span that these nodes lie around."""
    within = nodes[(nodes > start) & (nodes < start + length)]
    if length <= smallest or not within.size:
        return [(start, length)]
    middle = int(within[np.abs(within - (start + length / 2)).argmin()])
    return [(start, middle - start), (middle, start + length - middle)]


def _corners(values: NDArray[Any]) -> NDArray[Any]:
    """(4, cells down, cells across): the values at the corners of each cell."""
    return np.stack([values[:-1, :-1], values[:-1, 1:], values[1:, :-1], values[1:, 1:]])


def _extent(
    values: NDArray[np.float64], known: NDArray[np.bool_], kernel: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Least and greatest value of each cell, and what to add on both sides."""
    corners = _corners(values)
    least = np.where(known, corners.min(axis=0), -np.inf)
    most = np.where(known, corners.max(axis=0), np.inf)
    size = np.where(known, most - least, 0.0)
    return least, most, math.ceil(kernel) + _MARGIN + _BULGE * size
