"""Quality classes cleaned and widened: whole rasters, and the definition written out with scipy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import ndimage

from stratocube.cube.geobox import GeoBox
from stratocube.cube.mask import QualityMask, parse_mask
from stratocube.errors import InvalidRequest
from stratocube.pixels.mask_buffers import buffer_margin, buffered_merge, buffered_quality
from stratocube.pixels.masks import PixelClass, classify
from stratocube.pixels.merge import merge
from stratocube.pixels.morphology import Disk
from stratocube.pixels.sources import SourceRaster
from stratocube.pixels.statistics import qa_statistics
from tests.unit.pixels.rasters_on_disk import grid, write_raster

SCL: dict[str, Any] = {"nodata": 0, "clear_data": [4, 5, 6], "not_clear_data": [3, 8, 9, 10], "saturated_data": [1]}
LANDSAT: dict[str, Any] = {"nodata": 1, "bits": True, "clear_data": [6], "not_clear_data": [1, 3, 4]}
CLEAR, DILATED, CLOUD, SHADOW = 1 << 6, 1 << 1, 1 << 3, 1 << 4


def mask(form: dict[str, Any], *buffers: dict[str, Any]) -> QualityMask:
    return parse_mask({**form, "buffers": list(buffers)})


def buffered(rows: list[Any], given_mask: QualityMask, dtype: str = "uint8") -> list[Any]:
    quality = np.array(rows, dtype=dtype)
    before = quality.copy()
    result = buffered_quality(quality, given_mask, grid(quality.shape[1], quality.shape[0]))
    assert result.dtype == quality.dtype
    assert np.array_equal(quality, before)
    found: list[Any] = result.tolist()
    return found


def test_pixels_within_the_margin_of_a_cloud_become_that_cloud() -> None:
    assert buffered(
        [
            [4, 4, 4, 4, 4],
            [4, 4, 9, 4, 4],
            [4, 4, 4, 4, 6],
            [4, 4, 4, 4, 4],
        ],
        mask(SCL, {"values": [8, 9], "dilate_m": 20}),
    ) == [
        [4, 9, 9, 9, 4],
        [9, 9, 9, 9, 9],
        [4, 9, 9, 9, 6],
        [4, 4, 9, 4, 4],
    ]


def test_nodata_stays_nodata_and_what_is_not_clear_stays_what_it_is() -> None:
    widen = mask(SCL, {"values": [9], "dilate_m": 30})
    assert buffered([[0, 3, 9, 1, 7, 4]], widen) == [[0, 3, 9, 1, 9, 9]]


def test_where_margins_meet_the_value_listed_first_wins() -> None:
    together = mask(SCL, {"values": [9, 3], "dilate_m": 20})
    assert buffered([[4, 4, 3, 4, 9, 4, 4]], together) == [[3, 3, 3, 9, 9, 9, 9]]
    apart = mask(SCL, {"values": [3], "dilate_m": 10}, {"values": [9], "dilate_m": 20})
    assert buffered([[4, 4, 3, 4, 9, 4, 4, 4]], apart) == [[4, 3, 3, 3, 9, 9, 9, 4]]


def test_margins_have_no_margins() -> None:
    chain = mask(SCL, {"values": [9], "dilate_m": 10}, {"values": [3], "dilate_m": 10})
    assert buffered([[9, 4, 4, 4, 3, 4]], chain) == [[9, 9, 4, 3, 3, 3]]


def test_a_speck_belongs_to_what_surrounds_it_and_of_a_cloud_stays_what_disks_cover() -> None:
    assert buffered(
        [
            [4, 5, 4, 4, 4, 4, 4, 4],
            [5, 9, 4, 4, 9, 9, 9, 4],
            [4, 3, 4, 4, 9, 9, 9, 4],
            [4, 3, 8, 4, 9, 9, 9, 4],
            [4, 3, 4, 4, 4, 4, 4, 4],
        ],
        mask(SCL, {"values": [8, 9], "erode_m": 10}),
    ) == [
        [4, 5, 4, 4, 4, 4, 4, 4],
        [5, 5, 4, 4, 4, 9, 4, 4],
        [4, 3, 4, 4, 9, 9, 9, 4],
        [4, 3, 4, 4, 4, 9, 4, 4],
        [4, 3, 4, 4, 4, 4, 4, 4],
    ]


def test_the_margin_is_counted_from_the_edge_of_what_is_no_speck() -> None:
    row = [4, 9, 4, 4, 4, 4, 9, 9, 9, 4, 4, 4]
    clean_and_widen = mask(SCL, {"values": [9], "erode_m": 10, "dilate_m": 20})
    assert buffered([row] * 9, clean_and_widen)[4] == [4, 4, 4, 4, 9, 9, 9, 9, 9, 9, 9, 4]
    assert buffered([row] * 9, mask(SCL, {"values": [9], "dilate_m": 20}))[4] == [9] * 11 + [4]


def test_a_cloud_cut_off_by_nodata_or_by_the_edge_is_no_speck() -> None:
    clean = mask(SCL, {"values": [9], "erode_m": 10})
    rows = [[9, 0, 4, 9], [9, 0, 4, 9], [9, 0, 4, 9]]
    assert buffered(rows, clean) == rows
    assert buffered([[4, 9, 4], [4, 9, 4], [4, 4, 4]], clean) == [[4, 9, 4], [4, 4, 4], [4, 4, 4]]
    assert buffered([[9, 9], [9, 9]], clean) == [[9, 9], [9, 9]]


def test_a_speck_of_cloud_in_a_speck_of_shadow_is_cleaned_after_the_order_of_the_list() -> None:
    both = mask(SCL, {"values": [9], "erode_m": 10}, {"values": [3], "erode_m": 10})
    assert buffered([[4, 4, 4, 4], [4, 3, 9, 4], [4, 4, 4, 4]], both) == [[4] * 4] * 3


def test_a_margin_sets_the_bit_that_reaches_the_pixel() -> None:
    widen = mask(LANDSAT, {"values": [3, 1], "dilate_m": 10}, {"values": [4], "dilate_m": 20})
    water = CLEAR | 1 << 7
    assert buffered([[CLEAR, CLOUD, water, 1, DILATED, SHADOW, CLEAR, CLEAR]], widen, "uint16") == [
        [
            CLEAR | CLOUD,
            CLOUD,
            water | CLOUD,
            1,
            DILATED | SHADOW,
            SHADOW | DILATED,
            CLEAR | SHADOW,
            CLEAR | SHADOW,
        ]
    ]


def test_the_highest_bit_of_a_signed_raster_is_a_bit_like_any_other() -> None:
    form = {**LANDSAT, "not_clear_data": [15, 40]}
    widen = mask(form, {"values": [15, 40], "dilate_m": 10})
    assert buffered([[CLEAR, -(1 << 15), 1, CLEAR]], widen, "int16") == [[CLEAR - (1 << 15), -(1 << 15), 1, CLEAR]]


def test_a_speck_of_bits_becomes_its_neighbour_but_stays_in_shadow() -> None:
    clean = mask(LANDSAT, {"values": [3], "erode_m": 10})
    rows = [[CLEAR] * 4, [CLEAR, CLOUD, CLOUD | SHADOW, CLEAR], [CLEAR] * 4]
    assert buffered(rows, clean, "uint16") == [[CLEAR] * 4, [CLEAR, CLEAR, CLEAR | SHADOW, CLEAR], [CLEAR] * 4]


def test_a_value_the_type_cannot_hold_is_nowhere() -> None:
    form = {**SCL, "not_clear_data": [9, 300]}
    assert buffered([[9, 4]], mask(form, {"values": [300, 9], "dilate_m": 10})) == [[9, 9]]


def test_statistics_see_the_margin() -> None:
    widen = mask(SCL, {"values": [9], "dilate_m": 10})
    quality = np.array([[9, 4, 4, 0]], np.uint8)
    assert qa_statistics(quality, widen) == (50.0, 33.33)
    assert qa_statistics(buffered_quality(quality, widen, grid(4, 1)), widen) == (25.0, 66.67)


def test_without_buffers_nothing_changes() -> None:
    assert buffered([[9, 4, 0]], parse_mask(SCL)) == [[9, 4, 0]]
    assert buffer_margin(parse_mask(SCL), grid(1, 1)) == 0


# -- metres ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("crs", "pixel", "pixels"), [("EPSG:32722", 30.0, 4), ("EPSG:2263", 30 / 0.3048006096012192, 4)]
)
def test_lengths_are_metres_whatever_the_unit_of_the_grid(crs: str, pixel: float, pixels: int) -> None:
    geobox = GeoBox(crs, 0, 0, pixel, pixel, 1, 1)
    assert buffer_margin(mask(SCL, {"values": [9], "dilate_m": 120}), geobox) == pixels


def test_the_margin_of_a_tile_is_what_buffers_look_at() -> None:
    buffers = [{"values": [9], "dilate_m": 20, "erode_m": 10}, {"values": [3], "dilate_m": 50, "erode_m": 30}]
    assert buffer_margin(mask(SCL, *buffers), grid(1, 1)) == 2 + 6 + 5


@pytest.mark.parametrize(
    ("geobox", "buffer", "field", "words"),
    [
        (GeoBox("EPSG:4326", 0, 0, 0.001, 0.001, 9, 9), {"dilate_m": 120}, "mask.buffers", "the grid is in degrees"),
        (grid(9, 9, pixel=30), {"dilate_m": 20}, "mask.buffers.0.dilate_m", "less than a pixel"),
        (grid(9, 9, pixel=30), {"erode_m": 20}, "mask.buffers.0.erode_m", "less than a pixel"),
        (grid(9, 9, pixel=10), {"dilate_m": 2570}, "mask.buffers.0.dilate_m", "more than 256 pixels"),
    ],
)
def test_lengths_that_cannot_be_meant_are_refused(
    geobox: GeoBox, buffer: dict[str, Any], field: str, words: str
) -> None:
    with pytest.raises(InvalidRequest, match=words) as refusal:
        buffer_margin(mask(SCL, {"values": [9], **buffer}), geobox)
    assert refusal.value.field == field


# -- laws --------------------------------------------------------------------------------------------------------------

QUALITY = arrays.arrays(
    np.uint8,
    arrays.array_shapes(min_dims=2, max_dims=2, max_side=9),
    elements=st.sampled_from([0, 1, 3, 4, 4, 4, 5, 7, 8, 9, 9, 9]),
)
LENGTHS = st.sampled_from([0, 10, 14, 15, 20, 30])


@st.composite
def masks(draw: st.DrawFn) -> QualityMask:
    """One or two buffers of SCL."""
    groups = draw(st.sampled_from([[[9]], [[8, 9]], [[9, 8], [3]], [[3], [9, 1]], [[3, 8, 9]]]))
    buffers = []
    for values in groups:
        dilate_m, erode_m = draw(LENGTHS), draw(LENGTHS)
        buffers.append({"values": values, "dilate_m": dilate_m or (0 if erode_m else 10), "erode_m": erode_m})
    return mask(SCL, *buffers)


def footprint(metres: float) -> np.ndarray:
    """A disk for scipy, 10 m pixels."""
    reach = int(metres / 10)
    rows, columns = np.indices((2 * reach + 1, 2 * reach + 1)) - reach
    return np.asarray((rows * 10) ** 2 + (columns * 10) ** 2 <= metres**2)


def opening(members: np.ndarray, seen: np.ndarray, metres: float) -> np.ndarray:
    """The class without the parts into which no disk fits; what is not seen counts as class."""
    beyond = 9
    eroded = ~ndimage.binary_dilation(np.pad(seen & ~members, beyond), footprint(metres))
    opened = ndimage.binary_dilation(eroded, footprint(metres))
    return np.asarray(members & opened[beyond:-beyond, beyond:-beyond])


def by_definition(quality: np.ndarray, given_mask: QualityMask) -> np.ndarray:
    """Pixel by pixel."""
    result, seen = quality.copy(), quality != given_mask.nodata
    for buffer in given_mask.buffers:
        members = np.isin(result, buffer.values)
        others = np.argwhere(seen & ~members)
        specks = np.argwhere(members & ~opening(members, seen, buffer.erode_m)) if buffer.erode_m else []
        before = result.copy()
        for row, column in specks:
            nearest = min(others, key=lambda other: ((other[0] - row) ** 2 + (other[1] - column) ** 2, *other))
            result[row, column] = before[tuple(nearest)]
    cleaned = result.copy()
    for row, column in np.argwhere(np.isin(cleaned, [4, 5, 6, 7])):
        reaching = [
            value
            for buffer in given_mask.buffers
            for value in buffer.values
            if buffer.dilate_m and near(cleaned == value, row, column, buffer.dilate_m)
        ]
        result[row, column] = (reaching or [cleaned[row, column]])[0]
    return result


def near(members: np.ndarray, row: int, column: int, metres: float) -> bool:
    return any((10 * (r - row)) ** 2 + (10 * (c - column)) ** 2 <= metres**2 for r, c in np.argwhere(members))


@settings(max_examples=150)
@given(QUALITY, masks())
def test_the_result_is_what_the_definition_says(quality: np.ndarray, given_mask: QualityMask) -> None:
    found = buffered_quality(quality, given_mask, grid(quality.shape[1], quality.shape[0]))
    assert found.tolist() == by_definition(quality, given_mask).tolist()


@given(QUALITY, masks())
def test_nothing_appears_and_nothing_vanishes(quality: np.ndarray, given_mask: QualityMask) -> None:
    found = buffered_quality(quality, given_mask, grid(quality.shape[1], quality.shape[0]))
    assert np.array_equal(found == 0, quality == 0)
    assert set(np.unique(found)) <= set(np.unique(quality))


@given(QUALITY, LENGTHS, LENGTHS)
def test_a_wider_margin_never_adds_clear_pixels(quality: np.ndarray, one: int, two: int) -> None:
    def clear(metres: int) -> np.ndarray:
        given_mask = mask(SCL, {"values": [3, 8, 9], "dilate_m": metres}) if metres else parse_mask(SCL)
        result = buffered_quality(quality, given_mask, grid(quality.shape[1], quality.shape[0]))
        return np.asarray(classify(result, given_mask) == PixelClass.CLEAR)

    narrow, wide = sorted((one, two))
    assert not (clear(wide) & ~clear(narrow)).any()


@given(
    arrays.arrays(
        np.uint16,
        arrays.array_shapes(min_dims=2, max_dims=2, max_side=8),
        elements=st.sampled_from([1, CLEAR, CLOUD, SHADOW, CLOUD | SHADOW, DILATED]),
    ),
    st.sampled_from([10, 15, 20]),
)
def test_every_bit_is_widened_as_scipy_widens_it(quality: np.ndarray, metres: int) -> None:
    widen = mask(LANDSAT, {"values": [3, 1], "dilate_m": metres}, {"values": [4], "dilate_m": 10})
    found = buffered_quality(quality, widen, grid(quality.shape[1], quality.shape[0]))
    seen = quality != 1
    for bit, reach in ((CLOUD, metres), (DILATED, metres), (SHADOW, 10)):
        expected = seen & ndimage.binary_dilation(seen & (quality & bit != 0), footprint(reach))
        assert np.array_equal(found & bit != 0, np.where(seen, expected, quality & bit != 0))
    assert np.array_equal(found & CLEAR, quality & CLEAR)


def test_the_disk_of_these_tests_is_the_one_in_use() -> None:
    for metres in (10, 14, 15, 20, 30):
        assert footprint(metres).sum() == len(Disk.of_radius(metres, 10, 10).offsets())


# -- tiles -------------------------------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(arrays.arrays(np.uint8, (12, 16), elements=st.sampled_from([0, 3, 4, 4, 4, 5, 9, 9])), masks())
def test_tiles_side_by_side_have_the_margins_of_one_large_tile(
    tmp_path_factory: pytest.TempPathFactory, quality: np.ndarray, given_mask: QualityMask
) -> None:
    folder = tmp_path_factory.mktemp("scene")
    scene = SourceRaster("scene", write_raster(folder / "scene.tif", quality, dtype="uint8", nodata=0))
    whole = buffered_quality(quality, given_mask, grid(16, 12))
    margin = buffer_margin(given_mask, grid(16, 12))
    left, right = (
        buffered_merge(
            merge([scene], tile, data_type="uint8", nodata=0, kind="categorical", margin=margin), given_mask, margin
        )
        for tile in (grid(8, 12), grid(8, 12, x=500_080))
    )
    assert (left.geobox, right.geobox) == (grid(8, 12), grid(8, 12, x=500_080))
    # Beyond the scene the tiles see nodata where the large one ends: both count as the class.
    assert np.array_equal(np.hstack([left.data, right.data]), whole)


def test_the_datasource_is_cut_back_as_well(tmp_path: Path) -> None:
    scene = SourceRaster(
        "scene", write_raster(tmp_path / "scene.tif", [[9, 4, 4]], dtype="uint8", nodata=0), dataset="A"
    )
    widen = mask(SCL, {"values": [9], "dilate_m": 10})
    tile = grid(2, 1, x=500_010)
    merged = merge([scene], tile, data_type="uint8", nodata=0, kind="categorical", datasource=["A"], margin=1)
    assert merged.data.tolist() == [[0, 0, 0, 0], [9, 4, 4, 0], [0, 0, 0, 0]]
    result = buffered_merge(merged, widen, 1)
    assert result.datasource is not None
    assert (result.data.tolist(), result.datasource.tolist(), result.geobox) == ([[9, 4]], [[0, 0]], tile)
