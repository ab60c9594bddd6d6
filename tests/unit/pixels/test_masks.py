"""Quality values and bits become classes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stratocube.cube.mask import QualityMask, parse_mask
from stratocube.errors import InvalidRequest
from stratocube.pixels.confidence import QAConfidence
from stratocube.pixels.masks import (
    PixelClass,
    classify,
    extract_qa_bits,
    get_qa_mask,
    radsat_extract_bits,
    saturated_pixels,
)

NODATA, OTHER, NOT_CLEAR, SATURATED, CLEAR = PixelClass
SCL = parse_mask(
    {"clear_data": [4, 5, 6, 7], "not_clear_data": [2, 3, 8, 9, 10, 11], "saturated_data": [1], "nodata": 0}
)
LANDSAT = parse_mask({"clear_data": [6, 7], "not_clear_data": [1, 2, 3, 4], "nodata": 1, "bits": True})
CLOUD, CLEAR_LAND, MEDIUM_CLOUD, CIRRUS = 22280, 21824, 22080, 54596


def with_rules(**rules: Any) -> QualityMask:
    return parse_mask({**LANDSAT.to_mapping(), "confidence": rules})


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16", "int32", "uint32", "int64", "float32"])
def test_values_are_classified_in_every_type(dtype: str) -> None:
    quality = np.array([[0, 1, 2], [4, 11, 99]], dtype=dtype)
    classes = classify(quality, SCL)
    assert classes.dtype == np.uint8
    assert classes.tolist() == [[NODATA, SATURATED, NOT_CLEAR], [CLEAR, NOT_CLEAR, OTHER]]


@pytest.mark.parametrize("dtype", ["uint16", "int16", "int32", "uint32", "int64"])
def test_bits_are_classified_in_every_type(dtype: str) -> None:
    quality = np.array([1, 0, CLEAR_LAND, CLOUD, MEDIUM_CLOUD, CIRRUS]).astype(np.uint16)
    classes = classify(quality.view("int16") if dtype == "int16" else quality.astype(dtype), LANDSAT)
    assert classes.tolist() == [NODATA, OTHER, CLEAR, NOT_CLEAR, CLEAR, NOT_CLEAR]


def test_masked_pixels_are_nodata() -> None:
    quality = np.ma.masked_array([4, 4, 8], mask=[False, True, True], dtype=np.uint8)
    assert classify(quality, SCL).tolist() == [CLEAR, NODATA, NODATA]
    assert classify(np.ma.masked_array(np.array([4], np.uint8)), SCL).tolist() == [CLEAR]


def test_a_nodata_that_the_type_cannot_hold_never_occurs() -> None:
    mask = QualityMask(nodata=-9999, clear=(0,))
    assert classify(np.array([0, 241], np.uint8), mask).tolist() == [CLEAR, OTHER]


def test_negative_values_are_values() -> None:
    mask = QualityMask(nodata=-1, clear=(0,), not_clear=(-2,))
    assert classify(np.array([0, -1, -2, 5], np.int8), mask).tolist() == [CLEAR, NODATA, NOT_CLEAR, OTHER]


def test_nodata_goes_before_not_clear_before_saturated_before_clear() -> None:
    values = QualityMask(nodata=0, clear=(3,), not_clear=(0, 1), saturated=(0, 1, 2))
    assert classify(np.array([0, 1, 2, 3], np.uint8), values).tolist() == [NODATA, NOT_CLEAR, SATURATED, CLEAR]
    bits = QualityMask(nodata=7, clear=(0,), saturated=(1,), not_clear=(2,), bits=True)
    expected = [OTHER, CLEAR, SATURATED, SATURATED, NOT_CLEAR, NOT_CLEAR, NOT_CLEAR, NODATA]
    assert classify(np.arange(8, dtype=np.uint16), bits).tolist() == expected


def test_the_cirrus_bit_counts_where_the_sensor_is_oli() -> None:
    quality = np.array([[CLEAR_LAND | 4, CLEAR_LAND | 4], [CLOUD, CLEAR_LAND]], np.uint16)
    oli = np.array([[True, False], [False, False]])
    assert classify(quality, LANDSAT, oli).tolist() == [[NOT_CLEAR, CLEAR], [NOT_CLEAR, CLEAR]]
    assert classify(quality, LANDSAT, False).tolist() == [[CLEAR, CLEAR], [NOT_CLEAR, CLEAR]]
    assert classify(quality, LANDSAT).tolist() == [[NOT_CLEAR, NOT_CLEAR], [NOT_CLEAR, CLEAR]]


def test_the_cirrus_rule_counts_where_the_sensor_is_oli() -> None:
    quality = np.array([CLEAR_LAND | 0xC000] * 2, np.uint16)
    mask = with_rules(cirrus="cirrus == HIGH")
    assert classify(quality, mask, np.array([True, False])).tolist() == [NOT_CLEAR, CLEAR]


def test_a_flag_in_the_definition_goes_before_the_flag_of_the_pixels() -> None:
    quality = np.array([CLEAR_LAND | 4] * 2, np.uint16)
    assert classify(quality, with_rules(oli=False), np.array([True, False])).tolist() == [CLEAR, CLEAR]
    assert classify(quality, with_rules(oli=True), np.array([True, False])).tolist() == [NOT_CLEAR, NOT_CLEAR]


def test_rules_of_the_mask_are_honoured() -> None:
    quality = np.array([MEDIUM_CLOUD, CLEAR_LAND, 1], np.uint16)
    assert classify(quality, with_rules(cloud="cloud >= MEDIUM")).tolist() == [NOT_CLEAR, CLEAR, NODATA]


def test_flags_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InvalidRequest, match=r"oli: flags of shape \(3,\) for data of shape \(2,\)"):
        classify(np.zeros(2, np.uint16), LANDSAT, np.zeros(3, bool))


def test_bits_of_a_floating_raster_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="integer raster, got float32"):
        classify(np.zeros(2, np.float32), LANDSAT)


def test_bits_beyond_the_type_are_never_set() -> None:
    mask = QualityMask(nodata=255, clear=(0,), not_clear=(9, 40), bits=True)
    assert classify(np.array([1, 2, 255], np.uint8), mask).tolist() == [CLEAR, OTHER, NODATA]
    assert classify(np.array([1, 512], np.int64), mask).tolist() == [CLEAR, NOT_CLEAR]


def test_the_classes_are_a_new_array_each_time() -> None:
    quality = np.array([4], np.uint8)
    classify(quality, SCL)[:] = 0
    assert classify(quality, SCL).tolist() == [CLEAR]
    assert quality.tolist() == [4]


def test_views_and_single_pixels_are_classified() -> None:
    quality = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert classify(quality[::2, 1::2], SCL).tolist() == [[SATURATED, NOT_CLEAR], [NOT_CLEAR, NOT_CLEAR]]
    assert classify(quality.T, SCL).tolist() == classify(quality, SCL).T.tolist()
    assert int(classify(np.array(4, np.uint8), SCL)) == CLEAR
    assert classify(np.empty((0, 5), np.uint8), SCL).shape == (0, 5)


QUALITY = arrays(np.uint16, st.integers(0, 20), elements=st.integers(0, 65535))


@given(QUALITY)
def test_the_table_says_what_the_bits_say(quality: np.ndarray) -> None:
    mask = with_rules(cloud="cloud == HIGH", cirrus="cirrus >= MEDIUM")
    assert classify(quality, mask).tolist() == classify(quality.astype(np.int64), mask).tolist()
    assert classify(quality, mask, False).tolist() == classify(quality.astype(np.int64), mask, False).tolist()


@given(QUALITY)
def test_a_rule_only_takes_clear_pixels_away(quality: np.ndarray) -> None:
    plain = classify(quality, LANDSAT) == CLEAR
    ruled = classify(quality, with_rules(cloud="cloud >= MEDIUM")) == CLEAR
    assert not np.any(ruled & ~plain)


@given(QUALITY)
def test_clear_pixels_are_those_get_qa_mask_leaves(quality: np.ndarray) -> None:
    mask = get_qa_mask(quality, [6, 7], [1, 2, 3, 4], 1)
    assert (~mask.mask).tolist() == (classify(quality, LANDSAT) == CLEAR).tolist()


def test_get_qa_mask_gives_the_documented_example() -> None:
    data = np.ma.masked_array([MEDIUM_CLOUD], dtype=np.int16)
    assert get_qa_mask(data, [6, 7], [1, 2, 3, 4], 1).mask.tolist() == [False]
    rule = QAConfidence(cloud="cloud == MEDIUM", oli=True)
    assert get_qa_mask(data, [6, 7], [1, 2, 3, 4], 1, rule).mask.tolist() == [True]


def test_without_clear_bits_nothing_is_clear() -> None:
    assert get_qa_mask(np.array([CLEAR_LAND, 1])).mask.tolist() == [True, True]


def test_without_nodata_no_value_is_nodata() -> None:
    data = np.array([CLEAR_LAND, 0], np.uint16)
    assert get_qa_mask(data, [6], []).mask.tolist() == [False, True]
    assert get_qa_mask(data, [6], [], CLEAR_LAND).mask.tolist() == [True, True]


def test_get_qa_mask_leaves_its_argument_alone() -> None:
    data = np.ma.masked_array(np.array([1, CLEAR_LAND], np.uint16), mask=[False, False])
    result = get_qa_mask(data, [6], [1], 1)
    result[1] = 0
    assert data.tolist() == [1, CLEAR_LAND]


@pytest.mark.parametrize("number", [CLEAR_LAND, np.uint16(CLEAR_LAND), np.int64(CLEAR_LAND)])
def test_get_qa_mask_takes_one_number(number: int) -> None:
    result = get_qa_mask(number, [6, 7], [1, 2, 3, 4], 1)
    assert (result.shape, result.tolist()) == ((1,), [CLEAR_LAND])


def test_oli_flags_leave_the_cirrus_bit_out_pixel_by_pixel() -> None:
    data = np.array([21828, 21828], np.uint16)
    for flags in ({"oli": np.array([True, False])}, {"landsat_8": np.array([True, False])}):
        assert get_qa_mask(data, [6, 7], [1, 2], 1, QAConfidence(**flags)).mask.tolist() == [True, False]


def test_a_bit_comes_at_its_weight() -> None:
    assert [extract_qa_bits(43, bit) for bit in range(6)] == [1, 2, 0, 8, 0, 32]
    assert extract_qa_bits(np.array([32768, 1], np.uint16), 15).tolist() == [32768, 0]
    assert extract_qa_bits(np.array([-32768, 1], np.int16), 15).tolist() == [-32768, 0]
    assert extract_qa_bits(np.array([255], np.uint8), 9).tolist() == [0]


def test_a_masked_array_keeps_its_mask_when_bits_are_taken() -> None:
    data = np.ma.masked_array([CLOUD, CLEAR_LAND], mask=[False, True], dtype=np.uint16)
    bits, numbers = extract_qa_bits(data, 3), radsat_extract_bits(data, 3)
    assert bits.tolist() == [8, None]
    assert numbers.tolist() == [1, None]
    bits[1], numbers[1] = 0, 0
    assert data.tolist() == [CLOUD, None]


def test_a_range_of_bits_comes_as_a_number() -> None:
    assert radsat_extract_bits(1026, 1, 7) == 1
    assert radsat_extract_bits(np.array([1026, 1037], np.uint16), 1, 7).tolist() == [1, 6]
    assert radsat_extract_bits(np.array([4, 3], np.uint8), 2).tolist() == [1, 0]
    assert radsat_extract_bits(np.array([-1], np.int16), 8, 15).tolist() == [255]
    assert radsat_extract_bits(np.array([255], np.uint8), 4, 40).tolist() == [15]


def test_a_bit_range_the_wrong_way_round_names_both_bits() -> None:
    with pytest.raises(InvalidRequest, match="bit_end 1 lies below bit_start 7"):
        radsat_extract_bits(1026, 7, 1)


@pytest.mark.parametrize("bit", [-1, 64])
def test_a_bit_that_no_type_has_is_refused(bit: int) -> None:
    with pytest.raises(InvalidRequest, match="bit positions run from 0 to 63"):
        extract_qa_bits(np.array([1]), bit)
    with pytest.raises(InvalidRequest, match="bit positions run from 0 to 63"):
        radsat_extract_bits(1, bit, bit)


def test_saturation_counts_the_bits_of_the_mask() -> None:
    radsat = np.array([[0, 1, 2], [128, 256, 512]], np.uint16)
    assert saturated_pixels(radsat, SCL).tolist() == [[False, False, True], [True, False, False]]
    collection_2 = parse_mask({"nodata": 0, "saturated_band": "radsat", "saturated_bits": [0, 6]})
    assert saturated_pixels(radsat, collection_2).tolist() == [[False, True, True], [False, False, False]]
