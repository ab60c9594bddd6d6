"""Searching published items over collections, page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stratocube.errors import InvalidRequest, NotFound
from stratocube.state.items import Box, Items, StoredItem, boxes_touch, sortable

_MOST_COLLECTIONS = 1000
_SEPARATOR = "|"
"""Between the collection and the place in it; no id holds it."""


@dataclass(frozen=True)
class ItemSearch:
    """What is searched for; None for no restriction."""

    collections: tuple[str, ...] | None = None
    ids: tuple[str, ...] | None = None
    bbox: Box | None = None
    start: str | None = None
    """RFC 3339; items that end before it are not meant."""
    end: str | None = None
    intersects: Mapping[str, Any] | None = None
    """A GeoJSON geometry. Its bounding box is ``bbox`` then."""


@dataclass(frozen=True)
class Found:
    """A page of items; ``token`` leads to the next one, None at the end. Only an end has no items."""

    items: tuple[StoredItem, ...]
    token: str | None


def search_items(items: Items, search: ItemSearch, *, limit: int, token: str | None = None) -> Found:
    """Up to ``limit`` items, collection by collection.

    Raises:
        InvalidRequest: a token that no search gave.
    """
    collection, after = _place(token)
    names = sorted(set(search.collections)) if search.collections is not None else _all(items)
    remaining = [name for name in names if collection is None or name >= collection]
    touches = _touches(search.intersects)
    if search.ids is not None:
        return _by_ids(items, search, remaining, touches, limit=limit, after=after if token else None)
    found: list[StoredItem] = []
    for position, name in enumerate(remaining):
        behind = after if name == collection else None
        while True:
            page = items.page(
                name,
                start=search.start,
                end=search.end,
                bbox=search.bbox,
                limit=limit - len(found),
                after=behind or None,
            )
            found += [item for item in page.items if touches(item)]
            behind = page.next_after
            if behind is None or len(found) >= limit:
                break
        if len(found) >= limit:
            if behind is not None:
                return Found(tuple(found), f"{name}{_SEPARATOR}{behind}")
            following = remaining[position + 1 :]
            return Found(tuple(found), f"{following[0]}{_SEPARATOR}" if following else None)
    return Found(tuple(found), None)


def _by_ids(
    items: Items,
    search: ItemSearch,
    names: list[str],
    touches: Callable[[StoredItem], bool],
    *,
    limit: int,
    after: str | None,
) -> Found:
    """Items by their ids, in order of collection and id; the other restrictions hold as well."""
    ids = sorted(set(search.ids or ()))
    found: list[StoredItem] = []
    first = names[0] if names else None
    for name in names:
        for item_id in ids:
            if name == first and after is not None and item_id <= after:
                continue
            item = _get(items, name, item_id)
            if item is None or not _meets(item, search) or not touches(item):
                continue
            if len(found) == limit:
                return Found(tuple(found), f"{found[-1].collection}{_SEPARATOR}{found[-1].item_id}")
            found.append(item)
    return Found(tuple(found), None)


def _get(items: Items, collection: str, item_id: str) -> StoredItem | None:
    try:
        return items.get(collection, item_id)
    except NotFound:
        return None


def _meets(item: StoredItem, search: ItemSearch) -> bool:
    if search.bbox is not None and not boxes_touch(item.bbox, search.bbox):
        return False
    if search.start is not None and sortable(item.end) < sortable(search.start):
        return False
    return search.end is None or sortable(item.start) <= sortable(search.end)


def _all(items: Items) -> list[str]:
    return [stored.collection for stored in items.collections(limit=_MOST_COLLECTIONS)]


def _place(token: str | None) -> tuple[str | None, str]:
    if token is None:
        return None, ""
    collection, separator, after = token.partition(_SEPARATOR)
    if not separator:
        raise InvalidRequest("must be the token of the page before: follow its link `next`", field="token")
    return collection, after


def _touches(geometry: Mapping[str, Any] | None) -> Callable[[StoredItem], bool]:
    if geometry is None:
        return lambda _: True
    from shapely.geometry import shape  # noqa: PLC0415 - 40 ms, for those who ask for a geometry

    wanted = shape(geometry)
    return lambda item: bool(shape(item.document["geometry"]).intersects(wanted))


def bounds_of(geometry: Mapping[str, Any]) -> Box:
    """The bounding box of a GeoJSON geometry.

    Raises:
        InvalidRequest: when it is none.
    """
    from shapely.errors import ShapelyError  # noqa: PLC0415 - as above
    from shapely.geometry import shape  # noqa: PLC0415

    try:
        west, south, east, north = (float(degrees) for degrees in shape(geometry).bounds)
    except (ShapelyError, ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        raise InvalidRequest(f"must be a GeoJSON geometry: {error}"[:200], field="intersects") from error
    if not (west <= east and south <= north):
        raise InvalidRequest("must be a GeoJSON geometry that is not empty", field="intersects")
    return west, south, east, north


def each_item(items: Items, collection: str) -> Iterator[StoredItem]:
    """Every item of a collection, in order of time."""
    after: str | None = None
    while True:
        page = items.page(collection, limit=500, after=after)
        yield from page.items
        after = page.next_after
        if after is None:
            return
