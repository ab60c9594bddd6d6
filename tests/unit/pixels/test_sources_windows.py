"""Rasters walked in strips, nodata found, sizes compared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratocube.errors import InvalidRequest, TransientRead
from stratocube.pixels.sources import is_nodata, open_raster, read_window, rows_of, same_shape, strips
from tests.unit.pixels.rasters_on_disk import write_raster


@given(st.integers(1, 3000), st.integers(1, 700))
def test_strips_cover_every_row_once(height: int, rows: int) -> None:
    covered = [row for window in strips(height, 7, rows) for row in range(height)[rows_of(window)]]
    assert covered == list(range(height))
    assert all(window.width == 7 and window.height <= rows for window in strips(height, 7, rows))


def test_nodata_is_the_value_the_mask_or_not_a_number() -> None:
    assert is_nodata(np.array([1, -9999]), -9999).tolist() == [False, True]
    assert is_nodata(np.array([1, 2]), None).tolist() == [False, False]
    assert is_nodata(np.array([1, 255], np.uint8), -9999).tolist() == [False, False]
    assert is_nodata(np.array([1.0, np.nan]), 1.0).tolist() == [True, True]
    assert is_nodata(np.array([1.0, np.nan]), float("nan")).tolist() == [False, True]
    assert is_nodata(np.ma.masked_array([1, 2], mask=[True, False]), 2).tolist() == [True, True]


def test_bands_of_different_size_are_both_named() -> None:
    assert same_shape({"red": (2, 3), "nir": (2, 3)}) == (2, 3)
    with pytest.raises(InvalidRequest, match=r"nir: has \(3, 2\) pixels, red has \(2, 3\): bring them on one grid"):
        same_shape({"red": (2, 3), "nir": (3, 2)})


def test_of_several_open_rasters_the_one_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 9999, (256, 256))
    layout = {"tiled": True, "blockxsize": 64, "blockysize": 64}
    cut, whole = (Path(write_raster(tmp_path / name, noise, **layout)) for name in ("cut.tif", "whole.tif"))
    cut.write_bytes(cut.read_bytes()[:60_000])
    with open_raster(str(cut)) as one, open_raster(str(whole)) as other:
        (window,) = strips(256, 256)
        assert np.array_equal(read_window(other, window), noise)
        with pytest.raises(TransientRead, match=r"cut\.tif"):
            read_window(one, window)
