"""Index bands over arrays and files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stratocube.cube.expressions import parse_expression, parse_index
from stratocube.errors import InvalidRequest, SourceMissing, TransientRead
from stratocube.pixels.indexes import DATA_TYPES, band_index, band_index_of_files

Writer = Callable[..., str]
NDVI = parse_index("10000. * ((nir - red)/(nir + red))", bands=["nir", "red"])
EVI = parse_index("10000. * 2.5 * (nir - red) / (nir + 6. * red - 7.5 * blue + 10000.)", bands=["nir", "red", "blue"])
IDENTITY = parse_index("nir", bands=["nir"])
TAGS = {"nir": -9999, "red": -9999, "blue": -9999}


def index(expression: Any, nodata_by_band: Any = TAGS, **bands: Any) -> list[Any]:
    """An int16 index of nodata -9999 over int16 bands."""
    given_bands = {name: np.asanyarray(values) for name, values in bands.items()}
    result = band_index(expression, given_bands, nodata_by_band=nodata_by_band, data_type="int16", nodata=-9999)
    assert result.dtype == np.int16
    values: list[Any] = result.tolist()
    return values


def identity(values: Any, data_type: str, nodata: float, **limits: float) -> np.ndarray:
    array = np.asarray(values)
    return band_index(IDENTITY, {"nir": array}, nodata_by_band={}, data_type=data_type, nodata=nodata, **limits)


@pytest.fixture
def write(tmp_path: Path) -> Writer:
    def raster(name: str, values: np.ndarray, nodata: float | None = None) -> str:
        path = tmp_path / f"{name}.tif"
        height, width = values.shape
        with rasterio.open(
            path,
            "w",
            driver="GTiff",
            width=width,
            height=height,
            count=1,
            dtype=values.dtype,
            nodata=nodata,
            transform=Affine(10, 0, 0, 0, -10, 0),
            crs="EPSG:32723",
        ) as dataset:
            dataset.write(values, 1)
        return str(path)

    return raster


def test_ndvi_is_truncated_toward_zero() -> None:
    assert index(NDVI, nir=[5000, 1000, 3000], red=[1000, 5000, 3000]) == [6666, -6666, 0]


def test_evi_is_truncated_toward_zero() -> None:
    assert index(EVI, nir=[5000, 100], red=[1000, 400], blue=[500, 100]) == [5797, -638]


def test_a_pixel_is_nodata_where_any_band_used_is_nodata() -> None:
    assert index(NDVI, nir=[-9999, 500, 500], red=[500, -9999, 500]) == [-9999, -9999, 0]


def test_bands_that_the_expression_does_not_read_do_not_matter() -> None:
    assert index(NDVI, nir=[300], red=[100], blue=[-9999]) == [5000]


def test_division_by_zero_is_nodata() -> None:
    assert index(NDVI, nir=[0, -500, 2], red=[0, 500, 0]) == [-9999, -9999, 10000]


def test_masked_pixels_and_not_a_number_are_nodata() -> None:
    nir = np.ma.masked_array([300, 300], mask=[True, False])
    assert index(NDVI, nir=nir, red=[100, 100]) == [-9999, 5000]
    assert index(NDVI, nir=np.array([np.nan, 300]), red=[100, 100]) == [-9999, 5000]


def test_a_band_may_have_nodata_zero_or_not_a_number_or_none() -> None:
    assert index(IDENTITY, {"nir": 0}, nir=[0, 7]) == [-9999, 7]
    assert index(IDENTITY, {"nir": float("nan")}, nir=np.array([np.nan, 7.0])) == [-9999, 7]
    assert index(IDENTITY, {}, nir=[0, 7]) == [0, 7]


def test_unsigned_bands_do_not_wrap_around() -> None:
    nir, red = np.array([100], np.uint16), np.array([300], np.uint16)
    assert index(NDVI, nir=nir, red=red) == [-5000]


@pytest.mark.parametrize(
    ("data_type", "expected"),
    [
        ("uint8", [0, 0, 99, 254, 255, 255]),
        ("int8", [-128, -40, 99, 127, 127, 127]),
        ("uint16", [0, 0, 99, 254, 300, 65535]),
        ("int16", [-32768, -40, 99, 254, 300, 32767]),
        ("uint32", [0, 0, 99, 254, 300, 4294967295]),
        ("int32", [-2147483648, -40, 99, 254, 300, 2147483647]),
    ],
)
def test_results_are_clamped_to_the_limits_of_the_type(data_type: str, expected: list[int]) -> None:
    result = identity([-1e12, -40.9, 99.9, 254, 300, 1e12], data_type, nodata=1)
    assert result.dtype == data_type
    assert result.tolist() == expected


def test_minimum_and_maximum_clamp_further() -> None:
    assert identity([-20, 5, 20], "int16", -9999, minimum=-10, maximum=10).tolist() == [-10, 5, 10]
    assert identity([-2.0, 0.5, 2.0], "float32", -9999, minimum=-1, maximum=1).tolist() == [-1.0, 0.5, 1.0]


def test_floating_results_are_neither_truncated_nor_clamped() -> None:
    ndvi = parse_index("(nir - red) / (nir + red)", bands=["nir", "red"])
    bands = {"nir": np.array([500, 0, 70000]), "red": np.array([100, 0, 0])}
    result = band_index(ndvi, bands, nodata_by_band={}, data_type="float32", nodata=-9999)
    assert result.dtype == np.float32
    assert result.tolist() == [pytest.approx(2 / 3), -9999.0, 1.0]


def test_not_a_number_can_be_the_nodata_of_a_floating_index() -> None:
    result = identity([np.nan, 2.0], "float64", float("nan"))
    assert np.isnan(result[0])
    assert result[1] == 2.0


def test_wide_types_are_computed_in_double_precision() -> None:
    assert identity([2**24 + 1], "int32", 0).tolist() == [2**24 + 1]
    assert identity([2**24 + 1], "float64", 0).tolist() == [2**24 + 1]


@pytest.mark.parametrize(
    ("data_type", "nodata", "value", "expected"),
    [
        ("int16", -9999, -9999.5, -9998),
        ("uint8", 255, 255, 254),
        ("uint8", 255, 999, 254),
        ("uint8", 0, 0.7, 1),
        ("int16", 0, -0.7, 1),
        ("int16", -32768, -40000, -32767),
        ("int16", 32767, 40000, 32766),
    ],
)
def test_a_valid_result_is_moved_off_the_nodata_value(
    data_type: str, nodata: float, value: float, expected: int
) -> None:
    assert identity([value], data_type, nodata).tolist() == [expected]


def test_a_valid_result_is_moved_within_minimum_and_maximum() -> None:
    assert identity([5.0], "int16", 0, minimum=-10, maximum=0).tolist() == [-1]
    assert identity([-9.0], "int16", -5, minimum=-10, maximum=-5).tolist() == [-9]
    assert identity([9.0], "int16", -5, minimum=-10, maximum=-5).tolist() == [-6]


def test_a_floating_result_is_moved_off_nodata_by_the_smallest_step() -> None:
    result = identity([-9999.0, 0.0], "float32", -9999)
    assert -9999 < result[0] < -9998.99
    assert 0 < identity([0.0], "float32", 0)[0] < 1e-40


def test_a_comparison_gives_ones_and_zeros() -> None:
    water = parse_index("(nir < red) & (red > 0)", bands=["nir", "red"])
    result = band_index(
        water,
        {"nir": np.array([1, 5, 255]), "red": np.array([3, 3, 3])},
        nodata_by_band={"nir": 255},
        data_type="uint8",
        nodata=255,
    )
    assert result.tolist() == [1, 0, 255]


def test_the_shape_is_kept_and_the_bands_are_left_alone() -> None:
    nir = np.arange(6, dtype=np.int16).reshape(1, 2, 3)
    assert index(IDENTITY, {}, nir=nir) == [[[0, 1, 2], [3, 4, 5]]]
    assert nir.tolist() == [[[0, 1, 2], [3, 4, 5]]]
    assert index(IDENTITY, {}, nir=np.empty((0, 3))) == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"data_type": "complex64"}, "data_type"),
        ({"data_type": "nonsense"}, "data_type"),
        ({"data_type": "uint8"}, "nodata"),
        ({"nodata": 40000}, "nodata"),
        ({"nodata": -9999.5}, "nodata"),
        ({"nodata": float("nan")}, "nodata"),
        ({"expression": parse_expression("5")}, "expression"),
        ({"bands": {"nir": np.zeros(2)}}, "expression"),
        ({"bands": {"nir": np.zeros(2), "red": np.zeros(3)}}, "red"),
    ],
)
def test_what_cannot_be_computed_is_refused(change: dict[str, Any], field: str) -> None:
    arguments: dict[str, Any] = {
        "expression": NDVI,
        "bands": {"nir": np.zeros(2), "red": np.zeros(2)},
        "nodata_by_band": {},
        "data_type": "int16",
        "nodata": -9999,
    }
    with pytest.raises(InvalidRequest) as refusal:
        band_index(**{**arguments, **change})
    assert refusal.value.field == field


BAND = arrays(np.int16, 30, elements=st.integers(-32768, 32767))


@given(BAND, BAND, st.sampled_from(DATA_TYPES))
def test_nodata_comes_out_exactly_where_it_must(nir: np.ndarray, red: np.ndarray, data_type: str) -> None:
    result = band_index(NDVI, {"nir": nir, "red": red}, nodata_by_band={"nir": 5}, data_type=data_type, nodata=100)
    missing = (nir == 5) | (nir.astype(int) + red == 0)
    assert (result == 100).tolist() == missing.tolist()


@given(BAND, BAND)
def test_ndvi_is_odd_in_its_bands(nir: np.ndarray, red: np.ndarray) -> None:
    one = band_index(NDVI, {"nir": nir, "red": red}, nodata_by_band={}, data_type="int32", nodata=-(2**31))
    two = band_index(NDVI, {"nir": red, "red": nir}, nodata_by_band={}, data_type="int32", nodata=-(2**31))
    defined = one != -(2**31)
    assert one[defined].tolist() == (-two[defined]).tolist()


def test_large_arrays_are_computed_piece_by_piece_with_the_same_result() -> None:
    nir = (np.arange(700 * 800) % 9000 + 100).astype(np.int16).reshape(700, 800)
    red = nir[::-1].copy()
    whole = np.array(index(NDVI, nir=nir, red=red))
    rows = np.array([index(NDVI, nir=nir[row], red=red[row]) for row in range(0, 700, 100)])
    assert np.array_equal(whole[::100], rows)


def test_files_give_the_index_of_their_arrays_strip_by_strip(write: Writer) -> None:
    nir = (np.arange(1100 * 3) % 9000).astype(np.int16).reshape(1100, 3)
    red = nir[::-1].copy()
    nir[700, 1] = -9999
    paths = {"nir": write("nir", nir, -9999), "red": write("red", red, -9999)}
    result = band_index_of_files(NDVI, paths, nodata_by_band={}, data_type="int16", nodata=-9999)
    assert result.tolist() == index(NDVI, nir=nir, red=red)


def test_the_tag_of_a_file_goes_before_the_definition(write: Writer) -> None:
    values = np.array([[0, -9999, 7]], np.int16)
    tagged, untagged = write("tagged", values, 0), write("untagged", values)
    options: dict[str, Any] = {"nodata_by_band": {"nir": -9999}, "data_type": "int16", "nodata": -1}
    assert band_index_of_files(IDENTITY, {"nir": tagged}, **options).tolist() == [[-1, -9999, 7]]
    assert band_index_of_files(IDENTITY, {"nir": untagged}, **options).tolist() == [[0, -1, 7]]


def test_files_of_different_size_are_refused(write: Writer) -> None:
    paths = {"nir": write("nir", np.zeros((2, 2), np.int16)), "red": write("red", np.zeros((2, 3), np.int16))}
    with pytest.raises(InvalidRequest, match=r"red: has \(2, 3\) pixels, nir has \(2, 2\)"):
        band_index_of_files(NDVI, paths, nodata_by_band={}, data_type="int16", nodata=-9999)


def test_a_bad_request_is_refused_before_any_file_is_opened() -> None:
    with pytest.raises(InvalidRequest):
        band_index_of_files(IDENTITY, {"nir": "/nowhere.tif"}, nodata_by_band={}, data_type="uint8", nodata=-1)


def test_a_missing_file_is_named() -> None:
    with pytest.raises(SourceMissing) as failure:
        band_index_of_files(IDENTITY, {"nir": "/nowhere.tif"}, nodata_by_band={}, data_type="int16", nodata=-1)
    assert failure.value.href == "/nowhere.tif"


def test_a_file_cut_short_is_an_error_that_names_it_and_never_nodata(write: Writer, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(1, 9000, (600, 600)).astype(np.int16)
    whole, cut = write("red", noise), write("nir", noise)
    Path(cut).write_bytes(Path(cut).read_bytes()[:200_000])
    with pytest.raises(TransientRead) as failure:
        band_index_of_files(NDVI, {"nir": cut, "red": whole}, nodata_by_band={}, data_type="int16", nodata=-9999)
    assert failure.value.href == cut


def test_a_local_file_that_is_no_raster_counts_as_missing(tmp_path: Path) -> None:
    path = tmp_path / "nir.tif"
    path.write_text("<Error><Code>SlowDown</Code></Error>")
    with pytest.raises(SourceMissing, match=r"nir\.tif"):
        band_index_of_files(IDENTITY, {"nir": str(path)}, nodata_by_band={}, data_type="int16", nodata=-1)
