"""What is to be made of scenes: a tile, and the rectangles of it that are warped one by one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from affine import Affine
from rasterio.crs import CRS
from rasterio.enums import Resampling
from rasterio.windows import Window


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
