"""The static catalog in the bucket: Catalog → Collections → a Catalog a tile → Items. All links are relative."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from typing import Any, Final

_STAC_VERSION: Final = "1.1.0"
_JSON: Final = "application/json"
_ITEM: Final = "application/geo+json"


def tile_catalog(
    *, key: str, root_key: str, collection_key: str, collection: str, tile: str, items: Iterable[tuple[str, str]]
) -> dict[str, Any]:
    """The catalog of a collection's items, (id, key) each, on one tile. ``key`` is its own."""
    return {
        "type": "Catalog",
        "stac_version": _STAC_VERSION,
        "id": f"{collection}-{tile}",
        "title": f"{collection}, tile {tile}",
        "description": f"What {collection} has of tile {tile}.",
        "links": [
            _link("root", root_key, key),
            _link("parent", collection_key, key, title=collection),
            *(_link("item", item_key, key, _ITEM, item_id) for item_id, item_key in sorted(items, key=_by_key)),
        ],
    }


def items_of(catalog: Mapping[str, Any], key: str) -> dict[str, str]:
    """The keys of the items that the catalog of a tile (JSON, under ``key``) leads to, by id."""
    return {
        str(link["title"]): resolved(link["href"], key) for link in catalog.get("links", []) if link["rel"] == "item"
    }


def root_catalog(*, key: str, children: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The catalog of all collections, (id, key of its collection.json) each."""
    return {
        "type": "Catalog",
        "stac_version": _STAC_VERSION,
        "id": "stratocube",
        "title": "Data cubes of this stack",
        "description": "Data cubes made by stratocube: a collection each, and one for the dates a cube is made of.",
        "links": [
            _link("root", key, key),
            *(_link("child", child_key, key, title=child) for child, child_key in sorted(children)),
        ],
    }


def children_of(catalog: Mapping[str, Any], key: str) -> dict[str, str]:
    """The keys of a catalog's or collection's children by title."""
    return {
        str(link.get("title")): resolved(link["href"], key)
        for link in catalog.get("links", [])
        if link["rel"] == "child"
    }


def with_tile(collection: Mapping[str, Any], *, key: str, root_key: str, tile: str, tile_key: str) -> dict[str, Any]:
    """A collection (JSON, under ``key``) that leads to the catalog of a tile, and up to the root."""
    children = children_of(collection, key) | {tile: tile_key}
    others = [link for link in collection["links"] if link["rel"] not in {"root", "parent", "child"}]
    return {
        **collection,
        "links": [
            _link("root", root_key, key),
            _link("parent", root_key, key),
            *others,
            *(_link("child", child_key, key, title=child) for child, child_key in sorted(children.items())),
        ],
    }


def resolved(href: str, key: str) -> str:
    """The key that a relative href means in the document under ``key``."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(key), href))


def _by_key(item: tuple[str, str]) -> tuple[str, str]:
    return item[1], item[0]


def _link(rel: str, key: str, at: str, media_type: str = _JSON, title: str | None = None) -> dict[str, str]:
    relative = posixpath.relpath(key, posixpath.dirname(at) or ".")
    href = relative if relative.startswith("..") else f"./{relative}"
    return {"rel": rel, "href": href, "type": media_type, **({"title": title} if title else {})}
