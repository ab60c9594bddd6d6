"""What is doubtful about a product is found in its picture, and nothing is where there is nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray

from stratocube.pixels.cog import save_as_cog
from stratocube.pixels.picture_checks import Band, PictureCheck, check_picture
from stratocube.pixels.quicklook import FRAME_WIDTH, draw_channels, generate_rgb, read_channels
from tests.unit.pixels.rasters_on_disk import grid

REFLECTANCE = (Band(0.0001, 0.0, 10_000),) * 3
ORANGE = (230, 159, 0)


def land(rows: int = 120, columns: int = 100, seed: int = 5) -> NDArray[np.int16]:
    """Fields of 2 × 2 pixels in three bands, with noise."""
    rng = np.random.default_rng(seed)
    fields = rng.integers(300, 1500, (3, rows // 2, columns // 2)).repeat(2, axis=1).repeat(2, axis=2)
    return (fields + rng.normal(0, 30, fields.shape)).astype(np.int16)


def check(values: NDArray[Any], bands: tuple[Band, ...] = REFLECTANCE, **more: Any) -> PictureCheck:
    return check_picture(values, values != 0, bands, **more)


def test_land_has_nothing_doubtful() -> None:
    for seed in range(20):
        assert check(land(seed=seed), cloud_percent=10.0) == PictureCheck((), 100.0, 0.0, 0)


def test_nothing_at_all_is_empty_and_little_is_mostly_empty() -> None:
    assert check(np.zeros((3, 5, 5), np.int16)) == PictureCheck(("empty",), 0.0, 0.0, 0)
    values = land(400, 400)
    values[1, :300] = 0  # one band suffices
    assert check(values) == PictureCheck(("mostly_empty",), 25.0, 0.0, 0)


def test_mostly_cloud_is_from_half_of_what_was_observed_on() -> None:
    assert check(land(), cloud_percent=50.0).flags == ("mostly_cloud",)
    assert check(land(), cloud_percent=49.9).flags == ()
    assert check(land(), cloud_percent=None).flags == ()


def test_saturated_is_at_the_largest_valid_value_or_that_of_the_type() -> None:
    values = land()
    values[0, :12] = 10_000
    assert check(values).saturated_percent == 10.0
    assert "saturated" in check(values).flags
    assert "saturated" not in check(values, (Band(0.0001),) * 3).flags
    values[0, :12] = 32_767
    assert "saturated" in check(values, (Band(0.0001),) * 3).flags


@pytest.mark.parametrize("factor", [0.01, 100.0])
def test_numbers_that_cannot_be_reflectance_are_of_a_wrong_scale(factor: float) -> None:
    values = (land() * factor).astype(np.float32)
    assert "wrong_scale" in check(values, (Band(0.0001),) * 3).flags
    assert "wrong_scale" not in check(values, (Band(),) * 3).flags


def test_an_offset_that_was_taken_off_twice_is_a_wrong_scale() -> None:
    assert check(land(), (Band(0.0001, -0.1),) * 3).flags == ("wrong_scale",)


@pytest.mark.parametrize("axis", [1, 2])
def test_two_images_of_different_brightness_meet_in_a_seam(axis: int) -> None:
    values = np.moveaxis(land(), axis, 1)
    values[:, 57:] += 400
    assert check(np.moveaxis(values, 1, axis)) == PictureCheck(("seams",), 100.0, 0.0, 1)


def test_many_seams_are_stripes() -> None:
    values = land()
    for row in range(10, 120, 20):
        values[:, row : row + 10] += 500
    assert check(values).flags == ("stripes",)


def test_repeated_rows_of_a_small_raster_do_not_hide_a_seam(tmp_path: Path) -> None:
    values = land()
    values[:, 57:] += 400
    paths = written(tmp_path, values)
    channels = read_channels(paths)
    seen, valid = channels.distinct()
    np.testing.assert_array_equal(seen, values)
    assert channels.values.shape == (3, 768, 640)
    assert check_picture(seen, valid, REFLECTANCE).seams == 1


def test_a_large_raster_has_no_repeated_rows(tmp_path: Path) -> None:
    paths = written(tmp_path, land(1600, 1000))
    channels = read_channels(paths)
    assert channels.distinct()[0].shape == channels.values.shape == (3, 768, 480)


def test_a_frame_says_look_here_and_the_darkest_pixel_is_not_taken_for_nodata(tmp_path: Path) -> None:
    values = np.full((3, 768, 768), 1500, np.int16)
    values[:, 300:310] = 0  # tagged as nodata
    values[:, 310:320] = 1
    path = tmp_path / "framed.png"
    channels = read_channels(written(tmp_path, values))
    path.write_bytes(draw_channels(channels, [(0, 3000)] * 3, darkest=1, frame=ORANGE))
    with rasterio.open(path) as png:
        picture = png.read()
    assert [tuple(picture[:, row, 400]) for row in (0, FRAME_WIDTH - 1, FRAME_WIDTH, 305, 315, 767)] == [
        ORANGE,
        ORANGE,
        (128, 128, 128),
        (0, 0, 0),
        (1, 1, 1),
        ORANGE,
    ]


def test_a_gamma_shows_more_of_what_is_dark_and_keeps_black_and_full(tmp_path: Path) -> None:
    values = np.full((3, 768, 768), 300, np.int16)
    values[:, 100:200], values[:, 200:300], values[:, 300:400] = 0, 1, 3000
    path = tmp_path / "gamma.png"
    path.write_bytes(draw_channels(read_channels(written(tmp_path, values)), [(0, 3000)] * 3, darkest=1, gamma=2.0))
    with rasterio.open(path) as png:
        assert png.read(1)[[50, 150, 250, 350], 9].tolist() == [81, 0, 5, 255]


def test_a_colour_raster_has_a_range_for_each_band(tmp_path: Path) -> None:
    values = np.stack([np.full((20, 20), value, np.int16) for value in (1000, 1000, 1000)])
    values[:, 0] = 0
    limits = [(0.0, 1000.0), (0.0, 2000.0), (1000.0, 2000.0)]
    path = tmp_path / "rgb.tif"
    tags = {"STRATOCUBE_ITEM": "a"}
    generate_rgb(written(tmp_path, values), path, channel_limits=limits, output_range=(1, 255), tags=tags)
    with rasterio.open(path) as rgb:
        assert (rgb.nodata, rgb.tags()["STRATOCUBE_ITEM"]) == (0, "a")
        assert rgb.read()[:, 0, 0].tolist() == [0, 0, 0]
        assert rgb.read()[:, 5, 5].tolist() == [255, 128, 1]


def written(folder: Path, values: NDArray[Any]) -> list[str]:
    paths = [str(folder / f"{name}.tif") for name in ("red", "green", "blue")]
    for path, band in zip(paths, values, strict=True):
        save_as_cog(path, band, grid(band.shape[1], band.shape[0]), nodata=0, kind="continuous")
    return paths
