"""One date given the distribution of another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.exposure import match_histograms

from stratocube.errors import InvalidRequest, SourceMissing
from stratocube.pixels.histogram import match_histogram, match_histogram_with_merges, match_rasters
from stratocube.pixels.sources import Raster
from tests.unit.pixels.rasters_on_disk import grid, write_raster

N = -9999


def matched(source: Any, reference: Any, part: Any = None, dtype: str = "int16", nodata: float | None = N) -> list[Any]:
    values = np.array(source, dtype)
    take_part = np.ones(values.shape, bool) if part is None else np.array(part, bool)
    return match_histogram(values, np.array(reference, dtype), take_part, nodata=nodata).tolist()


def test_values_take_the_place_of_the_same_share_in_the_reference() -> None:
    assert matched([1, 2, 3, 4], [10, 20, 30, 40]) == [10, 20, 30, 40]
    assert matched([4, 1, 3, 2], [40, 30, 20, 10]) == [40, 10, 30, 20]
    assert matched([5, 5, 5, 5], [1, 2, 3, 9]) == [9, 9, 9, 9]


def test_shares_between_two_values_are_interpolated_and_rounded() -> None:
    assert matched([1, 2, 2, 3], [0, 10, 10, 10]) == [0, 7, 7, 10]
    assert matched([1, 1, 2], [0, 10, 20]) == [10, 10, 20]


def test_pixels_that_do_not_take_part_keep_their_value_and_count_for_nothing() -> None:
    assert matched([1, 2, 3, 9000], [10, 20, 30, 40], [1, 1, 1, 0]) == [10, 20, 30, 9000]
    assert matched([1, 2], [10, 20], [0, 0]) == [1, 2]


def test_a_valid_pixel_never_becomes_nodata() -> None:
    assert matched([1, 2, 3], [-10, 0, 10], nodata=0) == [-10, 1, 10]


@pytest.mark.parametrize("dtype", ["int16", "uint16", "int32", "float32"])
def test_every_number_type_is_matched(dtype: str) -> None:
    assert matched([3, 1, 2], [100, 300, 200], dtype=dtype) == [300, 100, 200]


def test_the_arguments_are_left_alone() -> None:
    source, reference = np.array([1, 2]), np.array([5, 6])
    match_histogram(source, reference, np.array([True, True]))
    assert (source.tolist(), reference.tolist()) == ([1, 2], [5, 6])


@settings(max_examples=60, deadline=None)
@given(
    arrays("int16", (5, 7), elements=st.integers(-500, 500)),
    arrays("int16", (5, 7), elements=st.integers(-500, 500)),
    arrays("bool", (5, 7)),
)
def test_it_agrees_with_scikit_image_on_the_pixels_that_take_part(source: Any, reference: Any, part: Any) -> None:
    found = match_histogram(source, reference, part)
    assert np.array_equal(found[~part], source[~part])
    if part.any():
        assert np.abs(found[part] - match_histograms(source[part], reference[part])).max() <= 0.5 + 1e-6
        assert (np.diff(found[part][np.argsort(source[part], kind="stable")]) >= 0).all()


def raster(values: Any, nodata: float | None, dtype: str = "int16") -> Raster:
    data = np.array([values], dtype)
    return Raster(data, grid(data.shape[1], 1), nodata)


def test_nodata_of_any_of_the_four_rasters_leaves_a_pixel_out() -> None:
    clear = raster([0, 0, 0, 0], 255, "uint8")
    holed = raster([0, 0, 0, 255], 255, "uint8")
    one, other = raster([1, 2, 3, 4], N), raster([10, 20, 30, 40], N)
    assert match_rasters(one, clear, other, clear).tolist() == [[10, 20, 30, 40]]
    for left_out in (
        match_rasters(one, holed, other, clear),
        match_rasters(one, clear, other, holed),
        match_rasters(one, clear, raster([10, 20, 30, N], N), clear),
    ):
        assert left_out.tolist() == [[10, 20, 30, 4]]
    assert match_rasters(raster([1, 2, 3, N], N), clear, other, clear).tolist() == [[10, 20, 30, N]]


def test_rasters_of_different_size_are_named() -> None:
    with pytest.raises(InvalidRequest, match=r"reference: has \(1, 3\) pixels, source has \(1, 2\)"):
        match_rasters(raster([1, 2], N), raster([0, 0], 255), raster([1, 2, 3], N), raster([0, 0], 255))


def files(folder: Path) -> list[str]:
    quality = {"dtype": "uint8", "nodata": 255}
    return [
        write_raster(folder / "source.tif", [[1, 2, 3, 4]]),
        write_raster(folder / "source_mask.tif", [[0, 0, 0, 255]], **quality),
        write_raster(folder / "reference.tif", [[10, 20, 30, 40]]),
        write_raster(folder / "reference_mask.tif", [[0, 0, 0, 0]], **quality),
    ]


def test_the_source_file_is_overwritten_and_keeps_what_it_says(tmp_path: Path) -> None:
    paths = files(tmp_path)
    with rasterio.open(paths[0], "r+") as source:
        source.update_tags(sensor="MSI")
        source.scales, source.descriptions = (0.0001,), ("nir",)
    match_histogram_with_merges(*paths)
    with rasterio.open(paths[0]) as after:
        assert after.read(1).tolist() == [[10, 20, 30, 4]]
        assert (after.tags()["sensor"], after.scales, after.descriptions) == ("MSI", (0.0001,), ("nir",))
        assert (after.nodata, after.crs, after.transform) == (N, "EPSG:32722", rasterio.open(paths[2]).transform)


def test_the_result_may_go_to_another_file(tmp_path: Path) -> None:
    paths = files(tmp_path)
    before = Path(paths[0]).read_bytes()
    match_histogram_with_merges(*paths, path=tmp_path / "matched.tif", block_size=256)
    assert Path(paths[0]).read_bytes() == before
    with rasterio.open(tmp_path / "matched.tif") as after:
        assert (after.read(1).tolist(), after.scales) == ([[10, 20, 30, 4]], (1.0,))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    paths = files(tmp_path)
    Path(paths[3]).unlink()
    with pytest.raises(SourceMissing, match="reference_mask"):
        match_histogram_with_merges(*paths)
