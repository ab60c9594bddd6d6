"""Composites from files: what comes out, and what is refused."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rasterio import Affine

from stratocube.cube.geobox import GeoBox
from stratocube.cube.mask import QualityMask
from stratocube.errors import InvalidRequest, SourceMissing, TransientRead
from stratocube.pixels.blend import BlendResult, ObservationLayers, blend
from tests.unit.pixels.blend_files import BAND, FMASK, NODATA, Files

PLACE = GeoBox(crs="EPSG:32722", x_min=600000, y_max=8000000, resolution_x=30, resolution_y=30, width=2, height=1)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def layers_of(result: BlendResult) -> ObservationLayers:
    assert result.layers is not None
    return result.layers


def test_the_worked_example_of_the_api_document(files: Files) -> None:
    dates = [
        files.observation(
            10,
            [[0, 0, 2, 4], [0, 0, 0, 0], [0, 2, 2, 4]],
            [[702, 876, 7000, 9000], [687, 444, 421, 422], [1241, 1234, 900, 9800]],
            efficacy=50.0,
        ),
        files.observation(
            15,
            [[0, 0, 255, 255], [0, 1, 1, 1], [0, 0, 0, 0]],
            [[854, 756, 9800, 9454], [945, 400, 402, 422], [869, 975, 788, 799]],
            efficacy=83.33,
        ),
    ]
    lcf = blend(dates, function="LCF", layers=False, **BAND)
    assert lcf.data.tolist() == [[854, 756, 7000, 9000], [945, 400, 402, 422], [869, 975, 788, 799]]
    assert lcf.data.dtype == np.int16
    assert lcf.layers is None
    assert lcf.nodata == NODATA
    assert lcf.dates == (dt.date(2020, 1, 15), dt.date(2020, 1, 10))
    assert (lcf.geobox.x_min, lcf.geobox.y_max, lcf.geobox.resolution_x, lcf.geobox.shape) == (
        600000,
        8000000,
        30,
        (3, 4),
    )

    median = blend(dates, function="MED", layers=True, **BAND)
    assert median.data.tolist() == [[778, 816, NODATA, NODATA], [816, 422, 411, 422], [1055, 975, 788, 799]]

    of_quality = [replace(date, band=date.quality) for date in dates]
    quality = blend(of_quality, function="LCF", mask=FMASK, data_type="uint8", nodata=255, layers=True)
    assert quality.data.tolist() == [[0, 0, 2, 4], [0, 1, 1, 1], [0, 0, 0, 0]]
    for layers in (layers_of(quality), layers_of(median)):
        assert layers.clear_observations.tolist() == [[2, 2, 0, 0], [2, 2, 2, 2], [2, 1, 1, 1]]
        assert layers.total_observations.tolist() == [[2, 2, 1, 1], [2, 2, 2, 2], [2, 2, 2, 2]]
        assert (layers.efficacy, layers.cloud_ratio) == (83.33, 16.67)
        assert layers.datasource is None
    provenance = layers_of(quality).provenance
    assert provenance is not None
    assert provenance.tolist() == [[15, 15, 10, 10], [15, 15, 15, 15], [15, 15, 15, 15]]
    assert layers_of(median).provenance is None  # a median comes from no single date


def test_dates_may_come_in_any_order_and_the_latest_of_equal_ones_goes_first(files: Files) -> None:
    dates = [files.observation(day, [[0, 2]], [[day, 100 + day]]) for day in (3, 9, 5)]
    for given in (dates, dates[::-1]):
        assert blend(given, function="LCF", layers=False, **BAND).data.tolist() == [[9, 109]]


def test_a_finer_date_goes_before_a_clearer_one(files: Files) -> None:
    fine = files.observation(1, [[0, 0]], [[1, 1]], efficacy=40.0, resolution=10)
    clear = files.observation(2, [[0, 0]], [[2, 2]], efficacy=90.0, resolution=30)
    assert blend([clear, fine], function="LCF", layers=False, **BAND).data.tolist() == [[1, 1]]


def test_a_reference_day_ranks_by_closeness_alone(files: Files) -> None:
    fine = files.observation(1, [[0]], [[1]], efficacy=90.0, resolution=10)
    close = files.observation(16, [[0]], [[16]], efficacy=1.0, resolution=30)
    result = blend([fine, close], function="LCF", layers=False, reference_day=15, period_start=fine.date, **BAND)
    assert result.data.tolist() == [[16]]


def test_layers_count_what_the_quality_saw_even_where_the_band_is_missing(files: Files) -> None:
    date = files.observation(7, [[0, 0, 2, 255]], [[NODATA, 5, 6, 7]])
    result = blend([date], function="LCF", layers=True, **BAND)
    assert result.data.tolist() == [[NODATA, 5, 6, NODATA]]
    layers = layers_of(result)
    assert layers.clear_observations.tolist() == [[1, 1, 0, 0]]
    assert layers.total_observations.tolist() == [[1, 1, 1, 0]]
    assert layers.provenance is not None
    assert layers.provenance.tolist() == [[7, 7, 7, -1]]
    assert (layers.efficacy, layers.cloud_ratio) == (50.0, 33.33)


def test_values_outside_the_valid_range_are_not_clear_but_counted(files: Files) -> None:
    dates = [files.observation(9, [[0]], [[12000]]), files.observation(1, [[0]], [[300]])]
    result = blend(dates, function="LCF", layers=True, valid_range=(0, 10000), **BAND)
    assert result.data.tolist() == [[300]]
    assert layers_of(result).clear_observations.tolist() == [[2]]


def test_saturated_pixels_are_fall_back_in_band_and_layers(files: Files) -> None:
    mask = replace(FMASK, saturated_band="radsat")
    dates = [
        files.observation(9, [[0, 0]], [[20, 21]], saturation=files.write("9_radsat", [[2, 2]], "uint16")),
        files.observation(1, [[0, 0]], [[200, 201]], saturation=files.write("1_radsat", [[0, 4]], "uint16")),
    ]
    result = blend(dates, function="LCF", mask=mask, data_type="int16", nodata=NODATA, layers=True)
    assert result.data.tolist() == [[200, 21]]
    layers = layers_of(result)
    assert layers.clear_observations.tolist() == [[1, 0]]
    assert layers.provenance is not None
    assert layers.provenance.tolist() == [[1, 9]]


def test_datasource_names_the_source_of_the_date_taken(files: Files) -> None:
    dates = [
        files.observation(9, [[0, 2, 255]], datasource=files.write("9_source", [[3, 4, 255]], "uint8")),
        files.observation(1, [[0, 0, 255]], datasource=1),
    ]
    result = blend(dates, function="LCF", mask=FMASK, data_type="uint8", nodata=255, layers=True)
    datasource = layers_of(result).datasource
    assert datasource is not None
    assert datasource.tolist() == [[3, 1, 255]]


def test_the_cirrus_bit_counts_at_oli_pixels_alone_in_every_band(files: Files) -> None:
    mask = QualityMask(bits=True, clear=(6,), not_clear=(2,), nodata=1)
    cirrus = 1 << 6 | 1 << 2
    quality = files.write("quality", [[cirrus, cirrus]], "uint16")
    source = files.write("source", [[0, 1]], "uint8")
    date = files.observation(1, [[0, 0]], [[10, 20]], datasource=source)
    date = replace(date, quality=quality)
    sources = ("LANDSAT-7", "LANDSAT-8")
    band: dict[str, Any] = {"mask": mask, "data_type": "int16", "nodata": NODATA, "sources": sources}
    assert blend([date], function="MED", layers=False, **band).data.tolist() == [[10, NODATA]]
    assert blend([date], function="AVG", layers=False, **band).data.tolist() == [[10, NODATA]]
    seven = replace(date, datasource=0)
    assert blend([seven], function="MED", layers=False, **band).data.tolist() == [[10, 20]]


def test_a_nodata_of_the_quality_band_beside_the_one_of_the_mask_is_honoured(files: Files) -> None:
    date = files.observation(1, [[0, 77]], [[10, 20]])
    assert blend([date], function="LCF", layers=False, **BAND).data.tolist() == [[10, 20]]
    assert blend([date], function="LCF", layers=False, quality_nodata=77, **BAND).data.tolist() == [[10, NODATA]]


def test_the_nodata_tag_of_a_file_counts_beside_that_of_the_band(files: Files) -> None:
    date = replace(files.observation(1, [[0, 0]], [[1, 1]]), band=files.write("tagged", [[0, 5]], nodata=0))
    assert blend([date], function="LCF", layers=False, **BAND).data.tolist() == [[NODATA, 5]]


def test_the_tag_of_a_quality_file_does_not_count(files: Files) -> None:
    quality = files.write("quality", [[0, 2, 255]], "uint8", nodata=0)
    date = replace(files.observation(1, [[0, 0, 0]], [[1, 2, 3]]), quality=quality)
    assert blend([date], function="LCF", layers=False, **BAND).data.tolist() == [[1, 2, NODATA]]
    for layers in (False, True):
        of_quality = replace(date, band=quality)
        result = blend([of_quality], function="LCF", mask=FMASK, data_type="uint8", nodata=255, layers=layers)
        assert result.data.tolist() == [[0, 2, 255]]


@pytest.mark.parametrize("layers", [False, True])
def test_the_composite_of_the_quality_may_have_a_larger_type_but_no_smaller_one(files: Files, layers: bool) -> None:
    quality = files.write("quality", [[0, 300]], "int16")
    date = replace(files.observation(1, [[0, 0]]), quality=quality, band=quality)
    mask = replace(FMASK, not_clear=(300,))
    larger = blend([date], function="LCF", mask=mask, data_type="int32", nodata=255, layers=layers)
    assert larger.data.tolist() == [[0, 300]]
    assert larger.data.dtype == np.int32
    with pytest.raises(InvalidRequest, match="uint8 cannot hold"):
        blend([date], function="LCF", mask=mask, data_type="uint8", nodata=255, layers=layers)


@pytest.mark.parametrize("nodata", [255, 77])
@pytest.mark.parametrize("layers", [False, True])
def test_the_composite_of_the_quality_has_the_nodata_of_its_band(files: Files, layers: bool, nodata: int) -> None:
    dates = [files.observation(1, [[255, 0, 2]]), files.observation(2, [[255, 4, 3]])]
    result = blend(dates, function="LCF", mask=FMASK, data_type="uint8", nodata=nodata, layers=layers)
    assert result.data.tolist() == [[nodata, 0, 3]]


def test_dates_with_quality_of_different_types_are_composited_together(files: Files) -> None:
    date = files.observation(1, [[2, 0]])
    wide = files.write("wide", [[0, 4]], "int16")
    dates = [date, replace(files.observation(2, [[0, 0]]), quality=wide, band=wide)]
    result = blend(dates, function="LCF", mask=FMASK, data_type="int16", nodata=255, layers=True)
    assert result.data.tolist() == [[0, 0]]
    assert layers_of(result).efficacy == 100


def test_files_of_a_smaller_type_are_taken(files: Files) -> None:
    date = replace(files.observation(1, [[0, 0]], [[1, 1]]), band=files.write("small", [[200, 7]], "uint8"))
    result = blend([date], function="MED", layers=False, **BAND)
    assert result.data.tolist() == [[200, 7]]
    assert result.data.dtype == np.int16


def test_files_whose_values_may_not_fit_are_refused(files: Files) -> None:
    date = replace(files.observation(1, [[0]], [[1]]), band=files.write("unsigned", [[40000]], "uint16"))
    with pytest.raises(InvalidRequest, match=r"unsigned\.tif holds uint16"):
        blend([date], function="LCF", layers=False, **BAND)


@pytest.mark.parametrize("function", ["LCF", "MED", "AVG"])
def test_a_period_without_observations_is_nodata_all_over(function: Any) -> None:
    result = blend([], function=function, layers=True, geobox=PLACE, **BAND)
    assert result.data.tolist() == [[NODATA, NODATA]]
    layers = layers_of(result)
    assert layers.clear_observations.tolist() == layers.total_observations.tolist() == [[0, 0]]
    assert (layers.efficacy, layers.cloud_ratio) == (0.0, 100.0)
    assert (layers.provenance is None) == (function != "LCF")
    assert layers.provenance is None or layers.provenance.tolist() == [[-1, -1]]
    assert result.geobox == PLACE


def test_a_period_without_observations_needs_a_grid() -> None:
    with pytest.raises(InvalidRequest) as refusal:
        blend([], function="LCF", layers=False, **BAND)
    assert refusal.value.field == "geobox"


@pytest.mark.parametrize(
    ("profile", "data", "what"),
    [
        ({}, [[1, 2, 3]], "pixels"),
        ({"transform": Affine(30, 0, 600030, 0, -30, 8000000)}, [[1, 2]], "beside"),
        ({"transform": Affine(30, 0, 600000, 0, -30.001, 8000000)}, [[1, 2]], "beside"),
        ({"crs": "EPSG:32723"}, [[1, 2]], "coordinate reference system"),
    ],
)
def test_a_file_on_another_grid_is_refused_by_name(files: Files, profile: Any, data: Any, what: str) -> None:
    odd = files.write("odd", data, nodata=NODATA, **profile)
    dates = [files.observation(1, [[0, 0]], [[1, 2]]), replace(files.observation(2, [[0, 0]], [[1, 2]]), band=odd)]
    with pytest.raises(InvalidRequest, match=rf"odd\.tif .*{what}"):
        blend(dates, function="MED", layers=False, **BAND)


def test_files_beside_the_grid_asked_for_are_refused(files: Files) -> None:
    date = files.observation(1, [[0, 0]], [[1, 2]])
    assert blend([date], function="LCF", layers=False, geobox=PLACE, **BAND).data.tolist() == [[1, 2]]
    with pytest.raises(InvalidRequest, match="2020-01-01_quality"):
        blend([date], function="LCF", layers=False, geobox=replace(PLACE, x_min=600015), **BAND)


@pytest.mark.parametrize("raster", ["band", "quality", "saturation", "datasource"])
def test_a_file_that_is_not_there_is_named(files: Files, tmp_path: Path, raster: str) -> None:
    mask = replace(FMASK, saturated_band="radsat")
    radsat = files.write("radsat", [[0]], "uint16")
    dates = [files.observation(day, [[2]], [[1]], saturation=radsat, datasource=0) for day in (1, 2)]
    gone = str(tmp_path / "gone.tif")
    missing: dict[str, Any] = {raster: gone}
    dates[0] = replace(dates[0], **missing)
    dates[1] = replace(dates[1], quality=files.write("cloudy", [[255]], "uint8"))
    with pytest.raises(SourceMissing) as failure:
        blend(dates, function="LCF", mask=mask, data_type="int16", nodata=NODATA, layers=True)
    assert failure.value.href == gone


def test_a_file_that_cannot_be_read_to_its_end_is_named_and_may_be_tried_again(files: Files) -> None:
    noise = np.random.default_rng(1).integers(0, 1000, (256, 256))
    dates = [files.observation(day, np.zeros((256, 256)), noise) for day in (1, 2, 3)]
    broken = Path(dates[1].band)
    broken.write_bytes(broken.read_bytes()[:40000])
    with pytest.raises(TransientRead) as failure:
        blend(dates, function="MED", layers=False, **BAND)
    assert failure.value.href == str(broken)


def test_a_mask_with_a_saturation_band_needs_its_raster(files: Files) -> None:
    date = files.observation(1, [[0]], [[1]])
    with pytest.raises(InvalidRequest, match="2020-01-01 has no raster of radsat"):
        blend(
            [date],
            function="LCF",
            mask=replace(FMASK, saturated_band="radsat"),
            data_type="int16",
            nodata=NODATA,
            layers=False,
        )


def test_a_date_given_twice_is_refused(files: Files) -> None:
    date = files.observation(1, [[0]], [[1]])
    with pytest.raises(InvalidRequest):
        blend([date, date], function="LCF", layers=False, **BAND)


def test_source_indices_of_another_type_are_refused(files: Files) -> None:
    date = files.observation(1, [[0]], datasource=files.write("source", [[1]], "int16"))
    with pytest.raises(InvalidRequest, match=r"source\.tif is int16"):
        blend([date], function="LCF", mask=FMASK, data_type="uint8", nodata=255, layers=True)
