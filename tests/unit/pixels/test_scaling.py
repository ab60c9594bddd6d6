"""Scales of stored values, and stretches for pictures."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratocube.errors import InvalidRequest
from stratocube.pixels.scaling import linear_raster_scale, rescale

LANDSAT: dict[str, Any] = {"multiplier": 0.0000275, "new_scale": 0.0001, "origin_additive": -0.2}


def test_landsat_collection_2_becomes_ten_thousandths() -> None:
    values = np.array([[62057, 29300, 17793], [7320, 7360, 5950]], np.uint16)
    result = rescale(values, **LANDSAT, dtype="int16")
    assert result.dtype == np.int16
    assert result.tolist() == [[15065, 6057, 2893], [13, 24, -363]]


def test_the_type_of_the_array_is_the_default() -> None:
    assert rescale(np.array([16269, 100], np.uint16), **LANDSAT).tolist() == [2473, 0]


def exact(value: int, multiplier: str, additive: str, scale: str) -> int:
    number = (value * Fraction(multiplier) + Fraction(additive)) / Fraction(scale)
    return int(number)  # truncates toward zero


@pytest.mark.parametrize("dtype", ["int16", "int32"])
def test_every_stored_value_is_the_exact_result_truncated_toward_zero(dtype: str) -> None:
    values = np.arange(-2000, 10001).astype(dtype)
    assert np.array_equal(rescale(values, 0.0001, 0.0001), values)
    finer = rescale(values[2000:], 0.0001, 0.001)
    assert finer.tolist() == [value // 10 for value in range(10001)]


def test_every_landsat_value_is_the_exact_result_truncated_toward_zero() -> None:
    values = np.arange(7273, 43637, dtype=np.uint16)
    expected = [exact(int(value), "0.0000275", "-0.2", "0.0001") for value in values]
    assert rescale(values, **LANDSAT, dtype="int16").tolist() == expected


@pytest.mark.parametrize(
    ("values", "dtype", "multiplier", "scale", "expected"),
    [
        ([25, 26, 255], "uint8", 0.01, 0.001, [250, 255, 255]),
        ([3276, 3277, 32767, -32768], "int16", 0.001, 0.0001, [32760, 32767, 32767, -32768]),
        ([6553, 6554, 65535], "uint16", 0.001, 0.0001, [65530, 65535, 65535]),
        ([1, -1], "int32", 1e12, 1, [2147483647, -2147483648]),
    ],
)
def test_results_are_clamped_after_the_division(
    values: list[int], dtype: str, multiplier: float, scale: float, expected: list[int]
) -> None:
    assert rescale(np.array(values, dtype), multiplier, scale).tolist() == expected


def test_large_rasters_give_what_small_ones_give() -> None:
    values = np.tile(np.arange(65536, dtype=np.uint16), (3, 1))
    large = rescale(values, **LANDSAT, dtype="int16")
    assert large.shape == (3, 65536)
    for start in range(0, 65536, 8192):
        piece = slice(start, start + 8192)
        assert np.array_equal(large[1, piece], rescale(values[1, piece], **LANDSAT, dtype="int16"))


def test_signed_values_of_large_rasters_find_their_place() -> None:
    values = np.tile(np.arange(-128, 128, dtype=np.int8), 3)
    assert rescale(values, 2, 1, dtype="int16").tolist() == [2 * int(value) for value in values]


def test_floats_are_neither_truncated_nor_clamped() -> None:
    assert rescale(np.array([0.5, 0.25]), 1, 0.5).tolist() == [1.0, 0.5]
    single = rescale(np.array([0.5, np.nan], np.float32), 1, 0.0001)
    assert single.dtype == np.float32
    assert np.isnan(single[1])
    assert rescale(np.array([62057], np.uint16), **LANDSAT, dtype="float64").tolist() == pytest.approx([15065.675])


def test_the_mask_is_kept_and_the_argument_is_left_alone() -> None:
    values = np.ma.masked_array([-9999, 7273], mask=[True, False], dtype=np.int16)
    result = rescale(values, 0.0001, 0.0001, -0.2)
    assert result.tolist() == [None, 5273]
    result[0] = 1
    assert values.tolist() == [None, 7273]
    assert values.data.tolist() == [-9999, 7273]


def test_not_a_number_is_refused_for_integers_unless_it_is_masked() -> None:
    values = np.array([0.5, np.nan, np.inf])
    with pytest.raises(InvalidRequest, match="array: holds values that are not finite; mask them to get int16"):
        rescale(values, 1, 0.0001, dtype="int16")
    masked = np.ma.masked_invalid(values)
    assert rescale(masked, 1, 0.0001, dtype="int16").tolist() == [5000, None, None]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"new_scale": 0}, "new_scale"),
        ({"new_scale": float("nan")}, "new_scale"),
        ({"multiplier": float("inf")}, "multiplier"),
        ({"origin_additive": float("nan")}, "origin_additive"),
        ({"dtype": "nonsense"}, "dtype"),
        ({"dtype": "complex64"}, "dtype"),
        ({"dtype": "bool"}, "dtype"),
    ],
)
def test_factors_that_give_garbage_are_refused(change: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        rescale(np.array([1, 2]), **{"multiplier": 1.0, "new_scale": 1.0, **change})
    assert refusal.value.field == field


@given(st.integers(-32768, 32767), st.sampled_from(["0.0001", "0.001", "0.01", "1"]))
def test_going_to_a_finer_scale_and_back_changes_nothing(value: int, scale: str) -> None:
    finer = rescale(np.array([value]), float(scale), float(scale) / 100)
    assert rescale(finer, float(scale) / 100, float(scale)).tolist() == [value]


def test_a_stretch_clips_and_maps_the_limits() -> None:
    values = np.array([[-9999, 0, 100, 5000], [10000, 12000, 39, 40]], np.int16)
    result = linear_raster_scale(values, (0, 10000), (0, 255))
    assert result.dtype == np.float32
    assert result.tolist() == [pytest.approx([0, 0, 2.55, 127.5]), pytest.approx([255, 255, 0.9945, 1.02])]


def test_a_stretch_may_be_wider_than_the_type() -> None:
    values = np.array([-20000, -5000, 0, 15000, 20000], np.int16)
    expected = [0, 95.625, 127.5, 223.125, 255]
    assert linear_raster_scale(values, (-20000, 20000)).tolist() == pytest.approx(expected)
    unsigned = linear_raster_scale(np.array([0, 100], np.uint8), (-100, 100), (0, 1))
    assert unsigned.tolist() == pytest.approx([0.5, 1.0])


def test_a_stretch_may_fall_and_need_not_start_at_zero() -> None:
    assert linear_raster_scale(np.array([0, 5, 10]), (0, 10), (20, 10)).tolist() == [20.0, 15.0, 10.0]


def test_wide_types_are_stretched_in_double_precision() -> None:
    assert linear_raster_scale(np.array([1], np.int32), (0, 10)).dtype == np.float64
    assert linear_raster_scale(np.array([1.0]), (0, 10)).dtype == np.float64


def test_a_stretch_keeps_the_mask_and_not_a_number() -> None:
    masked = np.ma.masked_array([-9999, 100], mask=[True, False], dtype=np.int16)
    assert linear_raster_scale(masked, (0, 10000), (0, 100)).tolist() == [None, 1.0]
    result = linear_raster_scale(np.array([np.nan, 0.5], np.float32), (0, 1))
    assert np.isnan(result[0])
    assert result[1] == 127.5


@pytest.mark.parametrize("limits", [(0, 0), (5, 5), (10, 0), (0, float("nan"))])
def test_a_range_without_width_is_refused(limits: tuple[float, float]) -> None:
    with pytest.raises(InvalidRequest, match="the lower limit must be below the upper one"):
        linear_raster_scale(np.array([1, 2]), limits)


@given(
    st.lists(st.integers(-32768, 32767), min_size=2, max_size=10),
    st.integers(-40000, 0),
    st.integers(1, 40000),
)
def test_a_stretch_keeps_order_and_range(values: list[int], low: int, high: int) -> None:
    result = linear_raster_scale(np.array(sorted(values), np.int16), (low, high))
    assert np.all(np.diff(result) >= 0)
    assert result.min() >= 0
    assert result.max() <= 255.001
