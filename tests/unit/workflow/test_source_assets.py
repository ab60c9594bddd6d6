"""A source of a merge task: what decides its identity, and what is refused of it."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest

from stratocube.errors import InvalidRequest
from stratocube.workflow.events import merge_task_of
from stratocube.workflow.tasks import SourceAsset

SOURCE = SourceAsset(
    scene_id="S-1",
    collection="s2",
    href="https://files.example.org/red.tif",
    version="",
    dataset="sentinel-2a",
    nodata=0,
    scale=1.0,
    offset=-1000.0,
    file_band=1,
    acquired="2023-08-15T10:00:00Z",
    platform="sentinel-2a",
    item_href="",
)


def test_how_numbers_are_taken_is_part_of_the_identity() -> None:
    assert replace(SOURCE, offset=None, scale=None).identifying() != SOURCE.identifying()


def test_where_a_file_is_read_and_what_is_told_of_it_is_not() -> None:
    told = replace(SOURCE, read_href="s3://files/red.tif", reader_pays=True, provider="x", offset_state="in pixels")
    assert told.identifying() == SOURCE.identifying()


def test_a_task_of_before_these_fields_is_still_read() -> None:
    old = {name: value for name, value in asdict(SOURCE).items() if name not in {"read_href", "provider", "may_hold"}}
    assert SourceAsset.from_json(old) == SOURCE


@pytest.mark.parametrize("field", ["scale", "offset", "may_hold"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), "nan"])
def test_a_number_that_is_none_is_refused_with_its_field(field: str, value: object) -> None:
    event = {
        "build_id": "b1",
        "unit_id": "000000_2023-08-01_2023-08-31",
        "date": "2023-08-15",
        "band": "B04",
        "activity_id": "a" * 64,
        "key": "small/a.tif",
        "sources": [asdict(SOURCE) | {field: value}],
        "datasets": [],
    }
    with pytest.raises(InvalidRequest) as caught:
        merge_task_of(event)
    assert caught.value.field == f"sources.0.{field}"
