"""Polynomials in place of projections."""

from __future__ import annotations

import numpy as np
import pytest
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.enums import Resampling
from rasterio.warp import transform
from rasterio.windows import Window

from stratocube.pixels.coordinates import Coordinates, fitted
from stratocube.pixels.resampling import get_resample_method
from stratocube.pixels.scene_grid import SceneGrid, source_pixels
from stratocube.pixels.target import Piece, Target
from stratocube.pixels.warped_dataset import Kernel, Pixels, fitted_on, projected_on

ALBERS = CRS.from_string(
    "+proj=aea +lat_0=-12 +lon_0=-54 +lat_1=-2 +lat_2=-22 +x_0=5000000 +y_0=10000000 +ellps=GRS80 +units=m"
)
TOLERANCE = 0.001
KERNELS = sorted(method.name for method in Resampling if method is not Resampling.gauss)
SMOOTH = {"bilinear", "cubic", "cubic_spline", "lanczos"}


def tile_at(
    longitude: float, latitude: float, pixel: float, method: str = "bilinear", tolerance: float = TOLERANCE
) -> Target:
    (x,), (y,) = transform(CRS.from_epsg(4326), ALBERS, [longitude], [latitude])
    grid = Affine(pixel, 0, round(x), 0, -pixel, round(y))
    return Target(ALBERS, grid, (1024, 1024), np.dtype("int16"), -9999, get_resample_method(method), tolerance)


def scene_below(tile: Target, piece: Piece, pixel: float, epsg: int) -> SceneGrid:
    """A scene that reaches some pixels beyond a piece."""
    left, top, right, bottom = piece.column, piece.row, piece.column + piece.columns, piece.row + piece.rows
    grid, crs = tile.transform, CRS.from_epsg(epsg)
    there = [grid.c + grid.a * column for column in (left, right, left, right)]
    xs, ys = transform(tile.crs, crs, there, [grid.f + grid.e * row for row in (top, top, bottom, bottom)])
    margin = 20 * pixel
    west, north = min(xs) - margin, max(ys) + margin
    shape = round((north - min(ys) + margin) / pixel), round((max(xs) - west + margin) / pixel)
    return SceneGrid(crs, Affine(pixel, 0, west, 0, -pixel, north), shape)


def seen(
    data: NDArray[np.generic],
    scene: SceneGrid,
    piece: Piece,
    tile: Target,
    coordinates: Coordinates | None,
    hole: float | None = None,
) -> NDArray[np.generic]:
    pixels = Pixels(data, Window(0, 0, scene.shape[1], scene.shape[0]), scene.crs, scene.transform)
    kernel = Kernel(data.dtype, 0, hole, (tile.transform.a / scene.transform.a,) * 2)
    if coordinates is None:
        return projected_on(pixels, piece, tile, kernel)
    return fitted_on(pixels, piece, tile, kernel, coordinates)


@settings(max_examples=25, deadline=None)
@given(
    longitude=st.floats(-73, -36),
    latitude=st.floats(-33, 5),
    pixel=st.sampled_from([10.0, 20.0, 30.0, 64.0]),
    ratio=st.sampled_from([0.5, 1.0, 1.7]),
    zone=st.integers(-1, 1),
    piece=st.sampled_from([Piece(0, 0, 1024, 1024), Piece(300, 512, 1, 500), Piece(700, 20, 130, 3)]),
)
def test_coordinates_are_within_the_tolerance_of_the_projected_ones(
    longitude: float, latitude: float, pixel: float, ratio: float, zone: int, piece: Piece
) -> None:
    tile = tile_at(longitude, latitude, pixel)
    utm = int((longitude + 180) // 6) + 1 + zone
    scene = scene_below(tile, piece, pixel * ratio, 32700 + utm)
    found = fitted(scene, tile, [piece])
    assert set(found) == {piece} or piece.rows < 1024  # a small one may be as good as parallel
    if not found:
        return
    # Interpolated between pixels, the pictures of a scene's columns and rows are the coordinates themselves.
    rows, columns = np.indices(scene.shape, dtype=np.float64) + 0.5
    down, across = np.indices(piece.shape) + 0.5
    expected = source_pixels(piece.column + across, piece.row + down, scene, tile)
    whole = Kernel(np.dtype("float64"), 0, None, (1.0, 1.0))
    for values, exact in zip((columns, rows), expected, strict=True):
        pixels = Pixels(values, Window(0, 0, scene.shape[1], scene.shape[0]), scene.crs, scene.transform)
        assert np.abs(fitted_on(pixels, piece, tile, whole, found[piece]) - exact).max() <= TOLERANCE


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("hole", [None, 0])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "float32"])
def test_every_kernel_makes_the_same_pixels_as_by_projecting_them(kernel: str, hole: float | None, dtype: str) -> None:
    tile, piece = tile_at(-51.3, -9.6, 20, kernel, tolerance=1e-6), Piece(100, 200, 150, 170)
    scene = scene_below(tile, piece, 10, 32722)
    data = np.random.default_rng(7).integers(1, 250, scene.shape).astype(dtype)
    data[40:90, 30:200] = 0
    coordinates = fitted(scene, tile, [piece])[piece]
    expected = seen(data, scene, piece, tile, None, hole)
    found = seen(data, scene, piece, tile, coordinates, hole)
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    apart = np.abs(found.astype(np.float64) - expected)
    if dtype == "float32" and kernel in SMOOTH:
        assert apart.max() < 0.01
    else:  # a pixel on the very edge of a kernel may be in or out, and a half be rounded either way
        assert (apart > 0.01).mean() < 0.002
    assert len(np.unique(expected)) > 50


def test_part_of_a_piece_is_seen_as_in_the_whole_of_it() -> None:
    tile, piece, part = tile_at(-51.3, -9.6, 10), Piece(0, 0, 512, 1024), Piece(128, 256, 100, 640)
    scene = scene_below(tile, piece, 10, 32722)
    data = np.random.default_rng(7).random(scene.shape)
    coordinates = fitted(scene, tile, [piece])[piece]
    whole, some = (seen(data, scene, area, tile, coordinates) for area in (piece, part))
    assert np.abs(whole[part.index] - some).max() < 3 * TOLERANCE


def test_pixels_of_a_scene_may_begin_anywhere_in_it() -> None:
    tile, piece = tile_at(-51.3, -9.6, 10), Piece(0, 0, 64, 64)
    scene = scene_below(tile, piece, 10, 32722)
    data = np.random.default_rng(7).random(scene.shape)
    coordinates = fitted(scene, tile, [piece])[piece]
    kernel = Kernel(data.dtype, 0, None, (1.0, 1.0))
    cut = Pixels(data[10:, 5:-7], Window(5, 10, scene.shape[1] - 12, scene.shape[0] - 10), scene.crs, scene.transform)
    expected = seen(data, scene, piece, tile, coordinates)
    assert np.abs(fitted_on(cut, piece, tile, kernel, coordinates) - expected).max() < 1e-9


def test_nothing_is_fitted_where_nothing_would_be_projected_or_all_of_it_must() -> None:
    piece = Piece(0, 0, 1024, 1024)
    tile = tile_at(-51.3, -9.6, 10)
    scene = scene_below(tile, piece, 10, 32722)
    exact = tile_at(-51.3, -9.6, 10, tolerance=0)
    same = Target(scene.crs, scene.transform, (1024, 1024), tile.dtype, -9999, Resampling.bilinear, TOLERANCE)
    assert fitted(scene, tile, []) == fitted(scene, exact, [piece]) == fitted(scene, same, [piece]) == {}


def test_nothing_is_fitted_between_parallel_grids_where_a_pixel_may_lie_between_two_others() -> None:
    wgs84, sirgas = CRS.from_epsg(32722), CRS.from_epsg(31982)  # one projection of two names
    scene = SceneGrid(wgs84, Affine(10, 0, 500_000, 0, -10, 8_000_000), (64, 64))
    tile = Target(
        sirgas, Affine(20, 0, 500_000, 0, -20, 8_000_000), (32, 32), np.dtype("uint8"), 0, Resampling.nearest, TOLERANCE
    )
    assert fitted(scene, tile, [Piece(0, 0, 32, 32)]) == {}
    turned = Target(
        ALBERS, Affine(20, 0, 5_000_000, 0, -20, 1e7), (32, 32), tile.dtype, 0, Resampling.nearest, TOLERANCE
    )
    assert fitted(scene, turned, [Piece(0, 0, 32, 32)]) != {}


@pytest.mark.parametrize(
    ("tile_crs", "corner", "pixel", "scene_crs"),
    [
        (ALBERS, (2_800_000, 11_000_000), 1000.0, CRS.from_epsg(32722)),  # 1000 km: no cubic follows that
        (CRS.from_epsg(4326), (179.0, 10.0), 0.01, CRS.from_epsg(3832)),  # beyond 180 degrees it begins again
        (CRS.from_epsg(4326), (-51.0, 100.0), 0.02, CRS.from_epsg(32722)),  # north of the pole
    ],
)
def test_what_no_polynomial_follows_is_left_to_the_projection(
    tile_crs: CRS, corner: tuple[float, float], pixel: float, scene_crs: CRS
) -> None:
    grid = Affine(pixel, 0, corner[0], 0, -pixel, corner[1])
    tile = Target(tile_crs, grid, (1024, 1024), np.dtype("int16"), -9999, Resampling.bilinear, TOLERANCE)
    scene = SceneGrid(scene_crs, Affine(1000, 0, 0, 0, -1000, 10_000_000), (1000, 1000))
    assert fitted(scene, tile, [Piece(0, 0, 1024, 1024)]) == {}
