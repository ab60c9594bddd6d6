"""What a cube has published, as clients of cube-builder read it."""

from __future__ import annotations

from typing import Any

import pytest

from stratocube.state.activities import Work
from stratocube.state.items import StoredItem, compress
from stratocube.state.status import Step
from tests.unit.api.api_client import Client
from tests.unit.api.forms import cube_form, grid_form, start_form

TILES = ("000002", "001002")
PERIODS = (("2019-01-01", "2019-01-16"), ("2019-01-17", "2019-02-01"))


def _item(collection: str, tile: str, start: str, end: str, **changes: Any) -> StoredItem:
    item_id = f"{collection}_{tile}_{start.replace('-', '')}"
    folder = f"s2/v1/{tile[:3]}/{tile[3:]}/{start.replace('-', '/')}"
    document = {
        "id": item_id,
        "geometry": {"type": "Point", "coordinates": [-54, -12]},
        "assets": {"B04": {"href": f"./0a1b/{item_id}_B04.tif"}, "thumbnail": {"href": "./x.png"}},
        "links": [
            {"rel": "derived_from", "href": "https://stac.example.org/items/S2A", "title": "S2A"},
            {"rel": "derived_from", "href": "https://stac.example.org/items/S2B"},
            {"rel": "collection", "href": "../collection.json"},
        ],
    }
    west = -54.5 if tile == TILES[0] else -53.4
    facts: dict[str, Any] = {
        "collection": collection,
        "item_id": item_id,
        "cube_id": "S2-16D-1",
        "tile": tile,
        "start": f"{start}T00:00:00Z",
        "end": f"{end}T23:59:59Z",
        "datetime": f"{start}T00:00:00Z",
        "bbox": (west, -12.5, west + 0.9, -11.6),
        "key": f"{folder}/{item_id}.json",
        "thumbnail": f"{folder}/{item_id}.png",
        "cloud_cover": 12.5,
        "clear_ratio": 80.0,
        "created": "2026-08-10T12:00:00Z",
        "updated": "2026-08-10T12:00:00Z",
        "identity": "abc",
        "empty": False,
        "compressed": compress(document),
    }
    return StoredItem(**(facts | changes))


@pytest.fixture
def published(client: Client) -> Client:
    assert client.post("/create-grids", grid_form()).status == 201
    assert client.post("/cubes", cube_form()).status == 201
    for tile in TILES:
        for start, end in PERIODS:
            client.services.items.put(_item("S2-16D-1", tile, start, end), collection_key="s2-16d/v1/collection.json")
    for day in ("2019-01-05", "2019-01-20"):
        client.services.items.put(_item("S2-1", TILES[0], day, day), collection_key="s2/v1/collection.json")
    return client


def _names(client: Client, query: str) -> list[tuple[str, str]]:
    body = client.get(f"/cubes/S2-16D-1/items{query}").body
    return [(item["tile_id"], item["start_date"][:10]) for item in body["items"]]


def test_items_have_the_fields_of_cube_builder(published: Client) -> None:
    body = published.get("/cubes/S2-16D-1/items?per_page=1").body

    (item,) = body["items"]
    bucket = published.services.products.bucket
    name = "S2-16D-1_000002_20190101"
    assert item == {
        "id": name,
        "name": name,
        "title": name,
        "collection_id": "S2-16D-1",
        "tile_id": "000002",
        "cloud_cover": 12.5,
        "start_date": "2019-01-01T00:00:00Z",
        "end_date": "2019-01-16T23:59:59Z",
        "srid": 100001,
        "geom": {"type": "Point", "coordinates": [-54, -12]},
        "bbox": [-54.5, -12.5, -53.6, -11.6],
        "quicklook": f"{bucket}/s2/v1/000/002/2019/01/01/{name}.png",
        "href": f"s3://{bucket}/s2/v1/000/002/2019/01/01/{name}.json",
        "_metadata": {
            "identity": "abc",
            "clear_ratio": 80.0,
            "empty": False,
            "created": "2026-08-10T12:00:00Z",
            "updated": "2026-08-10T12:00:00Z",
        },
    }
    assert {name: body[name] for name in body if name not in ("items", "links")} == {
        "page": 1,
        "per_page": 1,
        "total_items": 4,
        "total_pages": 4,
        "all_counted": True,
    }


def test_items_come_in_numbered_pages(published: Client) -> None:
    first = published.get("/cubes/S2-16D-1/items?per_page=3").body
    link = next(link["href"] for link in first["links"] if link["rel"] == "next")
    second = published.get(link.partition("/v1")[2]).body

    assert [len(first["items"]), len(second["items"])] == [3, 1]
    assert len({item["id"] for item in first["items"] + second["items"]}) == 4
    assert "next" not in {link["rel"] for link in second["links"]}
    assert published.get("/cubes/S2-16D-1/items?page=9").body["items"] == []
    assert published.get("/cubes/S2-16D-1/items?per_page=10000").body["per_page"] == 1000


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?tiles=001002", [("001002", "2019-01-01"), ("001002", "2019-01-17")]),
        ("?tiles=001002,000002&start=2019-01-20", [("001002", "2019-01-17"), ("000002", "2019-01-17")]),
        ("?end=2019-01-16&tiles=000002", [("000002", "2019-01-01")]),
        ("?start=2019-01-16&end=2019-01-16", [("000002", "2019-01-01"), ("001002", "2019-01-01")]),
        ("?bbox=-53.3,-12,-53.2,-11.9&end=2019-01-02", [("001002", "2019-01-01")]),
        ("?bbox=10,10,11,11", []),
    ],
)
def test_items_are_chosen_by_tile_time_and_place(published: Client, query: str, found: list[tuple[str, str]]) -> None:
    assert _names(published, query) == found


@pytest.mark.parametrize(
    ("query", "field"), [("?bbox=1,2,3", "bbox"), ("?start=soon", "start"), ("?page=0", "page"), ("?tile=1", "tile")]
)
def test_a_bad_choice_names_the_parameter(published: Client, query: str, field: str) -> None:
    reply = published.get(f"/cubes/S2-16D-1/items{query}")

    assert (reply.status, reply.body["errors"][0]["field"]) == (400, field)


def test_tiles_with_items_and_their_outlines_come_in_pages(published: Client) -> None:
    first = published.get("/cubes/S2-16D-1/tiles?limit=1")

    assert (first.body, "next=000002" in first.headers["Link"]) == (["000002"], True)
    assert published.get("/cubes/S2-16D-1/tiles?next=000002").body == ["001002"]
    outlines = published.get("/cubes/S2-16D-1/tiles/geom").body
    assert [(outline["type"], outline["id"], outline["geometry"]["type"]) for outline in outlines] == [
        ("Feature", "000002", "Polygon"),
        ("Feature", "001002", "Polygon"),
    ]


def test_items_count_in_the_status_of_a_cube(published: Client) -> None:
    status = published.get("/cube-status?cube_name=S2-16D-1").body

    assert (status["collection_item"], status["done"], status["counted_builds"]) == (4, 0, 0)


def test_merges_are_listed_by_date_with_what_failed(published: Client) -> None:
    published.post("/start", start_form())
    unit = "000002_2019-01-17_2019-02-01"
    for tile, day, cause in (
        ("000002", "2019-01-22", "https://a/b.tif: 404"),
        ("001002", "2019-01-22", "elsewhere"),
        ("000002", "2019-03-01", "later"),
    ):
        work = Work(f"{tile}{day}", Step.MERGE, "S2-16D-1", f"{unit.replace('000002', tile)} {day} B08")
        kwargs = {"holder": "me", "now": "2026-08-10T12:00:00.000000Z"}
        published.services.activities.claim(work, build_id="B1", now_epoch=0, lease_seconds=60, **kwargs)  # type: ignore[arg-type]  # texts
        published.services.activities.fail(work, error_type="SourceMissing", cause=cause, **kwargs)

    where = "cube_id=S2-16D-1&tile_id=000002&start_date=2019-01-01&end_date=2019-01-31"
    merges = published.get(f"/list-merges?{where}").body

    bucket = published.services.products.bucket
    assert list(merges) == ["2019-01-05", "2019-01-20", "2019-01-22"]
    assert merges["2019-01-05"] == {
        "bands": {
            "B04": {
                "merge": f"s3://{bucket}/s2/v1/000/002/2019/01/05/0a1b/S2-1_000002_20190105_B04.tif",
                "scenes": ["S2A", "https://stac.example.org/items/S2B"],
            }
        },
        "collections": ["S2_L2A-1"],
        "errors": [],
        "file": f"s3://{bucket}/s2/v1/000/002/2019/01/05/S2-1_000002_20190105.json",
    }
    assert merges["2019-01-22"]["bands"] == {"B08": {"merge": "", "scenes": []}}
    assert merges["2019-01-22"]["errors"] == [
        {"filename": "https://a/b.tif", "band": "B08", "step": "merge", "message": "https://a/b.tif: 404"}
    ]
    docs = "cubeId=S2-16D-1&tileId=000002&startDate=2019-01-01&endDate=2019-01-31"
    assert published.get(f"/list-merges?{docs}").body == merges
    assert published.get("/list-merges?cube_id=S2-16D-1&tile_id=000002").status == 400


def test_tiles_of_a_grid_are_chosen_by_place_and_by_id(published: Client) -> None:
    everything = published.get("/grids/BRAZIL_SM").body["tiles"]
    named = published.get("/grids/BRAZIL_SM?tiles=001002,000003,999999").body["tiles"]
    west, south, east, north = -54.5, -12.5, -54.4, -12.4
    near = published.get(f"/grids/BRAZIL_SM?bbox={west},{south},{east},{north}").body["tiles"]

    assert [tile["id"] for tile in named] == ["000003", "001002"]
    assert everything[0]["geom_wgs84"] == everything[0]["footprint"]
    assert 0 < len(near) < len(everything)
    (listed,) = published.get("/grids").body
    assert (listed["id"], listed["name"], listed["crs"][:9]) == ("BRAZIL_SM", "BRAZIL_SM", "+proj=aea")
    paged = published.get("/grids/BRAZIL_SM?bbox=-55,-13,-52,-11&limit=2").body
    link = next(link["href"] for link in paged["links"] if link["rel"] == "next")
    following = published.get(link.partition("/v1")[2]).body["tiles"]
    assert [tile["id"] for tile in paged["tiles"] + following] == [tile["id"] for tile in everything][
        : 2 + len(following)
    ]
