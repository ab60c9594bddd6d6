"""Grids and tiles: arithmetic between indexes, bounds, ids and pixel grids."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratocube.cube.geobox import GeoBox
from stratocube.cube.grids import Grid, Tile, parse_tile_id, tile_id
from stratocube.errors import InvalidRequest

from .forms import json_values

SQUARE = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 2], [0, 2], [0, 0]]]}
GRID = Grid("G", "EPSG:32722", origin_x=300_000, origin_y=8_600_000, tile_size_x=50_000, tile_size_y=25_000)

indexes = st.integers(0, 999)
grids = st.builds(
    Grid,
    name=st.just("G"),
    crs=st.just("EPSG:32722"),
    origin_x=st.floats(-1e7, 1e7),
    origin_y=st.floats(-1e7, 1e7),
    tile_size_x=st.sampled_from([0.1, 1.0, 1000.0, 105_600.0]),
    tile_size_y=st.sampled_from([0.1, 1.0, 52_800.0, 422_400.0]),
    description=st.text(max_size=5),
    srid=st.none() | st.integers(0, 999_999),
)


def tile_of(width: float, height: float) -> Tile:
    return Tile("G", 11, 9, "EPSG:32722", (300_000.0, 8_000_000.0 - height, 300_000.0 + width, 8_000_000.0), SQUARE)


@given(indexes, indexes)
def test_every_tile_id_survives_its_text(col: int, row: int) -> None:
    text = tile_id(col, row)
    assert len(text) == 6
    assert parse_tile_id(text) == (col, row)


@pytest.mark.parametrize("index", [(1000, 0), (0, 1000), (-1, 0), (0, -1)])
def test_an_index_beyond_three_digits_has_no_id(index: tuple[int, int]) -> None:
    with pytest.raises(InvalidRequest):
        tile_id(*index)


@pytest.mark.parametrize("text", ["", "11009", "0110090", "01100a", "٠١١٠٠٩", "011 09"])
def test_text_that_is_no_tile_id_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest):
        parse_tile_id(text)


def test_rows_run_south_and_columns_east() -> None:
    assert GRID.bounds(0, 0) == (300_000, 8_575_000, 350_000, 8_600_000)
    assert GRID.bounds(2, 1) == (400_000, 8_550_000, 450_000, 8_575_000)


def test_a_tile_owns_its_western_and_northern_edge() -> None:
    assert GRID.index_at(350_000, 8_575_000) == (1, 1)
    assert GRID.index_at(349_999.9, 8_575_000.1) == (0, 0)


@given(grids, indexes, indexes, st.floats(0.001, 0.999), st.floats(0.001, 0.999))
def test_every_point_inside_a_tile_leads_back_to_it(grid: Grid, col: int, row: int, across: float, down: float) -> None:
    x_min, y_min, x_max, y_max = grid.bounds(col, row)
    if (x_max - x_min) > abs(x_min) * 1e-6 and (y_max - y_min) > abs(y_max) * 1e-6:
        assert grid.index_at(x_min + across * (x_max - x_min), y_max - down * (y_max - y_min)) == (col, row)


@given(grids, indexes, indexes)
def test_only_the_tile_itself_shares_area_with_its_bounds(grid: Grid, col: int, row: int) -> None:
    x_min, y_min, x_max, y_max = grid.bounds(col, row)
    if (x_max - x_min) > abs(x_min) * 1e-6 and (y_max - y_min) > abs(y_max) * 1e-6:
        assert list(grid.indexes_meeting((x_min, y_min, x_max, y_max))) == [(col, row)]


def test_tiles_that_meet_a_box_come_by_columns() -> None:
    box = (310_000, 8_560_000, 360_000, 8_590_000)
    assert list(GRID.indexes_meeting(box)) == [(0, 0), (0, 1), (1, 0), (1, 1)]


@given(grids)
def test_every_grid_survives_its_json(grid: Grid) -> None:
    assert Grid.from_json(json.loads(json.dumps(grid.to_json()))) == grid


def test_a_tile_survives_its_json() -> None:
    tile = tile_of(105_600, 105_600)
    assert Tile.from_json(json.loads(json.dumps(tile.to_json()))) == tile
    assert tile.id == "011009"


@given(json_values)
def test_json_that_is_no_grid_or_tile_is_refused(value: object) -> None:
    for form in (value, {"id": "011009", "grid": "G", "crs": "x", "bounds": value, "footprint": value}):
        if not isinstance(form, dict):
            continue
        with pytest.raises(InvalidRequest):
            Tile.from_json(form)
        with pytest.raises(InvalidRequest):
            Grid.from_json(form)


@pytest.mark.parametrize(
    ("size", "resolution", "pixels"),
    [(105_600, 10, 10_560), (211_200, 30, 7_040), (422_400, 64, 6_600), (422_400, 55, 7_680)],
)
def test_the_brazil_grids_hold_whole_pixels(size: float, resolution: float, pixels: int) -> None:
    geobox = tile_of(size, size).geobox(resolution)
    assert geobox == GeoBox("EPSG:32722", 300_000.0, 8_000_000.0, resolution, resolution, pixels, pixels)


def test_pixels_are_adapted_to_a_tile_they_do_not_divide() -> None:
    geobox = tile_of(1450, 1190).geobox(30)
    assert geobox.shape == (40, 48)
    assert (geobox.resolution_x, geobox.resolution_y) == (1450 / 48, 1190 / 40)
    assert geobox.bounds == pytest.approx((300_000, 7_998_810, 301_450, 8_000_000))


def test_a_shape_is_width_then_height() -> None:
    geobox = tile_of(1440, 1440).geobox(30, shape=(40, 20))
    assert (geobox.width, geobox.height) == (40, 20)
    assert (geobox.resolution_x, geobox.resolution_y) == (36, 72)


@pytest.mark.parametrize("resolution", [0.0, -1.0, float("nan"), float("inf"), 1e-9, 1e9, 700.0])
def test_a_resolution_that_does_not_fit_the_tile_is_refused(resolution: float) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        tile_of(1000, 1000).geobox(resolution)
    assert refusal.value.field == "resolution"


@pytest.mark.parametrize("shape", [(0, 10), (10, 40_000)])
def test_a_shape_beyond_measure_is_refused(shape: tuple[int, int]) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        tile_of(1000, 1000).geobox(10, shape=shape)
    assert refusal.value.field == "shape"


def test_the_centre_is_in_the_middle_of_the_footprint() -> None:
    assert tile_of(1000, 1000).bbox == (0, 0, 1, 2)
    assert tile_of(1000, 1000).centre == (0.5, 1.0)


def test_a_footprint_across_180_degrees_has_its_centre_there() -> None:
    halves = [
        [[[179, 0], [180, 0], [180, 2], [179, 2], [179, 0]]],
        [[[-180, 0], [-178, 0], [-178, 2], [-180, 2], [-180, 0]]],
    ]
    tile = Tile("G", 0, 0, "EPSG:3460", (0, 0, 1, 1), {"type": "MultiPolygon", "coordinates": halves})
    assert tile.bbox == (179, 0, -178, 2)
    assert tile.centre == (-179.5, 1.0)


@pytest.mark.parametrize("size", [0.0, -5.0, float("nan")])
def test_tiles_have_a_size(size: float) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        Grid("G", "EPSG:32722", 0, 0, size, 10)
    assert refusal.value.field == "tile_size_x"
