"""Published items are found: their rows, the static catalog, the messages; and are deleted without a trace."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pystac
import pytest

from stratocube.errors import Conflict, NotFound
from stratocube.state.items import Items, StoredItem
from stratocube.state.unsettled import Unsettled
from stratocube.storage.objects import ObjectStore
from stratocube.workflow.context import Stack
from stratocube.workflow.item_deletion import Deleted, delete_item
from stratocube.workflow.item_index import ItemIndex
from stratocube.workflow.item_topic import Event, ItemTopic
from tests.unit.workflow.conftest import REGION
from tests.unit.workflow.small_build import CUBE, CUBE_FORM, START

ROOT = "small-1m-lcf/v1"
TILE = "000001"


@dataclass(frozen=True)
class Told(ItemTopic):
    """A topic that remembers what it was told."""

    messages: list[tuple[str, str, str]] = field(default_factory=list)
    documents: list[Mapping[str, Any]] = field(default_factory=list)
    failure: list[Exception] = field(default_factory=list)

    def tell(self, event: Event, item: StoredItem, document: Mapping[str, Any], href: str) -> None:
        if self.failure:
            raise self.failure.pop()
        self.messages.append((event, item.item_id, href))
        self.documents.append(document)


def document(day: str, *, tile: str = TILE, identity: str = "i1", name: str = "SMALL-1M-LCF") -> dict[str, Any]:
    """An item as a publish writes it, as far as anybody here reads it."""
    item_id = f"{name}_V1_{tile}_2023{day}"
    file = f"./{identity}/{item_id}_B04.tif"
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": [],
        "id": item_id,
        "collection": CUBE,
        "geometry": {"type": "Polygon", "coordinates": [[[14, 45], [15, 45], [15, 46], [14, 46], [14, 45]]]},
        "bbox": [14.0, 45.0, 15.0, 46.0],
        "properties": {
            "datetime": f"2023-{day[:2]}-{day[2:]}T00:00:00Z",
            "start_datetime": f"2023-{day[:2]}-{day[2:]}T00:00:00Z",
            "end_datetime": f"2023-{day[:2]}-28T23:59:59Z",
            "created": "2026-01-01T00:00:00Z",
            "updated": "2026-01-01T00:00:00Z",
            "bdc:tiles": [tile],
            "stratocube:identity": identity,
            "stratocube:efficacy": 80.0,
            "eo:cloud_cover": 20.0,
        },
        "assets": {
            "B04": {"href": file, "roles": ["data"]},
            "thumbnail": {"href": file.replace("_B04.tif", ".png"), "roles": ["thumbnail"]},
        },
        "links": [
            {"rel": "collection", "href": "../../../../../collection.json"},
            {"rel": "derived_from", "href": "https://example.org/scene"},
        ],
    }


def key_of(item: Mapping[str, Any]) -> str:
    day, tile = item["id"][-4:], item["properties"]["bdc:tiles"][0]
    return f"{ROOT}/{tile[:3]}/{tile[3:]}/2023/{day[:2]}/{day[2:]}/{item['id']}.json"


@pytest.fixture
def index(stack: Stack) -> ItemIndex:
    items = Items(stack.settings.items_table, region=REGION)
    stack.cubes.create(CUBE, CUBE_FORM, now="t")
    stack.products.put_json(
        f"{ROOT}/collection.json",
        {
            "type": "Collection",
            "stac_version": "1.1.0",
            "id": CUBE,
            "description": "d",
            "license": "other",
            "extent": {"spatial": {"bbox": [[14, 45, 15, 46]]}, "temporal": {"interval": [[None, None]]}},
            "links": [{"rel": "license", "href": "https://example.org/license"}],
        },
    )
    return ItemIndex(stack.products, items, Told())


def told(index: ItemIndex) -> Told:
    assert isinstance(index.topic, Told)
    return index.topic


def put(index: ItemIndex, item: Mapping[str, Any]) -> str:
    """Put an item and its files into the bucket, as a publish does before it is indexed."""
    key = key_of(item)
    folder = key.rpartition("/")[0]
    for asset in item["assets"].values():
        index.products.put(folder + asset["href"][1:], b"pixels", content_type="image/tiff")
    index.products.put_json(key, item)
    return key


def publish(index: ItemIndex, item: Mapping[str, Any]) -> str:
    key = put(index, item)
    index.publish(key, root=ROOT, cube_id=CUBE)
    return key


def tree(index: ItemIndex) -> list[str]:
    """Ids of the items that pystac finds from the root of the static catalog, reading each of them."""

    class Reader(pystac.StacIO):
        def read_text(self, source: Any, *_: Any, **__: Any) -> str:
            return index.products.read(str(source).removeprefix("s3://cubes/")).decode()

        def write_text(self, *_: Any, **__: Any) -> None:
            raise NotImplementedError

    root = pystac.Catalog.from_file("s3://cubes/catalog.json", stac_io=Reader())
    found = []
    for item in root.get_items(recursive=True):
        parent = item.get_collection()
        assert parent is None or parent.id == CUBE
        found.append(item.id)
    return sorted(found)


def delete(stack: Stack, index: ItemIndex, item_id: str) -> Deleted:
    unsettled = Unsettled(stack.settings.builds_table, region=REGION)
    return delete_item(index, CUBE, item_id, builds=stack.builds, unsettled=unsettled, cubes=stack.cubes)


def test_a_published_item_is_found_by_its_row_and_through_the_static_catalog(index: ItemIndex) -> None:
    first, second = document("0801"), document("0901", tile="000002")
    key = publish(index, first)
    publish(index, second)

    found = index.items.get(CUBE, first["id"])

    assert (found.key, found.document, found.cloud_cover, found.clear_ratio) == (key, first, 20.0, 80.0)
    assert found.thumbnail == f"{key.rpartition('/')[0]}/i1/{first['id']}.png"
    assert tree(index) == [first["id"], second["id"]]


def test_a_collection_keeps_the_links_it_had(index: ItemIndex) -> None:
    publish(index, document("0801"))

    links = index.products.read_json(f"{ROOT}/collection.json")["links"]

    assert {(link["rel"], link["href"]) for link in links} == {
        ("root", "../../catalog.json"),
        ("parent", "../../catalog.json"),
        ("license", "https://example.org/license"),
        ("child", "./000/001/catalog.json"),
    }


def test_subscribers_are_told_once_of_each_version_and_of_assets_where_they_are(index: ItemIndex) -> None:
    item = document("0801")
    key = publish(index, item)
    index.publish(key, root=ROOT, cube_id=CUBE)
    publish(index, document("0801", identity="i2"))

    assert told(index).messages == [("published", item["id"], f"s3://cubes/{key}")] * 2
    sent = told(index).documents[1]
    assert sent["assets"]["B04"]["href"] == f"s3://cubes/{key.rpartition('/')[0]}/i2/{item['id']}_B04.tif"
    assert {link["rel"]: link["href"] for link in sent["links"]} == {
        "self": f"s3://cubes/{key}",
        "derived_from": "https://example.org/scene",
    }


def test_what_broke_off_after_the_row_is_done_by_the_next_publish(index: ItemIndex) -> None:
    told(index).failure.append(RuntimeError("SNS is away"))
    item = document("0801")
    with pytest.raises(RuntimeError):
        publish(index, item)
    index.products.delete("catalog.json")

    index.publish(key_of(item), root=ROOT, cube_id=CUBE)

    assert [event for event, *_ in told(index).messages] == ["published"]
    assert tree(index) == [item["id"]]


def test_a_catalog_that_was_lost_is_made_again_of_the_table(index: ItemIndex) -> None:
    items = [document("0801"), document("0901"), document("1001")]
    for item in items[:2]:
        publish(index, item)
    index.products.delete(f"{ROOT}/000/001/catalog.json")

    publish(index, items[2])

    assert tree(index) == sorted(item["id"] for item in items)


def test_the_row_is_of_the_item_that_was_written_last_whoever_indexes_it(
    index: ItemIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    item, later = document("0801"), document("0801", identity="i2")
    key = put(index, item)
    original = Items.put

    def overtaken(self: Items, stored: StoredItem, *, collection_key: str) -> None:
        """Between read and write of the row another build publishes and indexes the same item."""
        monkeypatch.setattr(Items, "put", original)
        publish(index, later)
        original(self, stored, collection_key=collection_key)

    monkeypatch.setattr(Items, "put", overtaken)

    index.publish(key, root=ROOT, cube_id=CUBE)

    assert index.items.get(CUBE, item["id"]).identity == "i2"


def test_who_loses_the_race_for_the_catalog_writes_what_both_have(
    index: ItemIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(index, document("0801"))
    original = ObjectStore.swap_json

    def raced(self: ObjectStore, key: str, value: Any, **rest: Any) -> None:
        monkeypatch.setattr(ObjectStore, "swap_json", original)
        publish(index, document("1001"))
        original(self, key, value, **rest)

    monkeypatch.setattr(ObjectStore, "swap_json", raced)

    publish(index, document("0901"))

    assert tree(index) == [document(day)["id"] for day in ("0801", "0901", "1001")]


def test_an_item_that_is_gone_again_is_not_indexed(index: ItemIndex) -> None:
    item = document("0801")
    index.publish(key_of(item), root=ROOT, cube_id=CUBE)

    with pytest.raises(NotFound):
        index.items.get(CUBE, item["id"])
    assert told(index).messages == []


def test_a_deleted_item_leaves_no_file_no_link_and_no_row(stack: Stack, index: ItemIndex) -> None:
    item, other = document("0801"), document("0901")
    publish(index, item)
    publish(index, other)

    deleted = delete(stack, index, item["id"])

    assert (deleted.files, deleted.kept) == (3, 0)
    assert [key for key in index.products.keys(ROOT) if "0801" in key or "/08/01/" in key] == []
    assert tree(index) == [other["id"]]
    assert [event for event, *_ in told(index).messages] == ["published", "published", "deleted"]
    with pytest.raises(NotFound):
        delete(stack, index, item["id"])


def test_files_that_another_item_names_stay(stack: Stack, index: ItemIndex) -> None:
    item = document("0801")
    key = publish(index, item)
    twin = {**item, "id": "TWIN", "assets": {"B04": item["assets"]["B04"]}}
    index.products.put_json(f"{key.rpartition('/')[0]}/TWIN.json", twin)

    deleted = delete(stack, index, item["id"])

    assert (deleted.files, deleted.kept) == (2, 1)
    assert [one.rpartition("/")[2] for one in index.products.keys(key.rpartition("/")[0])] == [
        "TWIN.json",
        f"{item['id']}_B04.tif",
    ]


def test_a_deletion_that_broke_off_is_ended_by_asking_again(stack: Stack, index: ItemIndex) -> None:
    item = document("0801")
    publish(index, item)
    told(index).failure.append(RuntimeError("SNS is away"))
    with pytest.raises(RuntimeError):
        delete(stack, index, item["id"])
    with pytest.raises(NotFound):
        index.items.get(CUBE, item["id"])

    delete(stack, index, item["id"])

    assert [event for event, *_ in told(index).messages] == ["published", "deleted"]
    assert tree(index) == []
    with pytest.raises(NotFound):
        index.items.get(CUBE, item["id"], retired=True)


@pytest.mark.parametrize(("tiles", "refused"), [([TILE], True), (["000009"], False)])
def test_an_item_that_a_build_under_way_makes_is_not_deleted(
    stack: Stack, index: ItemIndex, tiles: list[str], refused: bool
) -> None:
    item = document("0801")
    publish(index, item)
    stack.builds.create("b9", CUBE, {**START, "tiles": tiles}, now="t")

    if refused:
        with pytest.raises(Conflict, match="b9"):
            delete(stack, index, item["id"])
        assert tree(index) == [item["id"]]
    else:
        assert delete(stack, index, item["id"]).item_id == item["id"]


def test_a_large_item_is_told_of_by_where_it_is(stack: Stack, index: ItemIndex) -> None:
    sent: list[dict[str, Any]] = []

    class Client:
        def publish(self, **request: Any) -> None:
            sent.append(request)

    topic = ItemTopic("arn:aws:sns:us-east-1:000000000000:items", REGION)
    topic.__dict__["_client"] = Client()
    publish(index, document("0801"))
    item = index.items.get(CUBE, document("0801")["id"])

    topic.tell("published", item, {"id": item.item_id, "long": "é" * 130_000}, "s3://cubes/x.json")
    topic.tell("published", item, {"id": item.item_id}, "s3://cubes/x.json")

    assert [json.loads(request["Message"]) for request in sent] == [
        {"id": item.item_id, "collection": CUBE, "href": "s3://cubes/x.json"},
        {"id": item.item_id},
    ]
    assert {name: value.get("StringValue") for name, value in sent[0]["MessageAttributes"].items()} == {
        "event": "published",
        "collection": CUBE,
        "tile": TILE,
        "cube_id": CUBE,
        "datetime": "2023-08-01T00:00:00Z",
        "start_datetime": "2023-08-01T00:00:00Z",
        "end_datetime": "2023-08-28T23:59:59Z",
        "cloud_cover": "20",
    }
