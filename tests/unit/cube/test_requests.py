"""Start and grid requests: cube-builder's forms are taken, and nothing unsafe passes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stratocube.cube.definition import CubeDefinition
from stratocube.cube.requests import GridRequest, StartRequest
from stratocube.cube.scene_sources import is_item_collection
from stratocube.errors import InvalidRequest

from .forms import changed, example, json_values, paths, small_cube

START = {
    "datacube": "TEST-1M-2",
    "collections": ["sentinel-2-l2a"],
    "tiles": ["011009"],
    "start_date": "2023-08-01",
    "end_date": "2023-09-15",
    "stac_url": "https://earth-search.aws.element84.com/v1",
}
CUBE = CubeDefinition.parse(small_cube())


def refused(form: Mapping[str, object]) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as refusal:
        StartRequest.parse(form)
    return refusal.value


def test_the_example_is_taken_and_kept() -> None:
    request = StartRequest.parse(example("start-sentinel-2"))
    assert json.loads(json.dumps(request.to_json())) == example("start-sentinel-2")
    assert StartRequest.parse(request.to_json()) == request


@pytest.mark.parametrize(
    ("form", "cube_id", "name", "version"),
    [
        ({"datacube": "TEST-1M-2"}, "TEST-1M-2", "TEST-1M", 2),
        ({"datacube": "TEST-1M", "datacube_version": 2}, "TEST-1M-2", "TEST-1M", 2),
        ({"datacube": "TEST-1M-2", "datacube_version": 3}, "TEST-1M-2-3", "TEST-1M-2", 3),
        ({"datacube": "TEST-1M"}, None, "TEST-1M", None),
    ],
)
def test_a_cube_is_named_by_id_or_name_and_version(
    form: dict[str, object], cube_id: str | None, name: str, version: int | None
) -> None:
    request = StartRequest.parse(START | form)
    assert (request.cube_id, request.cube_name, request.cube_version) == (cube_id, name, version)


def test_units_are_tiles_times_periods_and_the_last_period_is_whole() -> None:
    request = StartRequest.parse(START | {"tiles": ["011009", "012009", "011009"]})
    assert [str(unit) for unit in request.units(CUBE)] == [
        "011009_2023-08-01_2023-08-31",
        "011009_2023-09-01_2023-09-30",
        "012009_2023-08-01_2023-08-31",
        "012009_2023-09-01_2023-09-30",
    ]


def test_a_window_without_period_is_refused() -> None:
    yearly = {"schema": "Cyclic", "unit": "year", "step": 1, "cycle": {"unit": "year", "step": 1}}
    cube = CubeDefinition.parse(small_cube(temporal_composition=yearly))
    with pytest.raises(InvalidRequest) as refusal:
        StartRequest.parse(START).units(cube)
    assert refusal.value.field == "end_date"


def test_a_build_without_measure_is_refused() -> None:
    daily = {"schema": "Continuous", "unit": "day", "step": 1}
    cube = CubeDefinition.parse(small_cube(temporal_composition=daily))
    tiles = [f"{col:03d}{row:03d}" for col in range(50) for row in range(20)]
    with pytest.raises(InvalidRequest) as refusal:
        StartRequest.parse(START | {"tiles": tiles, "end_date": "2024-08-01"}).units(cube)
    assert refusal.value.field == "tiles"


def test_a_request_changes_parameters_of_its_own_build_only() -> None:
    request = StartRequest.parse(START | {"resampling": "nearest", "block_size": 256, "histogram_matching": True})
    built = request.resolve(CUBE)
    assert (built.parameters.resampling, built.parameters.block_size) == ("nearest", 256)
    assert built.parameters.histogram_matching
    assert built.parameters.stac_url == START["stac_url"]
    assert built.mask == CUBE.mask
    assert not CUBE.parameters.histogram_matching


def test_the_source_of_the_cube_serves_when_the_request_has_none() -> None:
    cube = CUBE.with_parameters({"stac_url": "s3://bucket/items.json"})
    resolved = StartRequest.parse(changed(START, "stac_url", ...)).resolve(cube)
    assert resolved.parameters.stac_url == "s3://bucket/items.json"


@pytest.mark.parametrize(
    ("changes", "cube", "field"),
    [
        ({"stac_url": None}, CUBE, "stac_url"),
        ({"stac_url": None}, CUBE.with_parameters({"local": "/data"}), "stac_url"),
        ({"bands": ["red", "swir"]}, CUBE, "bands.1"),
        ({"collections": ["a", "b"]}, CUBE, "collections"),
        ({"mask": {"nodata": 0}}, CUBE, "parameters.mask.nodata"),
    ],
)
def test_a_request_that_does_not_fit_its_cube_is_refused(
    changes: dict[str, object], cube: CubeDefinition, field: str
) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        StartRequest.parse(START | changes).resolve(cube)
    assert refusal.value.field == field


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("datacube", ..., "datacube"),
        ("datacube", "S2 16D", "datacube"),
        ("collections", [], "collections"),
        ("collections", "sentinel-2-l2a", "collections"),
        ("collections.0", "../x", "collections.0"),
        ("tiles", [], "tiles"),
        ("tiles.0", "11009", "tiles.0"),
        ("tiles", [f"{n:06d}" for n in range(5001)], "tiles"),
        ("start_date", ..., "start_date"),
        ("start_date", "2023-02-30", "start_date"),
        ("start_date", "1969-12-31", "start_date"),
        ("start_date", 20230801, "start_date"),
        ("end_date", "2023-07-31", "end_date"),
        ("end_date", "2090-01-01", "end_date"),
        ("bands", ["a b"], "bands.0"),
        ("force", "yes", "force"),
        ("token", "secret", "token"),
        ("token_secret", "a b", "token_secret"),
        ("mask", {"clear_data": [0]}, "mask.nodata"),
        ("stac_url", "http//x", "stac_url"),
        ("stac_url", "https:///v1", "stac_url"),
        ("stac_url", "https://host/v1 x", "stac_url"),
        ("stac_url", "gs://bucket/items.json", "stac_url"),
        ("execute", True, "execute"),
    ],
)
def test_a_slip_is_named_by_its_field(path: str, value: object, field: str) -> None:
    assert refused(changed(START, path, value)).field == field


def test_an_empty_token_is_no_token() -> None:
    assert StartRequest.parse(START | {"token": ""}).token is None
    assert StartRequest.parse(START | {"token": None}).token is None


def test_a_refused_token_is_not_repeated_and_the_remedy_is_told() -> None:
    reason = refused(START | {"token": "hunter2"}).reason
    assert "hunter2" not in reason
    assert "token_secret" in reason


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("s3://bucket/a/items.json", True),
        ("https://host/items.geojson?x=1", True),
        ("https://host/v1", False),
        ("https://host/stac/", False),
    ],
)
def test_an_item_collection_is_told_by_its_ending(url: str, expected: bool) -> None:
    assert is_item_collection(str(StartRequest.parse(START | {"stac_url": url}).stac_url)) is expected


def test_dates_may_be_dates() -> None:
    request = StartRequest.parse(START | {"start_date": date(2023, 8, 1)})
    assert request == StartRequest.parse(START)


GRIDS = {"names": ["A", "B"], "projection": "aea", "meridian": -54, "shape": [10, 10], "tile_factor": [[1, 1], [2, 3]]}
GRIDS |= {"bbox": [-55, -13, -53, -12], "description": "two", "srid": 100001}


def test_tile_sizes_are_shape_times_factor() -> None:
    request = GridRequest.parse(GRIDS)
    assert request.grid_names == ("A", "B")
    assert request.tile_sizes == ((10, 10), (20, 30))


def test_a_box_may_be_text() -> None:
    assert GridRequest.parse(GRIDS | {"bbox": "-55,-13,-53,-12"}) == GridRequest.parse(GRIDS)


@pytest.mark.parametrize("name", ["grids-brazil", "grid-utm"])
def test_grid_requests_survive_their_json(name: str) -> None:
    request = GridRequest.parse(example(name))
    assert GridRequest.parse(json.loads(json.dumps(request.to_json()))) == request


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("names", ..., "names"),
        ("names", ["A"], "tile_factor"),
        ("names", ["A", "a"], "names"),
        ("name", "A", "names"),
        ("projection", ..., "projection"),
        ("projection", "utm", "projection"),
        ("projection", "/etc/passwd", "projection"),
        ("projection", "https://host/crs", "projection"),
        ("projection", "+proj=utm +zone=22 +nadgrids=/etc/passwd", "projection"),
        ("projection", "+init=epsg:4326", "projection"),
        ("crs", "EPSG:4326", "projection"),
        ("meridian", ..., "meridian"),
        ("meridian", 190, "meridian"),
        ("bbox", ..., "bbox"),
        ("bbox", [170, -13, -170, -12], "bbox"),
        ("bbox", [-55, -13, -53, 91], "bbox"),
        ("bbox", "1,2,3", "bbox"),
        ("shape", ..., "shape"),
        ("shape", [0, 10], "shape.0"),
        ("tile_factor", ..., "shape"),
        ("tile_factor", [[1, 1], [2]], "tile_factor.1.1"),
        ("tile_size", [10, 10], "tile_size"),
        ("srid", -1, "srid"),
        ("degreesx", 6, "degreesx"),
    ],
)
def test_a_slip_in_a_grid_is_named_by_its_field(path: str, value: object, field: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        GridRequest.parse(changed(GRIDS, path, value))
    assert refusal.value.field == field


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(paths(START)), json_values | st.just(...))
def test_any_value_anywhere_gives_a_start_or_a_refusal(path: str, value: object) -> None:
    try:
        request = StartRequest.parse(changed(START, path, value))
    except InvalidRequest:
        return
    assert StartRequest.parse(request.to_json()) == request


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(paths(GRIDS)), json_values | st.just(...))
def test_any_value_anywhere_gives_a_grid_request_or_a_refusal(path: str, value: object) -> None:
    try:
        request = GridRequest.parse(changed(GRIDS, path, value))
    except InvalidRequest:
        return
    assert GridRequest.parse(request.to_json()) == request


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60) | st.from_regex(r"(https|http|s3|ftp)://[^ ]{0,20}(/[^ ]{0,10})?", fullmatch=True))
def test_any_source_is_taken_or_refused(url: str) -> None:
    try:
        request = StartRequest.parse(START | {"stac_url": url})
    except InvalidRequest:
        return
    assert str(request.stac_url).startswith(("http://", "https://", "s3://"))
