"""Products of a build on disk: a copy of the cube bucket, and what the STAC items in it say."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from stratocube.catalog.hrefs import is_absolute
from stratocube.errors import StratocubeError


class ProductsMissing(StratocubeError):
    """A build said it succeeded, and a product is not there."""


@dataclass(frozen=True)
class Product:
    """A STAC item on disk."""

    path: Path
    item_id: str
    collection: str
    day: date
    """Of a date, or the first day of a period."""
    assets: Mapping[str, Path]
    """Files by asset key."""
    cloud_cover: float | None
    """Percent."""


def mirror(s3: Any, bucket: str, target: Path) -> int:
    """Copies a bucket to a folder and makes the hrefs of its STAC documents relative; returns the number of files."""
    copied = 0
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for entry in page.get("Contents", []):
            path = target / entry["Key"]
            # A key may hold ".."; a file outside of the target is nobody's wish.
            if not path.resolve().is_relative_to(target.resolve()):
                raise ProductsMissing(f"object {entry['Key']} of {bucket} does not belong below {target}")
            path.parent.mkdir(parents=True, exist_ok=True)
            content = s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read()
            path.write_bytes(_localised(content, path, bucket, target) if path.suffix == ".json" else content)
            copied += 1
    return copied


def load_products(folder: Path) -> list[Product]:
    """The STAC items below a folder, by collection, day and id.

    Raises:
        ProductsMissing: when an item names a file that is not there.
    """
    found = []
    for path in sorted(folder.rglob("*.json")):
        document = json.loads(path.read_text())
        if isinstance(document, dict) and document.get("type") == "Feature":
            found.append(_product(path, document))
    return sorted(found, key=lambda product: (product.collection, product.day, product.item_id))


def of_collection(products: Sequence[Product], collection: str) -> list[Product]:
    """The items of one collection.

    Raises:
        ProductsMissing: when there are none.
    """
    chosen = [product for product in products if product.collection == collection]
    if not chosen:
        raise ProductsMissing(f"there is no item of {collection}")
    return chosen


def _product(path: Path, item: Mapping[str, Any]) -> Product:
    assets = {}
    for key, asset in item["assets"].items():
        file = Path(os.path.normpath(path.parent / asset["href"]))
        if not file.is_file():
            raise ProductsMissing(f"item {item['id']}: asset {key} names {file}, which is not there")
        assets[key] = file
    properties = item["properties"]
    moment = properties.get("start_datetime") or properties["datetime"]
    return Product(
        path=path,
        item_id=item["id"],
        collection=str(item.get("collection") or ""),
        day=date.fromisoformat(moment[:10]),
        assets=assets,
        cloud_cover=properties.get("eo:cloud_cover"),
    )


def _localised(content: bytes, path: Path, bucket: str, target: Path) -> bytes:
    document = json.loads(content)
    if not isinstance(document, dict):
        return content
    root = f"s3://{bucket}/"
    links = [link for link in document.get("links", []) if isinstance(link, dict)]
    assets = [asset for asset in (document.get("assets") or {}).values() if isinstance(asset, dict)]
    changed = False
    for place in (*links, *assets):
        href = place.get("href")
        if isinstance(href, str) and is_absolute(href) and href.startswith(root):
            file = target / href.removeprefix(root)
            place["href"] = os.path.relpath(file, path.parent)
            changed = True
    return json.dumps(document, indent=2, ensure_ascii=False).encode() if changed else content
