"""Tiles as TIFF readers find them: what is undone in reading gives the pixels back."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from stratocube.pixels.cog_profile import CogProfile, Meaning, encoding_of
from stratocube.pixels.tile_encoding import differences, encode_tiles
from tests.unit.pixels.rasters_on_disk import grid

INTEGERS = ["uint8", "int8", "uint16", "int16", "uint32", "int32", "int64", "uint64"]


def decoded(tile: bytes, dtype: str) -> NDArray[Any]:
    """What a reader does: DEFLATE undone, differences added up again, modulo the width of the type."""
    kind = np.dtype(dtype).newbyteorder("<")
    steps = np.frombuffer(zlib.decompress(tile), dtype=kind).reshape(16, 16)
    return np.cumsum(steps, axis=1, dtype=kind)


@given(dtype=st.sampled_from(INTEGERS), seed=st.integers(0, 1000), order=st.sampled_from("<>"))
def test_integers_come_back_whatever_their_type_and_byte_order(dtype: str, seed: int, order: str) -> None:
    limits, rng = np.iinfo(dtype), np.random.default_rng(seed)
    pixels = rng.integers(limits.min, limits.max, (3, 1, 16, 16), dtype=dtype, endpoint=True)
    profile = CogProfile(grid(16, 16), np.dtype(dtype), 0, Meaning("continuous", block_size=16))
    tiles = encode_tiles(list(pixels.astype(np.dtype(dtype).newbyteorder(order))), profile)
    for tile, expected in zip(tiles, pixels[:, 0], strict=True):
        np.testing.assert_array_equal(decoded(tile, dtype), expected)


def test_a_tile_has_the_same_bytes_alone_and_among_others() -> None:
    pixels = np.random.default_rng(1).integers(0, 900, (5, 1, 16, 16)).astype(np.int16)
    profile = CogProfile(grid(16, 16), pixels.dtype, 0, Meaning("continuous", block_size=16))
    together = encode_tiles(list(pixels), profile)
    assert together == [encode_tiles([tile], profile)[0] for tile in pixels]


def test_differences_of_a_row_begin_with_its_first_pixel_and_wrap() -> None:
    row = np.array([[250, 5, 5], [0, 255, 0]], dtype=np.uint8)
    assert differences(row).tolist() == [[250, 11, 0], [0, 255, 1]]


@pytest.mark.parametrize(
    ("kind", "dtype", "expected"),
    [
        ("continuous", "int16", (1, 2)),
        ("continuous", "float32", (1, 3)),
        ("categorical", "uint8", (5, 1)),
        ("categorical", "uint16", (6, 1)),
        ("categorical", "float32", (6, 1)),
    ],
)
def test_level_and_predictor_follow_from_what_the_numbers_are(kind: Any, dtype: str, expected: tuple[int, int]) -> None:
    assert encoding_of(kind, np.dtype(dtype)) == expected
