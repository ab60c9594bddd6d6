"""A pixel grid: what part of the world an array covers, and how."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from stratocube.errors import InvalidRequest


@dataclass(frozen=True)
class GeoBox:
    """A north-up pixel grid in one coordinate reference system.

    Two geoboxes are equal exactly when arrays on them lie pixel on pixel. ``x_min``/``y_max`` is the outer corner of
    the upper left pixel (not its centre), in CRS units.

    >>> GeoBox("EPSG:32723", 300000, 8000000, 30, 30, width=4, height=3).bounds
    (300000, 7999910, 300120, 8000000)
    """

    crs: str
    """WKT, PROJ string or ``EPSG:<code>``: whatever rasterio reads."""
    x_min: float
    y_max: float
    resolution_x: float
    """Width of a pixel in CRS units, positive."""
    resolution_y: float
    """Height of a pixel in CRS units, positive (rows run south)."""
    width: int
    """Columns."""
    height: int
    """Rows."""

    def __post_init__(self) -> None:
        for name in ("resolution_x", "resolution_y", "width", "height"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise InvalidRequest(f"must be a positive number, got {value!r}", field=name)

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns), as numpy has it."""
        return self.height, self.width

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """(x_min, y_min, x_max, y_max) of the outer pixel edges, in CRS units."""
        x_max = self.x_min + self.width * self.resolution_x
        y_min = self.y_max - self.height * self.resolution_y
        return self.x_min, y_min, x_max, self.y_max

    @property
    def transform(self) -> tuple[float, float, float, float, float, float]:
        """Affine coefficients a, b, c, d, e, f (``affine.Affine(*geobox.transform)``), pixel corner to CRS."""
        return self.resolution_x, 0.0, self.x_min, 0.0, -self.resolution_y, self.y_max

    def padded(self, pixels: int) -> GeoBox:
        """The same grid with so many more pixels beyond each of its four edges."""
        return replace(
            self,
            x_min=self.x_min - pixels * self.resolution_x,
            y_max=self.y_max + pixels * self.resolution_y,
            width=self.width + 2 * pixels,
            height=self.height + 2 * pixels,
        )
