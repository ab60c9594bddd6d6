"""Where the pixels of a tile lie in a scene."""

from __future__ import annotations

import math

import numpy as np
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS
from rasterio.enums import Resampling
from rasterio.warp import transform

from stratocube.pixels.placement import Nodes, Placement, pixels_per_pixel, place
from stratocube.pixels.scene_grid import SceneGrid
from stratocube.pixels.target import Piece, Target

ALBERS = CRS.from_string(
    "+proj=aea +lat_0=-12 +lon_0=-54 +lat_1=-2 +lat_2=-22 +x_0=5000000 +y_0=10000000 +ellps=GRS80 +units=m"
)
UTM = CRS.from_epsg(32723)


def target_of(crs: CRS, grid: Affine, shape: tuple[int, int], method: Resampling = Resampling.nearest) -> Target:
    return Target(crs, grid, shape, np.dtype("int16"), -9999, method, 0.001)


def placed(scene: SceneGrid, target: Target, *pieces: Piece) -> Placement:
    nodes = Nodes.of(pieces or (Piece(0, 0, *target.shape),), target.shape)
    return place(scene, target, nodes, pixels_per_pixel(scene, target))


def test_nodes_lie_on_the_edges_of_pieces_and_between_them() -> None:
    nodes = Nodes.of([Piece(0, 0, 7, 300), Piece(7, 0, 200, 300)], (207, 300))
    assert nodes.rows.tolist() == [0, *range(7, 207, 10), 207]
    assert nodes.columns.tolist() == [*range(0, 300, 10), 300]
    assert nodes.cells(Piece(7, 0, 10, 11)) == (slice(1, 2), slice(0, 2))


def test_on_one_grid_a_window_is_the_tile_with_a_margin_within_the_scene() -> None:
    tile = target_of(UTM, Affine(10, 0, 500_100, 0, -10, 8_000_000), (30, 40))
    scene = SceneGrid(UTM, Affine(10, 0, 500_000, 0, -10, 8_000_000), (400, 500))
    found = placed(scene, tile).window(Piece(0, 0, 30, 40))
    assert found is not None
    assert (found.row_off, 6 <= found.col_off <= 8) == (0, True)
    assert 32 <= found.row_off + found.height <= 35
    assert 52 <= found.col_off + found.width <= 55


def test_a_scene_gives_only_to_the_rows_and_columns_it_can_reach() -> None:
    tile = target_of(UTM, Affine(10, 0, 500_000, 0, -10, 8_000_000), (320, 320))
    scene = SceneGrid(UTM, Affine(10, 0, 502_000, 0, -10, 8_000_000 - 1000), (50, 50))
    placement = placed(scene, tile)
    reached = placement.reached(Piece(0, 0, 320, 320))
    assert reached is not None
    assert 180 <= reached.column <= 200
    assert 250 <= reached.column + reached.columns <= 270
    assert 80 <= reached.row <= 100
    assert 150 <= reached.row + reached.rows <= 170
    assert placement.reached(Piece(200, 0, 120, 320)) is None
    assert placement.window(Piece(200, 0, 120, 320)) is None
    assert placement.window(Piece(0, 0, 320, 180)) is None


def test_where_the_scene_has_no_coordinates_all_of_it_may_be_needed() -> None:
    world = target_of(CRS.from_epsg(4326), Affine(6, 0, -180, 0, -6, 90), (30, 60))
    scene = SceneGrid(UTM, Affine(10_000, 0, 500_000, 0, -10_000, 8_000_000), (60, 60))
    placement = placed(scene, world)
    unknown = ~np.isfinite(placement.left)
    assert unknown.any()
    assert placement.meets[unknown].all()
    assert not placement.covers[unknown].any()


@settings(max_examples=40, deadline=None)
@given(
    st.floats(-40_000, 40_000),
    st.floats(-40_000, 40_000),
    st.sampled_from([5.0, 20.0, 60.0]),
    st.sampled_from([(1, 1), (1, -1), (-1, -1)]),
)
def test_every_pixel_over_the_scene_is_reached_and_in_the_window(
    east: float, south: float, pixel: float, directions: tuple[int, int]
) -> None:
    (x,), (y,) = transform(UTM, ALBERS, [500_000], [8_000_000])
    tile = target_of(ALBERS, Affine(20, 0, x, 0, -20, y), (1000, 1100), Resampling.bilinear)
    right, down = directions
    scene = SceneGrid(UTM, Affine(right * pixel, 0, 500_000 + east, 0, -down * pixel, 8_000_000 - south), (700, 800))
    pieces = [Piece(row, column, 500, 550) for row in (0, 500) for column in (0, 550)]
    placement = placed(scene, tile, *pieces)
    for piece in pieces:
        rows, columns = np.mgrid[piece.row : piece.row + 500 : 7, piece.column : piece.column + 550 : 7].reshape(2, -1)
        xs, ys = x + 20 * (columns + 0.5), y - 20 * (rows + 0.5)
        there = np.array(transform(ALBERS, UTM, xs, ys))
        across = (there[0] - scene.transform.c) / scene.transform.a
        along = (there[1] - scene.transform.f) / scene.transform.e
        inside = (across >= 0) & (across < 800) & (along >= 0) & (along < 700)
        reached, window = placement.reached(piece), placement.window(piece)
        if reached is None or window is None:
            assert not inside.any()
            continue
        for hit, start, length in (
            (rows[inside], reached.row, reached.rows),
            (columns[inside], reached.column, reached.columns),
        ):
            assert hit.size == 0 or (start <= hit.min() and hit.max() < start + length)
        for place_, start, length in (
            (across[inside], window.col_off, window.width),
            (along[inside], window.row_off, window.height),
        ):
            assert place_.size == 0 or (start <= math.floor(place_.min()) and place_.max() <= start + length)
        covered = placement.covers[placement.nodes.cells(piece)]
        assert not covered.all() or inside.all()


def test_an_area_is_cut_in_two_along_its_long_sides_between_cells() -> None:
    nodes = Nodes(np.arange(0, 1025, 128), np.array([*range(0, 1025, 128), 1152, 1224]))
    assert nodes.quarters(Piece(0, 0, 1024, 1024), 512) == [
        Piece(0, 0, 512, 512),
        Piece(0, 512, 512, 512),
        Piece(512, 0, 512, 512),
        Piece(512, 512, 512, 512),
    ]
    assert nodes.quarters(Piece(5, 1024, 700, 200), 512) == [Piece(5, 1024, 379, 200), Piece(384, 1024, 321, 200)]
    assert nodes.quarters(Piece(5, 0, 100, 512), 512) == [Piece(5, 0, 100, 512)]
    assert nodes.quarters(Piece(130, 0, 100, 512), 10) == [Piece(130, 0, 100, 256), Piece(130, 256, 100, 256)]
