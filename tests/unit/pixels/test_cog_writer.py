"""The writer of COGs encodes what it must, and no more."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from rasterio.io import MemoryFile

from stratocube.cube.geobox import GeoBox
from stratocube.pixels import cog_writer, tile_encoding
from stratocube.pixels.cog_profile import CogProfile, Meaning
from stratocube.pixels.cog_writer import CogWriter


def written(pixels: NDArray[np.float32]) -> bytes:
    rows, columns = pixels.shape
    grid = GeoBox("EPSG:32723", 300000, 8000000, 30, 30, width=columns, height=rows)
    writer = CogWriter(CogProfile(grid, pixels.dtype, -9999, Meaning("categorical", block_size=16)))
    for row in range(0, rows, 32):
        for column in range(0, columns, 32):
            writer.add(row, column, pixels[row : row + 32, column : column + 32])
    return b"".join(writer.finish())


def read(cog: bytes) -> NDArray[np.float32]:
    with MemoryFile(cog) as memory, memory.open() as raster:
        return np.asarray(raster.read(1))


@pytest.fixture
def tiles(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many tiles each image has that GDAL is asked to encode."""
    asked, encode = [], cog_writer.encode_tiles

    def counted(tiles: list[NDArray[np.float32]], profile: CogProfile) -> list[bytes]:
        asked.append(len(tiles))
        return encode(tiles, profile)

    monkeypatch.setattr(cog_writer, "encode_tiles", counted)
    return asked


def test_tiles_of_one_value_are_encoded_once_for_each_value(tiles: list[int]) -> None:
    pixels = np.full((64, 64), 5, np.float32)
    pixels[:16, :16] = -9999
    pixels[32:48, 32:48] = np.arange(256).reshape(16, 16)
    np.testing.assert_array_equal(read(written(pixels)), pixels)
    # 16 tiles, 4 of the first overview and one of the last: two values, one tile of numbers and three that are mixed.
    assert sum(tiles) == 2 + 1 + 3
    assert tiles.count(1) >= 2


def test_values_that_compare_equal_but_differ_in_bits_are_told_apart() -> None:
    pixels = np.zeros((16, 32), np.float32)
    pixels[:, 16:] = -0.0
    pixels[3, 3] = -0.0
    np.testing.assert_array_equal(np.signbit(read(written(pixels))), np.signbit(pixels))
    gone = np.full((16, 16), np.nan, np.float32)
    np.testing.assert_array_equal(read(written(gone)), gone)


def test_bytes_do_not_tell_how_many_tiles_were_encoded_together(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = np.random.default_rng(4).normal(size=(80, 48)).astype(np.float32)
    together = written(pixels)
    monkeypatch.setattr(tile_encoding, "_AT_A_TIME", 1)
    assert written(pixels) == together
