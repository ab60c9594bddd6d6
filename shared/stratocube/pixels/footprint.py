"""Where a raster lies, and where its valid pixels lie: GeoJSON polygons.

Longitudes are within ±180 degrees; a footprint across the antimeridian is cut there into a MultiPolygon, as RFC 7946
asks.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from rasterio.crs import CRS
from shapely.affinity import translate
from shapely.geometry import MultiPoint, MultiPolygon, Polygon, box, mapping

from stratocube.cube.geobox import GeoBox
from stratocube.errors import InvalidRequest
from stratocube.pixels.sources import (
    Points,
    crs_of,
    environment,
    geobox_of,
    is_nodata,
    open_raster,
    projected,
    read_pixels,
    rows_of,
    strips,
)

LONGITUDE_LATITUDE: Final = "EPSG:4326"


def raster_extent(path: str, crs: str = LONGITUDE_LATITUDE) -> dict[str, Any]:
    """The outline of a raster file: GeoJSON geometry of its four corners in ``crs``.

    Raises:
        InvalidRequest: a raster without CRS or not north up, or a ``crs`` that is none.
        SourceMissing, TransientRead: a file that cannot be read.

    >>> from stratocube.pixels.cog import create_empty_raster
    >>> tile = GeoBox("EPSG:4326", -47, -15, 0.25, 0.25, width=4, height=4)
    >>> create_empty_raster("tile.tif", tile, data_type="uint8", nodata=0)
    >>> raster_extent("tile.tif")["coordinates"]
    (((-46.0, -16.0), (-46.0, -15.0), (-47.0, -15.0), (-47.0, -16.0), (-46.0, -16.0)),)
    """
    with open_raster(path) as dataset:
        geobox = geobox_of(dataset)
    return extent(geobox, crs)


def extent(geobox: GeoBox, crs: str = LONGITUDE_LATITUDE) -> dict[str, Any]:
    """The outline of a pixel grid: GeoJSON geometry of its four corners in ``crs``. Errors as :func:`raster_extent`.

    >>> extent(GeoBox("EPSG:4326", -47, -15, 0.25, 0.25, width=4, height=4))["coordinates"]
    (((-46.0, -16.0), (-46.0, -15.0), (-47.0, -15.0), (-47.0, -16.0), (-46.0, -16.0)),)
    """
    x_min, y_min, x_max, y_max = geobox.bounds
    xs, ys = _projected((np.array([x_max, x_max, x_min, x_min]), np.array([y_min, y_max, y_max, y_min])), geobox, crs)
    return _geojson(Polygon(zip(xs, ys, strict=True)), crs)


def raster_convexhull(path: str, crs: str = LONGITUDE_LATITUDE) -> dict[str, Any]:
    """The convex hull of the valid pixels of a raster file: GeoJSON geometry in ``crs``.

    Pixels equal to the nodata tag of the file, and NaN, are not valid; without a tag all are. The hull is taken of the
    pixel corners after projecting them. Without a valid pixel it is a polygon without coordinates. The raster is read
    in strips. Errors as :func:`raster_extent`.

    >>> from stratocube.pixels.cog import save_as_cog
    >>> tile = GeoBox("EPSG:4326", -47, -15, 0.5, 0.5, width=3, height=1)
    >>> save_as_cog("nir.tif", np.array([[3000, 0, 3500]], dtype=np.int16), tile, nodata=0, kind="continuous")
    >>> Polygon(raster_convexhull("nir.tif")["coordinates"][0]).bounds
    (-47.0, -15.5, -45.5, -15.0)
    """
    with open_raster(path) as dataset:
        geobox = geobox_of(dataset)
        outline = _Outline(geobox)
        for window in strips(dataset.height, dataset.width):
            values = read_pixels(dataset, window=window)
            outline.add(rows_of(window).start, ~is_nodata(values, dataset.nodata))
    return outline.hull(crs)


def convexhull(valid: NDArray[np.bool_], geobox: GeoBox, crs: str = LONGITUDE_LATITUDE) -> dict[str, Any]:
    """The convex hull of the pixels of ``geobox`` that are ``valid`` ((rows, columns)): GeoJSON geometry in ``crs``.

    Raises InvalidRequest for an array of another shape, and as :func:`raster_extent`.

    >>> tile = GeoBox("EPSG:4326", -47, -15, 0.5, 0.5, width=3, height=1)
    >>> Polygon(convexhull(np.array([[False, True, False]]), tile)["coordinates"][0]).bounds
    (-46.5, -15.5, -46.0, -15.0)
    """
    if valid.shape != geobox.shape:
        raise InvalidRequest(f"has shape {valid.shape}, the grid has {geobox.shape}", field="valid")
    outline = _Outline(geobox)
    outline.add(0, valid)
    return outline.hull(crs)


class _Outline:
    """First and last valid pixel of every row and column: all that a hull can depend on.

    Every other valid pixel has valid ones on all four sides, and stays between them when projected.
    """

    def __init__(self, geobox: GeoBox) -> None:
        self.geobox = geobox
        self.first = np.full(geobox.height, -1)
        self.last = np.full(geobox.height, -1)
        self.top = np.full(geobox.width, -1)
        self.bottom = np.full(geobox.width, -1)

    def add(self, start: int, valid: NDArray[np.bool_]) -> None:
        """Take in a strip of whole rows from row ``start`` on; strips come from top to bottom."""
        count, width = valid.shape
        filled = valid.any(axis=1)
        rows = slice(start, start + count)
        self.first[rows] = np.where(filled, valid.argmax(axis=1), -1)
        self.last[rows] = np.where(filled, width - 1 - valid[:, ::-1].argmax(axis=1), -1)
        reached = valid.any(axis=0)
        new = reached & (self.top < 0)
        self.top[new] = start + valid.argmax(axis=0)[new]
        self.bottom[reached] = start + count - 1 - valid[::-1].argmax(axis=0)[reached]

    def hull(self, crs: str) -> dict[str, Any]:
        """The hull as GeoJSON."""
        rows, columns = (self.first >= 0).nonzero()[0], (self.top >= 0).nonzero()[0]
        if rows.size == 0:
            return {"type": "Polygon", "coordinates": []}
        column = np.concatenate([self.first[rows], self.last[rows], columns, columns])
        row = np.concatenate([rows, rows, self.top[columns], self.bottom[columns]])
        corners = np.unique(
            np.concatenate([np.stack([column + right, row + down]) for right in (0, 1) for down in (0, 1)], axis=1),
            axis=1,
        )
        x = self.geobox.x_min + corners[0] * self.geobox.resolution_x
        y = self.geobox.y_max - corners[1] * self.geobox.resolution_y
        return _geojson(MultiPoint(np.column_stack(_projected((x, y), self.geobox, crs))).convex_hull, crs)


def _projected(points: Points, geobox: GeoBox, crs: str) -> Points:
    target = _crs(crs)
    xs, ys = projected(points[0].tolist(), points[1].tolist(), crs_of(geobox), target)
    if not (np.isfinite(xs).all() and np.isfinite(ys).all()):
        raise InvalidRequest(f"the raster reaches beyond where {crs} has coordinates", field="crs")
    if target.is_geographic:
        # Neighbouring points are never half the Earth apart: a jump is the antimeridian, and the polygon goes on.
        xs = xs + 360 * np.round((xs[0] - xs) / 360)
    return xs, ys


def _geojson(shape: Any, crs: str) -> dict[str, Any]:
    if _crs(crs).is_geographic and not (shape.bounds[0] >= -180 and shape.bounds[2] <= 180):
        shape = _cut(shape)
    geometry: dict[str, Any] = mapping(shape)
    return geometry


def _cut(shape: Any) -> MultiPolygon | Polygon:
    """A polygon that runs over ±180 degrees as pieces within."""
    turns = range(math.floor((shape.bounds[0] + 180) / 360), math.floor((shape.bounds[2] + 180) / 360) + 1)
    pieces = [
        translate(shape.intersection(box(-180 + 360 * turn, -90, 180 + 360 * turn, 90)), -360 * turn) for turn in turns
    ]
    areas = list(_polygons(pieces))
    return areas[0] if len(areas) == 1 else MultiPolygon(areas)


def _polygons(shapes: Iterable[Any]) -> Iterable[Polygon]:
    return (shape for shape in shapes if isinstance(shape, Polygon) and shape.area > 0)


def _crs(text: str) -> CRS:
    with environment():
        try:
            return CRS.from_user_input(text)
        except ValueError as error:  # rasterio's CRSError is one
            raise InvalidRequest(f"{text!r} is no coordinate reference system: {error}", field="crs") from error
