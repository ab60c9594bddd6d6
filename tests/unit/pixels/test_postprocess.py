"""Quality loses the pixels where a band has no data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stratocube.errors import InvalidRequest, SourceMissing
from stratocube.pixels.postprocess import bands_to_check, post_process_quality, post_processing_quality

QUALITY = np.array([[0, 0, 2, 4], [0, 0, 0, 0], [0, 2, 2, 4]], np.uint8)


def write(path: Path, values: np.ndarray, nodata: float | None) -> str:
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
    ) as dataset:
        dataset.write(values, 1)
    return str(path)


def test_the_documented_table_gets_nodata_where_the_near_infrared_has_none() -> None:
    nir = np.full((3, 4), 700, np.int16)
    nir[2, 0] = -9999
    result = post_process_quality(QUALITY, 255, {"nir": nir}, {"nir": -9999})
    assert result.dtype == np.uint8
    assert result.tolist() == [[0, 0, 2, 4], [0, 0, 0, 0], [255, 2, 2, 4]]
    assert QUALITY[2, 0] == 0


def test_the_gaps_of_all_bands_unite() -> None:
    red = np.array([[1, -9999, 1, 1]], np.int16)
    nir = np.array([[1, 1, 0, 1]], np.uint16)
    swir = np.ma.masked_array([[1.0, 1.0, 1.0, np.nan]], mask=[[True, False, False, False]])
    quality = np.array([[4, 4, 4, 4]], np.uint8)
    bands, nodata = {"red": red, "nir": nir, "swir": swir}, {"red": -9999, "nir": 0, "swir": None}
    assert post_process_quality(quality, 255, bands, nodata).tolist() == [[255, 255, 255, 255]]
    assert post_process_quality(quality, 0, {"nir": nir}, nodata).tolist() == [[4, 4, 0, 4]]


def test_without_bands_nothing_changes() -> None:
    assert post_process_quality(QUALITY, 255, {}, {}).tolist() == QUALITY.tolist()


def test_bands_of_another_size_are_refused() -> None:
    with pytest.raises(InvalidRequest, match=r"nir: has \(2, 2\) pixels, quality has \(3, 4\)"):
        post_process_quality(QUALITY, 255, {"nir": np.zeros((2, 2))}, {})


@given(
    arrays(np.uint8, (3, 4), elements=st.integers(0, 4)),
    arrays(np.int16, (3, 4), elements=st.sampled_from([-9999, 0, 5])),
)
def test_observations_only_shrink_and_a_second_pass_changes_nothing(quality: np.ndarray, nir: np.ndarray) -> None:
    once = post_process_quality(quality, 255, {"nir": nir}, {"nir": -9999})
    assert np.array_equal(once == 255, nir == -9999)
    assert np.array_equal(once[nir != -9999], quality[nir != -9999])
    assert np.array_equal(post_process_quality(once, 255, {"nir": nir}, {"nir": -9999}), once)


def test_derived_bands_and_the_quality_band_are_not_looked_at() -> None:
    bands = ["quality", "red", "nir", "NDVI", "evi", "CLEAROB", "TotalOb", "PROVENANCE", "datasource", "radsat"]
    assert bands_to_check(bands, quality_band="quality") == ["red", "nir", "radsat"]
    assert bands_to_check(bands, quality_band="quality", also_skip=["radsat"]) == ["red", "nir"]


def test_files_give_the_quality_of_their_arrays_and_stay_as_they_are(tmp_path: Path) -> None:
    quality = np.full((1100, 2), 4, np.uint8)
    nir, red = np.full((1100, 2), 7, np.int16), np.full((1100, 2), 7, np.int16)
    nir[1000, 1], red[3, 0] = -9999, 0
    paths = {"nir": write(tmp_path / "nir.tif", nir, -9999), "red": write(tmp_path / "red.tif", red, None)}
    quality_path = write(tmp_path / "quality.tif", quality, 255)
    before = Path(quality_path).read_bytes()
    result = post_processing_quality(quality_path, paths, quality_nodata=255, nodata_by_band={"red": 0})
    assert result.dtype == np.uint8
    assert np.argwhere(result != quality).tolist() == [[3, 0], [1000, 1]]
    assert result[3, 0] == result[1000, 1] == 255
    assert Path(quality_path).read_bytes() == before


def test_files_of_another_size_are_refused(tmp_path: Path) -> None:
    quality = write(tmp_path / "quality.tif", QUALITY, 255)
    nir = write(tmp_path / "nir.tif", np.zeros((2, 2), np.int16), None)
    with pytest.raises(InvalidRequest, match="nir: has"):
        post_processing_quality(quality, {"nir": nir}, quality_nodata=255, nodata_by_band={})


def test_a_missing_band_is_named_and_never_nodata(tmp_path: Path) -> None:
    quality = write(tmp_path / "quality.tif", QUALITY, 255)
    with pytest.raises(SourceMissing, match=r"nir\.tif"):
        post_processing_quality(quality, {"nir": str(tmp_path / "nir.tif")}, quality_nodata=255, nodata_by_band={})
