"""What becomes of the numbers of a scene: nodata, scale, type, kernel."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.enums import Resampling

from stratocube.cube.geobox import GeoBox
from stratocube.errors import InvalidRequest
from stratocube.pixels.merge import merge
from stratocube.pixels.resampling import default_resampling, get_resample_method, reach
from stratocube.pixels.sources import SourceRaster
from stratocube.pixels.warp import beside_nodata, source_nodata
from tests.unit.pixels.rasters_on_disk import grid, write_raster

N = -9999


def values_of(
    path: Path,
    values: Any,
    *,
    to: str = "int16",
    nodata: float = N,
    file_nodata: float | None = N,
    dtype: str = "int16",
    onto: GeoBox | None = None,
    source: dict[str, Any] | None = None,
    **options: Any,
) -> list[list[float]]:
    """Rows of values written with ``dtype``, merged alone into ``to``."""
    raster = SourceRaster(
        "scene", write_raster(path / "a.tif", values, dtype=dtype, nodata=file_nodata), **(source or {})
    )
    box = onto or grid(len(values[0]), len(values))
    given: dict[str, Any] = {"resampling": "nearest"} | options
    return merge([raster], box, data_type=to, nodata=nodata, **given).data.tolist()


def test_every_scene_has_its_own_nodata(tmp_path: Path) -> None:
    tagged = SourceRaster("tagged", write_raster(tmp_path / "a.tif", [[100, 100, 100, 100]]), nodata=N)
    untagged = SourceRaster("untagged", write_raster(tmp_path / "b.tif", [[0, 0, 700, 700]], nodata=None), nodata=0)
    result = merge([tagged, untagged], grid(4, 1), data_type="int16", nodata=N, resampling="bilinear")
    assert result.data.tolist() == [[100, 100, 700, 700]]


@pytest.mark.parametrize(
    ("tag", "declared", "cube", "dtype", "expected"),
    [
        (0, N, N, "int16", 0),
        (None, 0, N, "int16", 0),
        (None, None, N, "int16", N),
        (None, 255, 0, "uint8", 255),
        (None, N, N, "uint16", 0),
        (N, None, 0, "uint16", 0),
        (None, None, float("nan"), "int16", None),
        (None, N, N, "float32", N),
    ],
)
def test_nodata_is_the_tag_else_what_is_declared_else_that_of_the_cube(
    tag: float | None, declared: float | None, cube: float, dtype: str, expected: float | None
) -> None:
    assert source_nodata(tag, declared, cube, np.dtype(dtype)) == expected


def test_an_interpolating_kernel_draws_on_valid_pixels_only(tmp_path: Path) -> None:
    shifted = grid(3, 2, x=500_004)
    rows = [[1000, N, 3000, 4000]] * 2
    assert values_of(tmp_path, rows, onto=shifted, resampling="bilinear") == [[1000, N, 3400]] * 2


def test_landsat_reflectance_comes_out_in_ten_thousandths(tmp_path: Path) -> None:
    rows = [[0, 1, 7273, 7320, 43636, 65535]]
    usgs = {"scale": 0.0000275, "offset": -0.2}
    given: dict[str, Any] = {"dtype": "uint16", "file_nodata": 0, "source": usgs, "scale": 0.0001}
    assert values_of(tmp_path, rows, **given) == [[N, -1999, 0, 13, 9999, 16022]]
    # Nodata 0 in an unsigned cube: dark but valid pixels stay valid.
    assert values_of(tmp_path, rows, to="uint16", nodata=0, **given) == [[0, 1, 1, 13, 9999, 16022]]
    assert values_of(tmp_path, rows, to="uint8", nodata=255, **given) == [[255, 0, 0, 13, 254, 254]]
    floats = values_of(tmp_path, rows, to="float32", nodata=N, **given)
    assert np.allclose(floats, [[N, -1999.725, 0.075, 13, 9999.9, 16022.125]], rtol=1e-6)


def test_the_offset_of_sentinel2_is_taken_off_without_wrapping(tmp_path: Path) -> None:
    rows = [[0, 500, 1000, 1001, 5000]]
    esa = {"scale": 0.0001, "offset": -0.1}
    given: dict[str, Any] = {"dtype": "uint16", "file_nodata": 0, "source": esa, "scale": 0.0001}
    assert values_of(tmp_path, rows, **given) == [[N, -500, 0, 1, 4000]]
    assert values_of(tmp_path, rows, to="uint16", nodata=0, **given) == [[0, 1, 1, 1, 4000]]


def test_the_scale_of_the_cube_may_have_an_offset_as_well(tmp_path: Path) -> None:
    esa = {"scale": 0.0001, "offset": -0.1}
    rows = [[N, 500, 1000]]
    assert values_of(tmp_path, rows, source=esa, scale=0.0001, offset=-0.1) == rows
    assert values_of(tmp_path, rows, source=esa, scale=0.0002, offset=-0.2) == [[N, 750, 1000]]


def test_equal_scales_change_nothing(tmp_path: Path) -> None:
    rows = [[N, 49, 59, 710]]
    assert values_of(tmp_path, rows, source={"scale": 0.0001}, scale=0.0001) == rows


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"scale": 0.1}, "scale: scene has scale 0.1, but the band of the cube has none"),
        ({"offset": -1000}, "scale: scene has an offset but no scale"),
    ],
)
def test_a_scale_on_one_side_only_is_refused(tmp_path: Path, source: dict[str, float], message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        values_of(tmp_path, [[1, 2]], source=source)


def test_classes_are_neither_interpolated_nor_rescaled(tmp_path: Path) -> None:
    scl = [[4, 4, 8, 8]]
    given: dict[str, Any] = {"dtype": "uint8", "file_nodata": 0, "nodata": 0, "to": "uint8"}
    asked: dict[str, Any] = {"resampling": "cubic", "source": {"scale": 0.5, "offset": 3}, "kind": "categorical"}
    shifted = grid(4, 1, x=500_004)
    assert values_of(tmp_path, scl, onto=shifted, **given, **asked) == [[4, 4, 8, 8]]


@pytest.mark.parametrize("resampling", ["nearest", "bilinear", "cubic"])
def test_values_beyond_the_type_are_clamped_and_a_valid_one_never_becomes_nodata(
    tmp_path: Path, resampling: str
) -> None:
    unsigned = {"dtype": "uint16", "file_nodata": 0, "resampling": resampling}
    assert values_of(tmp_path, [[0, 40_000, 40_000]], **unsigned) == [[N, 32_767, 32_767]]
    assert values_of(tmp_path, [[0, 255, 255]], to="uint8", nodata=255, **unsigned) == [[255, 254, 254]]
    assert values_of(tmp_path, [[N, -5, -5]], to="uint8", nodata=0, resampling=resampling) == [[0, 1, 1]]


@pytest.mark.parametrize("resampling", ["nearest", "bilinear", "cubic"])
def test_floats_keep_their_fractions_round_to_integers_and_nan_is_nodata(tmp_path: Path, resampling: str) -> None:
    rows = [[0.25, 0.25, float("nan")]]
    given: dict[str, Any] = {"dtype": "float32", "file_nodata": None, "resampling": resampling}
    assert values_of(tmp_path, rows, to="float32", **given) == [[0.25, 0.25, N]]
    assert values_of(tmp_path, [[2.6, 2.6, float("nan")]], **given) == [[3, 3, N]]
    assert np.isnan(values_of(tmp_path, rows, to="float32", nodata=float("nan"), **given)).tolist() == [[0, 0, 1]]


@pytest.mark.parametrize("resampling", ["nearest", "cubic"])
@pytest.mark.parametrize("dtype", ["int16", "int32", "float64"])
def test_a_source_without_any_nodata_is_valid_where_it_is(tmp_path: Path, dtype: str, resampling: str) -> None:
    wide = grid(4, 1, x=499_990)
    given: dict[str, Any] = {"dtype": dtype, "file_nodata": None, "onto": wide, "to": "float32", "nodata": float("nan")}
    found = values_of(tmp_path, [[7, 7]], resampling=resampling, **given)
    assert np.array_equal(found, [[np.nan, 7, 7, np.nan]], equal_nan=True)
    scaled = values_of(tmp_path, [[7, 7]], resampling=resampling, source={"scale": 2.0}, scale=1.0, **given)
    assert np.array_equal(scaled, [[np.nan, 14, 14, np.nan]], equal_nan=True)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(0, 3), min_size=36, max_size=36),
    st.sampled_from(["nearest", "bilinear", "cubic", "lanczos", "average", "mode"]),
    st.sampled_from([("uint8", 0), ("int16", 0), ("uint8", 2), ("float32", 1)]),
)
def test_exactly_the_pixels_with_something_valid_are_valid(
    pixels: list[int], resampling: str, stored: tuple[str, int]
) -> None:
    rows = np.array(pixels).reshape(6, 6)
    to, nodata = stored
    given: dict[str, Any] = {"dtype": "uint8", "file_nodata": 0, "to": to, "nodata": nodata, "resampling": resampling}
    with TemporaryDirectory() as folder:
        found = np.array(values_of(Path(folder), rows.tolist(), **given))
    assert np.array_equal(found != nodata, rows != 0)


@pytest.mark.parametrize("resampling", ["bilinear", "cubic", "average"])
def test_a_scene_in_the_corner_of_a_tile_is_averaged_like_one_that_covers_it(tmp_path: Path, resampling: str) -> None:
    speckle = np.random.default_rng(3).integers(1000, 3000, (180, 180))
    coarse = grid(60, 60, pixel=30)
    given: dict[str, Any] = {"data_type": "int16", "nodata": N, "resampling": resampling}
    full = SourceRaster("full", write_raster(tmp_path / "full.tif", speckle))
    corner = SourceRaster("corner", write_raster(tmp_path / "corner.tif", speckle[:60, :30]))
    whole, part = merge([full], coarse, **given).data, merge([corner], coarse, **given).data
    assert np.array_equal(part[:17, :7], whole[:17, :7])
    assert (part[21:, :] == N).all()


def test_exact_coordinates_can_be_asked_for(tmp_path: Path) -> None:
    assert values_of(tmp_path, [[1, 2, N]], tolerance=0) == [[1, 2, N]]


def test_kernels_are_found_by_name_in_any_case() -> None:
    assert [get_resample_method(name).name for name in ("nearest", "BILINEAR", "Cubic_Spline", "mode", "rms")] == [
        "nearest",
        "bilinear",
        "cubic_spline",
        "mode",
        "rms",
    ]
    for name in ("foo", "", "gauss"):
        with pytest.raises(InvalidRequest, match="resampling"):
            get_resample_method(name)


def test_bands_without_a_wish_are_bilinear_unless_they_are_classes_or_nothing_masks_them() -> None:
    assert default_resampling("continuous", has_mask=True) == "bilinear"
    assert default_resampling("continuous", has_mask=False) == "nearest"
    assert default_resampling("categorical", has_mask=True) == "nearest"


def test_a_kernel_reaches_further_when_pixels_shrink() -> None:
    assert reach(Resampling.cubic, 3) == 6
    assert reach(Resampling.lanczos, 0.5) == 3
    assert reach(Resampling.mode, 4) == 4


def test_a_value_beside_nodata_is_one_step_toward_zero_or_up_from_it() -> None:
    found = [int(beside_nodata(value, np.dtype(kind))) for value, kind in ((N, "int16"), (255, "uint8"), (0, "uint16"))]
    assert found == [-9998, 254, 1]
    assert 0 < beside_nodata(0, np.dtype("float32")) < 1e-30
    assert -9999 < beside_nodata(N, np.dtype("float64")) < -9998.9
