"""Search of a real STAC API server: stac-fastapi, with more items than fit ten thousand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest

from stratocube.catalog.footprints import polygon_of_bbox
from stratocube.catalog.search import search
from stratocube.catalog.stac_api import ApiSource
from tests.stac_fastapi_server import stac_fastapi

COUNT = 10_050
START = dt.datetime(2023, 1, 1, tzinfo=dt.UTC)
HERE = polygon_of_bbox((14.0, 46.0, 15.0, 47.0))


def item(number: int) -> dict[str, Any]:
    moment = START + dt.timedelta(minutes=10 * number, seconds=1)
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": f"scene-{number:05d}",
        "collection": "other" if number % 50 == 49 else "many",
        "geometry": polygon_of_bbox((14.2, 46.2, 14.8, 46.8)),
        "bbox": [14.2, 46.2, 14.8, 46.8],
        "properties": {"datetime": moment.isoformat(), "eo:cloud_cover": number % 100, "platform": "sentinel-2a"},
        "links": [],
        "assets": {"red": {"href": f"https://example.org/{number}.tif", "type": "image/tiff"}},
    }


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    far = {**item(COUNT), "id": "far", "geometry": polygon_of_bbox((100, 10, 101, 11)), "bbox": [100, 10, 101, 11]}
    with stac_fastapi([*map(item, range(COUNT)), far]) as url:
        yield url


def found(address: str, **changes: Any) -> list[str]:
    wanted = {
        "collections": ["many", "other"],
        "footprint": HERE,
        "start": dt.date(2023, 1, 1),
        "end": dt.date(2023, 12, 31),
        "longitude": 0.0,
        "check_href": lambda _: None,
    } | changes
    return [scene.id for scene in search(ApiSource(address, page_size=500), **wanted)]


def test_every_page_of_more_than_ten_thousand_items_is_read(address: str) -> None:
    assert found(address) == [f"scene-{number:05d}" for number in range(COUNT)]


def test_the_server_filters_by_collection_date_and_properties(address: str) -> None:
    assert found(
        address,
        collections=["other"],
        start=dt.date(2023, 1, 2),
        end=dt.date(2023, 1, 3),
        query={"eo:cloud_cover": {"lt": 60}},
    ) == ["scene-00149", "scene-00249", "scene-00349"]
