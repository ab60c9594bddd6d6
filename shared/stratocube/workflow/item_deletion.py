"""Deleting a published item, with the files that nothing else uses.

First the item is shown no more, last its row goes: whatever breaks off in between is done by asking again.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from stratocube.catalog.hrefs import is_absolute
from stratocube.catalog.static_tree import resolved
from stratocube.cube.definition import CubeDefinition
from stratocube.errors import Conflict, NotFound
from stratocube.state.builds import Builds
from stratocube.state.cubes import Cubes
from stratocube.state.items import StoredItem
from stratocube.state.unsettled import Unsettled
from stratocube.workflow.item_index import ItemIndex


@dataclass(frozen=True)
class Deleted:
    """What a deletion took away."""

    collection: str
    item_id: str
    files: int
    """Files that were deleted, the item's own JSON among them."""
    kept: int
    """Files that other items name as well."""


def delete_item(
    index: ItemIndex, collection: str, item_id: str, *, builds: Builds, unsettled: Unsettled, cubes: Cubes
) -> Deleted:
    """Delete an item: its JSON, its files, its link, its row; and tell subscribers.

    A build of its cube makes it anew when it is asked to.

    Raises:
        NotFound: there is no such item.
        Conflict: a build that makes it is under way.
    """
    item = index.items.get(collection, item_id, retired=True)
    root = posixpath.dirname(index.items.collection(collection).key)
    for build_id in _makers(item, builds, unsettled, cubes):
        raise Conflict(f"build {build_id} may publish {item_id} at any moment: wait for its end, or cancel it")
    index.items.retire(item)
    files, shared = _files(index, item)
    index.products.delete(item.key)
    for key in files:
        index.products.delete(key)
    index.unlink(item, root)
    index.tell("deleted", item)
    index.items.delete(item)
    return Deleted(collection, item_id, 1 + len(files), len(shared))


def _makers(item: StoredItem, builds: Builds, unsettled: Unsettled, cubes: Cubes) -> Iterator[str]:
    """Open builds that publish into the item's collection on its tile."""
    for build_id in unsettled.build_ids():
        try:
            build = builds.get(build_id)
            if build.finished_at is not None or build.options.get("dry_run"):
                continue
            definition = CubeDefinition.parse(cubes.get(build.cube_id).definition)
        except NotFound:
            continue
        tiles = build.request.get("tiles")
        if item.collection in {definition.id, definition.identity_id} and (not tiles or item.tile in tiles):
            yield build_id


def _files(index: ItemIndex, item: StoredItem) -> tuple[list[str], set[str]]:
    """The item's files in its own folder that no other item there names, and those that one does.

    Files of other folders belong to other products. Items share a folder only by an id format of their own.
    """
    folder = posixpath.dirname(item.key) + "/"
    named = {key for key in _named(item.document, item.key) if key.startswith(folder)}
    others: set[str] = set()
    for key in index.products.keys(folder):
        if posixpath.dirname(key) + "/" == folder and key.endswith(".json") and key != item.key:
            others |= _named(_read(index, key), key)
    return sorted(named - others), named & others


def _read(index: ItemIndex, key: str) -> dict[str, Any]:
    # one that is there and cannot be read may name any file: then nothing is deleted
    found = index.products.read_versioned_json(key)
    return found[0] if found is not None and isinstance(found[0], dict) else {}


def _named(document: dict[str, Any], key: str) -> set[str]:
    """Keys of the files an item names by relative hrefs."""
    hrefs = [asset["href"] for asset in document.get("assets", {}).values()]
    return {resolved(href, key) for href in hrefs if not is_absolute(href)}
