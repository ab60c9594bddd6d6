"""Efficacy and cloud ratio of quality rasters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stratocube.cube.mask import parse_mask
from stratocube.errors import SourceMissing
from stratocube.pixels.statistics import QualityCounts, compute_data_set_stats, count_quality, qa_statistics

FMASK = parse_mask({"clear_data": [0, 1], "not_clear_data": [2, 3, 4], "nodata": 255})
SCL = parse_mask(
    {"clear_data": [4, 5, 6, 7], "not_clear_data": [2, 3, 8, 9, 10, 11], "saturated_data": [1], "nodata": 0}
)
LANDSAT_KEYS = {"clear_data": [6, 7], "not_clear_data": [1, 2, 3, 4], "nodata": 1, "bits": True}
LANDSAT = parse_mask(LANDSAT_KEYS)


def fmask(values: Any) -> tuple[float, float]:
    return qa_statistics(np.array(values, np.uint8), FMASK)


def test_the_documented_days_have_their_documented_numbers() -> None:
    assert fmask([[0, 0, 2, 4], [0, 1, 1, 4], [0, 2, 2, 4]]) == (50.0, 50.0)
    assert fmask([[0, 0, 255, 255], [0, 1, 1, 1], [0, 0, 0, 0]]) == (83.33, 0.0)


def test_efficacy_is_relative_to_all_pixels_and_cloud_ratio_to_the_judged_ones() -> None:
    assert fmask([0, 2, 255, 255]) == (25.0, 50.0)


def test_percentages_have_two_decimals() -> None:
    assert fmask([0, 0, 0, 0, 0, 0, 2]) == (85.71, 14.29)


def test_saturated_and_unlisted_values_count_in_the_total_only() -> None:
    assert qa_statistics(np.array([4, 5, 1, 0, 12, 8, 8, 99], np.uint8), SCL) == (25.0, 50.0)


@pytest.mark.parametrize("values", [[255, 255], [99, 99], []])
def test_a_raster_without_a_judged_pixel_is_all_cloud(values: list[int]) -> None:
    assert fmask(values) == (0.0, 100.0)


def test_bits_count_every_pixel_that_is_neither_clear_nor_nodata_as_not_clear() -> None:
    assert qa_statistics(np.array([0, 21824, 1, 1], np.uint16), LANDSAT) == (25.0, 50.0)
    assert qa_statistics(np.array([1, 1], np.uint16), LANDSAT) == (0.0, 100.0)


def test_confidence_rules_of_the_mask_are_honoured() -> None:
    quality = np.array([22080, 21824], np.uint16)
    assert qa_statistics(quality, LANDSAT) == (100.0, 0.0)
    ruled = parse_mask({**LANDSAT_KEYS, "confidence": {"cloud": "cloud >= MEDIUM"}})
    assert qa_statistics(quality, ruled) == (50.0, 50.0)


def test_the_cirrus_bit_counts_where_the_sensor_is_oli() -> None:
    quality = np.array([21828, 21828], np.uint16)
    assert qa_statistics(quality, LANDSAT, oli=np.array([True, False])) == (50.0, 50.0)
    assert qa_statistics(quality, LANDSAT, oli=False) == (100.0, 0.0)


def test_masked_pixels_count_in_the_total_only() -> None:
    assert qa_statistics(np.ma.masked_array([0, 2], mask=[False, True]), FMASK) == (50.0, 0.0)


CLASSES = arrays(np.uint8, st.integers(0, 40), elements=st.sampled_from([0, 1, 2, 3, 4, 77, 255]))


@given(CLASSES, CLASSES)
def test_counts_of_parts_add_up_to_the_count_of_the_whole(one: np.ndarray, two: np.ndarray) -> None:
    together = count_quality(np.concatenate([one, two]), FMASK)
    assert count_quality(one, FMASK) + count_quality(two, FMASK) == together
    assert together.statistics() == qa_statistics(np.concatenate([one, two]), FMASK)


@given(CLASSES, st.randoms(use_true_random=False))
def test_the_order_of_the_pixels_does_not_matter(quality: np.ndarray, random: Any) -> None:
    shuffled = quality.tolist()
    random.shuffle(shuffled)
    assert qa_statistics(np.array(shuffled, np.uint8), FMASK) == qa_statistics(quality, FMASK)


def test_nothing_counted_is_all_cloud() -> None:
    assert QualityCounts().statistics() == (0.0, 100.0)


def test_a_file_has_the_statistics_of_its_array_whatever_its_nodata_tag(tmp_path: Path) -> None:
    quality = (np.arange(1030 * 3) % 6).astype(np.uint8).reshape(1030, 3)
    quality[900:] = 255
    path = tmp_path / "quality.tif"
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=3,
        height=1030,
        count=1,
        dtype="uint8",
        nodata=0,
        transform=Affine(10, 0, 0, 0, -10, 0),
    ) as dataset:
        dataset.write(quality, 1)
    assert compute_data_set_stats(str(path), FMASK) == qa_statistics(quality, FMASK) == (29.13, 60.0)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceMissing, match=r"nothing\.tif"):
        compute_data_set_stats(str(tmp_path / "nothing.tif"), FMASK)
