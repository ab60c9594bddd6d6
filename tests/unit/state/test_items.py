"""The table of published items."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stratocube.errors import NotFound
from stratocube.state.items import Box, Items, StoredItem, boxes_touch, compress, sortable
from tests.unit.state.conftest import REGION

KEY = "cube/v1/collection.json"
MONTHS = ("2023-01", "2023-02", "2023-03", "2023-04")
LAST = {"2023-01": "31", "2023-02": "28", "2023-03": "31", "2023-04": "30"}


def item(
    tile: str, month: str, *, collection: str = "CUBE-1", bbox: Box | None = None, updated: str = "u1"
) -> StoredItem:
    column = int(tile[:3])
    item_id = f"CUBE_V1_{tile}_{month.replace('-', '')}01"
    return StoredItem(
        collection=collection,
        item_id=item_id,
        cube_id=collection,
        tile=tile,
        start=f"{month}-01T00:00:00Z",
        end=f"{month}-{LAST[month]}T23:59:59Z",
        datetime=f"{month}-01T00:00:00Z",
        bbox=bbox or (float(column), 0.0, column + 1.0, 1.0),
        key=f"cube/v1/{item_id}.json",
        thumbnail=None,
        cloud_cover=12.5,
        clear_ratio=87.5,
        created="2023-05-01T00:00:00Z",
        updated=updated,
        identity="abc",
        empty=False,
        compressed=compress({"id": item_id}),
    )


@pytest.fixture
def items(tables: dict[str, str]) -> Items:
    found = Items(tables["items_table"], region=REGION)
    for tile in ("001000", "002000", "003000"):
        for month in MONTHS:
            found.put(item(tile, month), collection_key=KEY)
    return found


def names(items: Items, **asked: object) -> list[str]:
    """What a search finds, all pages of it, as tile and month."""
    found: list[str] = []
    after: str | None = None
    while True:
        page = items.page("CUBE-1", limit=2, after=after, **asked)  # type: ignore[arg-type]  # of a test
        found += [f"{one.tile[:3]} {one.start[:7]}" for one in page.items]
        after = page.next_after
        if after is None:
            return found


def test_an_item_comes_back_as_it_was_put(items: Items) -> None:
    found = items.get("CUBE-1", "CUBE_V1_002000_20230301")

    assert found == item("002000", "2023-03")
    assert found.document == {"id": "CUBE_V1_002000_20230301"}


def test_an_item_nobody_put_is_not_found(items: Items) -> None:
    with pytest.raises(NotFound):
        items.get("CUBE-1", "CUBE_V1_002000_20230302")
    with pytest.raises(NotFound):
        items.collection("CUBE-2")
    assert items.page("CUBE-2", limit=5).items == ()


def test_an_item_put_twice_is_there_once_as_it_was_put_last(items: Items) -> None:
    items.put(item("001000", "2023-01", updated="u2"), collection_key=KEY)

    assert names(items).count("001 2023-01") == 1
    assert items.get("CUBE-1", "CUBE_V1_001000_20230101").updated == "u2"


def test_a_collection_comes_in_order_of_time(items: Items) -> None:
    assert names(items) == [f"{tile} {month}" for month in MONTHS for tile in ("001", "002", "003")]


def test_a_tile_comes_in_order_of_time(items: Items) -> None:
    assert names(items, tile="002000") == [f"002 {month}" for month in MONTHS]


@pytest.mark.parametrize("tile", [None, "001000"])
def test_what_reaches_into_a_time_is_found_though_it_begins_before(items: Items, tile: str | None) -> None:
    found = names(items, tile=tile, start="2023-02-14T00:00:00Z", end="2023-03-01T00:00:00Z")

    assert [name for name in found if name.startswith("001")] == ["001 2023-02", "001 2023-03"]


def test_both_ends_of_a_time_belong_to_it(items: Items) -> None:
    assert names(items, tile="001000", start="2023-01-31T23:59:59Z", end="2023-02-01T00:00:00Z") == [
        "001 2023-01",
        "001 2023-02",
    ]
    assert names(items, tile="001000", start="2023-01-31T23:59:59.5Z", end="2023-01-31T23:59:59.9Z") == []


def test_a_box_finds_the_tiles_it_touches(items: Items) -> None:
    assert names(items, bbox=(2.5, 0.5, 2.6, 0.6), start="2023-04-02T00:00:00Z") == ["002 2023-04"]
    assert names(items, bbox=(2.0, 0.5, 2.6, 0.6), end="2023-01-01T00:00:00Z") == ["001 2023-01", "002 2023-01"]
    assert names(items, bbox=(7.0, 0.5, 8.0, 0.6)) == []


def test_a_box_over_more_tiles_than_are_asked_one_by_one_finds_the_same(
    items: Items, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = names(items, bbox=(1.2, 0.0, 2.6, 1.0))
    monkeypatch.setattr("stratocube.state.items._MOST_TILES", 1)

    many = names(items, bbox=(1.2, 0.0, 2.6, 1.0))

    assert sorted(many) == sorted(few)
    assert len(few) == 8


def test_a_retired_item_is_shown_no_more_and_goes_for_good(items: Items) -> None:
    gone = item("001000", "2023-01")
    items.retire(gone)

    assert "001 2023-01" not in names(items)
    assert gone.item_id not in dict(items.of_tile("CUBE-1", "001000"))
    with pytest.raises(NotFound):
        items.get("CUBE-1", gone.item_id)
    assert items.get("CUBE-1", gone.item_id, retired=True) == gone
    items.delete(gone)
    items.delete(gone)
    with pytest.raises(NotFound):
        items.get("CUBE-1", gone.item_id, retired=True)


def test_an_item_that_was_published_again_is_not_deleted(items: Items) -> None:
    again = item("001000", "2023-01")
    items.retire(again)
    items.put(again, collection_key=KEY)

    items.delete(again)

    assert items.get("CUBE-1", again.item_id) == again


def test_who_was_told_of_an_item_was_told_of_this_version(items: Items) -> None:
    first = item("001000", "2023-01")
    assert items.state(first) == ("abc u1", None)
    items.told(first)
    assert items.state(first) == ("abc u1", "abc u1")
    items.put(item("001000", "2023-01", updated="u2"), collection_key=KEY)
    assert items.state(first) == ("abc u2", None)


def test_no_row_is_made_by_noting_something_of_an_item_that_is_not_there(items: Items) -> None:
    stranger = item("009000", "2023-01")
    items.told(stranger)
    items.retire(stranger)

    assert items.state(stranger) == (None, None)
    assert names(items, tile="009000") == []


def test_collections_are_listed_with_the_longest_time_of_an_item(items: Items) -> None:
    items.put(item("001000", "2023-02", collection="ANOTHER-1"), collection_key="another/v1/collection.json")

    found = items.collections(limit=10)

    assert [(one.collection, one.longest.days) for one in found] == [("ANOTHER-1", 27), ("CUBE-1", 30)]
    assert [one.collection for one in items.collections(limit=1, after="ANOTHER-1")] == ["CUBE-1"]


LONGITUDES = st.integers(-180, 180).map(float)
BOXES = st.tuples(LONGITUDES, st.integers(-9, 0).map(float), LONGITUDES, st.integers(0, 9).map(float))


@given(BOXES, BOXES)
@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
def test_boxes_touch_where_they_share_a_degree(one: Box, other: Box) -> None:
    def degrees(box: Box) -> set[int]:
        west, east = int(box[0]), int(box[2])
        return set(range(west, east + 1)) if west <= east else set(range(west, 181)) | set(range(-180, east + 1))

    assert boxes_touch(one, other) == bool(degrees(one) & degrees(other))
    assert boxes_touch(one, other) == boxes_touch(other, one)


@given(st.datetimes(), st.datetimes())
@settings(max_examples=100)
def test_moments_sort_as_text(one: object, other: object) -> None:
    assert (sortable(f"{one}") <= sortable(f"{other}")) == (one <= other)  # type: ignore[operator]  # datetimes both
