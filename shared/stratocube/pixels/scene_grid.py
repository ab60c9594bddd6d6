"""The pixels of a scene, and where points of a tile are among them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from rasterio.crs import CRS

from stratocube.errors import SourceMissing
from stratocube.pixels.sources import Points, projected
from stratocube.pixels.target import Target


@dataclass(frozen=True)
class SceneGrid:
    """Where the pixels of a scene are; any direction of rows and columns will do."""

    crs: CRS
    transform: Affine
    """Pixel corner to CRS."""
    shape: tuple[int, int]
    """(rows, columns)"""


def grid_of_scene(dataset: Any, href: str) -> SceneGrid:
    """The grid of an open scene. Raises SourceMissing for one that is nowhere on Earth."""
    if dataset.crs is None or dataset.transform.is_identity:
        raise SourceMissing(href, "has no georeference, so it cannot be placed on the tile")
    return SceneGrid(dataset.crs, dataset.transform, dataset.shape)


def source_pixels(
    columns: NDArray[np.floating[Any]], rows: NDArray[np.floating[Any]], scene: SceneGrid, target: Target
) -> Points:
    """Where points of the tile (columns and rows from its corner) are in a scene; NaN where it has no coordinates."""
    x, y = _applied(target.transform, columns.ravel(), rows.ravel())
    x, y = _applied(~scene.transform, *projected(x.tolist(), y.tolist(), target.crs, scene.crs))
    return x.reshape(columns.shape), y.reshape(columns.shape)


def _applied(affine: Affine, x: NDArray[np.floating[Any]], y: NDArray[np.floating[Any]]) -> Points:
    a, b, c, d, e, f = tuple(affine)[:6]
    known = np.isfinite(x) & np.isfinite(y)
    x, y = np.where(known, x, np.nan), np.where(known, y, np.nan)
    return a * x + b * y + c, d * x + e * y + f
