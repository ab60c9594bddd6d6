"""Pictures of products."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from PIL import Image

from stratocube.errors import InvalidRequest, SourceMissing
from stratocube.pixels.cog import save_as_cog
from stratocube.pixels.quicklook import generate_quick_look, generate_rgb
from tests.unit.pixels.rasters_on_disk import grid, write_raster


def bands(folder: Path, values: Any, **given: Any) -> list[str]:
    return [write_raster(folder / f"{name}.tif", values, **given) for name in ("red", "green", "blue")]


def colours(picture: bytes) -> list[list[int]]:
    """Red, green, blue in the middle of every block that one of two source pixels fills."""
    with Image.open(BytesIO(picture)) as image:
        pixels = np.asarray(image)
    height, width, _ = pixels.shape
    return [pixels[height // 2, width * k // 4].tolist() for k in (1, 3)]


def test_a_picture_is_768_rows_high_with_black_transparent(tmp_path: Path) -> None:
    picture = generate_quick_look(bands(tmp_path, np.full((10, 25), 5000)))
    with Image.open(BytesIO(picture)) as image:
        assert (image.format, image.mode, image.size, image.info["transparency"]) == (
            "PNG",
            "RGB",
            (1920, 768),
            (0, 0, 0),
        )
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"


def test_channels_are_stretched_between_both_limits(tmp_path: Path) -> None:
    paths = bands(tmp_path, [[2500, 500]])
    limits = [(1000, 4000), (0, 5000), (0, 1000)]
    assert colours(generate_quick_look(paths, channel_limits=limits)) == [[127, 127, 255], [0, 25, 127]]


def test_nodata_of_the_band_and_of_the_file_and_values_below_zero_are_black(tmp_path: Path) -> None:
    high = bands(tmp_path, [[65535, 9000]], dtype="uint16", nodata=None)
    assert colours(generate_quick_look(high, nodata=65535)) == [[0, 0, 0], [229, 229, 229]]
    tagged = bands(tmp_path, [[8000, -5]], nodata=8000)
    assert colours(generate_quick_look(tagged)) == [[0, 0, 0], [0, 0, 0]]
    floats = bands(tmp_path, [[np.nan, 5000]], dtype="float32", nodata=None)
    assert colours(generate_quick_look(floats)) == [[0, 0, 0], [127, 127, 127]]


def test_a_large_raster_is_read_from_its_overviews(tmp_path: Path) -> None:
    # Checkerboard: full resolution has 0 and 8000 only, an averaged overview 4000.
    data = (np.indices((3200, 3200)).sum(axis=0) % 2 * 8000).astype("int16")
    save_as_cog(tmp_path / "a.tif", data, grid(3200, 3200), nodata=-9999, kind="continuous")
    picture = generate_quick_look([str(tmp_path / "a.tif")] * 3)
    assert colours(picture) == [[102, 102, 102]] * 2


def test_the_picture_is_written_when_asked_for(tmp_path: Path) -> None:
    picture = generate_quick_look(bands(tmp_path, [[1, 2]]), path=tmp_path / "look.png")
    assert (tmp_path / "look.png").read_bytes() == picture
    assert not (tmp_path / "look.png.aux.xml").exists()


@pytest.mark.parametrize(
    ("count", "limits", "message"),
    [
        (2, None, "bands: three bands"),
        (4, None, "bands: three bands"),
        (3, [(0, 1)] * 2, "limits: three pairs"),
        (3, [(0, 1), (5, 5), (0, 1)], "limits: the lower limit must be below the upper one, got 5, 5"),
        (3, [(0, 1), (0, float("nan")), (0, 1)], "limits: the lower limit"),
    ],
)
def test_three_bands_with_three_ranges_are_needed(tmp_path: Path, count: int, limits: Any, message: str) -> None:
    paths = (bands(tmp_path, [[1, 2]]) * 2)[:count]
    with pytest.raises(InvalidRequest, match=message):
        generate_quick_look(paths, channel_limits=limits)


def test_bands_of_different_size_or_missing_are_named(tmp_path: Path) -> None:
    paths = bands(tmp_path, [[1, 2]])
    write_raster(tmp_path / "blue.tif", [[1, 2, 3]])
    for make in (generate_quick_look, lambda p: generate_rgb(p, tmp_path / "rgb.tif")):
        with pytest.raises(InvalidRequest, match=r"blue\.tif: has \(1, 3\) pixels"):
            make(paths)
    with pytest.raises(SourceMissing, match=r"none\.tif"):
        generate_quick_look([*paths[:2], str(tmp_path / "none.tif")])


@pytest.mark.parametrize(
    ("nodata", "tag", "expected"),
    [(-9999, None, [0, 127, 255]), (0, 0, [0, 127, 255]), (None, None, [0, 127, 255])],
)
def test_a_full_size_picture_holds_bytes_and_only_a_tag_that_fits(
    tmp_path: Path, nodata: float | None, tag: float | None, expected: list[int]
) -> None:
    generate_rgb(bands(tmp_path, [[nodata or 0, 5000, 20_000]], nodata=nodata), tmp_path / "rgb.tif")
    with rasterio.open(tmp_path / "rgb.tif") as picture:
        assert (picture.dtypes, picture.nodata, picture.crs) == (("uint8",) * 3, tag, "EPSG:32722")
        assert picture.read(2).tolist() == [expected]


def test_the_output_range_can_spare_zero_for_nodata(tmp_path: Path) -> None:
    paths = bands(tmp_path, [[0, 1, 5000]], nodata=0)
    generate_rgb(paths, tmp_path / "rgb.tif", input_range=(0, 5000), output_range=(1, 255))
    with rasterio.open(tmp_path / "rgb.tif") as picture:
        assert picture.read(1).tolist() == [[0, 1, 255]]
    with pytest.raises(InvalidRequest, match="output_range: must lie within 0 to 255, got 0 to 256"):
        generate_rgb(paths, tmp_path / "rgb.tif", output_range=(0, 256))
