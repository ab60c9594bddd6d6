"""Where the pixels of a piece of the tile lie in a scene, as a polynomial through points that were projected.

A projection changes slowly: over 20 km a cubic polynomial follows it to less than a millionth of a pixel of 10 m, and
costs a tenth of it. What the polynomial does not follow (pieces of a thousand kilometres, edges of a projection) is
projected. See ADR 0010.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stratocube.pixels.scene_grid import SceneGrid, source_pixels
from stratocube.pixels.target import Piece, Target

ORDER: Final = 3
"""Order of the polynomial: the highest GDAL has."""

_POINTS: Final = 5
"""Control points along each side of a piece: one more than a cubic needs, so that they tell how well it fits."""

_SHORTEST: Final = 128
"""Sides that control points are spread over at least, in pixels of the tile: margins may be of one pixel."""

_SHARE: Final = 0.1
"""Of the tolerance that the polynomial may use up; the rest is for what GDAL interpolates between pixels."""

_LINEAR: Final = 1e-7
"""Grids that are off each other's lines by less, in pixels of the scene, are parallel."""


@dataclass(frozen=True)
class Coordinates:
    """Control points: places of a piece of the tile, and where they are in the scene."""

    x: NDArray[np.float64]
    """From -1 to 1 along the columns of ``box``."""
    y: NDArray[np.float64]
    """From -1 to 1 down its rows."""
    columns: NDArray[np.float64]
    """Pixels of the scene from its corner, as ``rows``."""
    rows: NDArray[np.float64]
    box: tuple[float, float, float, float]
    """Column and row of the tile in the middle of the points, and half of the width and the height they span."""
    error: float
    """The greatest distance between a point and the polynomial, in pixels of the scene."""


def fitted(scene: SceneGrid, target: Target, pieces: Collection[Piece]) -> Mapping[Piece, Coordinates]:
    """The pieces on which a polynomial is as good as projecting each pixel, within a tenth of the tolerance.

    None where the tolerance is 0, or where the grids are parallel (one projection, whatever it is called): there a
    pixel of the tile may lie exactly between two of the scene, and rounding would choose.
    """
    if not pieces or target.tolerance == 0:
        return {}
    side = np.linspace(-1.0, 1.0, _POINTS)
    y, x = (values.ravel() for values in np.meshgrid(side, side, indexing="ij"))
    boxes = np.array([_box(piece) for piece in pieces])
    middle_column, middle_row, half_width, half_height = (boxes[:, place, np.newaxis] for place in range(4))
    columns, rows = source_pixels(middle_column + half_width * x, middle_row + half_height * y, scene, target)
    error, bend = (np.hypot(_off(columns, x, y, order), _off(rows, x, y, order)).max(axis=1) for order in (ORDER, 1))
    return {
        piece: Coordinates(x, y, columns[place], rows[place], tuple(boxes[place].tolist()), float(error[place]))
        for place, piece in enumerate(pieces)
        if error[place] <= _SHARE * target.tolerance and bend[place] > _LINEAR  # neither where a point is unknown: NaN
    }


def _box(piece: Piece) -> tuple[float, float, float, float]:
    return (
        piece.column + piece.columns / 2,
        piece.row + piece.rows / 2,
        max(piece.columns, _SHORTEST) / 2,
        max(piece.rows, _SHORTEST) / 2,
    )


def _off(
    values: NDArray[np.float64], x: NDArray[np.float64], y: NDArray[np.float64], order: int
) -> NDArray[np.float64]:
    """How far values at points, (pieces, points), are off the polynomial of an order that fits them best."""
    terms = np.stack([x**i * y**j for i in range(order + 1) for j in range(order + 1 - i)], axis=1)
    through: NDArray[np.float64] = terms @ np.linalg.pinv(terms)
    off: NDArray[np.float64] = values - values @ through.T
    return off
