"""Names: item ids, folders, formats that users write, and unit ids."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratocube.cube.naming import (
    UnitId,
    band_file,
    build_cube_path,
    composite_item_id,
    get_item_id,
    identity_item_id,
    item_folder,
    split_cube_id,
)
from stratocube.cube.timeline import Period
from stratocube.errors import InvalidRequest

PERIOD = Period(date(2026, 3, 6), date(2026, 3, 21))


def test_names_follow_the_convention_of_brazil_data_cube() -> None:
    item = composite_item_id("S2-16D", 2, "030019", PERIOD)
    assert item == "S2-16D_V2_030019_20260306"
    assert f"{item_folder('S2-16D', 2, '030019', PERIOD.start)}/{band_file(item, 'NDVI')}" == (
        "s2-16d/v2/030/019/2026/03/06/S2-16D_V2_030019_20260306_NDVI.tif"
    )
    assert identity_item_id("s2", 2, "030019", date(2026, 3, 9)) == "S2_V2_030019_20260309"


def test_a_unit_prints_and_parses() -> None:
    unit = UnitId("011009", Period(date(2023, 8, 1), date(2023, 8, 31)))
    assert str(unit) == "011009_2023-08-01_2023-08-31"
    assert UnitId.parse(str(unit)) == unit


@given(st.integers(0, 999), st.integers(0, 999), st.dates(date(1970, 1, 1)), st.dates(date(1970, 1, 1)))
def test_every_unit_survives_its_text(col: int, row: int, one: date, other: date) -> None:
    unit = UnitId(f"{col:03d}{row:03d}", Period(min(one, other), max(one, other)))
    assert UnitId.parse(str(unit)) == unit


@pytest.mark.parametrize(
    "text",
    ["", "011009", "011009_2023-08-01", "11009_2023-08-01_2023-08-31", "011009_2023-08-31_2023-08-01", "../x_y_z"],
)
def test_text_that_is_no_unit_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest):
        UnitId.parse(text)


@pytest.mark.parametrize(
    ("text", "name", "version"),
    [
        ("S2-16D-1", "S2-16D", 1),
        ("LC8-1M", "LC8-1M", None),
        ("S2", "S2", None),
        ("A-0", "A-0", None),
        ("A-12", "A", 12),
    ],
)
def test_a_cube_id_ends_in_its_version(text: str, name: str, version: int | None) -> None:
    assert split_cube_id(text) == (name, version)


@pytest.mark.parametrize(
    "form",
    [
        "{datacube.__class__}",
        "{datacube[0]}",
        "{datacube!r}",
        "{0}",
        "{}",
        "{datacube:{version}}",
        "{datacube:>9999}",
        "{datacube:>999}",
        "{datacube:d}",
        "{version:x}",
        "{datacube",
        "datacube}",
        "{nope}",
        "{datacube}\n",
        "x" * 1000,
    ],
)
def test_a_format_that_does_more_than_fill_in_names_is_refused(form: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        get_item_id("S2", 1, "011009", "2021-06-30", form=form)
    assert refusal.value.field == "format_item_cube"


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("{datacube:capitalize}", "S2-16d"),
        ("{version:03d}", "002"),
        ("{version_legacy}", "002"),
        ("{path}.{row}", "011.009"),
        ("{start_date}_{end_date}", "20210630_20210715"),
        ("{year}{month}{day}", "20210630"),
        ("{datacube:*^10}", "**S2-16D**"),
        ("{{{tile_id}}}", "{011009}"),
    ],
)
def test_a_format_fills_in_names_with_their_specification(form: str, expected: str) -> None:
    assert get_item_id("S2-16D", 2, "011009", "2021-06-30_2021-07-15", form=form) == expected


def test_values_are_put_in_once() -> None:
    assert get_item_id("a{version}b", 1, "011009", "2021-06-30", form="{datacube}") == "a{version}b"


@pytest.mark.parametrize("form", ["{prefix}/../{filename}", "{datacube}/./x"])
def test_a_path_does_not_lead_out_of_its_folder(form: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        build_cube_path("S2", "2021-06-30", "011009", 1, prefix="/data", format_path_cube=form)
    assert refusal.value.field == "format_path_cube"


@pytest.mark.parametrize("version", ["two", "-1", "1.5", ""])
def test_a_version_that_is_no_number_is_refused(version: str) -> None:
    with pytest.raises(InvalidRequest):
        get_item_id("S2", version, "011009", "2021-06-30")


@given(st.text(max_size=40), st.text(max_size=24), st.text(max_size=24))
def test_any_format_gives_a_name_or_a_refusal(form: str, datacube: str, day: str) -> None:
    for date_text in (day, "2021-06-30"):
        try:
            name = get_item_id(datacube, 1, "011009", date_text, form=form)
            path = build_cube_path(datacube, date_text, "011009", 1, format_path_cube=f"{{prefix}}/{form}")
        except InvalidRequest:
            continue
        assert 0 < len(name) <= 200
        assert ".." not in path.split("/")
