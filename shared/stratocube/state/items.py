"""Published items, so that they can be found: by id, by tile, by time, by place. The item in S3 stays the truth."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Final

from pynamodb.exceptions import DeleteError, DoesNotExist, PutError, UpdateError

from stratocube.errors import InvalidRequest, NotFound
from stratocube.state.models import ItemRecord
from stratocube.state.tables import CONDITION_FAILED, bind

Box = tuple[float, float, float, float]
"""West, south, east, north in degrees; west > east across 180 degrees."""

_COLLECTIONS: Final = "COLLECTIONS"
_AFTER_ALL: Final = "$"
"""Sorts behind ``#``, which ends every part of a name."""
_JUST_BEHIND: Final = " "
"""What follows a name that is excluded: no id holds a character that sorts before it."""
_MOST_TILES: Final = 100
"""Tiles a page asks for one after the other; more of them are found by looking at all places in order of time."""


@dataclass(frozen=True)
class StoredItem:
    """A published item as the table knows it."""

    collection: str
    item_id: str
    cube_id: str
    """Of the cube whose build published it."""
    tile: str
    start: str
    """First moment it covers, RFC 3339, UTC."""
    end: str
    """Last moment."""
    datetime: str
    bbox: Box
    key: str
    """Of the item's JSON in the cube bucket; hrefs of its assets are relative to it."""
    thumbnail: str | None
    """Key of the quicklook in the cube bucket."""
    cloud_cover: float | None
    """Percent of the observed pixels that are not clear."""
    clear_ratio: float | None
    """Percent of all pixels that are clear: the item's efficacy."""
    created: str
    updated: str
    identity: str
    """Content identity of the product."""
    empty: bool
    """Of a period without any scene."""
    compressed: bytes
    """The item's JSON, as written in S3, zlib-compressed."""

    @cached_property
    def document(self) -> dict[str, Any]:
        """The item's JSON."""
        found: dict[str, Any] = json.loads(zlib.decompress(self.compressed))
        return found

    @property
    def version(self) -> str:
        """Differs whenever the item was written anew."""
        return f"{self.identity} {self.updated}"


_FACTS: Final = tuple(
    field.name for field in fields(StoredItem) if field.name not in {"collection", "item_id", "bbox", "compressed"}
)


@dataclass(frozen=True)
class ItemPage:
    """Some items; ``next_after`` continues the list, None at its end. A page may hold fewer items than its limit."""

    items: tuple[StoredItem, ...]
    next_after: str | None


@dataclass(frozen=True)
class StoredCollection:
    """A collection that has published items."""

    collection: str
    key: str
    """Of its collection.json in the cube bucket."""
    longest: timedelta
    """The longest time an item covers: how far before a moment an item that covers it may begin."""


class Items:
    """The table of published items."""

    def __init__(self, table_name: str, *, region: str) -> None:
        self._records = bind(ItemRecord, table_name, region=region)

    # -- writing

    def put(self, item: StoredItem, *, collection_key: str) -> None:
        """Store an item, in place of what was known of it. ``collection_key``: of its collection.json.

        The collection and the tile are stored before it, so that who finds them sees what they hold.
        """
        model = self._records
        longest = (_moment(item.end) - _moment(item.start)).total_seconds()
        # read first: all but the first item of a collection and of a tile find these there
        known = self._find(_COLLECTIONS, item.collection)
        if known is None or float(known.longest or 0) < longest:
            self._put_if(
                model(_COLLECTIONS, item.collection, key=collection_key, longest=longest),
                model.name.does_not_exist() | (model.longest < longest),
            )
        if self._find(_tiles(item.collection), item.tile) is None:
            model(_tiles(item.collection), item.tile, bbox=list(item.bbox)).save()
        facts = asdict(item)
        model(
            _items(item.collection),
            item_name(item.tile, item.start, item.item_id),
            item_id=item.item_id,
            since=f"{sortable(item.start)}#{item.tile}#{item.item_id}",
            bbox=list(item.bbox),
            facts={name: facts[name] for name in _FACTS},
            document=item.compressed,
        ).save()

    def told(self, item: StoredItem) -> None:
        """Note that subscribers were told of this version of an item."""
        self._update(item, self._records.told.set(item.version))

    def retire(self, item: StoredItem) -> None:
        """Show an item no more: the first step of deleting it, which :meth:`delete` ends."""
        self._update(item, self._records.retired.set(True))

    def delete(self, item: StoredItem) -> None:
        """Forget an item that was retired. One that is not there, or was published again since, is no error."""
        model = self._records
        row = model(_items(item.collection), item_name(item.tile, item.start, item.item_id))
        try:
            row.delete(condition=model.retired.exists())
        except DeleteError as error:
            if error.cause_response_code != CONDITION_FAILED:
                raise

    # -- reading

    def get(self, collection: str, item_id: str, *, retired: bool = False) -> StoredItem:
        """The item of an id; ``retired``: also one that is being deleted.

        The index of ids lags behind by moments: an item that was published just now may not be found yet.

        Raises:
            NotFound: when there is none.
        """
        for row in self._records.by_id.query(_items(collection), self._records.item_id == item_id):
            record = self._find(_items(collection), row.name)
            if record is not None and (retired or not record.retired):
                return _stored(record)
        raise NotFound(f"there is no item {item_id} in {collection}: GET /stac/collections lists the collections")

    def state(self, item: StoredItem) -> tuple[str | None, str | None]:
        """(version, version that subscribers were told of) of the row of an item; None where there is none."""
        record = self._find(_items(item.collection), item_name(item.tile, item.start, item.item_id))
        if record is None or record.retired:
            return None, None
        return _stored(record).version, record.told

    def collections(self, *, limit: int, after: str | None = None) -> tuple[StoredCollection, ...]:
        """Up to ``limit`` collections that have items, in order of id, behind ``after``."""
        condition = self._records.name > after if after else None
        found = self._records.query(_COLLECTIONS, condition, limit=limit)
        return tuple(_collection(record) for record in found)

    def collection(self, collection: str) -> StoredCollection:
        """One collection that has items.

        Raises:
            NotFound: when there is none.
        """
        record = self._find(_COLLECTIONS, collection)
        if record is None:
            raise NotFound(f"there is no collection {collection} with items: GET /stac/collections lists them")
        return _collection(record)

    def tiles(self, collection: str, *, limit: int, after: str | None = None) -> tuple[str, ...]:
        """Up to ``limit`` tiles that had an item once, in order of id, behind ``after``."""
        condition = self._records.name > after if after else None
        found = self._records.query(_tiles(collection), condition, limit=limit, attributes_to_get=["name"])
        return tuple(record.name for record in found)

    def count(self, collection: str) -> int:
        """How many items there are. The index of times is counted: it lags behind by moments."""
        return int(
            self._records.by_start.count(_items(collection), filter_condition=self._records.retired.does_not_exist())
        )

    def of_tile(self, collection: str, tile: str) -> Iterator[tuple[str, str]]:
        """(item id, key) of every item of a tile, in order of time. Sees what was stored before it is called."""
        model = self._records
        found = model.query(
            _items(collection),
            model.name.startswith(f"{tile}#"),
            consistent_read=True,
            attributes_to_get=["item_id", "facts", "retired"],
        )
        for record in found:
            if not record.retired:
                yield record.item_id, record.facts["key"]

    def page(
        self,
        collection: str,
        *,
        tile: str | None = None,
        start: str | None = None,
        end: str | None = None,
        bbox: Box | None = None,
        limit: int,
        after: str | None = None,
    ) -> ItemPage:
        """Up to ``limit`` items of a collection that cover a time between ``start`` and ``end`` (both included, RFC
        3339, None for without end) and touch ``bbox``, behind ``after`` of the page before.

        Of one tile, or of the few tiles that ``bbox`` touches, they come tile by tile in order of time; otherwise all
        in order of time. Only what is of the time is read: an item covers no longer than the collection's longest.
        """
        known = self._find(_COLLECTIONS, collection)
        if known is None:
            return ItemPage((), None)
        span = _Span.of(start, end, timedelta(seconds=float(known.longest)))
        tiles = self._tiles_for(collection, tile, bbox)
        by_tile = tiles is not None
        rows = (
            self._of_tiles(collection, tiles, span, after)
            if tiles is not None
            else self._by_time(collection, span, after)
        )
        found: list[ItemRecord] = []
        for row in rows:
            if row.retired or not span.reached_by(row) or (bbox and not boxes_touch(_box(row.bbox), bbox)):
                continue
            found.append(row)
            if len(found) > limit:
                break
        items = tuple(_stored(row) for row in found[:limit])
        if len(found) <= limit:
            return ItemPage(items, None)
        last = found[limit - 1]
        return ItemPage(items, last.name if by_tile else last.since)

    def _tiles_for(self, collection: str, tile: str | None, bbox: Box | None) -> list[str] | None:
        if tile is not None:
            return [tile]
        if bbox is None:
            return None
        rows = self._records.query(_tiles(collection))
        touched = [row.name for row in rows if boxes_touch(_box(row.bbox), bbox)]
        return touched if len(touched) <= _MOST_TILES else None

    def _of_tiles(self, collection: str, tiles: Iterable[str], span: _Span, after: str | None) -> Iterator[ItemRecord]:
        model = self._records
        for tile in tiles:
            low, high = span.between(f"{tile}#", after)
            if low <= high:
                yield from model.query(_items(collection), model.name.between(low, high))

    def _by_time(self, collection: str, span: _Span, after: str | None) -> Iterator[ItemRecord]:
        low, high = span.between("", after)
        if low <= high:
            yield from self._records.by_start.query(_items(collection), self._records.since.between(low, high))

    def _find(self, partition: str, name: str) -> ItemRecord | None:
        try:
            return self._records.get(partition, name, consistent_read=True)
        except DoesNotExist:
            return None

    def _update(self, item: StoredItem, action: Any) -> None:
        """Change an item's row, if it is there still."""
        model = self._records
        row = model(_items(item.collection), item_name(item.tile, item.start, item.item_id))
        try:
            row.update(actions=[action], condition=model.item_id.exists())
        except UpdateError as error:
            if error.cause_response_code != CONDITION_FAILED:
                raise

    @staticmethod
    def _put_if(record: ItemRecord, condition: Any) -> None:
        try:
            record.save(condition=condition)
        except PutError as error:
            if error.cause_response_code != CONDITION_FAILED:
                raise


@dataclass(frozen=True)
class _Span:
    """A time that items must cover some of, as prefixes of names."""

    earliest: str
    """When an item begins at the earliest that reaches into the time."""
    latest: str
    start: str

    @classmethod
    def of(cls, start: str | None, end: str | None, longest: timedelta) -> _Span:
        first = _moment(start) if start else None
        try:
            earliest = sortable((first - longest).isoformat()) if first else ""
        except OverflowError:
            earliest = ""
        return cls(earliest, sortable(end) + _AFTER_ALL if end else ":", sortable(start) if start else "")

    def between(self, prefix: str, after: str | None) -> tuple[str, str]:
        """The names, all with this prefix, that begin in the time; behind ``after``."""
        low, high = prefix + (self.earliest or "-"), prefix + self.latest
        return (max(low, after + _JUST_BEHIND) if after else low), high

    def reached_by(self, row: ItemRecord) -> bool:
        """Whether an item that begins in the time, or before it, ends in it or after it."""
        return not self.start or sortable(row.facts["end"]) >= self.start


def sortable(moment: str) -> str:
    """A moment in RFC 3339 as text that sorts by time: UTC, always with microseconds."""
    return _moment(moment).replace(tzinfo=None).isoformat(timespec="microseconds")


def item_name(tile: str, start: str, item_id: str) -> str:
    """The name of an item's row."""
    return f"{tile}#{sortable(start)}#{item_id}"


def boxes_touch(one: Box, other: Box) -> bool:
    """Whether two boxes share a point. Either may cross 180 degrees."""
    if one[3] < other[1] or other[3] < one[1]:
        return False
    return any(
        west <= other_east and other_west <= east
        for west, east in _arcs(one)
        for other_west, other_east in _arcs(other)
    )


def compress(document: Mapping[str, Any]) -> bytes:
    """An item's JSON as the table keeps it."""
    return zlib.compress(json.dumps(document, separators=(",", ":")).encode(), 9)


def _arcs(box: Box) -> list[tuple[float, float]]:
    west, _, east, _ = box
    return [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidRequest(
            f"must be a time such as 2026-08-01T12:30:00Z, got {text[:40]!r}", field="datetime"
        ) from error


def _box(value: Any) -> Box:
    west, south, east, north = (float(part) for part in value)
    return west, south, east, north


def _items(collection: str) -> str:
    return f"ITEMS#{collection}"


def _tiles(collection: str) -> str:
    return f"TILES#{collection}"


def _stored(record: ItemRecord) -> StoredItem:
    return StoredItem(
        collection=record.partition.removeprefix("ITEMS#"),
        item_id=record.item_id,
        bbox=_box(record.bbox),
        compressed=bytes(record.document),
        **record.facts,
    )


def _collection(record: ItemRecord) -> StoredCollection:
    return StoredCollection(record.name, record.key, timedelta(seconds=float(record.longest)))
