"""Cube definitions: cube-builder's forms are taken, slips are named, and JSON is kept."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stratocube.cube.bands import INTEGER_RANGES, Band
from stratocube.cube.definition import CubeDefinition
from stratocube.cube.grids import Tile
from stratocube.cube.timeline import Period
from stratocube.errors import InvalidRequest

from .forms import changed, example, json_values, paths, small_cube

EXPRESSION = "indexes.0.metadata.expression"


def refused(form: object) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as refusal:
        CubeDefinition.parse(form)  # type: ignore[arg-type]  # what is no mapping is tested too
    return refusal.value


@pytest.mark.parametrize("name", ["sentinel-2-16d", "landsat-8-monthly", "cbers-4-16d"])
def test_the_examples_are_taken_and_kept(name: str) -> None:
    form = example(name)
    cube = CubeDefinition.parse(form)
    assert json.loads(json.dumps(cube.to_json())) == form
    assert CubeDefinition.parse(cube.to_json()) == cube


def test_names_and_ids_follow_the_form() -> None:
    cube = CubeDefinition.parse(small_cube())
    assert (cube.id, cube.name, cube.version, cube.identity_id) == ("TEST-1M-2", "TEST-1M", 2, "TEST-2")
    assert cube.composite_item_id("011009", Period.parse("2023-08-01_2023-08-31")) == "TEST-1M_V2_011009_20230801"
    assert cube.identity_item_id("011009", date(2023, 8, 9)) == "TEST_V2_011009_20230809"


@pytest.mark.parametrize(
    ("datacube", "function", "expected"),
    [
        ("S2-16D", "LCF", "S2"),
        ("LC8_30_1M_LCF", "LCF", "LC8_30"),
        ("S2-L2A-1Y-MED", "MED", "S2-L2A"),
        ("AMAZON", "LCF", "AMAZON-IDT"),
        ("AMAZON", "IDT", "AMAZON"),
    ],
)
def test_the_identity_cube_is_named_after_the_cube(datacube: str, function: str, expected: str) -> None:
    form = changed(small_cube(datacube=datacube, composite_function=function), "datacube_identity", ...)
    assert CubeDefinition.parse(form).identity_name == expected


def test_an_item_prefix_takes_the_place_of_the_name() -> None:
    cube = CubeDefinition.parse(small_cube(item_prefix="MY"))
    assert cube.composite_item_id("011009", Period.parse("2023-08-01_2023-08-31")) == "MY_V2_011009_20230801"
    assert cube.identity_item_id("011009", date(2023, 8, 9)) == "TEST_V2_011009_20230809"


def test_spectral_bands_are_what_is_neither_quality_nor_saturation_nor_index() -> None:
    cube = CubeDefinition.parse(small_cube())
    assert [band.name for band in cube.spectral_bands] == ["red", "nir"]
    assert cube.saturation_band == "sat"
    assert [band.name for band in cube.all_bands] == ["red", "nir", "sat", "quality", "NDVI"]


def test_classes_and_bits_are_resampled_nearest_and_the_rest_as_asked() -> None:
    cube = CubeDefinition.parse(small_cube())
    assert {name: cube.resampling(name) for name in ("red", "sat", "quality")} == {
        "red": "bilinear",
        "sat": "nearest",
        "quality": "nearest",
    }
    cubic = cube.with_parameters({"resampling": "CUBIC"})
    assert (cubic.resampling("red"), cubic.resampling("quality")) == ("cubic", "nearest")
    assert cube.resampling("red") == "bilinear", "the cube itself stays as it was"


def test_a_band_is_found_by_name() -> None:
    cube = CubeDefinition.parse(small_cube())
    assert cube.band("NDVI") is cube.indexes[0]
    assert cube.indexes[0].expression.names == {"nir", "red"}
    with pytest.raises(InvalidRequest, match="red, nir, sat, quality, NDVI"):
        cube.band("swir")


def test_nodata_of_integer_bands_is_an_integer() -> None:
    band = Band.parse({"name": "a", "data_type": "int16", "nodata": -9999.0, "scale_mult": 0.5, "scale_add": -0.2})
    assert repr(band.nodata) == "-9999"
    assert (band.scale_factor, band.scale_offset) == (0.5, -0.2)


def test_a_cube_cuts_time_and_tiles() -> None:
    cube = CubeDefinition.parse(small_cube())
    assert [str(period) for period in cube.periods("2023-08-01", "2023-09-30")] == [
        "2023-08-01_2023-08-31",
        "2023-09-01_2023-09-30",
    ]
    tile = Tile("GRID", 0, 0, "EPSG:32722", (0, 0, 1000, 2000), {"type": "Polygon", "coordinates": []})
    assert cube.geobox(tile).shape == (200, 100)
    assert cube.with_parameters({"shape": [50, 40]}).geobox(tile).shape == (40, 50)


def test_an_identity_cube_does_without_quality_mask_and_timeline() -> None:
    form = small_cube(composite_function="identity", parameters={}, temporal_composition=None, quality_band=None)
    cube = CubeDefinition.parse(form)
    assert (cube.composite_function, cube.mask) == ("IDT", None)
    assert [str(period) for period in cube.periods("2023-08-01", date(2023, 9, 3))] == ["2023-08-01_2023-09-03"]


def test_what_cube_builder_called_stack_is_least_cloud_cover_first() -> None:
    assert CubeDefinition.parse(small_cube(composite_function="stk")).composite_function == "LCF"


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("datacube", ..., "datacube"),
        ("datacube", "../x", "datacube"),
        ("datacube", "a b", "datacube"),
        ("datacube", "a\n", "datacube"),
        ("datacube", "x" * 65, "datacube"),
        ("datacube", 5, "datacube"),
        ("datacube_identity", "TEST-1M", "datacube_identity"),
        ("version", 0, "version"),
        ("version", 1000, "version"),
        ("version", True, "version"),
        ("version", 1.5, "version"),
        ("resolution", 0, "resolution"),
        ("resolution", float("inf"), "resolution"),
        ("temporal_composition", ..., "temporal_composition"),
        ("temporal_composition.unit", "week", "temporal_composition.unit"),
        ("composite_function", "BEST", "composite_function"),
        ("bands", [], "bands"),
        ("bands.1.name", "RED", "bands"),
        ("bands.1.name", "NDVI", "bands"),
        ("bands.1.name", "ClearOb", "bands.1.name"),
        ("bands.1.name", "a/b", "bands.1.name"),
        ("bands.1.nodata", ..., "bands.1.nodata"),
        ("bands.1.nodata", 40_000, "bands.1.nodata"),
        ("bands.1.nodata", -0.5, "bands.1.nodata"),
        ("bands.1.data_type", "int64", "bands.1.data_type"),
        ("bands.1.min_value", -40_000, "bands.1.min_value"),
        ("bands.1.scale", 0, "bands.1.scale"),
        ("bands.1.colour", "red", "bands.1.colour"),
        ("bands_quicklook", ["red", "nir"], "bands_quicklook"),
        ("bands_quicklook.1", "swir", "bands_quicklook.1"),
        ("quality_band", ..., "quality_band"),
        ("quality_band", "QA", "quality_band"),
        ("quality_band", "NDVI", "quality_band"),
        (f"{EXPRESSION}", ..., EXPRESSION),
        (f"{EXPRESSION}.value", "red; import os", f"{EXPRESSION}.value"),
        (f"{EXPRESSION}.value", "swir + red", f"{EXPRESSION}.value"),
        (f"{EXPRESSION}.value", "5", f"{EXPRESSION}.value"),
        (f"{EXPRESSION}.value", "red > nir", f"{EXPRESSION}.value"),
        (f"{EXPRESSION}.bands", [], f"{EXPRESSION}.bands"),
        (f"{EXPRESSION}.bands", ["nir", "red", "swir"], f"{EXPRESSION}.bands.2"),
        (f"{EXPRESSION}.bands", ["nir", "red", "0x"], f"{EXPRESSION}.bands"),
        ("parameters.mask", ..., "parameters.mask"),
        ("parameters.mask.nodata", ..., "parameters.mask.nodata"),
        ("parameters.mask.nodata", 7, "parameters.mask.nodata"),
        ("parameters.mask.clear_data", [0, 2], "parameters.mask.clear_data"),
        ("parameters.mask.saturated_band", "QA", "parameters.mask.saturated_band"),
        ("parameters.quality_band", "red", "parameters.quality_band"),
        ("parameters.resampling", "best", "parameters.resampling"),
        ("parameters.shape", [10, 10, 10], "parameters.shape"),
        ("parameters.shape", [10, 0], "parameters.shape.1"),
        ("parameters.block_size", 500, "parameters.block_size"),
        ("parameters.channel_limits", [[0, 1], [0, 1], [1, 0]], "parameters.channel_limits.2"),
        ("parameters.no_post_process", "no", "parameters.no_post_process"),
        ("parameters.token", "secret", "parameters.token"),
        ("parameters.stac_url", "file:///etc/passwd", "parameters.stac_url"),
        ("parameters.stac_url", "https://me:secret@host/", "parameters.stac_url"),
        ("parameters.stac_url", "https://host/?access_token=secret", "parameters.stac_url"),
        ("parameters.stac_url", "https://host:port/", "parameters.stac_url"),
        ("parameters.stac_url", "s3://bucket/folder", "parameters.stac_url"),
        ("parameters.best", True, "parameters.best"),
        ("metadata", [1], "metadata"),
        ("metadata", {"a": float("nan")}, "metadata"),
        ("metadata", {"a": "x" * 70_000}, "metadata"),
        ("public", 1, "public"),
        ("colour", "red", "colour"),
    ],
)
def test_a_slip_is_named_by_its_field(path: str, value: object, field: str) -> None:
    assert refused(changed(small_cube(), path, value)).field == field


def test_a_misspelt_field_gets_a_proposal() -> None:
    assert "did you mean 'nodata'" in refused(changed(small_cube(), "bands.1.no_data", 0)).reason


def test_further_faults_are_named_too() -> None:
    form = changed(changed(small_cube(), "bands.0.nodata", 99_999), "version", 0)
    assert "bands.0.nodata" in str(refused(form))
    assert "version" in str(refused(form))


def test_a_range_must_rise() -> None:
    form = changed(changed(small_cube(), "bands.0.min_value", 10), "bands.0.max_value", 10)
    assert refused(form).field == "bands.0.max_value"


def test_two_scales_must_agree() -> None:
    form = changed(changed(small_cube(), "bands.0.scale", 0.1), "bands.0.scale_mult", 0.2)
    assert refused(form).field == "bands.0.scale_mult"


def test_a_quality_band_of_floats_is_refused() -> None:
    form = changed(small_cube(), "bands.3.data_type", "float32")
    assert refused(form).field == "quality_band"


def test_the_number_of_bands_is_bounded() -> None:
    band = {"data_type": "int16", "nodata": 0}
    assert refused(small_cube(bands=[band | {"name": f"b{n}"} for n in range(65)])).field == "bands"


def test_metadata_without_end_is_refused() -> None:
    nested: dict[str, Any] = {}
    for _ in range(5000):
        nested = {"a": nested}
    assert refused(small_cube(metadata=nested)).field == "metadata"


def test_a_refusal_never_shows_a_token() -> None:
    assert "hunter2" not in str(refused(changed(small_cube(), "parameters.token", "hunter2")))
    assert "hunter2" not in str(refused(changed(small_cube(), "parameters.stac_url", "https://u:hunter2@host/")))


@pytest.mark.parametrize("form", [None, [], "x", 5, {}])
def test_what_is_no_definition_is_refused(form: object) -> None:
    refused(form)


@given(st.sampled_from(sorted(INTEGER_RANGES)), st.integers(-(2**33), 2**33))
def test_nodata_is_taken_exactly_when_the_type_holds_it(data_type: str, value: int) -> None:
    least, most = INTEGER_RANGES[data_type]
    form = {"name": "a", "data_type": data_type, "nodata": value}
    if least <= value <= most:
        assert Band.parse(form).nodata == value
    else:
        with pytest.raises(InvalidRequest):
            Band.parse(form)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(paths(small_cube())), json_values | st.just(...))
def test_any_value_anywhere_gives_a_cube_or_a_refusal(path: str, value: object) -> None:
    try:
        cube = CubeDefinition.parse(changed(small_cube(), path, value))
    except InvalidRequest:
        return
    assert CubeDefinition.parse(cube.to_json()) == cube
    assert json.dumps(cube.to_json(), allow_nan=False)


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["datacube", "bands", "parameters", "metadata", "indexes"]) | st.text(), json_values
    )
)
def test_any_object_gives_a_cube_or_a_refusal(form: dict[str, object]) -> None:
    refused(form)
