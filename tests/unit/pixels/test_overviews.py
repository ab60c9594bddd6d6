"""Each overview is half the size of the one before; means are of valid pixels alone."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratocube.pixels.overviews import average_half, nearest_half


def test_the_nearest_half_has_every_second_pixel() -> None:
    pixels = np.arange(15, dtype=np.uint8).reshape(1, 3, 5)
    assert nearest_half(pixels).tolist() == [[[0, 2, 4], [10, 12, 14]]]
    assert nearest_half(pixels).flags.c_contiguous


@given(
    st.integers(1, 7),
    st.integers(1, 7),
    st.integers(0, 1 << 30),
    st.sampled_from(["uint8", "int16", "uint16", "int32", "float32", "float64"]),
    st.sampled_from([0.0, 0.3, 1.0]),
    st.booleans(),
)
def test_the_average_half_is_the_mean_of_the_valid_pixels(
    rows: int, columns: int, seed: int, dtype: str, gone: float, tagged: bool
) -> None:
    random = np.random.default_rng(seed)
    pixels = random.integers(1, 200, (2, rows, columns)).astype(dtype)
    nodata = 0 if tagged else None
    missing = (random.random(pixels.shape) < gone) & tagged
    pixels[missing] = 0
    made = average_half(pixels, nodata)
    assert made.shape == (2, -(-rows // 2), -(-columns // 2))
    assert made.dtype == np.dtype(dtype)
    for band, row, column in np.ndindex(made.shape):
        place = (band, slice(2 * row, 2 * row + 2), slice(2 * column, 2 * column + 2))
        valid = pixels[place][~missing[place]].astype(float)
        mean = valid.mean() if valid.size else 0.0
        assert made[band, row, column] == pytest.approx(
            math.floor(mean + 0.5) if made.dtype.kind in "iu" else mean, rel=1e-6
        )


def test_nan_is_never_valid() -> None:
    pixels = np.array([[[1, np.nan, np.nan, np.nan], [3, np.nan, np.nan, np.nan]]], dtype=np.float32)
    assert average_half(pixels, -1.0).tolist() == [[[2.0, -1.0]]]
    assert np.isnan(average_half(pixels, None)).tolist() == [[[False, True]]]
    assert np.isnan(average_half(pixels, math.nan)).tolist() == [[[False, True]]]


def test_negative_means_are_rounded_half_up_too() -> None:
    pixels = np.array([[[-3, -4], [-3, -4]]], dtype=np.int16)
    assert average_half(pixels, -9999).tolist() == [[[-3]]]
