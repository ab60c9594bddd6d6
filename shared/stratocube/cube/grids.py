"""Grids and tiles: a named lattice in one coordinate reference system, and its cells.

Columns count from west to east, rows from north to south; a tile's id is three digits of column and three of row
(``011009`` is column 11, row 9). Everything here is arithmetic: making grids is in ``grid_creation``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

from stratocube.cube.geobox import GeoBox
from stratocube.errors import InvalidRequest

MAX_INDEX: Final = 999
"""Three digits of column, three of row."""

MAX_PIXELS: Final = 32_768
"""Columns or rows of pixels a tile may have: more does not fit a worker's memory."""

_ADAPTED: Final = 0.05
"""How far (relative) a pixel may be stretched so that whole pixels fill a tile."""

_ON_EDGE: Final = 1e-9
"""Of a tile: how near to an edge counts as on it. Below a tenth of a millimetre, above float noise."""

Bounds = tuple[float, float, float, float]
"""x_min, y_min, x_max, y_max."""


def tile_id(col: int, row: int) -> str:
    """The id of a column and row.

    Raises:
        InvalidRequest: when one of them does not fit three digits.

    >>> tile_id(11, 9)
    '011009'
    """
    if not (0 <= col <= MAX_INDEX and 0 <= row <= MAX_INDEX):
        raise InvalidRequest(
            f"column {col}, row {row} cannot be named: ids hold 0 to {MAX_INDEX}; use larger tiles", field="tile"
        )
    return f"{col:03d}{row:03d}"


def parse_tile_id(text: str) -> tuple[int, int]:
    """(column, row) of a tile id.

    Raises:
        InvalidRequest: when the text is none.

    >>> parse_tile_id("011009")
    (11, 9)
    """
    if not (isinstance(text, str) and re.fullmatch(r"[0-9]{6}", text)):
        raise InvalidRequest(
            f"a tile id is three digits of column and three of row, such as 011009, got {str(text)[:40]!r}",
            field="tile",
        )
    return int(text[:3]), int(text[3:])


@dataclass(frozen=True)
class Grid:
    """A lattice of equal tiles. ``origin`` is the upper left corner of tile ``000000``.

    >>> grid = Grid("UTM23", "EPSG:32723", 0, 10_000_000, 100_000, 100_000)
    >>> grid.index_at(350_000, 8_250_000), grid.bounds(3, 17)
    ((3, 17), (300000, 8200000, 400000, 8300000))
    """

    name: str
    crs: str
    """WKT, PROJ string or ``EPSG:<code>``: whatever rasterio reads."""
    origin_x: float
    origin_y: float
    tile_size_x: float
    """Width of a tile in CRS units."""
    tile_size_y: float
    """Height of a tile in CRS units."""
    description: str = ""
    srid: int | None = None
    """The number a data base knows the CRS by, as given by the caller; not used for any arithmetic."""

    def __post_init__(self) -> None:
        for name in ("tile_size_x", "tile_size_y"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) > 0):
                raise InvalidRequest(f"must be a positive number, got {getattr(self, name)!r}", field=name)

    def bounds(self, col: int, row: int) -> Bounds:
        """Outer edges of a tile in CRS units."""
        return (
            self.origin_x + col * self.tile_size_x,
            self.origin_y - (row + 1) * self.tile_size_y,
            self.origin_x + (col + 1) * self.tile_size_x,
            self.origin_y - row * self.tile_size_y,
        )

    def index_at(self, x: float, y: float) -> tuple[int, int]:
        """(column, row) of the tile a point is in.

        A tile owns its western and its northern edge, so every point belongs to exactly one tile.
        """
        return (
            math.floor((x - self.origin_x) / self.tile_size_x + _ON_EDGE),
            math.floor((self.origin_y - y) / self.tile_size_y + _ON_EDGE),
        )

    def indexes_meeting(self, bounds: Bounds) -> Iterator[tuple[int, int]]:
        """(column, row) of every tile that shares area with a box in CRS units, columns first, from the north west.

        Touching an edge is not sharing area. Indexes may be negative or beyond what an id can name.
        """
        x_min, y_min, x_max, y_max = bounds
        first_col, first_row = self.index_at(x_min, y_max)
        last_col = math.ceil((x_max - self.origin_x) / self.tile_size_x - _ON_EDGE) - 1
        last_row = math.ceil((self.origin_y - y_min) / self.tile_size_y - _ON_EDGE) - 1
        for col in range(first_col, last_col + 1):
            for row in range(first_row, last_row + 1):
                yield col, row

    def to_json(self) -> dict[str, Any]:
        """``Grid.from_json(grid.to_json()) == grid``."""
        return {
            "name": self.name,
            "crs": self.crs,
            "origin": [self.origin_x, self.origin_y],
            "tile_size": [self.tile_size_x, self.tile_size_y],
            "description": self.description,
            "srid": self.srid,
        }

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Self:
        """A grid from what :meth:`to_json` wrote.

        Raises:
            InvalidRequest: when something is missing or of another kind.
        """
        try:
            return cls(
                name=str(found["name"]),
                crs=str(found["crs"]),
                origin_x=float(found["origin"][0]),
                origin_y=float(found["origin"][1]),
                tile_size_x=float(found["tile_size"][0]),
                tile_size_y=float(found["tile_size"][1]),
                description=str(found.get("description") or ""),
                srid=None if found.get("srid") is None else int(found["srid"]),
            )
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise InvalidRequest(f"is no grid: {error!r}", field="grid") from None


@dataclass(frozen=True)
class Tile:
    """One cell of a grid. Holds all that is needed to make its pixel grid, so it can travel without the grid.

    >>> tile = Tile("UTM23", 3, 17, "EPSG:32723", (300000, 8200000, 400000, 8300000), footprint={})
    >>> tile.id, tile.geobox(10).shape
    ('003017', (10000, 10000))
    """

    grid: str
    """Name of the grid."""
    col: int
    row: int
    crs: str
    bounds: Bounds
    """x_min, y_min, x_max, y_max in CRS units."""
    footprint: Mapping[str, Any] = field(hash=False)
    """GeoJSON Polygon in longitude and latitude; a MultiPolygon cut at 180 degrees where a tile lies across."""

    @property
    def id(self) -> str:
        """Three digits of column, three of row."""
        return tile_id(self.col, self.row)

    @property
    def bbox(self) -> Bounds:
        """west, south, east, north of the footprint in degrees; west > east across 180 degrees, as GeoJSON has it."""
        polygons = self.footprint["coordinates"]
        if self.footprint["type"] == "Polygon":
            polygons = [polygons]
        boxes = [_box(polygon[0]) for polygon in polygons]
        west, east = min(box[0] for box in boxes), max(box[2] for box in boxes)
        if len(boxes) > 1 and (west, east) == (-180, 180):
            west = min((box[0] for box in boxes if box[0] >= 0), default=west)
            east = max((box[2] for box in boxes if box[2] <= 0), default=east)
        return west, min(box[1] for box in boxes), east, max(box[3] for box in boxes)

    @property
    def centre(self) -> tuple[float, float]:
        """(longitude, latitude) of the middle of :attr:`bbox` in degrees: solar days are counted from it."""
        west, south, east, north = self.bbox
        longitude = (west + (east if west <= east else east + 360)) / 2
        return (longitude if longitude <= 180 else longitude - 360), (south + north) / 2

    def geobox(self, resolution_m: float, *, shape: tuple[int, int] | None = None) -> GeoBox:
        """The pixel grid of the tile.

        ``resolution_m`` is the pixel size in CRS units: metres, but degrees on a longitude/latitude grid. Where it
        does not divide the tile, the nearest whole number of pixels fills the tile exactly and the pixel size is
        adapted (1450 m at 30 m: 48 pixels of 30.2 m), as the reference does it. ``shape`` is (width, height) in
        pixels and takes the place of the resolution.

        Raises:
            InvalidRequest: when a pixel would have to be stretched by more than 5 %, or there would be more than
                32,768 of them in a row.
        """
        if not (math.isfinite(resolution_m) and resolution_m > 0):
            raise InvalidRequest(f"must be a positive number, got {resolution_m!r}", field="resolution")
        x_min, y_min, x_max, y_max = self.bounds
        size_x, size_y = x_max - x_min, y_max - y_min
        if shape is not None:
            width, height = shape
            adapted = ""
        else:
            width, height = _count(size_x, resolution_m), _count(size_y, resolution_m)
            worst = max(abs(size / n / resolution_m - 1) for size, n in ((size_x, width), (size_y, height)))
            adapted = "no whole number of pixels fills it" if worst > _ADAPTED else ""
        if adapted or not (0 < width <= MAX_PIXELS and 0 < height <= MAX_PIXELS):
            raise InvalidRequest(
                f"does not fit tile {self.id} of grid {self.grid}, which is {size_x:g} by {size_y:g} in CRS units: "
                + (adapted or f"{width} by {height} pixels, a tile holds 1 to {MAX_PIXELS} a side"),
                field="resolution" if shape is None else "shape",
            )
        exact = abs(size_x / width / resolution_m - 1) < _ON_EDGE and abs(size_y / height / resolution_m - 1) < _ON_EDGE
        return GeoBox(
            crs=self.crs,
            x_min=x_min,
            y_max=y_max,
            resolution_x=resolution_m if exact else size_x / width,
            resolution_y=resolution_m if exact else size_y / height,
            width=width,
            height=height,
        )

    def to_json(self) -> dict[str, Any]:
        """``Tile.from_json(tile.to_json()) == tile``."""
        return {
            "grid": self.grid,
            "id": self.id,
            "crs": self.crs,
            "bounds": list(self.bounds),
            "footprint": dict(self.footprint),
        }

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Self:
        """A tile from what :meth:`to_json` wrote.

        Raises:
            InvalidRequest: when something is missing or of another kind.
        """
        try:
            col, row = parse_tile_id(found["id"])
            x_min, y_min, x_max, y_max = (float(value) for value in found["bounds"])
            footprint = dict(found["footprint"])
            if footprint["type"] not in {"Polygon", "MultiPolygon"} or not footprint["coordinates"]:
                raise InvalidRequest("is no GeoJSON polygon", field="footprint")
            return cls(str(found["grid"]), col, row, str(found["crs"]), (x_min, y_min, x_max, y_max), footprint)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise InvalidRequest(f"is no tile: {error!r}", field="tile") from None


def _count(size: float, resolution: float) -> int:
    # capped so that an absurd resolution ends in the caller's message and not in an overflow
    return max(1, round(min(size / resolution, 1e9)))


def _box(ring: Sequence[Sequence[float]]) -> Bounds:
    xs, ys = [point[0] for point in ring], [point[1] for point in ring]
    return min(xs), min(ys), max(xs), max(ys)
