"""What is published is found and read by software that is not ours: pystac, pystac-client, odc-stac, a queue."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import odc.stac
import pystac
import pystac_client
import pytest
import rasterio

from stratocube.local.progress import BuildProgress
from stratocube.state.items import Items
from stratocube.storage.objects import ObjectStore
from stratocube.workflow.item_index import ItemIndex
from stratocube.workflow.item_topic import ItemTopic
from tests.stack.conftest import Application

pytestmark = pytest.mark.slow

CUBE = "CAT-10D-1"
DATES = "CAT-1"
TILES = ("000000", "000001")
FIRST, SECOND = "2023-08-10T00:00:00Z/2023-08-19T23:59:59Z", "2023-08-20T00:00:00Z/2023-08-29T23:59:59Z"
HEARD_SECONDS = 60.0
TIMELINE = {"schema": "Continuous", "step": 10, "unit": "day"}


class Subscriber:
    """A queue that hears of published and deleted composites of the cube, as an index of somebody else would."""

    def __init__(self, app: Application) -> None:
        self._sqs, sns = app.stack.client("sqs"), app.stack.client("sns")
        self._url = self._sqs.create_queue(QueueName="an-index-elsewhere")["QueueUrl"]
        topic = app.stack.outputs["ItemsTopic"]
        arn = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self._sqs.set_queue_attributes(QueueUrl=self._url, Attributes={"Policy": policy})
        sns.subscribe(
            TopicArn=topic,
            Protocol="sqs",
            Endpoint=arn,
            Attributes={"FilterPolicy": json.dumps({"collection": [CUBE]}), "RawMessageDelivery": "true"},
        )

    def heard(self, count: int) -> list[tuple[str, dict[str, Any]]]:
        """(event, item) of as many messages, and of those that come within a second after them."""
        found: list[tuple[str, dict[str, Any]]] = []
        deadline = time.monotonic() + HEARD_SECONDS
        while time.monotonic() < deadline:
            answer = self._sqs.receive_message(
                QueueUrl=self._url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], WaitTimeSeconds=1
            )
            for message in answer.get("Messages", []):
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
                found.append((message["MessageAttributes"]["event"]["StringValue"], json.loads(message["Body"])))
            if not answer.get("Messages") and len(found) >= count:
                break
        return found


@pytest.fixture(scope="module")
def subscriber(app: Application) -> Subscriber:
    return Subscriber(app)


@pytest.fixture(scope="module")
def built(app: Application, subscriber: Subscriber) -> BuildProgress:
    """Two tiles, two periods, and the dates they are made of; somebody listens."""
    cube = app.example("cube_lcf", datacube="CAT-10D", temporal_composition=TIMELINE)
    app.stack.call("POST", "/cubes", cube)
    request = app.example("start_lcf", datacube=CUBE, start_date="2023-08-10", end_date="2023-08-29")
    done = app.build(request)
    assert done.status == "SUCCEEDED", done.failed_units
    return done


@pytest.fixture(scope="module")
def catalog(app: Application, built: BuildProgress) -> pystac_client.Client:
    return pystac_client.Client.open(f"{app.stack.url}/stac", headers={"x-api-key": app.stack.api_key})


@pytest.fixture
def reading(app: Application) -> Iterator[None]:
    """GDAL, and boto3 for rasterio, read s3:// of the emulator."""
    emulator = app.stack.emulator
    with pytest.MonkeyPatch.context() as environment:
        for name, value in {
            "AWS_S3_ENDPOINT": emulator.url.removeprefix("http://"),
            "AWS_ACCESS_KEY_ID": emulator.access_key_id,
            "AWS_SECRET_ACCESS_KEY": emulator.secret_access_key,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_HTTPS": "NO",
            "AWS_VIRTUAL_HOSTING": "FALSE",
        }.items():
            environment.setenv(name, value)
        yield


def pages(search: pystac_client.ItemSearch) -> list[str]:
    return [item.id for item in search.items()]


def test_pystac_client_finds_collections_and_items(catalog: pystac_client.Client) -> None:
    collections = {collection.id: collection for collection in catalog.get_collections()}

    assert set(collections) >= {CUBE, DATES}
    assert len(list(collections[CUBE].get_items())) == 4
    item = collections[CUBE].get_item("CAT-10D_V1_000001_20230820")
    assert item is not None
    assert item.assets["B04"].href.startswith("s3://")
    collection = item.get_collection()
    assert collection is not None
    assert collection.id == CUBE


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_searches_page_through_all_they_find_once(catalog: pystac_client.Client, method: str) -> None:
    def found(**asked: Any) -> list[str]:
        ids = pages(catalog.search(method=method, limit=1, **asked))
        assert len(set(ids)) == len(ids)
        return sorted(ids)

    composites = [f"CAT-10D_V1_{tile}_202308{day}" for tile in TILES for day in ("10", "20")]
    assert found(collections=[CUBE]) == composites
    assert found(collections=[CUBE], datetime=FIRST) == [composites[0], composites[2]]
    assert found(collections=[CUBE], datetime="2023-08-25T00:00:00Z") == [composites[1], composites[3]]
    assert found(collections=[CUBE], datetime="2023-09-01T00:00:00Z/..") == []
    assert found(ids=[composites[3], "nobody's"]) == [composites[3]]
    assert set(found(collections=[CUBE, DATES])) > set(composites)
    north = next(catalog.search(ids=[composites[0]]).items())
    assert north.bbox is not None
    west, _, east, north_edge = north.bbox
    inner = [west + 0.1, north_edge - 0.02, west + 0.11, north_edge - 0.01]
    assert found(collections=[CUBE], bbox=inner) == composites[:2]
    point = {"type": "Point", "coordinates": [(west + east) / 2, north_edge - 0.02]}
    assert found(collections=[CUBE], intersects=point) == composites[:2]
    assert found(collections=[CUBE], bbox=[-60, -10, -59, -9]) == []


def test_odc_stac_loads_tiles_and_periods_with_the_values_of_the_cogs(
    catalog: pystac_client.Client, reading: None
) -> None:
    items = list(catalog.search(collections=[CUBE]).items())
    bands = ["B04", "NDVI", "PROVENANCE"]

    loaded = odc.stac.load(items, bands=bands, groupby="time")

    assert len(items) == 4
    assert loaded.sizes["time"] == 2
    looked_at = 0
    for item in items:
        moment = np.datetime64(item.datetime.replace(tzinfo=None)) if item.datetime else None
        for band in bands:
            with rasterio.open(item.assets[band].href) as dataset:
                values, transform = dataset.read(1), dataset.transform
                ys = [transform.f + transform.e * (row + 0.5) for row in range(dataset.height)]
                xs = [transform.c + transform.a * (column + 0.5) for column in range(dataset.width)]
            window = loaded[band].sel(time=moment).sel(y=ys, x=xs, method="nearest", tolerance=0.01).to_numpy()
            np.testing.assert_array_equal(window, values)
            looked_at += 1
    assert looked_at == 12


def test_the_static_catalog_leads_to_every_item(app: Application, catalog: pystac_client.Client) -> None:
    root = static_root(app)

    found = {child.id: sorted(item.id for item in child.get_items(recursive=True)) for child in root.get_children()}

    for collection in (CUBE, DATES):
        assert found[collection] == sorted(pages(catalog.search(collections=[collection])))
    assert {child.id for child in below(app, CUBE).get_children()} == {f"{CUBE}-{tile}" for tile in TILES}


def below(app: Application, collection: str) -> pystac.Catalog:
    """A collection of the static catalog."""
    found = static_root(app).get_child(collection)
    assert found is not None
    return found


def static_root(app: Application) -> pystac.Catalog:
    class Reader(pystac.StacIO):
        def read_text(self, source: Any, *_: Any, **__: Any) -> str:
            return app.read(str(source).removeprefix(f"s3://{app.cubes}/")).decode()

        def write_text(self, *_: Any, **__: Any) -> None:
            raise NotImplementedError

    return pystac.Catalog.from_file(f"s3://{app.cubes}/catalog.json", stac_io=Reader())


def test_subscribers_hear_of_each_item_once_and_of_its_end_and_a_build_makes_it_again(
    app: Application, subscriber: Subscriber, catalog: pystac_client.Client
) -> None:
    published = subscriber.heard(4)
    gone = "CAT-10D_V1_000001_20230820"
    assert sorted(item["id"] for _, item in published) == sorted(pages(catalog.search(collections=[CUBE])))
    assert {event for event, _ in published} == {"published"}
    item = next(item for _, item in published if item["id"] == gone)
    files = [asset["href"].removeprefix(f"s3://{app.cubes}/") for asset in item["assets"].values()]
    assert set(files) <= set(app.keys("cat-10d/"))

    path = f"/stac/collections/{CUBE}/items/{gone}"
    answer = app.stack.call("DELETE", path)

    assert answer == {"collection": CUBE, "id": gone, "deleted_files": len(files) + 1, "kept_files": 0}
    assert set(files) & set(app.keys("cat-10d/")) == set()
    assert app.stack.request("GET", path)[0] == 404
    assert gone not in pages(catalog.search(collections=[CUBE]))
    assert gone not in {item.id for item in below(app, CUBE).get_items(recursive=True)}
    assert [(event, item["id"]) for event, item in subscriber.heard(1)] == [("deleted", gone)]

    again = app.stack.call("POST", "/complete", {"cube_id": CUBE, "start_date": "2023-08-10", "end_date": "2023-08-29"})
    assert app.wait(again["build_id"]).status == "SUCCEEDED"

    assert app.stack.call("GET", path)["id"] == gone
    assert gone in {item.id for item in below(app, CUBE).get_items(recursive=True)}
    assert [(event, item["id"]) for event, item in subscriber.heard(1)] == [("published", gone)]


def test_an_item_is_not_deleted_while_a_build_makes_it(app: Application, built: BuildProgress) -> None:
    request = app.example("start_lcf", datacube=CUBE, start_date="2023-08-10", end_date="2023-08-19", force=True)
    build_id = app.stack.call("POST", "/start", request)["build_id"]

    status, body = app.stack.request("DELETE", f"/stac/collections/{CUBE}/items/CAT-10D_V1_000000_20230810")

    assert (status, build_id in body["detail"]) == (409, True)
    assert app.wait(build_id).status == "SUCCEEDED"


PUBLISHERS = 200
AT_ONCE = 40


def test_two_hundred_publishes_at_once_of_one_collection_leave_nothing_out(
    app: Application, built: BuildProgress, catalog: pystac_client.Client
) -> None:
    """Through the code that publishes, on two tiles of one collection, as many at once as connections go."""
    template = json.loads(app.read(next(key for key in app.keys("cat-10d/") if key.endswith("_20230810.json"))))
    store = ObjectStore(app.stack.client("s3"), app.cubes)
    collection = json.loads(app.read("cat-10d/v1/collection.json")) | {"id": "MANY-1"}
    store.put_json("many/v1/collection.json", collection)
    with pytest.MonkeyPatch.context() as environment:
        for name, value in {
            "AWS_ENDPOINT_URL": app.stack.emulator.url,
            "AWS_ACCESS_KEY_ID": app.stack.emulator.access_key_id,
            "AWS_SECRET_ACCESS_KEY": app.stack.emulator.secret_access_key,
        }.items():
            environment.setenv(name, value)
        index = ItemIndex(store, Items(app.stack.outputs["ItemsTable"], region="us-east-1"), ItemTopic())

        def publish(number: int) -> str:
            tile, day = TILES[number % 2], f"{2020 + number // 2 // 28}-01-{number // 2 % 28 + 1:02}"
            item = json.loads(json.dumps(template)) | {"id": f"MANY_V1_{tile}_{day}", "collection": "MANY-1"}
            moment = dict.fromkeys(("datetime", "start_datetime", "end_datetime"), f"{day}T00:00:00Z")
            item["properties"] |= {**moment, "bdc:tiles": [tile]}
            key = f"many/v1/{tile[:3]}/{tile[3:]}/{day.replace('-', '/')}/{item['id']}.json"
            store.put_json(key, item)
            index.publish(key, root="many/v1", cube_id=CUBE)
            return str(item["id"])

        began = time.monotonic()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            expected = sorted(pool.map(publish, range(PUBLISHERS)))
        seconds = time.monotonic() - began

    assert len(set(expected)) == PUBLISHERS
    assert sorted(pages(catalog.search(collections=["MANY-1"], limit=100))) == expected
    many = below(app, "MANY-1")
    assert sorted(item.id for item in many.get_items(recursive=True)) == expected
    assert [child.id for child in many.get_children()] == [f"MANY-1-{tile}" for tile in TILES]
    print(f"{PUBLISHERS} publishes in {seconds:.1f} s")
