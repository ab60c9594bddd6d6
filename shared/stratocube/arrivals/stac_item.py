"""A STAC Item as the message itself: Earth Search's topic, and whoever sends Items to the queue.

Earth Search publishes each Item it ingests, whole, as the message (README of Element84/earth-search). What its message
attributes say (collection, bbox, status) is in the Item too; they are for subscription filters.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stratocube.arrivals.values import Notice, Passed, SceneItem

_OTHER_DOCUMENTS = ("FeatureCollection", "Collection", "Catalog")


def is_one(message: Mapping[str, Any]) -> bool:
    """Whether a message is a STAC document."""
    return message.get("type") in ("Feature", *_OTHER_DOCUMENTS)


def parse(message: Mapping[str, Any]) -> Notice:
    """The Item; collections and catalogs announce no scene."""
    if message["type"] in _OTHER_DOCUMENTS:
        return Passed(f"a {message['type']}")
    return SceneItem(message)
