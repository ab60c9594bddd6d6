"""Footprints in longitude and latitude: reading, comparing and, at the antimeridian, unfolding them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import shapely
from shapely import to_geojson
from shapely.affinity import translate
from shapely.errors import ShapelyError
from shapely.geometry import MultiPolygon, Polygon, box, shape
from shapely.geometry.base import BaseGeometry

from stratocube.errors import InvalidRequest

Box = tuple[float, float, float, float]

_FARTHEST_DEGREES = 720.0
"""Twice round: unfolded longitudes go beyond 180, none goes beyond this."""


def read_footprint(geometry: object, field: str) -> BaseGeometry:
    """A GeoJSON Polygon or MultiPolygon as a valid shapely geometry, unfolded at the antimeridian.

    A ring that jumps from 179° to -179° goes round the long way as a plain polygon; here it goes on to 181°.

    Raises:
        InvalidRequest: when it is no polygon in longitude and latitude, naming ``field``.
    """
    if not isinstance(geometry, Mapping) or geometry.get("type") not in ("Polygon", "MultiPolygon"):
        raise InvalidRequest("must be a GeoJSON Polygon or MultiPolygon", field=field)
    try:
        plain = shape(geometry)
    except (ShapelyError, ValueError, TypeError, AttributeError, IndexError, KeyError, OverflowError) as error:
        raise InvalidRequest(f"is not valid GeoJSON: {error}", field=field) from error
    # Python's JSON reads NaN and Infinity, and 1e400 as infinite; what is far off would overflow further on.
    if not (abs(shapely.get_coordinates(plain)) <= _FARTHEST_DEGREES).all():
        raise InvalidRequest("must be in degrees of longitude and latitude", field=field)
    parts = plain.geoms if isinstance(plain, MultiPolygon) else [plain]
    unfolded = shapely.union_all([piece for part in parts for piece in _areas(shapely.make_valid(_unfold(part)))])
    if unfolded.area == 0:
        raise InvalidRequest("covers no area", field=field)
    _, south, _, north = unfolded.bounds
    if south < -90 or north > 90:
        raise InvalidRequest("must be in degrees of longitude and latitude", field=field)
    return unfolded


def overlap(one: BaseGeometry, other: BaseGeometry) -> bool:
    """Whether two unfolded footprints share an area; a common edge is none."""
    turned = (translate(other, xoff=turn) for turn in (0.0, -360.0, 360.0))
    return any(one.intersects(copy) and not one.touches(copy) for copy in turned)


def shifted_onto(footprint: BaseGeometry, other: BaseGeometry) -> BaseGeometry:
    """``footprint`` turned by whole rounds to where it shares most with ``other``; both unfolded."""
    turned = [translate(footprint, xoff=turn) for turn in (0.0, -360.0, 360.0)]
    return max(turned, key=lambda copy: copy.intersection(other).area)


def folded(footprint: BaseGeometry) -> dict[str, Any]:
    """The footprint as GeoJSON within ±180°, cut at the antimeridian as RFC 7946 asks."""
    pieces: list[Polygon] = []
    for turn in (-360.0, 0.0, 360.0):
        pieces.extend(_areas(translate(footprint, xoff=turn).intersection(box(-180, -90, 180, 90))))
    # Through text, so that coordinates are lists as in any JSON, not shapely's tuples.
    whole: dict[str, Any] = json.loads(to_geojson(pieces[0] if len(pieces) == 1 else MultiPolygon(pieces)))
    return whole


def bbox_of(geometry: object) -> Box:
    """West, south, east, north of a GeoJSON geometry; west > east when it crosses the antimeridian."""
    west, south, east, north = read_footprint(geometry, "geometry").bounds
    return _within(west), south, _within(east), north


def polygon_of_bbox(bbox: Box) -> dict[str, Any]:
    """The GeoJSON polygon (cut in two where west > east) of a bbox."""
    west, south, east, north = bbox
    return folded(box(west, south, east + 360 if west > east else east, north))


def _areas(geometry: BaseGeometry) -> list[Polygon]:
    # Repair and intersection leave lines and points where polygons collapse or meet.
    if isinstance(geometry, Polygon):
        return [geometry] if geometry.area > 0 else []
    return [area for part in getattr(geometry, "geoms", ()) for area in _areas(part)]


def _unfold(polygon: Polygon) -> Polygon:
    rings = [_unfold_ring(ring.coords) for ring in (polygon.exterior, *polygon.interiors)]
    if not rings[0]:
        return polygon
    # Holes follow their shell to the side it went.
    middle = sum(x for x, _ in rings[0]) / len(rings[0])
    holes = [_beside(ring, middle) for ring in rings[1:]]
    return Polygon(rings[0], holes)


def _unfold_ring(coordinates: Sequence[tuple[float, ...]]) -> list[tuple[float, float]]:
    unfolded: list[tuple[float, float]] = []
    turn, before = 0.0, None
    for x, y, *_ in coordinates:
        # A step of exactly 360° is the edge of a map of the world, not a jump.
        if before is not None and 180 < abs(x - before) < 360:
            turn += -360.0 if x > before else 360.0
        before = x
        unfolded.append((x + turn, y))
    if unfolded and turn != 0.0:
        # The ring goes round a pole: it has no side to unfold to.
        return [(x, y) for x, y, *_ in coordinates]
    return unfolded


def _beside(ring: list[tuple[float, float]], middle: float) -> list[tuple[float, float]]:
    own = sum(x for x, _ in ring) / len(ring)
    turn = 360.0 * round((middle - own) / 360.0)
    return [(x + turn, y) for x, y in ring]


def _within(longitude: float) -> float:
    if longitude > 180:
        return longitude - 360
    return longitude + 360 if longitude < -180 else longitude
