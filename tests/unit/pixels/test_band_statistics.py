"""Statistics gathered while a COG is written: those that GDAL finds in the file, whatever the pieces."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from rasterio.io import MemoryFile

from stratocube.pixels.band_statistics import BandStatistics, GatheredStatistics
from stratocube.pixels.cog import Meaning, cog_of, encode_cog
from tests.unit.pixels.rasters_on_disk import grid


def gathered(data: NDArray[Any], nodata: float | None, size: int = 4) -> BandStatistics:
    found = GatheredStatistics(data.dtype, nodata, bands=1, piece_size=size)
    for row in range(0, data.shape[0], size):
        for column in range(0, data.shape[1], size):
            found.add(row, column, data[np.newaxis, row : row + size, column : column + size])
    return found.result()[0]


def test_the_four_numbers_and_the_share_of_valid_pixels() -> None:
    data = np.array([[1, 2, 3, 6], [-9999, -9999, -9999, -9999]], dtype=np.int16)
    assert gathered(data, -9999) == BandStatistics(50.0, 1, 6, 3.0, 1.87082869)
    assert gathered(data, -9999).to_json() == {
        "valid_percent": 50,
        "minimum": 1,
        "maximum": 6,
        "mean": 3,
        "stddev": 1.87082869,
    }
    assert gathered(data, -9999).to_tags()["STATISTICS_STDDEV"] == "1.87082869"


def test_nothing_valid_has_only_its_share() -> None:
    for data in (np.zeros((3, 5), np.uint8), np.zeros((3, 5), np.float32)):
        assert gathered(data, 0).to_tags() == {"STATISTICS_VALID_PERCENT": "0"}


def test_numbers_that_are_not_finite_are_not_valid() -> None:
    data = np.array([[np.nan, np.inf, -np.inf, 0.5, 1.5]], dtype=np.float32)
    assert gathered(data, np.nan) == BandStatistics(40.0, 0.5, 1.5, 1.0, 0.5)


def test_without_nodata_every_pixel_counts() -> None:
    assert gathered(np.array([[0, 4]], dtype=np.uint8), None) == BandStatistics(100.0, 0, 4, 2.0, 2.0)


def test_numbers_of_the_other_byte_order_count_the_same() -> None:
    data = np.array([[1, 2, 300]], dtype=np.int16)
    assert gathered(data.astype(">i2"), 1) == gathered(data, 1)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "uint16", "int32", "uint32", "float32", "float64"])
def test_gdal_finds_the_same_in_the_file(dtype: str) -> None:
    data = np.random.default_rng(3).integers(0, 100, (70, 90)).astype(dtype)
    data[10:40, 20:50] = 7
    body = encode_cog(data, grid(90, 70), nodata=7, kind="continuous", block_size=16, threads=2)
    with MemoryFile(body) as file, file.open() as cog:
        written = {name.removeprefix("STATISTICS_").lower(): float(text) for name, text in cog.tags(1).items()}
        (found,) = cog.stats(indexes=[1], approx=False)  # counts the pixels, and says so in the tags
    assert (written["minimum"], written["maximum"]) == (found.min, found.max)
    assert written["mean"] == pytest.approx(found.mean, rel=1e-8)
    assert written["stddev"] == pytest.approx(found.std, rel=1e-8)
    assert written["valid_percent"] == pytest.approx(100 * np.mean(data != 7), rel=1e-8)


@settings(max_examples=30, deadline=None)
@given(
    rows=st.integers(1, 20),
    columns=st.integers(1, 20),
    dtype=st.sampled_from(["uint8", "int16", "float32", "int32"]),
    seed=st.integers(0, 1000),
)
def test_order_and_size_of_the_pieces_do_not_count(rows: int, columns: int, dtype: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    drawn = rng.normal(0, 50, (rows, columns)) if dtype[0] == "f" else rng.integers(0, 60, (rows, columns))
    data = drawn.astype(dtype)
    whole = GatheredStatistics(data.dtype, 3, bands=1, piece_size=4)
    whole.add(0, 0, data[np.newaxis])
    places = [(row, column) for row in range(0, rows, 8) for column in range(0, columns, 4)]
    rng.shuffle(places)
    parts = GatheredStatistics(data.dtype, 3, bands=1, piece_size=4)
    for row, column in places:
        parts.add(row, column, data[np.newaxis, row : row + 8, column : column + 4])
    assert parts.result() == whole.result()


def test_pieces_may_come_from_several_threads() -> None:
    data = np.random.default_rng(0).integers(0, 1000, (1, 256, 256)).astype(np.uint16)
    found = GatheredStatistics(data.dtype, 0, bands=1, piece_size=16)
    rows = [threading.Thread(target=found.add, args=(row, 0, data[:, row : row + 16])) for row in range(0, 256, 16)]
    for thread in rows:
        thread.start()
    for thread in rows:
        thread.join()
    assert found.result()[0] == gathered(data[0], 0, size=256)


def test_each_band_of_a_picture_has_its_own() -> None:
    data = np.stack([np.full((4, 4), value, dtype=np.uint8) for value in (10, 20, 0)])
    writer = cog_of(data, grid(4, 4), nodata=0, meaning=Meaning("continuous"))
    assert [one.to_json().get("mean") for one in writer.statistics] == [10, 20, None]
