"""What a cube has published, as cube-builder's clients read it: items by page, and the merges they were made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from posixpath import dirname, join, normpath
from typing import Any, Final

from stratocube.cube.definition import CubeDefinition
from stratocube.state.activities import Failure
from stratocube.state.items import Box, Items, StoredItem

MOST_COUNTED: Final = 5_000
"""Items that are counted, and so how far pages reach that are asked for by number."""

_READ: Final = 500
"""Items that are read at once."""


@dataclass(frozen=True)
class ItemFilter:
    """Which items are meant."""

    tiles: tuple[str, ...] = ()
    start: str | None = None
    end: str | None = None
    """Included."""
    bbox: Box | None = None


@dataclass(frozen=True)
class CountedPage:
    """A page of items by its number."""

    items: tuple[StoredItem, ...]
    total: int
    """All items the filter lets pass, at most :data:`MOST_COUNTED`."""
    all_counted: bool


def product_collection(definition: CubeDefinition) -> str:
    """The collection a cube's items are in."""
    return definition.identity_id if definition.composite_function == "IDT" else definition.id


def item_page(items: Items, collection: str, wanted: ItemFilter, *, number: int, size: int) -> CountedPage:
    """The page ``number`` (from 1) of ``size`` items, of one tile after the other where tiles are named, otherwise in
    order of time."""
    first = (number - 1) * size
    found: list[StoredItem] = []
    total = 0
    for position, item in enumerate(islice(_all(items, collection, wanted), MOST_COUNTED + 1)):
        total = min(position + 1, MOST_COUNTED)
        if first <= position < min(first + size, MOST_COUNTED):
            found.append(item)
        if position == MOST_COUNTED:
            return CountedPage(tuple(found), total, all_counted=False)
    return CountedPage(tuple(found), total, all_counted=True)


def _all(items: Items, collection: str, wanted: ItemFilter) -> Iterator[StoredItem]:
    for tile in wanted.tiles or (None,):
        after: str | None = None
        while True:
            page = items.page(
                collection,
                tile=tile,
                start=wanted.start,
                end=wanted.end,
                bbox=wanted.bbox,
                limit=_READ,
                after=after,
            )
            yield from page.items
            after = page.next_after
            if after is None:
                break


def merges_by_date(
    definition: CubeDefinition,
    dates: Iterable[StoredItem],
    failures: Iterable[Failure],
    *,
    tile: str,
    start: str,
    end: str,
    bucket: str,
    collections: list[str],
) -> dict[str, Any]:
    """What each date of a tile from ``start`` to ``end`` was merged from, and what of it failed, as JSON.

    ::

        {"2019-01-05": {"bands": {"B04": {"merge": "s3://…_B04.tif", "scenes": ["https://…"]}},
                        "collections": ["S2_L2A-1"], "errors": [], "file": "s3://…/item.json"}}

    A date that is not published has the bands that failed, with an empty ``merge``.
    """
    bands = [band.name for band in definition.all_bands]
    found: dict[str, dict[str, Any]] = {
        item.start[:10]: {
            "bands": _bands(item, bands, bucket),
            "collections": collections,
            "errors": [],
            "file": f"s3://{bucket}/{item.key}",
        }
        for item in dates
    }
    for failure in failures:
        named = _failed_part(failure, tile)
        if named is None or not start <= named[0] <= end:
            continue
        day, band = named
        entry = found.setdefault(day, {"bands": {}, "collections": collections, "errors": [], "file": ""})
        entry["errors"].append(
            {"filename": failure.cause.partition(": ")[0], "band": band, "step": failure.step, "message": failure.cause}
        )
        if band:
            entry["bands"].setdefault(band, {"merge": "", "scenes": []})
    return dict(sorted(found.items()))


def _bands(item: StoredItem, names: list[str], bucket: str) -> dict[str, Any]:
    document: Mapping[str, Any] = item.document
    sources = (link for link in document.get("links", ()) if link.get("rel") == "derived_from")
    # a title is the id of the scene; hrefs of scenes in one ItemCollection are all the same
    scenes = [link.get("title") or link["href"] for link in sources]
    assets: Mapping[str, Any] = document.get("assets", {})
    folder = dirname(item.key)
    return {
        name: {"merge": _href(bucket, folder, assets[name]["href"]), "scenes": scenes}
        for name in names
        if name in assets
    }


def _href(bucket: str, folder: str, href: str) -> str:
    return href if "://" in href else f"s3://{bucket}/{normpath(join(folder, href))}"


def _failed_part(failure: Failure, tile: str) -> tuple[str, str] | None:
    """Date and band of a failure on a tile: its subject is ``<tile>_<start>_<end> <date> <band>``."""
    unit, *part = failure.subject.split(" ")
    if not unit.startswith(f"{tile}_") or not part:
        return None
    return part[0], part[1] if len(part) > 1 else ""
