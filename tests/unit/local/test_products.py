from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from stratocube.local.products import Product, ProductsMissing, load_products, mirror, of_collection


class _Bucket:
    """As much of an S3 client as copying a bucket takes; pages of two."""

    def __init__(self, objects: dict[str, bytes]) -> None:
        self._objects = objects

    def get_paginator(self, operation: str) -> _Bucket:
        assert operation == "list_objects_v2"
        return self

    def paginate(self, **_: Any) -> Iterator[dict[str, Any]]:
        keys = sorted(self._objects)
        for start in range(0, len(keys), 2):
            yield {"Contents": [{"Key": key} for key in keys[start : start + 2]]}
        yield {}

    def get_object(self, **request: str) -> dict[str, Any]:
        return {"Body": BytesIO(self._objects[request["Key"]])}


def _item(**changes: Any) -> dict[str, Any]:
    return {
        "type": "Feature",
        "id": "S2_V1_000000_20230813",
        "collection": "S2-1",
        "properties": {"datetime": "2023-08-13T10:07:53Z", "eo:cloud_cover": 5.5},
        "links": [{"rel": "collection", "href": "s3://cubes/s2/v1/collection.json"}],
        "assets": {
            "B04": {"href": "s3://cubes/s2/v1/13/a1/B04.tif"},
            "B03": {"href": "./a2/B03.tif"},
        },
        **changes,
    }


def _mirrored(tmp_path: Path, item: dict[str, Any] | None = None, **more: bytes) -> Path:
    objects = {
        "s2/v1/13/item.json": json.dumps(item or _item()).encode(),
        "s2/v1/13/a1/B04.tif": b"red",
        "s2/v1/13/a2/B03.tif": b"green",
        "s2/v1/collection.json": b'{"type": "Collection", "id": "S2-1"}',
        **more,
    }
    assert mirror(_Bucket(objects), "cubes", tmp_path) == len(objects)
    return tmp_path


def test_a_bucket_is_copied_and_its_items_lead_to_the_copies(tmp_path: Path) -> None:
    folder = _mirrored(tmp_path)
    item = json.loads((folder / "s2/v1/13/item.json").read_text())
    assert [asset["href"] for asset in item["assets"].values()] == ["a1/B04.tif", "./a2/B03.tif"]
    assert item["links"] == [{"rel": "collection", "href": "../collection.json"}]
    assert (folder / "s2/v1/13/a1/B04.tif").read_bytes() == b"red"


def test_places_in_other_buckets_stay_as_they_are(tmp_path: Path) -> None:
    item = _item(links=[{"rel": "derived_from", "href": "s3://landing/items.json"}])
    folder = _mirrored(tmp_path, item)
    assert json.loads((folder / "s2/v1/13/item.json").read_text())["links"] == item["links"]


def test_a_key_that_leads_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProductsMissing, match=r"\.\./\.\./outside of cubes does not belong below"):
        mirror(_Bucket({"../../outside": b""}), "cubes", tmp_path / "a" / "b")
    assert list(tmp_path.rglob("outside")) == []


def test_items_are_found_with_their_files(tmp_path: Path) -> None:
    folder = _mirrored(tmp_path)
    product = Product(
        path=folder / "s2/v1/13/item.json",
        item_id="S2_V1_000000_20230813",
        collection="S2-1",
        day=date(2023, 8, 13),
        assets={"B04": folder / "s2/v1/13/a1/B04.tif", "B03": folder / "s2/v1/13/a2/B03.tif"},
        cloud_cover=5.5,
    )
    assert load_products(folder) == [product]
    assert of_collection([product], "S2-1") == [product]


def test_a_period_counts_with_its_first_day(tmp_path: Path) -> None:
    properties = {"datetime": None, "start_datetime": "2023-08-01T00:00:00Z", "end_datetime": "2023-08-31T23:59:59Z"}
    (product,) = load_products(_mirrored(tmp_path, _item(properties=properties)))
    assert (product.day, product.cloud_cover) == (date(2023, 8, 1), None)


def test_an_item_that_names_a_missing_file_is_told(tmp_path: Path) -> None:
    folder = _mirrored(tmp_path, _item(assets={"B08": {"href": "./a3/B08.tif"}}))
    with pytest.raises(ProductsMissing, match=r"S2_V1_000000_20230813: asset B08 names .*B08\.tif, which is not there"):
        load_products(folder)


def test_a_collection_without_items_is_told() -> None:
    with pytest.raises(ProductsMissing, match="no item of S2-1M-LCF-1"):
        of_collection([], "S2-1M-LCF-1")
