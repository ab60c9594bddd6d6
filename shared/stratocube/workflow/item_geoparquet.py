"""The items of a collection as stac-geoparquet: one file a year, for searches over very many items.

Made by whoever has ``rustac`` (88 MB, so no function has: ADR 0007), from the table, and only the years that changed.
Clients read it from S3 alone: DuckDB, GeoPandas, rustac, QGIS.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from stratocube.catalog.published import published_item
from stratocube.errors import InvalidRequest
from stratocube.state.items import Items, StoredItem
from stratocube.storage.keys import geoparquet_key, geoparquet_manifest_key
from stratocube.storage.objects import ObjectStore
from stratocube.workflow.item_search import each_item

PARQUET_TYPE = "application/vnd.apache.parquet"


@dataclass(frozen=True)
class Written:
    """What was done about a year."""

    year: str
    key: str
    items: int
    changed: bool


def write_geoparquet(products: ObjectStore, items: Items, collection: str) -> tuple[Written, ...]:
    """Write the files of a collection's years that are not as the table is; the years in order.

    ``<root>/items/<year>.parquet`` each, by the year an item begins in, with absolute hrefs;
    ``<root>/items/index.json`` lists them and is written last. A year without items any more leaves the list, and its
    file is deleted.

    Raises:
        NotFound: the collection has no items, and never had.
        InvalidRequest: ``rustac`` is not installed.
    """
    root = items.collection(collection).key.rpartition("/")[0]
    manifest_key = geoparquet_manifest_key(root)
    found = products.read_versioned_json(manifest_key)
    before: dict[str, Any] = found[0]["years"] if found else {}
    years: dict[str, Any] = {}
    written: list[Written] = []
    pending: list[StoredItem] = []
    pending_year = ""

    def close_year() -> None:
        if not pending:
            return
        key, digest = geoparquet_key(root, pending_year), _digest(pending)
        changed = before.get(pending_year, {}).get("digest") != digest
        if changed:
            products.put(key, _parquet(products, pending), content_type=PARQUET_TYPE)
        years[pending_year] = {"href": f"./{pending_year}.parquet", "items": len(pending), "digest": digest}
        written.append(Written(pending_year, key, len(pending), changed))

    # they come in order of time: a year is held at a time
    for item in each_item(items, collection):
        if item.start[:4] != pending_year:
            close_year()
            pending, pending_year = [], item.start[:4]
        pending.append(item)
    close_year()
    if years != before or found is None:
        document = {"collection": collection, "years": years}
        products.swap_json(manifest_key, document, etag=found[1] if found else None)
    for year in before.keys() - years.keys():
        products.delete(geoparquet_key(root, year))
    return tuple(written)


def _digest(items: list[StoredItem]) -> str:
    lines = "\n".join(f"{item.item_id} {item.version}" for item in items)
    return hashlib.sha256(lines.encode()).hexdigest()


def _parquet(products: ObjectStore, items: list[StoredItem]) -> bytes:
    try:
        import rustac  # noqa: PLC0415 - an extra that functions do without
    except ModuleNotFoundError as error:
        raise InvalidRequest("needs rustac: pip install 'stratocube[geoparquet]'", field="geoparquet") from error
    documents = [
        published_item(
            item.document,
            key=item.key,
            href=products.href,
            links=[{"rel": "self", "href": products.href(item.key), "type": "application/geo+json"}],
        )
        for item in items
    ]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "items.parquet"
        asyncio.run(_write(rustac, path, documents))
        return path.read_bytes()


async def _write(rustac: Any, path: Path, documents: list[dict[str, Any]]) -> None:
    await rustac.write(str(path), documents)
