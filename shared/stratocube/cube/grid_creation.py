"""Making grids: cube-builder's hierarchical grids with their tile names, and plain ones in any CRS.

Two ways to lay a lattice over a box:

* *Around a pivot* (projections ``aea``, ``sinu``, ``longlat``, as cube-builder does it): one tile of the first grid is
  centred on the meridian at 12 degrees south. Columns and rows are counted from a corner that depends on the box (see
  :func:`_pivot_origin`), and all grids of the request share that corner.
* *On multiples* (any other CRS): edges lie on multiples of the largest tile, unless the caller gives the corner.

Every tile that shares area with the projected box exists (cube-builder leaves corners uncovered, GR-1). Around a
pivot the tiles that cube-builder would make exist too, even those beside the box, so that all its names are kept.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import shapely
from rasterio._err import CPLE_BaseError  # what transform raises for points the projection does not know
from rasterio.crs import CRS
from rasterio.env import Env
from rasterio.errors import CRSError, RasterioError
from rasterio.warp import transform
from shapely.affinity import translate
from shapely.geometry import Polygon, mapping
from shapely.prepared import prep

from stratocube.cube.grids import MAX_INDEX, Bounds, Grid, Tile
from stratocube.cube.requests import GridRequest
from stratocube.errors import InvalidRequest

MAX_TILES: Final = 20_000
"""Tiles of one request, all grids together: Brazil in three levels has 2,730."""

LONGITUDE_LATITUDE: Final = "EPSG:4326"

_PIVOT_LATITUDE: Final = -12.0
_PROJECTIONS: Final = {
    "aea": "+proj=aea +lat_0=-12 +lon_0={meridian} +lat_1=-2 +lat_2=-22 +x_0=5000000 +y_0=10000000 +ellps=GRS80 "
    "+units=m +no_defs",
    "sinu": "+proj=sinu +lon_0={meridian} +x_0=0 +y_0=0 +a=6371007.181 +b=6371007.181 +units=m +no_defs",
    "longlat": "+proj=longlat +ellps=GRS80 +no_defs",
}
_POINTS_A_SIDE: Final = 128
"""Points on each side of the box: a projected meridian or parallel is a curve, and tiles may lie in its bulge."""
_FOOTPRINT_POINTS_A_SIDE: Final = 4
_SHARE: Final = 1e-9
"""Of a tile: area below this is float noise along an edge."""


@dataclass(frozen=True)
class _Lattice:
    """What the grids of one request share."""

    crs: str
    origin_x: float
    origin_y: float
    box: Polygon
    """The requested box in CRS units."""
    kept: Bounds | None
    """Tiles that meet these bounds exist whether they meet the box or not."""


def create_grids(request: GridRequest) -> list[tuple[Grid, list[Tile]]]:
    """The grids of a request with their tiles: columns from west to east, rows from north to south in a column.

    Raises:
        InvalidRequest: for a CRS that is none or that the box cannot be projected to, more than 1,000 columns or rows
            (ids hold three digits each), or more than ``MAX_TILES`` tiles.

    >>> request = {"name": "UTM23", "crs": "EPSG:32723", "bbox": [-45.5, -15.5, -45, -15], "tile_size": [50000, 50000]}
    >>> [(grid, tiles)] = create_grids(GridRequest.parse(request))
    >>> grid.name, sorted(tile.id for tile in tiles)[:2]
    ('UTM23', ['000000', '000001'])
    """
    sizes = request.tile_sizes
    lattice = _lattice(request, sizes)
    grids = []
    total = 0
    for name, (size_x, size_y) in zip(request.grid_names, sizes, strict=True):
        grid = Grid(
            name=name,
            crs=lattice.crs,
            origin_x=lattice.origin_x,
            origin_y=lattice.origin_y,
            tile_size_x=size_x,
            tile_size_y=size_y,
            description=request.description,
            srid=request.srid,
        )
        indexes = _indexes(grid, lattice, room=MAX_TILES - total)
        total += len(indexes)
        grids.append((grid, make_tiles(grid, indexes)))
    return grids


def make_tiles(grid: Grid, indexes: Sequence[tuple[int, int]]) -> list[Tile]:
    """Tiles of a grid with their footprints, in the order of ``indexes`` ((column, row) each)."""
    bounds = [grid.bounds(col, row) for col, row in indexes]
    rings = [_ring(box, _FOOTPRINT_POINTS_A_SIDE) for box in bounds]
    points = [point for ring in rings for point in ring]
    longitudes, latitudes = _project(grid.crs, LONGITUDE_LATITUDE, points, field="crs")
    tiles = []
    for position, ((col, row), box) in enumerate(zip(indexes, bounds, strict=True)):
        part = slice(position * len(rings[0]), (position + 1) * len(rings[0]))
        footprint = _footprint(longitudes[part], latitudes[part])
        tiles.append(Tile(grid.name, col, row, grid.crs, box, footprint))
    return tiles


def tile_size_of_degrees(projection: str, meridian: float, degrees: tuple[float, float]) -> tuple[float, float]:
    """Width and height in CRS units of a tile of so many degrees around the pivot of a named projection: measured along
    the parallel of 12 degrees south and along the meridian.

    Raises:
        InvalidRequest: for a projection that has no pivot, or degrees that do not fit around it.
    """
    if projection not in _PROJECTIONS:
        known = ", ".join(_PROJECTIONS)
        raise InvalidRequest(f"must be one of {known} for tiles in degrees: else give tile_size", field="projection")
    half_x, half_y = degrees[0] / 2, degrees[1] / 2
    latitude = _PIVOT_LATITUDE
    points = [
        (meridian - half_x, latitude),
        (meridian + half_x, latitude),
        (meridian, latitude - half_y),
        (meridian, latitude + half_y),
    ]
    crs = _PROJECTIONS[projection].format(meridian=f"{meridian:.9f}")
    (west, east, _, _), (_, _, south, north) = _project(LONGITUDE_LATITUDE, crs, points, field="degreesx")
    return round(east - west, 6), round(north - south, 6)


def _lattice(request: GridRequest, sizes: Sequence[tuple[float, float]]) -> _Lattice:
    crs = _crs_text(request)
    box = _projected_box(crs, request.box)
    x_min, _, _, y_max = box.bounds
    if request.origin is not None:
        return _Lattice(crs, *request.origin, box, kept=None)
    if request.projection in _PROJECTIONS and request.meridian is not None:
        origin = _pivot_origin(crs, request.meridian, request.box, sizes[0])
        kept = _extent_along_axes(crs, request.meridian, request.box)
        # a box whose corner is not its outermost point (north of the equator, say) would get negative columns
        shift_x = math.ceil(max(0.0, (origin[0] - x_min) / sizes[0][0] - _SHARE)) * sizes[0][0]
        shift_y = math.ceil(max(0.0, (y_max - origin[1]) / sizes[0][1] - _SHARE)) * sizes[0][1]
        return _Lattice(crs, origin[0] - shift_x, origin[1] + shift_y, box, kept)
    size_x, size_y = max(size[0] for size in sizes), max(size[1] for size in sizes)
    return _Lattice(crs, math.floor(x_min / size_x) * size_x, math.ceil(y_max / size_y) * size_y, box, kept=None)


def _pivot_origin(crs: str, meridian: float, box: Bounds, size: tuple[float, float]) -> tuple[float, float]:
    """The upper left corner of tile 000000 as cube-builder counts, found from its documented grids.

    Counted in tiles of the first grid from the tile that is centred on the pivot: to the west as many as fit
    between that tile's western edge and the projected upper left corner of the box, to the north one more than fit
    between its northern edge and that corner. Both distances without sign: a box east of the pivot has the corner
    mirrored, and its first columns do not exist.
    """
    west, _, _, north = box
    (pivot_x, corner_x), (pivot_y, corner_y) = _project(
        LONGITUDE_LATITUDE, crs, [(meridian, _PIVOT_LATITUDE), (west, north)], field="bbox"
    )
    size_x, size_y = size
    edge_x, edge_y = pivot_x - size_x / 2, pivot_y + size_y / 2
    columns = math.ceil(abs(edge_x - corner_x) / size_x)
    rows = math.ceil(abs(edge_y - corner_y) / size_y) + 1
    return edge_x - columns * size_x, edge_y + rows * size_y


def _extent_along_axes(crs: str, meridian: float, box: Bounds) -> Bounds:
    """The box measured along the equator and the meridian only, which is the extent cube-builder fills with tiles."""
    west, south, east, north = box
    (x_min, x_max, *_), (*_, y_min, y_max) = _project(
        LONGITUDE_LATITUDE, crs, [(west, 0), (east, 0), (meridian, south), (meridian, north)], field="bbox"
    )
    return x_min, y_min, x_max, y_max


def _indexes(grid: Grid, lattice: _Lattice, *, room: int) -> list[tuple[int, int]]:
    _check_extent(grid, lattice.box.bounds)
    box, smallest = prep(lattice.box), grid.tile_size_x * grid.tile_size_y * _SHARE
    found = set()
    for col, row in grid.indexes_meeting(lattice.box.bounds):
        tile = shapely.box(*grid.bounds(col, row))
        if box.covers(tile) or (box.intersects(tile) and lattice.box.intersection(tile).area > smallest):
            found.add((col, row))
    if not found:
        raise InvalidRequest("no tile shares area with the box: make the box larger", field="bbox")
    if min(min(index) for index in found) < 0:
        raise InvalidRequest("lies inside or south east of the box: columns and rows count from it", field="origin")
    if lattice.kept is not None:
        _check_extent(grid, lattice.kept)
        found |= {index for index in grid.indexes_meeting(lattice.kept) if min(index) >= 0}
    last_col, last_row = max(col for col, _ in found), max(row for _, row in found)
    if max(last_col, last_row) > MAX_INDEX:
        raise InvalidRequest(
            f"grid {grid.name} would reach column {last_col}, row {last_row}, and ids hold 0 to {MAX_INDEX}: "
            "use larger tiles or a smaller box",
            field="shape",
        )
    if len(found) > room:
        raise InvalidRequest(
            f"the grids would have more than {MAX_TILES} tiles together: use larger tiles or a smaller box",
            field="shape",
        )
    return sorted(found)


def _check_extent(grid: Grid, bounds: Bounds) -> None:
    """Refuse before counting: a box in tiles of a few metres would keep the loop busy for hours."""
    x_min, y_min, x_max, y_max = bounds
    columns, rows = (x_max - x_min) / grid.tile_size_x, (y_max - y_min) / grid.tile_size_y
    if max(columns, rows) > MAX_INDEX + 1 or columns * rows > 4 * MAX_TILES:
        raise InvalidRequest(
            f"grid {grid.name} would have about {columns:.0f} columns and {rows:.0f} rows; ids hold {MAX_INDEX + 1} of "
            f"each and a request {MAX_TILES} tiles: use larger tiles or a smaller box",
            field="shape",
        )


def _crs_text(request: GridRequest) -> str:
    text = request.crs or request.projection or ""
    if text in _PROJECTIONS:
        # a meridian is a longitude: nine decimals are a tenth of a millimetre
        return _PROJECTIONS[text].format(meridian=f"{request.meridian:.9f}".rstrip("0").rstrip("."))
    try:
        with Env():  # its log handler keeps PROJ's complaint off stderr
            CRS.from_user_input(text)
    except (CRSError, ValueError):
        raise InvalidRequest(
            f"{text[:60]!r} is no CRS that PROJ knows", field="crs" if request.crs else "projection"
        ) from None
    return text


def _projected_box(crs: str, box: Bounds) -> Polygon:
    xs, ys = _project(LONGITUDE_LATITUDE, crs, _ring(box, _POINTS_A_SIDE), field="bbox")
    polygon = Polygon(zip(xs, ys, strict=True))
    if not polygon.is_valid or polygon.area <= 0:
        raise InvalidRequest("does not stay one area in this projection: choose a smaller box", field="bbox")
    return polygon


def _project(
    source: str, target: str, points: Sequence[tuple[float, float]], *, field: str
) -> tuple[list[float], list[float]]:
    try:
        xs, ys = transform(source, target, [x for x, _ in points], [y for _, y in points])[:2]
    except (CRSError, RasterioError, CPLE_BaseError, ValueError):
        xs, ys = [math.nan], [math.nan]
    if not all(map(math.isfinite, (*xs, *ys))):
        raise InvalidRequest("cannot be projected: it reaches beyond where the projection is defined", field=field)
    return list(xs), list(ys)


def _ring(bounds: Bounds, points_a_side: int) -> list[tuple[float, float]]:
    """Points along the edges of a box, counter-clockwise from the lower left, the first again at the end."""
    x_min, y_min, x_max, y_max = bounds
    corners = [(x_min, y_min), (x_max, y_min), (x_max, y_max), (x_min, y_max), (x_min, y_min)]
    ring = [
        (x0 + (x1 - x0) * step / points_a_side, y0 + (y1 - y0) * step / points_a_side)
        for (x0, y0), (x1, y1) in pairwise(corners)
        for step in range(points_a_side)
    ]
    return [*ring, corners[0]]


def _footprint(longitudes: Sequence[float], latitudes: Sequence[float]) -> dict[str, object]:
    """GeoJSON of a ring, cut in two where it lies across 180 degrees (RFC 7946, 3.1.9)."""
    inside = [(longitude + 180) % 360 - 180 for longitude in longitudes]
    across = max(inside) - min(inside) > 180
    polygon = Polygon(
        (longitude + 360 if across and longitude < 0 else longitude, min(90.0, max(-90.0, latitude)))
        for longitude, latitude in zip(inside, latitudes, strict=True)
    )
    if not polygon.is_valid:
        # corners of a tile beyond the edge of the world (sinusoidal, near a pole) come back as crossing lines
        polygon = shapely.make_valid(polygon)
    halves = [polygon]
    if across:
        east = polygon.intersection(shapely.box(0, -90, 180, 90))
        halves = [east, translate(polygon.intersection(shapely.box(180, -90, 540, 90)), xoff=-360)]
    parts = [part for half in halves for part in shapely.get_parts(half) if isinstance(part, Polygon) and part.area > 0]
    if not parts:
        raise InvalidRequest(
            "some tiles lie beyond where the projection is defined: choose a smaller box", field="bbox"
        )
    coordinates = [_plain(mapping(part)["coordinates"]) for part in parts]
    if len(coordinates) == 1:
        return {"type": "Polygon", "coordinates": coordinates[0]}
    return {"type": "MultiPolygon", "coordinates": coordinates}


def _plain(value: object) -> object:
    """Nested lists with coordinates to nine decimals (a tenth of a millimetre), as JSON would give them back."""
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    return round(float(value), 9)  # type: ignore[arg-type]  # a coordinate
