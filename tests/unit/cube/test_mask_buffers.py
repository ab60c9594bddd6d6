"""Buffers in the mask of a cube definition: read completely, or refused with the key named."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratocube.cube.definition import CubeDefinition
from stratocube.cube.geobox import GeoBox
from stratocube.cube.identity import merge_identity
from stratocube.cube.mask import MaskBuffer, QualityMask, parse_mask
from stratocube.errors import InvalidRequest

from .forms import changed, json_values, small_cube

SCL: dict[str, Any] = {"nodata": 0, "clear_data": [4, 5, 6], "not_clear_data": [0, 3, 8, 9], "saturated_data": [1]}


def parsed(*buffers: Any) -> QualityMask:
    return parse_mask({**SCL, "buffers": list(buffers)})


def test_buffers_are_kept_in_their_order() -> None:
    mask = parsed({"values": [9, 8], "dilate_m": 120, "erode_m": 20}, {"values": [1.0], "erode_m": 10.5})
    assert mask.buffers == (MaskBuffer((9, 8), 120.0, 20.0), MaskBuffer((1,), 0.0, 10.5))
    assert mask.to_mapping()["buffers"] == [
        {"values": [9, 8], "dilate_m": 120, "erode_m": 20},
        {"values": [1], "dilate_m": 0, "erode_m": 10.5},
    ]


def test_without_buffers_the_json_form_has_none() -> None:
    assert parse_mask(SCL).buffers == parsed().buffers == parse_mask({**SCL, "buffers": None}).buffers == ()
    assert "buffers" not in parsed().to_mapping()


def test_bits_have_buffers_by_position() -> None:
    form = {"nodata": 1, "bits": True, "clear_data": [6], "not_clear_data": [1, 3, 4]}
    mask = parse_mask({**form, "buffers": [{"values": [1], "dilate_m": 30}, {"values": [3, 4], "dilate_m": 90}]})
    assert [buffer.values for buffer in mask.buffers] == [(1,), (3, 4)]


def test_a_mask_with_buffers_can_be_the_key_of_a_table() -> None:
    cloud = {"values": [9], "dilate_m": 120}
    assert len({parsed(cloud), parsed(dict(cloud)), parsed()}) == 2


@pytest.mark.parametrize(
    ("buffers", "field", "words"),
    [
        ({"values": [9], "dilate_m": 1}, "mask.buffers", "is a list of objects"),
        ("120", "mask.buffers", "is a list of objects"),
        ([[9, 120]], "mask.buffers.0", "is an object with the keys values, dilate_m, erode_m"),
        ([{"values": [9]}], "mask.buffers.0", "does nothing: give dilate_m, erode_m or both"),
        ([{"values": [9], "dilate_m": 0}], "mask.buffers.0", "does nothing"),
        ([{"dilate_m": 120}], "mask.buffers.0.values", "is required"),
        ([{"values": [], "dilate_m": 120}], "mask.buffers.0.values", "is required"),
        ([{"values": 9, "dilate_m": 120}], "mask.buffers.0.values", "is a list of whole numbers"),
        ([{"values": ["9"], "dilate_m": 120}], "mask.buffers.0.values", "must be a whole number"),
        ([{"values": [9], "dilate": 120}], "mask.buffers.0.dilate", "unknown key"),
        ([{"values": [9], "dilate_m": "120"}], "mask.buffers.0.dilate_m", "must be a length in metres"),
        ([{"values": [9], "dilate_m": True}], "mask.buffers.0.dilate_m", "must be a length in metres"),
        ([{"values": [9], "dilate_m": -1}], "mask.buffers.0.dilate_m", "from 0 to 100,000"),
        ([{"values": [9], "dilate_m": float("nan")}], "mask.buffers.0.dilate_m", "must be a length"),
        ([{"values": [9], "dilate_m": 10**400}], "mask.buffers.0.dilate_m", "must be a length"),
        ([{"values": [9], "erode_m": 1e9}], "mask.buffers.0.erode_m", "must be a length"),
        ([{"values": [4], "dilate_m": 120}], "mask.buffers.0.values", "4 is in neither not_clear_data nor saturated"),
        ([{"values": [0], "dilate_m": 120}], "mask.buffers.0.values", "0 is nodata: what was not observed"),
        ([{"values": [9, 9], "dilate_m": 120}], "mask.buffers.0.values", "9 is there twice"),
        (
            [{"values": [9], "dilate_m": 120}, {"values": [8, 9], "erode_m": 20}],
            "mask.buffers.1.values",
            "9 is there twice: it can have one buffer only",
        ),
    ],
)
def test_buffers_that_cannot_be_meant_are_refused_naming_the_key(buffers: Any, field: str, words: str) -> None:
    with pytest.raises(InvalidRequest, match=words) as refusal:
        parse_mask({**SCL, "buffers": buffers})
    assert refusal.value.field == field


def test_a_bit_that_makes_nothing_unclear_has_no_margin() -> None:
    with pytest.raises(InvalidRequest, match="2 is in neither"):
        parse_mask({"nodata": 1, "bits": True, "clear_data": [6], "buffers": [{"values": [2], "dilate_m": 30}]})


def test_more_values_than_there_are_bits_are_refused() -> None:
    many = list(range(1, 100))
    with pytest.raises(InvalidRequest, match="hold 99 values, at most 64"):
        parse_mask({"nodata": 0, "not_clear_data": many, "buffers": [{"values": many, "dilate_m": 30}]})


LENGTHS = st.integers(0, 5000) | st.floats(0, 5000)


@given(
    st.lists(st.sampled_from([1, 3, 8, 9]), unique=True, min_size=1).flatmap(
        lambda values: st.tuples(st.just(values), st.integers(1, len(values)), LENGTHS, LENGTHS)
    )
)
def test_reading_buffers_loses_nothing(case: tuple[list[int], int, float, float]) -> None:
    values, first, dilate_m, erode_m = case
    groups = [group for group in (values[:first], values[first:]) if group]
    mask = parsed(*({"values": group, "dilate_m": dilate_m, "erode_m": erode_m + 1} for group in groups))
    assert parse_mask(mask.to_mapping()) == mask
    assert [list(buffer.values) for buffer in mask.buffers] == groups


@given(json_values)
def test_whatever_arrives_is_read_or_refused(value: Any) -> None:
    for buffers in (value, [value], [{"values": value, "dilate_m": 1}], [{"values": [9], "erode_m": value}]):
        try:
            parse_mask({**SCL, "buffers": buffers})
        except InvalidRequest as refusal:
            assert (refusal.field or "").startswith("mask.buffers")


# -- in a cube ---------------------------------------------------------------------------------------------------------

GEOBOX = GeoBox("EPSG:32722", 300_000.0, 8_000_000.0, 10.0, 10.0, 100, 100)
CLOUDS = [{"values": [4], "dilate_m": 120, "erode_m": 0}]


def merge(form: dict[str, Any], band: str) -> str:
    source = {"scene_id": "A", "version": "1"}
    return merge_identity(CubeDefinition.parse(form), GEOBOX, band, date(2023, 8, 9), [source], code_version="1")


def test_a_cube_keeps_the_buffers_of_its_mask() -> None:
    form = changed(small_cube(), "parameters.mask.buffers", CLOUDS)
    cube = CubeDefinition.parse(form)
    assert cube.mask is not None
    assert cube.mask.buffers == (MaskBuffer((4,), 120.0),)
    assert CubeDefinition.parse(cube.to_json()) == cube


def test_buffers_make_another_quality_and_the_same_bands() -> None:
    plain, buffered = small_cube(), changed(small_cube(), "parameters.mask.buffers", CLOUDS)
    assert merge(buffered, "quality") != merge(plain, "quality")
    assert merge(buffered, "red") == merge(plain, "red")
    assert merge(changed(small_cube(), "parameters.mask.buffers", []), "quality") == merge(plain, "quality")


def test_the_order_of_buffered_values_counts_for_it_decides_which_margin_wins() -> None:
    one, other = (
        changed(small_cube(), "parameters.mask.buffers", [{"values": values, "dilate_m": 120}])
        for values in ([3, 4], [4, 3])
    )
    assert merge(one, "quality") != merge(other, "quality")


def test_a_buffer_that_is_refused_names_its_place_in_the_cube() -> None:
    with pytest.raises(InvalidRequest) as refusal:
        CubeDefinition.parse(changed(small_cube(), "parameters.mask.buffers", [{"values": [0], "dilate_m": 120}]))
    assert refusal.value.field == "parameters.mask.buffers.0.values"
