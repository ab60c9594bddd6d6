"""``/stac`` as a client sees it."""

from __future__ import annotations

import json
from dataclasses import MISSING, fields
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from stratocube.api.services import Services
from stratocube.api.stac_search import box_of, interval
from stratocube.errors import InvalidRequest
from stratocube.settings import Settings
from stratocube.state.items import StoredItem
from stratocube.workflow.item_index import stored_item
from stratocube.workflow.item_topic import ItemTopic
from tests.aws_tables import REGION
from tests.unit.api.api_client import Client, Reply
from tests.unit.workflow.small_build import CUBE
from tests.unit.workflow.test_item_index import ROOT, document, key_of

DAYS = ("0801", "0901", "1001")


@pytest.fixture
def stac(client: Client) -> Client:
    """Three items of one tile, in the table; their collection in the bucket."""
    for day in DAYS:
        item = document(day)
        client.services.items.put(stored(item), collection_key=f"{ROOT}/collection.json")
    client.services.products.put_json(
        f"{ROOT}/collection.json",
        {"type": "Collection", "id": CUBE, "links": [{"rel": "child", "href": "./000/001/catalog.json"}]},
    )
    return client


def stored(item: dict[str, Any]) -> StoredItem:
    return stored_item(item, key_of(item), CUBE)


def ids(reply: Reply) -> list[str]:
    assert reply.status == 200, reply.body
    return [item["id"][-4:] for item in reply.body["features"]]


def link(reply: Reply, rel: str) -> dict[str, Any] | None:
    return next((found for found in reply.body["links"] if found["rel"] == rel), None)


def followed(client: Client, found: dict[str, Any]) -> Reply:
    """Where a link leads, as a client of HTTP goes there."""
    parts = urlsplit(found["href"])
    path = parts.path[parts.path.index("/stac") :] + (f"?{parts.query}" if parts.query else "")
    if found.get("method") == "POST":
        return client.post(path, found["body"])
    return client.get(path)


def test_the_landing_page_leads_to_what_it_declares(stac: Client) -> None:
    landing = stac.get("/stac")

    assert landing.body["conformsTo"] == stac.get("/stac/conformance").body["conformsTo"]
    for rel in ("self", "root", "data", "search"):
        found = link(landing, rel)
        assert found is not None
        assert followed(stac, found).status == 200


def test_collections_and_items_are_given_with_absolute_hrefs(stac: Client) -> None:
    (collection,) = stac.get("/stac/collections").body["collections"]
    item = stac.get(f"/stac/collections/{CUBE}/items/{document('0801')['id']}")

    assert collection == stac.get(f"/stac/collections/{CUBE}").body
    assert {found["rel"] for found in collection["links"]} == {"self", "root", "parent", "items"}
    assert item.headers["Content-Type"] == "application/geo+json"
    folder = key_of(document("0801")).rpartition("/")[0]
    assert item.body["assets"]["B04"]["href"] == f"s3://products/{folder}/i1/{item.body['id']}_B04.tif"
    assert all(found["href"].startswith("http") for found in item.body["links"])
    assert followed(stac, link(item, "collection") or {}).body == collection


@pytest.mark.parametrize(
    "path",
    [f"/stac/collections/{CUBE}/items?limit=1", f"/stac/search?limit=1&collections={CUBE}", "/stac/search?limit=1"],
)
def test_links_lead_through_all_pages_of_a_query(stac: Client, path: str) -> None:
    reply, found = stac.get(path), []
    while True:
        found += ids(reply)
        following = link(reply, "next")
        if following is None:
            break
        reply = followed(stac, following)

    assert found == list(DAYS)


def test_links_lead_through_all_pages_of_a_body_and_keep_its_restrictions(stac: Client) -> None:
    reply = stac.post("/stac/search", {"limit": 1, "datetime": "2023-08-15T00:00:00Z/2023-09-15T00:00:00Z"})
    following = link(reply, "next")
    assert following is not None
    last = followed(stac, following)

    assert ids(reply) + ids(last) == ["0801", "0901"]
    assert link(last, "next") is None


def test_pages_of_ids_go_through_all_of_them_once(stac: Client) -> None:
    names = [document(day)["id"] for day in DAYS]
    first = stac.get(f"/stac/search?limit=2&ids={','.join(names)},nobody")
    following = link(first, "next")
    assert following is not None

    assert ids(first) + ids(followed(stac, following)) == list(DAYS)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"bbox": [14.5, 45.5, 14.6, 45.6]}, 3),
        ({"bbox": [14.5, 45.5, 0, 14.6, 45.6, 100]}, 3),
        ({"bbox": [170, 40, -170, 50]}, 0),
        ({"bbox": [16, 45.5, 17, 45.6]}, 0),
        ({"intersects": {"type": "Point", "coordinates": [14.5, 45.5]}}, 3),
        ({"intersects": {"type": "Point", "coordinates": [15.5, 45.5]}}, 0),
        ({"collections": ["nobody"]}, 0),
        ({"ids": [document("0801")["id"]], "datetime": "2024-01-01T00:00:00Z"}, 0),
        ({"ids": [document("0801")["id"]], "bbox": [16, 45, 17, 46]}, 0),
        ({"ids": [document("0801")["id"]], "collections": [CUBE]}, 1),
    ],
)
def test_restrictions_hold_in_a_body_and_in_a_query(stac: Client, asked: dict[str, Any], found: int) -> None:
    def text(value: Any) -> str:
        if isinstance(value, dict):
            return json.dumps(value)
        return ",".join(str(one) for one in value) if isinstance(value, list) else value

    query = "&".join(f"{name}={quote(text(value))}" for name, value in asked.items())

    assert len(ids(stac.post("/stac/search", asked))) == found
    assert len(ids(stac.get(f"/stac/search?{query}"))) == found


def test_a_collection_is_searched_with_its_own_name_and_not_with_another(stac: Client) -> None:
    assert len(ids(stac.get(f"/stac/collections/{CUBE}/items?collections={CUBE}"))) == len(DAYS)
    assert ids(stac.get(f"/stac/collections/{CUBE}/items?collections=other")) == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"bbox": [1, 2, 3]}, "bbox"),
        ({"bbox": [1, 50, 2, 40]}, "bbox"),
        ({"bbox": [1, 2, 3, "x"]}, "bbox"),
        ({"datetime": "2023-08-01"}, "datetime"),
        ({"limit": 0}, "limit"),
        ({"limit": "5"}, "limit"),
        ({"ids": "one"}, "ids"),
        ({"collections": [1]}, "collections"),
        ({"intersects": {"type": "Nothing"}}, "intersects"),
        ({"intersects": {"type": "Polygon", "coordinates": []}}, "intersects"),
        ({"intersects": {"type": "Point", "coordinates": [1, 1]}, "bbox": [0, 0, 1, 1]}, "intersects"),
        ({"token": "made up"}, "token"),
        ({"filter": "eo:cloud_cover < 5"}, "filter"),
    ],
)
def test_a_search_that_makes_no_sense_is_refused_by_field(stac: Client, body: dict[str, Any], field: str) -> None:
    reply = stac.post("/stac/search", body)

    assert (reply.status, reply.body["errors"][0]["field"]) == (400, field)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2023-08-01T00:00:00Z", ("2023-08-01T00:00:00+00:00",) * 2),
        ("2023-08-01t00:00:00z/..", ("2023-08-01T00:00:00+00:00", None)),
        ("/2023-08-01T00:00:00+02:00", (None, "2023-08-01T00:00:00+02:00")),
    ],
)
def test_times_are_moments_or_intervals(text: str, expected: tuple[str | None, str | None]) -> None:
    assert interval(text) == expected


@pytest.mark.parametrize(
    "text", ["", "..", "../..", "/", "2023-08-01T00:00:00", "2024-01-01T00:00:00Z/2023-01-01T00:00:00Z"]
)
def test_other_texts_are_no_times(text: str) -> None:
    with pytest.raises(InvalidRequest):
        interval(text)


def test_a_box_across_180_degrees_is_one() -> None:
    assert box_of([170, -5, -170, 5]) == (170.0, -5.0, -170.0, 5.0)


@pytest.mark.parametrize(
    "path", ["/stac/collections/nobody", "/stac/collections/nobody/items", f"/stac/collections/{CUBE}/items/x"]
)
def test_what_is_not_there_is_not_found(stac: Client, path: str) -> None:
    assert stac.get(path).status == 404


def test_a_deleted_item_is_found_no_more(stac: Client) -> None:
    path = f"/stac/collections/{CUBE}/items/{document('0901')['id']}"

    reply = stac.send("DELETE", path)

    assert (reply.status, reply.body["id"]) == (200, document("0901")["id"])
    assert stac.get(path).status == 404
    assert stac.send("DELETE", path).status == 404
    assert ids(stac.get("/stac/search")) == ["0801", "1001"]


def test_the_stack_that_the_settings_name_tells_its_topic() -> None:
    required = {f"STRATOCUBE_{field.name.upper()}": "x" for field in fields(Settings) if field.default is MISSING}
    settings = Settings.from_env(required | {"STRATOCUBE_ITEMS_TOPIC": "arn:topic", "STRATOCUBE_ITEMS_TABLE": "items"})

    assert Services.of_stack(settings, region=REGION).item_index.topic == ItemTopic("arn:topic", REGION)
