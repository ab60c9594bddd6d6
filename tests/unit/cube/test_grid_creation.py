"""Creating grids: cube-builder's lattice and names, full cover of the box, plain grids, and what is refused."""

from __future__ import annotations

import math
from typing import Any

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.warp import transform, transform_bounds
from shapely.geometry import shape

from stratocube.cube.grid_creation import create_grids
from stratocube.cube.grids import Grid, Tile
from stratocube.cube.requests import GridRequest
from stratocube.errors import InvalidRequest

from .forms import changed, example

Made = dict[str, tuple[Grid, list[Tile]]]


def make(form: dict[str, Any]) -> Made:
    return {grid.name: (grid, tiles) for grid, tiles in create_grids(GridRequest.parse(form))}


@pytest.fixture(scope="module")
def brazil() -> Made:
    return make(example("grids-brazil"))


def test_the_brazil_grids_have_the_tiles_of_brazil_data_cube(brazil: Made) -> None:
    grid, tiles = brazil["BRAZIL_SM"]
    by_id = {tile.id: tile for tile in tiles}
    assert (grid.tile_size_x, grid.tile_size_y) == (105_600, 105_600)
    assert by_id["017014"].bounds == pytest.approx((4_419_200, 10_369_600, 4_524_800, 10_475_200))
    assert by_id["049041"].bounds == pytest.approx((7_798_400, 7_518_400, 7_904_000, 7_624_000))
    assert "000001" in by_id, "the corner that cube-builder leaves uncovered"


def test_large_tiles_are_made_of_whole_small_tiles(brazil: Made) -> None:
    small, large = brazil["BRAZIL_SM"][0], brazil["BRAZIL_LG"][0]
    for col, row in [(0, 0), (3, 7), (12, 10)]:
        x_min, _, _, y_max = large.bounds(col, row)
        assert small.index_at(x_min, y_max) == (4 * col, 4 * row)


def test_every_grid_covers_the_whole_box(brazil: Made) -> None:
    west, south, east, north = example("grids-brazil")["bbox"]
    steps = [step / 40 for step in range(41)]
    points = [(west + a * (east - west), south + b * (north - south)) for a in steps for b in steps]
    xs, ys = transform("EPSG:4326", brazil["BRAZIL_SM"][0].crs, *zip(*points, strict=True))[:2]
    for grid, tiles in brazil.values():
        made = {(tile.col, tile.row) for tile in tiles}
        assert {grid.index_at(x, y) for x, y in zip(xs, ys, strict=True)} <= made


def test_footprints_lie_where_the_tiles_are(brazil: Made) -> None:
    for tile in brazil["BRAZIL_LG"][1][::17]:
        wanted = transform_bounds(tile.crs, "EPSG:4326", *tile.bounds, densify_pts=21)
        assert tile.bbox == pytest.approx(wanted, abs=0.02)
        assert shape(tile.footprint).is_valid
        assert shape(tile.footprint).exterior.is_ccw


def test_a_plain_grid_has_its_edges_on_multiples_of_the_tile() -> None:
    grid, tiles = make(example("grid-utm"))["UTM22S_50KM"]
    assert (grid.origin_x % 50_000, grid.origin_y % 50_000) == (0, 0)
    assert tiles[0].id == "000000"
    assert tiles[0].geobox(10).shape == (5000, 5000)


def test_the_caller_may_fix_the_origin() -> None:
    form = example("grid-utm") | {"origin": [300_010, 8_600_020]}
    grid, tiles = make(form)["UTM22S_50KM"]
    assert (grid.origin_x, grid.origin_y) == (300_010, 8_600_020)
    assert tiles[0].bounds == grid.bounds(tiles[0].col, tiles[0].row)
    assert (tiles[0].col, tiles[0].row) == (1, 2)


def test_boxes_in_one_lattice_share_their_tiles() -> None:
    origin = {"origin": [300_000, 8_600_000]}
    left = make(example("grid-utm") | origin | {"bbox": [-52.0, -16.0, -51.0, -15.0]})["UTM22S_50KM"][1]
    right = make(example("grid-utm") | origin | {"bbox": [-51.5, -16.0, -50.0, -15.0]})["UTM22S_50KM"][1]
    shared = {tile.id for tile in left} & {tile.id for tile in right}
    assert shared
    assert {tile.id: tile for tile in left if tile.id in shared} == {
        tile.id: tile for tile in right if tile.id in shared
    }


def test_a_box_north_of_the_equator_has_no_negative_columns() -> None:
    form = {"name": "N", "projection": "sinu", "meridian": 15, "shape": [5000, 5000], "tile_factor": [[20, 20]]}
    tiles = make(form | {"bbox": [10, 40, 20, 60]})["N"][1]
    assert min(tile.col for tile in tiles) == 0
    assert min(tile.row for tile in tiles) >= 0


def test_a_tile_across_180_degrees_is_cut_there() -> None:
    form = {"name": "FIJI", "crs": "EPSG:3460", "tile_size": [100_000, 100_000], "bbox": [177, -19, 180, -16]}
    tiles = make(form)["FIJI"][1]
    across = [tile for tile in tiles if tile.footprint["type"] == "MultiPolygon"]
    assert across
    for tile in across:
        west, _, east, _ = shape(tile.footprint).bounds
        assert (west, east) == (-180, 180)
        assert tile.bbox[0] > tile.bbox[2]
        assert shapely.area(shape(tile.footprint)) < 2


def test_a_tile_over_the_pole_ends_there() -> None:
    form = {"name": "P", "projection": "longlat", "meridian": 0, "shape": [1, 1], "tile_factor": [[1, 1]]}
    tiles = make(form | {"bbox": [-2, 88, 2, 90]})["P"][1]
    assert max(tile.bbox[3] for tile in tiles) == 90


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("shape", [100, 100], "shape"),
        ("shape", [500, 500], "shape"),
        ("projection", "EPSG:99999", "projection"),
        ("projection", "EPSG:32633", "bbox"),
        ("origin", [0, 0], "origin"),
        ("bbox", [-180, -90, 180, 90], "bbox"),
    ],
)
def test_grids_that_cannot_be_made_are_refused_by_field(path: str, value: object, field: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        make(changed(example("grids-brazil") | {"origin": None}, path, value))
    assert refusal.value.field == field


@settings(max_examples=30, deadline=None)
@given(
    projection=st.sampled_from(["aea", "sinu", "longlat", "EPSG:4326", "EPSG:3857", "EPSG:32722", "+proj=moll"]),
    meridian=st.floats(-179, 179),
    corner=st.tuples(st.floats(-180, 179), st.floats(-90, 89)),
    size=st.tuples(st.floats(0.01, 20), st.floats(0.01, 20)),
    tile=st.sampled_from([0.5, 1.0, 1000.0, 100_000.0, 1_000_000.0]),
)
def test_any_box_is_covered_or_refused(
    projection: str, meridian: float, corner: tuple[float, float], size: tuple[float, float], tile: float
) -> None:
    (west, south), (width, height) = corner, size
    box = [west, south, min(180.0, west + width), min(90.0, south + height)]
    form = {"names": ["A", "B"], "projection": projection, "meridian": meridian, "bbox": box}
    try:
        made = create_grids(GridRequest.parse(form | {"shape": [tile, tile], "tile_factor": [[1, 1], [2, 2]]}))
    except InvalidRequest:
        return
    middle = [(box[0] + box[2]) / 2], [(box[1] + box[3]) / 2]
    xs, ys = transform("EPSG:4326", made[0][0].crs, *middle)[:2]
    for grid, tiles in made:
        assert grid.index_at(xs[0], ys[0]) in {(tile.col, tile.row) for tile in tiles}
        assert [tile.id for tile in tiles] == sorted({tile.id for tile in tiles})
        assert all(math.isfinite(value) for tile in tiles for value in (*tile.bbox, *tile.centre))
