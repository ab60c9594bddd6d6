"""The radiometric offset of Sentinel-2 since baseline 04.00."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratocube.errors import InvalidRequest, SourceMissing
from stratocube.pixels.sentinel2 import has_offset, remove_offset, sentinel2_read
from tests.unit.pixels.rasters_on_disk import write_raster

NEW = "S2A_MSIL2A_20220621T133201_N0400_R081_T22LGL_20220621T182715"
OLD = "S2A_MSIL2A_20210621T133201_N0300_R081_T22LGL_20210621T182715"


def test_reflectances_of_new_products_hold_the_offset_and_classes_never_do() -> None:
    assert has_offset(NEW, "B04")
    assert has_offset(NEW.replace("N0400", "N0510"), "B8A")
    assert not has_offset(OLD, "B04")
    assert not has_offset(NEW, "SCL")
    assert not has_offset(NEW, "scl")
    with pytest.raises(InvalidRequest, match="scene_id: 'S2A_22LGL_20220621_0_L2A' is no Sentinel-2 product"):
        has_offset("S2A_22LGL_20220621_0_L2A", "B04")


def test_dark_pixels_become_nodata_and_reflectance_zero_stays_valid() -> None:
    numbers = np.array([[0, 1, 999, 1000, 1001, 11_000, 65_535]], np.uint16)
    assert remove_offset(numbers, nodata=0).tolist() == [[0, 0, 0, 1, 1, 10_000, 64_535]]
    assert remove_offset(numbers, nodata=0).dtype == np.int32
    signed = np.array([-9999, 900, 1000, 4000], np.int16)
    assert remove_offset(signed, nodata=-9999).tolist() == [-9999, -9999, 0, 3000]


@given(st.integers(1000, 65_535))
def test_no_valid_number_becomes_nodata_or_wraps(number: int) -> None:
    found = int(remove_offset(np.array([number], np.uint16), nodata=0)[0])
    assert found == max(1, number - 1000)


def test_products_of_any_baseline_read_on_one_radiometry(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "a.tif", [[0, 500, 3000]], dtype="uint16", nodata=0)
    assert sentinel2_read(path, NEW, "B04", nodata=0).tolist() == [[0, 0, 2000]]
    assert sentinel2_read(path, OLD, "B04", nodata=0).tolist() == [[0, 500, 3000]]
    assert sentinel2_read(path, NEW, "SCL", nodata=0).dtype == np.int32
    with pytest.raises(SourceMissing, match=r"^s3://archive/B04: "):
        sentinel2_read(str(tmp_path / "none.tif"), NEW, "B04", nodata=0, href="s3://archive/B04")
