"""Products as Cloud Optimized GeoTIFFs: valid, whole, and the same bytes every time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from rasterio.enums import ColorInterp
from rio_cogeo import cog_validate

from stratocube.errors import InvalidRequest, SourceMissing
from stratocube.pixels.cog import (
    CogWriter,
    create_empty_raster,
    empty,
    encode_cog,
    fits,
    generate_cogs,
    number_type,
    save_as_cog,
)
from tests.unit.pixels.rasters_on_disk import grid, write_raster

N = -9999


def ramp(rows: int, columns: int, dtype: str = "int16") -> NDArray[Any]:
    return (np.add.outer(np.arange(rows) * 7, np.arange(columns) * 13) % 10_000).astype(dtype)


def assert_cog(path: Path) -> None:
    assert cog_validate(str(path), strict=True, quiet=True) == (True, [], [])


def test_a_cog_says_everything_about_its_band(tmp_path: Path) -> None:
    data = ramp(600, 700)
    save_as_cog(
        tmp_path / "a.tif",
        data,
        grid(700, 600),
        nodata=N,
        kind="continuous",
        description="B04",
        tags={"LANDSAT-7": "0"},
        scale=0.0001,
        offset=-0.1,
        unit="reflectance",
    )
    assert_cog(tmp_path / "a.tif")
    with rasterio.open(tmp_path / "a.tif") as cog:
        assert np.array_equal(cog.read(1), data)
        assert (cog.nodata, cog.dtypes, cog.crs, cog.descriptions) == (N, ("int16",), "EPSG:32722", ("B04",))
        assert tuple(cog.transform)[:6] == grid(700, 600).transform
        assert (cog.scales, cog.offsets, cog.units) == ((0.0001,), (-0.1,), ("reflectance",))
        assert cog.tags()["LANDSAT-7"] == "0"
        assert (cog.block_shapes, cog.overviews(1), cog.compression.name) == ([(512, 512)], [2], "deflate")


def test_nothing_is_said_that_was_not_given(tmp_path: Path) -> None:
    save_as_cog(tmp_path / "a.tif", ramp(4, 4), grid(4, 4), nodata=None, kind="continuous")
    with rasterio.open(tmp_path / "a.tif") as cog:
        assert (cog.nodata, cog.descriptions, cog.scales, cog.units) == (None, (None,), (1.0,), (None,))


def test_overviews_average_reflectance_without_nodata_and_pick_classes(tmp_path: Path) -> None:
    data = np.tile(np.array([[10, 20], [N, 60]], "int16"), (40, 40))
    for kind, expected in (("continuous", 30), ("categorical", 10)):
        save_as_cog(tmp_path / "a.tif", data, grid(80, 80), nodata=N, kind=kind, block_size=16)  # type: ignore[arg-type]
        assert_cog(tmp_path / "a.tif")
        with rasterio.open(tmp_path / "a.tif") as cog:
            assert cog.overviews(1) == [2, 4, 8]
        with rasterio.open(tmp_path / "a.tif", overview_level=0) as half:
            assert np.unique(half.read(1)).tolist() == [expected]


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "float32", "float64"])
def test_bytes_depend_on_the_pixels_alone(tmp_path: Path, dtype: str) -> None:
    data = ramp(600, 530, dtype)
    given: dict[str, Any] = {"nodata": 255, "kind": "continuous", "tags": {"a": "1"}}
    first = encode_cog(data, grid(530, 600), threads=1, **given)
    assert encode_cog(data.copy(), grid(530, 600), threads=3, **given) == first
    save_as_cog(tmp_path / "some name.tif", data, grid(530, 600), **given)
    assert (tmp_path / "some name.tif").read_bytes() == first


def test_encoding_leaves_the_array_alone() -> None:
    data = ramp(4, 4)
    data.flags.writeable = False
    encode_cog(data, grid(4, 4), nodata=N, kind="categorical")


def test_three_bands_make_a_picture(tmp_path: Path) -> None:
    data = np.stack([ramp(20, 30, "uint8")] * 3)
    save_as_cog(tmp_path / "rgb.tif", data, grid(30, 20), nodata=0, kind="continuous", scale=2.0)
    assert_cog(tmp_path / "rgb.tif")
    with rasterio.open(tmp_path / "rgb.tif") as cog:
        assert [colour.name for colour in cog.colorinterp] == ["red", "green", "blue"]
        assert (cog.count, cog.scales) == (3, (2.0, 2.0, 2.0))


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        (ramp(4, 5), {}, r"data: has shape \(4, 5\), the grid has \(4, 4\)"),
        (np.zeros((2, 4, 4), "uint8"), {}, r"data: has shape \(2, 4, 4\)"),
        (np.zeros((4, 4), "bool"), {}, "data_type: bool cannot be stored"),
        (np.zeros((4, 4), "float16"), {}, "data_type: float16 cannot be stored"),
        (ramp(4, 4, "uint8"), {"nodata": N}, "nodata: uint8 cannot hold -9999"),
        (ramp(4, 4), {"nodata": 0.5}, "nodata: int16 cannot hold 0.5"),
        (ramp(4, 4), {"block_size": 100}, "block_size: must be a positive multiple of 16, got 100"),
        (ramp(4, 4), {"kind": "mixed"}, "kind: must be one of continuous, categorical, got 'mixed'"),
    ],
)
def test_what_cannot_be_written_is_refused_and_nothing_is_left(
    tmp_path: Path, data: NDArray[Any], options: dict[str, Any], message: str
) -> None:
    given: dict[str, Any] = {"nodata": None, "kind": "continuous"} | options
    with pytest.raises(InvalidRequest, match=message):
        save_as_cog(tmp_path / "a.tif", data, grid(4, 4), **given)
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_replaced_whole_or_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "a.tif"
    save_as_cog(target, ramp(4, 4), grid(4, 4), nodata=N, kind="continuous")
    before = target.read_bytes()

    def full_disk(_: CogWriter) -> Iterator[bytes]:
        yield b"half a file"
        raise OSError("No space left on device")

    monkeypatch.setattr(CogWriter, "finish", full_disk)
    with pytest.raises(OSError, match="No space"):
        save_as_cog(target, ramp(4, 4) + 1, grid(4, 4), nodata=N, kind="continuous")
    assert target.read_bytes() == before
    assert list(tmp_path.iterdir()) == [target]


def test_an_existing_raster_becomes_a_cog_in_place(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "plain.tif", ramp(700, 600))
    assert cog_validate(path, quiet=True)[0] is False
    generate_cogs(path, path, kind="continuous")
    assert_cog(Path(path))
    with rasterio.open(path) as cog:
        assert np.array_equal(cog.read(1), ramp(700, 600))
        assert cog.nodata == N
    assert len(list(tmp_path.iterdir())) == 1


def test_a_raster_that_is_not_there_becomes_no_cog(tmp_path: Path) -> None:
    with pytest.raises(SourceMissing, match="absent"):
        generate_cogs(tmp_path / "absent.tif", tmp_path / "out.tif", kind="continuous")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_raster_is_nodata_everywhere(tmp_path: Path) -> None:
    create_empty_raster(tmp_path / "e.tif", grid(600, 520), data_type="uint8", nodata=255)
    assert_cog(tmp_path / "e.tif")
    with rasterio.open(tmp_path / "e.tif") as cog:
        assert (cog.shape, cog.dtypes, cog.nodata, np.unique(cog.read(1)).tolist()) == (
            (520, 600),
            ("uint8",),
            255,
            [255],
        )
    with pytest.raises(InvalidRequest, match="nodata"):
        empty(grid(1, 1), data_type="uint8", nodata=-1)


@pytest.mark.parametrize(
    ("value", "dtype", "answer"),
    [
        (255, "uint8", True),
        (256, "uint8", False),
        (-1, "uint8", False),
        (0.5, "int16", False),
        (float("nan"), "int16", False),
        (float("nan"), "float32", True),
        (float("inf"), "float32", True),
        (1e300, "float32", False),
        (1e300, "float64", True),
        (-9999, "float32", True),
    ],
)
def test_a_type_holds_a_number_or_does_not(value: float, dtype: str, answer: bool) -> None:
    assert fits(value, number_type(dtype)) is answer


CLASSES = {0: "000000", 4: "00A000", 9: "FFFFFF"}


def test_classes_have_a_colour_table_and_are_read_as_the_numbers_they_are(tmp_path: Path) -> None:
    data = np.array([[0, 4, 9, 4]] * 40, dtype=np.uint8).repeat(10, axis=1)
    path = tmp_path / "scl.tif"
    named: dict[str, Any] = {"description": "SCL", "long_name": "scene classification", "tags": {"IDENTITY": "ab"}}
    save_as_cog(path, data, grid(40, 40), nodata=0, kind="categorical", colors=CLASSES, block_size=16, **named)
    assert cog_validate(str(path), strict=True, quiet=True) == (True, [], [])
    with rasterio.open(path) as cog:
        assert cog.colorinterp == (ColorInterp.palette,)
        table = cog.colormap(1)
        assert {value: table[value] for value in CLASSES} == {
            0: (0, 0, 0, 0),  # nodata: GDAL makes it transparent
            4: (0, 160, 0, 255),
            9: (255, 255, 255, 255),
        }
        np.testing.assert_array_equal(cog.read(1), data)
        assert (cog.descriptions, cog.tags()["IDENTITY"], cog.tags(1)["long_name"]) == (
            ("SCL",),
            "ab",
            "scene classification",
        )
    with rasterio.open(path, overview_level=1) as small:
        assert small.colormap(1) == table
        assert set(np.unique(small.read(1))) == {0, 4, 9}  # nearest: no class between the others


def test_a_colour_table_is_for_bytes_only(tmp_path: Path) -> None:
    path = tmp_path / "scl.tif"
    save_as_cog(path, np.ones((4, 4), np.int16), grid(4, 4), nodata=0, kind="categorical", colors=CLASSES)
    with rasterio.open(path) as cog:
        assert cog.colorinterp == (ColorInterp.gray,)


@pytest.mark.parametrize("colors", [{256: "000000"}, {-1: "000000"}, {1: "red"}, {1: "0000000"}])
def test_a_colour_that_is_none_is_refused(colors: dict[int, str]) -> None:
    with pytest.raises(InvalidRequest, match="hexadecimal") as error:
        encode_cog(np.ones((4, 4), np.uint8), grid(4, 4), nodata=0, kind="categorical", colors=colors)
    assert error.value.field == "colors"
