"""Making published items findable: their rows, the static catalog's links, the messages to subscribers.

The item in S3 is the truth, everything here follows from it. Each step is repeated without harm, so a publish that
broke off in the middle is mended by its retry, and by any later build that finds the item published.
"""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from stratocube.catalog.published import published_item
from stratocube.catalog.static_tree import (
    children_of,
    items_of,
    resolved,
    root_catalog,
    tile_catalog,
    with_tile,
)
from stratocube.errors import Conflict
from stratocube.state.items import Items, StoredItem, compress
from stratocube.storage.keys import ROOT_CATALOG_KEY, collection_key, tile_catalog_key
from stratocube.storage.objects import ObjectStore
from stratocube.workflow.item_topic import Event, ItemTopic

REVISION: Final = "stratocube:revision"
"""Makes every version of a document its own, so that none that was read before a change is taken for it."""

_ATTEMPTS: Final = 60
_FIRST_PAUSE: Final = 0.02
_LONGEST_PAUSE: Final = 1.0
_VERIFIED: Final = 5

Json = dict[str, Any]


@dataclass(frozen=True)
class ItemIndex:
    """Where published items are, where they are looked up, and who is told of them."""

    products: ObjectStore
    items: Items
    topic: ItemTopic

    def publish(self, key: str, *, root: str, cube_id: str) -> None:
        """See that the item under ``key`` can be found, as it is in S3 now, and that subscribers know of it.

        ``root`` is the folder of its collection. Nothing happens where the item is gone again.

        Raises:
            Conflict: others kept changing the item, or the catalog.
        """
        for _ in range(_VERIFIED):
            found = self.products.read_versioned_json(key)
            if found is None:
                return
            document, etag = found
            item = stored_item(document, key, cube_id)
            version, told = self.items.state(item)
            if version != item.version:
                self.items.put(item, collection_key=collection_key(root))
                # who writes the row looks at the item once more: the last one to write it saw the last item
                after = self.products.read_versioned_json(key)
                if after is None or after[1] != etag:
                    continue
            self._link(item, root)
            if told != item.version:
                self.tell("published", item)
                self.items.told(item)
            return
        raise Conflict(f"{self.products.href(key)} was written by others again and again: publish it once more")

    def tell(self, event: Event, item: StoredItem) -> None:
        """Tell subscribers of an item."""
        href = self.products.href(item.key)
        links = [{"rel": "self", "href": href, "type": "application/geo+json"}]
        document = published_item(item.document, key=item.key, href=self.products.href, links=links)
        self.topic.tell(event, item, document, href)

    def unlink(self, item: StoredItem, root: str) -> None:
        """Take an item, retired in the table, out of the catalog of its tile."""
        key = tile_catalog_key(root, item.tile)

        def without(before: Json | None) -> Json | None:
            # written even where it has no link: a publisher may hold rows that he read before this one was retired
            return None if before is None else self._tile_catalog(item, root)

        self._change(key, without)

    def _link(self, item: StoredItem, root: str) -> None:
        """See that root, collection and tile lead to the item, from below: no link leads nowhere."""
        tile_key, above = tile_catalog_key(root, item.tile), collection_key(root)
        contended = False

        def of_tile(before: Json | None) -> Json | None:
            nonlocal contended
            linked = items_of(before, tile_key) if before is not None else {}
            if linked.get(item.item_id) == item.key:
                return None
            # the first to write, and who lost to another, writes what all have stored: one for many
            from_table, contended = before is None or contended, True
            return self._tile_catalog(item, root, None if from_table else linked)

        def of_collection(before: Json | None) -> Json | None:
            if before is None or children_of(before, above).get(item.tile) == tile_key:
                return None  # a collection deleted by hand: Finish writes it anew, and the next item its link
            return with_tile(before, key=above, root_key=ROOT_CATALOG_KEY, tile=item.tile, tile_key=tile_key)

        def of_root(before: Json | None) -> Json | None:
            children = children_of(before, ROOT_CATALOG_KEY) if before is not None else {}
            if children.get(item.collection) == above:
                return None
            children[item.collection] = above
            return root_catalog(key=ROOT_CATALOG_KEY, children=children.items())

        self._change(tile_key, of_tile)
        self._change(above, of_collection)
        self._change(ROOT_CATALOG_KEY, of_root)

    def _tile_catalog(self, item: StoredItem, root: str, linked: dict[str, str] | None = None) -> Json:
        """The catalog of the item's tile: of what is ``linked`` and the item, or of all the table has."""
        items = linked | {item.item_id: item.key} if linked is not None else self._rows(item)
        document = tile_catalog(
            key=tile_catalog_key(root, item.tile),
            root_key=ROOT_CATALOG_KEY,
            collection_key=collection_key(root),
            collection=item.collection,
            tile=item.tile,
            items=items.items(),
        )
        return document | {REVISION: uuid.uuid4().hex}

    def _rows(self, item: StoredItem) -> dict[str, str]:
        return dict(self.items.of_tile(item.collection, item.tile))

    def _change(self, key: str, change: Callable[[Json | None], Json | None]) -> None:
        """Replace a document by what ``change`` makes of it; None leaves it. Whoever else changes it loses nothing."""
        pause = _FIRST_PAUSE
        for _ in range(_ATTEMPTS):
            found = self.products.read_versioned_json(key)
            document = change(found[0] if found else None)
            if document is None:
                return
            try:
                self.products.swap_json(key, document, etag=found[1] if found else None)
            except Conflict:
                time.sleep(secrets.SystemRandom().uniform(0, pause))
                pause = min(2 * pause, _LONGEST_PAUSE)
            else:
                return
        raise Conflict(f"{self.products.href(key)} is changed by too many at once: ask again")


def stored_item(document: Json, key: str, cube_id: str) -> StoredItem:
    """The row of an item, of its JSON."""
    properties = document["properties"]
    west, south, east, north = document["bbox"]
    pictures = [asset for asset in document["assets"].values() if "thumbnail" in asset.get("roles", ())]
    return StoredItem(
        collection=document["collection"],
        item_id=document["id"],
        cube_id=cube_id,
        tile=properties["bdc:tiles"][0],
        start=properties["start_datetime"],
        end=properties["end_datetime"],
        datetime=properties["datetime"],
        bbox=(west, south, east, north),
        key=key,
        thumbnail=resolved(pictures[0]["href"], key) if pictures else None,
        cloud_cover=properties.get("eo:cloud_cover"),
        clear_ratio=properties.get("stratocube:efficacy"),
        created=properties["created"],
        updated=properties["updated"],
        identity=properties["stratocube:identity"],
        empty=bool(properties.get("stratocube:empty", False)),
        compressed=compress(document),
    )
