"""Where rasters and their valid pixels lie, in GeoJSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays
from rasterio.warp import transform
from shapely.geometry import MultiPoint, shape

from stratocube.cube.geobox import GeoBox
from stratocube.errors import InvalidRequest
from stratocube.pixels.footprint import convexhull, extent, raster_convexhull, raster_extent
from tests.unit.pixels.rasters_on_disk import UTM, grid, write_raster


def degrees(*, x: float, y: float, width: int, height: int, pixel: float = 1.0) -> GeoBox:
    return GeoBox("EPSG:4326", x, y, pixel, pixel, width, height)


def test_the_extent_is_the_outer_edge_of_the_pixels(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "a.tif", np.ones((2, 3)), geobox=degrees(x=-54, y=-12, width=3, height=2))
    geometry = raster_extent(path)
    assert geometry["type"] == "Polygon"
    assert shape(geometry).bounds == (-54, -14, -51, -12)
    assert shape(raster_extent(path, "EPSG:3857")).bounds[0] == pytest.approx(-54 * 111_319.49, rel=1e-6)


def test_projected_rasters_come_out_in_longitude_and_latitude() -> None:
    west, south, east, north = shape(extent(grid(100, 100))).bounds
    lon, lat = transform(UTM, "EPSG:4326", [500_000, 501_000], [8_000_000, 7_999_000])
    assert (west, north) == pytest.approx((lon[0], lat[0]), abs=1e-5)
    assert (east, south) == pytest.approx((lon[1], lat[1]), abs=1e-5)


def hull(rows: Any, geobox: GeoBox | None = None) -> Any:
    valid = np.array(rows, bool)
    box = geobox or degrees(x=0, y=0, width=valid.shape[1], height=valid.shape[0])
    return shape(convexhull(valid, box))


def test_the_hull_of_an_l_is_its_convex_hull() -> None:
    assert hull([[1, 0, 0], [1, 0, 0], [1, 1, 1]]).equals(
        shape({"type": "Polygon", "coordinates": [[(0, 0), (1, 0), (3, -2), (3, -3), (0, -3), (0, 0)]]})
    )


def test_separate_regions_share_a_hull_and_holes_vanish() -> None:
    assert hull([[1, 0, 1]]).bounds == (0, -1, 3, 0)
    assert hull([[1, 1, 1], [1, 0, 1], [1, 1, 1]]).area == 9


def test_without_a_valid_pixel_the_hull_is_empty() -> None:
    nothing = convexhull(np.zeros((2, 2), bool), degrees(x=0, y=0, width=2, height=2))
    assert nothing == {"type": "Polygon", "coordinates": []}
    assert shape(nothing).is_empty


@settings(max_examples=40, deadline=None)
@given(arrays("bool", (6, 9)))
def test_the_hull_is_that_of_the_corners_of_all_valid_pixels(valid: Any) -> None:
    rows, columns = valid.nonzero()
    corners = [
        (500_000 + 10_000 * (c + right), 8_000_000 - 10_000 * (r + down))
        for r, c in zip(rows, columns, strict=True)
        for right in (0, 1)
        for down in (0, 1)
    ]
    found = hull(valid, grid(9, 6, pixel=10_000))
    if not corners:
        assert found.is_empty
        return
    points = MultiPoint(list(zip(*transform(UTM, "EPSG:4326", *zip(*corners, strict=True)), strict=True)))
    assert found.symmetric_difference(points.convex_hull).area < 1e-9 * found.area


@pytest.mark.parametrize(("nodata", "expected"), [(0, (2, -1200, 6, -1198)), (None, (0, -2200, 8, 0))])
def test_the_hull_of_a_file_leaves_out_its_nodata_tag(
    tmp_path: Path, nodata: float | None, expected: tuple[float, ...]
) -> None:
    # More rows than are read at a time.
    values = np.zeros((1100, 4), "uint8")
    values[599, 1:3] = 7
    box = GeoBox("EPSG:3857", 0, 0, 2, 2, 4, 1100)
    path = write_raster(tmp_path / "a.tif", values, dtype="uint8", nodata=nodata, geobox=box)
    assert shape(raster_convexhull(path, "EPSG:3857")).bounds == pytest.approx(expected, abs=1e-6)


def test_nan_is_not_valid(tmp_path: Path) -> None:
    box = degrees(x=10, y=0, width=2, height=1)
    path = write_raster(tmp_path / "a.tif", [[np.nan, 1]], dtype="float32", nodata=None, geobox=box)
    assert shape(raster_convexhull(path)).bounds == (11, -1, 12, 0)


@pytest.mark.parametrize(
    "geobox",
    [
        degrees(x=178, y=-10, width=4, height=2),
        GeoBox("EPSG:32701", 100_000, 8_894_000, 1000, 1000, 250, 200),
    ],
)
def test_across_the_antimeridian_it_is_cut_in_two(geobox: GeoBox) -> None:
    for geometry in (extent(geobox), convexhull(np.ones(geobox.shape, bool), geobox)):
        whole = shape(geometry)
        assert geometry["type"] == "MultiPolygon"
        west, east = sorted(part.bounds for part in whole.geoms)
        assert (west[0], east[2]) == (-180, 180)
        assert west[2] < -170
        assert east[0] > 170
        assert whole.area < 20


def test_a_raster_that_only_touches_the_antimeridian_stays_one_polygon() -> None:
    assert shape(extent(degrees(x=178, y=0, width=2, height=1))).bounds == (178, -1, 180, 0)


def test_a_crs_that_is_none_and_an_array_of_another_shape_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="crs: 'moon' is no coordinate reference system"):
        extent(grid(1, 1), "moon")
    with pytest.raises(InvalidRequest, match=r"valid: has shape \(1, 2\), the grid has \(1, 1\)"):
        convexhull(np.ones((1, 2), bool), grid(1, 1))
    with pytest.raises(InvalidRequest, match="beyond where EPSG:32722 has coordinates"):
        extent(degrees(x=120, y=95, width=2, height=5), "EPSG:32722")
