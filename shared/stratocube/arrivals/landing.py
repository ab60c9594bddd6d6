"""EventBridge ``Object Created`` of a bucket: somebody put a file there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stratocube.arrivals.values import LandedObject, Notice, Passed
from stratocube.errors import InvalidRequest

_ENDINGS = (".json", ".geojson")
_LONGEST_KEY = 1024


def is_one(message: Mapping[str, Any]) -> bool:
    """Whether a message is an event of S3."""
    return message.get("source") == "aws.s3" and isinstance(message.get("detail-type"), str)


def parse(message: Mapping[str, Any]) -> Notice:
    """The object that was created, where it may be a STAC Item by its name.

    Raises:
        InvalidRequest: the event does not name a bucket and an object.
    """
    if message["detail-type"] != "Object Created":
        return Passed(f"an event {message['detail-type'][:64]}")
    detail = message.get("detail")
    bucket = _text(detail, "bucket", "name")
    key = _text(detail, "object", "key")
    if len(key.encode()) > _LONGEST_KEY:
        raise InvalidRequest("is longer than a key of S3", field="detail.object.key")
    if not key.lower().endswith(_ENDINGS):
        return Passed("an object that is no JSON by its name")
    return LandedObject(bucket, key)


def _text(detail: object, group: str, name: str) -> str:
    found = detail.get(group) if isinstance(detail, Mapping) else None
    value = found.get(name) if isinstance(found, Mapping) else None
    if not isinstance(value, str) or not value:
        raise InvalidRequest("is required", field=f"detail.{group}.{name}")
    return value
