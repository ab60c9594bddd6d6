"""The quick judgement of quality pixels agrees with their classes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from stratocube.cube.mask import QualityMask, parse_mask
from stratocube.pixels.judge import Observed, judge, observed
from stratocube.pixels.masks import classify

FMASK = QualityMask(clear=(0, 1), not_clear=(2, 3, 4), saturated=(7,), nodata=255)
QUALITY = st.sampled_from(["uint8", "int8", "uint16", "int16", "uint32"]).flatmap(
    lambda dtype: arrays.arrays(dtype, (3, 5))
)


def numbers(lowest: int, highest: int) -> st.SearchStrategy[tuple[int, ...]]:
    return st.lists(st.integers(lowest, highest), max_size=9, unique=True).map(tuple)


def same(here: Observed, there: Observed) -> None:
    np.testing.assert_array_equal(here.exists, there.exists)
    np.testing.assert_array_equal(here.clear, there.clear)


@given(QUALITY, numbers(-40000, 70000), numbers(-3, 300), numbers(-3, 300), st.integers(-3, 300))
def test_masks_of_values(
    quality: np.ndarray, clear: tuple[int, ...], not_clear: tuple[int, ...], saturated: tuple[int, ...], nodata: int
) -> None:
    mask = QualityMask(nodata, clear=clear, not_clear=not_clear, saturated=saturated)
    same(judge(quality, mask), observed(classify(quality, mask)))


@given(QUALITY, st.sets(st.integers(0, 4)), st.sets(st.integers(0, 255), min_size=1))
def test_masks_of_values_that_occur(quality: np.ndarray, runs: set[int], values: set[int]) -> None:
    clear = {run * 50 + step for run in runs for step in range(3)} | values
    mask = QualityMask(255, clear=tuple(clear))
    same(judge(quality & 127, mask), observed(classify(quality & 127, mask)))


@given(QUALITY, numbers(0, 40), numbers(0, 40), numbers(0, 40), st.integers(-3, 300), st.booleans())
def test_masks_of_bits(
    quality: np.ndarray,
    clear: tuple[int, ...],
    not_clear: tuple[int, ...],
    saturated: tuple[int, ...],
    nodata: int,
    oli: bool,
) -> None:
    mask = QualityMask(nodata, clear=clear, not_clear=not_clear, saturated=saturated, bits=True)
    same(judge(quality, mask, oli=oli), observed(classify(quality, mask, oli)))


def test_nodata_is_not_clear_whatever_its_bits() -> None:
    mask = QualityMask(nodata=1 << 6, clear=(6,), bits=True)
    offer = judge(np.array([1 << 6, 1 << 6 | 1], dtype=np.uint16), mask)
    assert offer.exists.tolist() == offer.clear.tolist() == [False, True]


@pytest.mark.parametrize("oli", [True, False, np.array([[True, False, True]])])
def test_confidence_rules_and_flags_a_pixel(oli: Any) -> None:
    mask = parse_mask(
        {
            "bits": True,
            "nodata": 1,
            "clear_data": [6],
            "not_clear_data": [2, 3],
            "confidence": {"cloud": "cloud >= MEDIUM", "cirrus": "cirrus == HIGH"},
        }
    )
    quality = np.array([[1 << 6 | 1 << 2, 1 << 6 | 3 << 14, 1 << 6 | 2 << 8]], dtype=np.uint16)
    same(judge(quality, mask, oli=oli), observed(classify(quality, mask, oli)))


def test_saturated_pixels_exist_but_are_not_clear() -> None:
    quality = np.array([0, 0, 2, 255], dtype=np.uint8)
    offer = judge(quality, FMASK, saturated=np.array([True, False, True, True]))
    assert offer.exists.tolist() == [True, True, True, False]
    assert offer.clear.tolist() == [False, True, False, False]


def test_a_second_nodata_does_not_exist() -> None:
    offer = judge(np.array([0, 1, 2, 255], dtype=np.uint8), FMASK, also_nodata=1)
    assert offer.exists.tolist() == [True, False, True, False]
    assert offer.clear.tolist() == [True, False, False, False]
