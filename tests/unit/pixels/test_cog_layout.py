"""The bytes of a COG: what other programs read from them."""

from __future__ import annotations

import io
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import rasterio.shutil
import tifffile
from numpy.typing import NDArray
from rasterio.io import MemoryFile
from rio_cogeo import cog_validate

from stratocube.errors import InvalidRequest
from stratocube.pixels.cog import CogProfile, Meaning, cog_writer, encode_cog
from stratocube.pixels.cog_layout import Image, directory_of, lay_out, tiles_of
from tests.unit.pixels.rasters_on_disk import grid

N = -9999
_FLOATING = 3


def noise(rows: int, columns: int, dtype: str = "int16") -> NDArray[Any]:
    data = np.random.default_rng(1).integers(0, 200, (rows, columns)).astype(dtype)
    data[: rows // 3, : columns // 2] = 0
    return data


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "float32", "float64"])
@pytest.mark.parametrize("kind", ["continuous", "categorical"])
def test_rio_cogeo_gdal_and_tifffile_read_the_same(tmp_path: Path, dtype: str, kind: Any) -> None:
    data = noise(150, 101, dtype)
    path = tmp_path / "a.tif"
    body = encode_cog(data, grid(101, 150), nodata=0, kind=kind, block_size=16, description="B04", scale=0.1)
    path.write_bytes(body)
    assert cog_validate(str(path), strict=True, quiet=True) == (True, [], [])
    with rasterio.open(path) as cog:
        np.testing.assert_array_equal(cog.read(1), data)
        assert cog.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert len(cog.overviews(1)) == 4
    with tifffile.TiffFile(io.BytesIO(body)) as tiff:
        assert [page.shape for page in tiff.pages] == [(150, 101), (75, 51), (38, 26), (19, 13), (10, 7)]
        if tiff.pages[0].predictor != _FLOATING:  # tifffile has no decoder for that one
            np.testing.assert_array_equal(tiff.asarray(), data)


@pytest.mark.parametrize("kind", ["continuous", "categorical"])
def test_the_overviews_are_those_gdal_makes(kind: Any) -> None:
    data = noise(256, 256)
    data[data == 0] = N
    how = {"continuous": "average", "categorical": "nearest"}[kind]
    body = encode_cog(data, grid(256, 256), nodata=N, kind=kind, block_size=16)
    with MemoryFile() as plain, MemoryFile(body) as ours:
        profile = {"driver": "GTiff", "width": 256, "height": 256, "count": 1, "dtype": "int16", "nodata": N}
        with plain.open(**profile, transform=rasterio.Affine.scale(2, -2)) as raster:
            raster.write(data, 1)
            raster.build_overviews([2, 4, 8, 16], rasterio.enums.Resampling[how])
        for level in range(4):
            with plain.open(overview_level=level) as gdal, ours.open(overview_level=level) as cog:
                np.testing.assert_array_equal(cog.read(1), gdal.read(1))


def test_pieces_may_come_in_any_order() -> None:
    data = noise(150, 101)
    writer = cog_writer(CogProfile(grid(101, 150), data.dtype, N, Meaning("continuous", block_size=16)))
    places = [(row, column) for row in range(0, 150, 32) for column in range(0, 101, 64)]
    assert writer.piece_size == 32
    for row, column in reversed(places):
        writer.add(row, column, data[row : row + 32, column : column + 64])
    body = b"".join(writer.finish())
    assert body == encode_cog(data, grid(101, 150), nodata=N, kind="continuous", block_size=16)


def test_tiles_lie_in_order_between_their_size_and_their_last_bytes() -> None:
    body = encode_cog(noise(100, 60), grid(60, 100), nodata=N, kind="categorical", block_size=16)
    places = []
    with tifffile.TiffFile(io.BytesIO(body)) as tiff:
        for page in reversed(tiff.pages):  # overviews before the full image
            for place, size in zip(page.dataoffsets, page.databytecounts, strict=True):
                assert int.from_bytes(body[place - 4 : place], "little") == size
                assert body[place + size : place + size + 4] == body[place + size - 4 : place + size]
                places.append((place, size))
    assert all(later == place + size + 8 for (place, size), (later, _) in pairwise(places))
    assert places[-1][0] + places[-1][1] + 4 == len(body)
    assert tiles_of(body)[-1] == body[places[-1][0] : places[-1][0] + places[-1][1]]


@pytest.mark.parametrize(
    ("kind", "dtype", "most"), [("continuous", "int16", 1), ("categorical", "int16", 1), ("categorical", "uint8", 1.2)]
)
def test_no_file_is_larger_than_one_of_gdal_at_the_level_of_the_reference_but_classes_by_a_little(
    kind: Any, dtype: str, most: float
) -> None:
    place = grid(1024, 1024)
    slope = np.add.outer(np.arange(1024) ** 2 // 300, np.arange(1024) * 3)
    data = (slope + np.random.default_rng(2).integers(0, 9, slope.shape)).astype("int16")
    if kind == "categorical":
        data = data // 500
    data = data.astype(dtype)
    profile = {"driver": "GTiff", "width": 1024, "height": 1024, "count": 1, "dtype": data.dtype}
    body = encode_cog(data, place, nodata=None, kind=kind)
    with MemoryFile(body) as ours, ours.open() as cog:
        statistics = cog.tags(1)
    with MemoryFile() as plain, MemoryFile() as reference:
        with plain.open(**profile, crs=place.crs, transform=rasterio.Affine(*place.transform)) as raster:
            raster.write(data, 1)
            raster.update_tags(1, **statistics)
        options = {"compress": "DEFLATE", "level": 6, "overview_resampling": "NEAREST"}
        rasterio.shutil.copy(plain.name, reference.name, driver="COG", **options)
        largest = len(reference.getbuffer())
    assert len(body) <= most * largest


def test_more_than_4_gib_is_refused() -> None:
    tags = directory_of(encode_cog(noise(16, 16), grid(16, 16), nodata=N, kind="categorical", block_size=16))

    class Large(bytes):
        def __len__(self) -> int:
            return 1 << 31

    with pytest.raises(InvalidRequest, match="4 GiB"):
        next(lay_out(tags, [Image(16, 32, [Large(), Large()])]))
