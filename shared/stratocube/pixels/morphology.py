"""Dilation by a disk: what lies within a distance of a pixel.

A disk is a row of vertical lines, one a column. The line of half-length ``n`` is the line of ``n - 1`` and one more
pixel at each end, so all lines of a disk are made one from the other. A dilation then costs two steps for every row and
two for every column of the radius, each over whole arrays, whatever is in them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from stratocube.errors import InvalidRequest

MOST_PIXELS: Final = 256
"""Greatest radius of a disk in pixels. Time grows with it, and so does what a tile has to know of its neighbours."""

_STRIP_BYTES: Final = 1 << 20
"""Of the rows worked on at a time: they are passed over again and again, and should stay in the cache."""

_ON_EDGE: Final = 1e-9
"""How far (relative) beyond the radius a pixel still counts as on it: 120 m are 12 pixels of 10 m."""


@dataclass(frozen=True)
class Disk:
    """The offsets of all pixels whose centre lies within a distance of the centre of a pixel."""

    heights: tuple[int, ...]
    """For each column to the right of the middle (the first is the middle itself; those to the left are the same): how
    many rows up and down belong to the disk."""

    @classmethod
    def of_radius(cls, radius: float, pixel_width: float = 1.0, pixel_height: float = 1.0) -> Self:
        """The disk of a radius in the unit of the pixel sizes; a pixel exactly at that distance belongs to it.

        Raises InvalidRequest for a negative radius, and for one of more than :data:`MOST_PIXELS` pixels.
        """
        most = MOST_PIXELS * min(pixel_width, pixel_height)
        if not 0 <= radius <= most:
            raise InvalidRequest(f"must be from 0 to {most:g} ({MOST_PIXELS} pixels), got {radius:g}", field="radius")
        reach = (radius * (1 + _ON_EDGE)) ** 2
        columns = range(int(reach**0.5 / pixel_width) + 1)
        squares = [max(reach - (column * pixel_width) ** 2, 0.0) for column in columns]
        return cls(tuple(int(square**0.5 / pixel_height) for square in squares))

    @property
    def reach(self) -> int:
        """Rows or columns from the middle to the farthest pixel, whichever are more."""
        return max(self.heights[0], len(self.heights) - 1)

    def offsets(self) -> list[tuple[int, int]]:
        """(row, column) of every pixel of the disk relative to its middle, row by row."""
        return sorted(
            (row, side * column)
            for column, height in enumerate(self.heights)
            for row in range(-height, height + 1)
            for side in ((-1, 1) if column else (1,))
        )


def dilate(values: NDArray[Any], disk: Disk, *, combine: np.ufunc = np.maximum) -> NDArray[Any]:
    """Every pixel combined with all others the disk reaches when laid on it: a new array of the same shape and type.

    ``values`` is (rows, columns), bool or unsigned; beyond its edges there is 0. ``combine`` is ``numpy.maximum`` (of
    bool: whether any pixel of the disk is set) or ``numpy.bitwise_or`` (which bits are set in any of them).
    """
    if disk.heights == (0,):
        return values.copy()
    rows, columns = values.shape
    result = values.copy()
    halo = disk.heights[0]
    step = max(_STRIP_BYTES // max(columns * values.itemsize, 1) - 2 * halo, 2 * halo, 1)
    for top in range(0, rows, step):
        bottom = min(top + step, rows)
        source = _with_halo(values, top, bottom, halo)
        if source.any():
            _dilate_strip(source, disk, combine, result[top:bottom])
    return result


def _with_halo(values: NDArray[Any], top: int, bottom: int, halo: int) -> NDArray[Any]:
    """Rows ``top`` to ``bottom`` and ``halo`` more above and below, 0 beyond the edges."""
    first, last = max(top - halo, 0), min(bottom + halo, values.shape[0])
    if first == top - halo and last == bottom + halo:
        return values[first:last]
    strip = np.zeros((bottom - top + 2 * halo, values.shape[1]), dtype=values.dtype)
    strip[first - (top - halo) : last - (top - halo)] = values[first:last]
    return strip


def _dilate_strip(source: NDArray[Any], disk: Disk, combine: np.ufunc, result: NDArray[Any]) -> None:
    """Combine the dilation of a strip, given with its halo, into ``result``."""
    rows, columns = result.shape
    halo = disk.heights[0]
    line = source[halo : halo + rows].copy()
    reached = 0
    for column in reversed(range(len(disk.heights))):  # from the short lines at the sides to the long one in the middle
        while reached < disk.heights[column]:
            reached += 1
            combine(line, source[halo - reached : halo - reached + rows], out=line)
            combine(line, source[halo + reached : halo + reached + rows], out=line)
        if column < columns:
            left, right = result[:, : columns - column], result[:, column:]
            combine(right, line[:, : columns - column], out=right)
            combine(left, line[:, column:], out=left)
