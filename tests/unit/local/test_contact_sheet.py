from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from rasterio.transform import from_origin

from stratocube.local.contact_sheet import Panel, PictureError, Sheet, TrueColour, draw_contact_sheet, mosaic

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a raster of 10 m pixels whose upper left corner is at (x, y)."""

    def write_raster(name: str, pixels: Any, *, x: float = 0, y: float = 0, nodata: float | None = 0) -> Path:
        array: NDArray[Any] = np.asarray(pixels)
        path = tmp_path / name
        with rasterio.open(
            path,
            "w",
            driver="GTiff",
            dtype=array.dtype,
            count=1,
            height=array.shape[0],
            width=array.shape[1],
            crs="EPSG:32633",
            transform=from_origin(x, y, 10, 10),
            nodata=nodata,
        ) as dataset:
            dataset.write(array, 1)
        return path

    return write_raster


def _int16(*rows: list[int]) -> NDArray[np.int16]:
    return np.array(rows, dtype=np.int16)


def test_tiles_are_put_side_by_side_where_they_lie(write: Write) -> None:
    left = write("left.tif", _int16([1, 2], [3, 0]))
    lower_right = write("right.tif", _int16([5, 6]), x=20, y=-10)
    found = mosaic([left, lower_right])
    assert found.pixels.tolist() == [[1, 2, 0, 0], [3, 0, 5, 6]]
    assert found.missing.tolist() == [[False, False, True, True], [False, True, False, False]]
    assert found.metres == 10.0


def test_a_file_without_nodata_value_has_data_everywhere(write: Write) -> None:
    assert not mosaic([write("a.tif", _int16([0, 1]), nodata=None)]).missing.any()


def test_files_are_read_whatever_the_users_aws_profile_is(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write("a.tif", _int16([1, 2]))
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "nobody")
    assert mosaic([path]).pixels.tolist() == [[1, 2]]


def test_a_file_off_the_pixel_grid_is_refused(write: Write) -> None:
    files = [write("a.tif", _int16([1, 1])), write("b.tif", _int16([1, 1]), x=25)]
    with pytest.raises(PictureError, match=r"b\.tif does not lie on the pixel grid of .*a\.tif"):
        mosaic(files)


def test_no_files_are_refused() -> None:
    with pytest.raises(PictureError, match="no files"):
        mosaic([])


def _sheet(write: Write, **changes: Any) -> Sheet:
    ramp = np.arange(1, 65, dtype=np.int16).reshape(8, 8) * 30
    holed = ramp.copy()
    holed[:, :4] = 0
    full = TrueColour(*([write(f"full-{band}.tif", ramp)] for band in "rgb"))
    part = TrueColour(*([write(f"part-{band}.tif", holed)] for band in "rgb"))
    counts = np.ones((8, 8), dtype=np.uint8)
    counts[4:] = 2
    days = np.full((8, 8), 225, dtype=np.int16)
    days[:, 4:] = 227
    fields: dict[str, Any] = {
        "title": "A title",
        "subtitle": "A subtitle",
        "credit": "A credit",
        "year": 2023,
        "dates": [Panel("2023-08-13", "5 % cloudy", full), Panel("2023-08-15", "2 % cloudy", part)],
        "composites": [Panel("LCF", "first", full), Panel("MED", "median", full)],
        "clear_observations": [write("clearob.tif", counts)],
        "provenance": [write("provenance.tif", days, nodata=-1)],
    }
    return Sheet(**{**fields, **changes})


def _colours(pixels: NDArray[np.uint8]) -> set[tuple[int, ...]]:
    return {tuple(int(channel) for channel in colour) for colour in np.unique(pixels.reshape(-1, 3), axis=0)}


def test_the_sheet_shows_dates_above_and_composites_counts_and_days_below(write: Write) -> None:
    image = draw_contact_sheet(_sheet(write))
    # two pictures of 220 in the first row: 40 + 220 + 20 + 220 + 40; four of 100 in the second
    assert image.width == 540
    pixels = np.asarray(image)
    first_top, second_top = 40 + 92 + 54, 40 + 92 + 54 + 220 + 34 + 54
    half_missing = pixels[first_top : first_top + 220, 280:380]
    hatch = {(228, 228, 224), (176, 176, 172)}
    assert hatch & _colours(half_missing)
    brightness = half_missing.astype(int).max(axis=-1) - half_missing.astype(int).min(axis=-1)
    # the hatch has a tint of its own: no grey of a picture
    assert brightness.max() <= 8
    clearob = pixels[second_top : second_top + 100, 280:380]
    assert _colours(clearob) == {(255, 247, 188), (186, 224, 170)}
    provenance = pixels[second_top : second_top + 100, 400:500]
    assert _colours(provenance) == {(230, 159, 0), (86, 180, 233)}


def test_the_same_reflectance_is_the_same_colour_in_every_picture(write: Write) -> None:
    pixels = np.asarray(draw_contact_sheet(_sheet(write)))
    first_top = 40 + 92 + 54
    left = pixels[first_top : first_top + 220, 40:260]
    right = pixels[first_top : first_top + 220, 280:500]
    # away from the border of the hole, whose hatch a smooth enlargement mixes in
    np.testing.assert_array_equal(left[:, 190:], right[:, 190:])


def test_pixels_without_a_day_are_hatched_and_not_in_the_legend(write: Write) -> None:
    days = np.full((8, 8), -1, dtype=np.int16)
    days[0, 0] = 225
    sheet = _sheet(write, provenance=[write("sparse.tif", days, nodata=-1)])
    pixels = np.asarray(draw_contact_sheet(sheet))
    second_top = 40 + 92 + 54 + 220 + 34 + 54
    assert _colours(pixels[second_top : second_top + 100, 400:500]) == {
        (230, 159, 0),
        (228, 228, 224),
        (176, 176, 172),
    }


@pytest.mark.parametrize("missing", ["dates", "composites"])
def test_a_sheet_of_nothing_is_refused(write: Write, missing: str) -> None:
    with pytest.raises(PictureError, match="needs dates and composites"):
        draw_contact_sheet(_sheet(write, **{missing: []}))


def test_a_composite_without_any_data_is_refused(write: Write) -> None:
    empty = [write("empty.tif", np.zeros((8, 8), dtype=np.int16))]
    panel = Panel("LCF", "", TrueColour(empty, empty, empty))
    with pytest.raises(PictureError, match="no data at all"):
        draw_contact_sheet(_sheet(write, composites=[panel]))
