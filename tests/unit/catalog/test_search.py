"""Search of static item collections."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from stratocube.catalog.scenes import Scene
from stratocube.catalog.search import StaticSource, search
from stratocube.errors import InvalidRequest, TransientRead

from .recorded import make_item, recorded, square

HREF = "s3://scenes/items.json"


def source_of(document: object) -> StaticSource:
    text = document if isinstance(document, bytes) else json.dumps(document).encode()
    return StaticSource(HREF, {HREF: text}.__getitem__)


def found_in(items: list[dict[str, Any]], **changes: Any) -> list[Scene]:
    return search(
        source_of({"type": "FeatureCollection", "features": items}),
        **{
            "collections": ["s2"],
            "footprint": square(10, 45),
            "start": date(2023, 8, 1),
            "end": date(2023, 8, 31),
            "longitude": 10.5,
            "check_href": lambda _: None,
            **changes,
        },
    )


def ids(scenes: list[Scene]) -> list[str]:
    return [scene.id for scene in scenes]


def test_the_demo_tile_finds_both_scenes_of_a_date() -> None:
    scenes = found_in(
        recorded("slovenia_items")["features"],
        collections=["s2-l2a-slovenia-west"],
        footprint=square(15.1, 45.5),
        start=date(2023, 8, 15),
        end=date(2023, 8, 15),
        longitude=15.6,
    )
    assert ids(scenes) == ["S2A_33TWM_20230815_0_L2A", "S2A_33TWL_20230815_0_L2A"]
    assert scenes[0].asset_for("SCL").href == ("s3://scenes/S2A_33TWM_20230815_0_L2A/S2A_33TWM_20230815_0_L2A_SCL.tif")


def test_scenes_outside_the_footprint_are_not_found() -> None:
    items = [make_item("in"), make_item("beside", geometry=square(11, 45)), make_item("far", geometry=square(50, 0))]
    assert ids(found_in(items)) == ["in"]


def test_scenes_of_other_collections_are_not_found() -> None:
    assert ids(found_in([make_item("a"), make_item("b", collection="landsat"), make_item("c", collection=None)])) == [
        "a"
    ]


def test_an_item_of_another_collection_may_be_malformed() -> None:
    assert ids(found_in([make_item("a"), make_item("b", collection="x", assets=None)])) == ["a"]


def test_the_window_is_counted_in_solar_days_and_closed() -> None:
    moments = {
        "too early": "2023-07-31T13:59:00Z",
        "first": "2023-07-31T14:00:00Z",
        "last": "2023-08-31T13:59:00Z",
        "too late": "2023-08-31T14:00:00Z",
    }
    items = [make_item(name, geometry=square(150, 45), properties={"datetime": at}) for name, at in moments.items()]
    assert ids(found_in(items, footprint=square(150, 45), longitude=150)) == ["first", "last"]


def test_scenes_come_in_order_of_acquisition() -> None:
    items = [make_item(str(day), properties={"datetime": f"2023-08-{day}T10:00:00Z"}) for day in (20, 11, 15)]
    assert ids(found_in(items)) == ["11", "15", "20"]


def test_of_two_items_with_one_id_the_newest_stays() -> None:
    def version(updated: str | None, baseline: str) -> dict[str, Any]:
        return make_item("a", properties={"updated": updated, "s2:processing_baseline": baseline})

    old, new = version("2023-08-20T00:00:00Z", "05.00"), version("2023-09-01T00:00:00Z", "05.09")
    undated = version(None, "05.10")
    for items in ([old, new, undated], [undated, new, old]):
        assert [scene.processing_baseline for scene in found_in(items)] == ["05.09"]


def test_one_id_in_two_collections_stays_two_scenes() -> None:
    scenes = found_in([make_item("a", collection="s2"), make_item("a", collection="c1")], collections=["s2", "c1"])
    assert [scene.key for scene in scenes] == ["c1/a", "s2/a"]


def test_properties_filter_items() -> None:
    items = [make_item(str(n), properties={"eo:cloud_cover": n}) for n in (10, 90)]
    assert ids(found_in(items, query={"eo:cloud_cover": {"lt": 60}})) == ["10"]


def test_a_single_item_is_a_source_too() -> None:
    found = search(
        source_of(make_item("a")),
        collections=["s2"],
        footprint=square(10, 45),
        start=date(2023, 8, 1),
        end=date(2023, 8, 31),
        longitude=10,
        check_href=lambda _: None,
    )
    assert ids(found) == ["a"]


def test_a_footprint_over_the_antimeridian_finds_scenes_on_both_sides() -> None:
    items = [
        make_item("west", geometry=square(178.5, 0)),
        make_item("east", geometry=square(-179.5, 0)),
        make_item("far"),
    ]
    ring = [[179, 0], [-179, 0], [-179, 1], [179, 1], [179, 0]]
    scenes = found_in(items, footprint={"type": "Polygon", "coordinates": [ring]}, longitude=180)
    assert sorted(ids(scenes)) == ["east", "west"]


def test_the_document_is_read_only_where_allowed() -> None:
    def refuse(href: str) -> None:
        raise InvalidRequest(f"no {href}")

    with pytest.raises(InvalidRequest, match=f"no {HREF}"):
        found_in([], check_href=refuse)


def test_a_read_that_fails_stays_what_it_is() -> None:
    def fails(href: str) -> bytes:
        raise TransientRead(href, "slow down")

    with pytest.raises(TransientRead, match="slow down"):
        search(
            StaticSource(HREF, fails),
            collections=["s2"],
            footprint=square(10, 45),
            start=date(2023, 8, 1),
            end=date(2023, 8, 31),
            longitude=10,
            check_href=lambda _: None,
        )


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (b"<html>", "s3://scenes/items.json is no JSON"),
        (b"\xff\xfe\x00", "s3://scenes/items.json is no JSON"),
        ([], "is no item collection .list."),
        ({"type": "Collection", "links": []}, "is no item collection .Collection.: give the address"),
        ({"type": "FeatureCollection"}, "is no item collection"),
        ({"type": "FeatureCollection", "features": [1]}, "features.0: s3://scenes/items.json has something there"),
        ({"type": "FeatureCollection", "features": [make_item("a", assets=1)]}, r"assets: must be .* \(item a\)"),
    ],
)
def test_a_malformed_document_is_refused_with_its_address(document: object, message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        search(
            source_of(document),
            collections=["s2"],
            footprint=square(10, 45),
            start=date(2023, 8, 1),
            end=date(2023, 8, 31),
            longitude=10,
            check_href=lambda _: None,
        )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"collections": []}, "collections: name at least one"),
        ({"end": date(2023, 7, 31)}, "end: 2023-07-31 is before the start"),
        ({"footprint": {"type": "Point", "coordinates": [1, 1]}}, "footprint: must be a GeoJSON Polygon"),
        ({"query": {"a": 1}}, "query.a"),
    ],
)
def test_a_search_that_means_nothing_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        found_in([], **changes)


def test_the_source_does_not_show_its_function() -> None:
    assert repr(source_of({})) == f"StaticSource(href='{HREF}')"
