"""What a message of the scenes queue says, whoever sent it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from stratocube.arrivals import landing, stac_item, usgs
from stratocube.arrivals.values import Notice, Passed
from stratocube.errors import InvalidRequest

MAX_BYTES: Final = 262_144
"""Of a message: what SQS and SNS carry."""

_MAX_ENVELOPES: Final = 3

Json = Mapping[str, Any]

_PARSERS: Final[tuple[tuple[Callable[[Json], bool], Callable[[Json], Notice]], ...]] = (
    (stac_item.is_one, stac_item.parse),
    (landing.is_one, landing.parse),
    (usgs.is_one, usgs.parse),
)


def notice_of(body: str) -> Notice:
    """The notice in a message: a STAC Item, an object that landed, a Landsat product, or something to pass over.

    What SNS wraps around a message is taken off. A message of a shape nobody here knows is passed over, with what its
    members are; it may be a new kind of notice of a topic one has subscribed to for others.

    Raises:
        InvalidRequest: it is no JSON object, or it is of a known shape and malformed: says what is wrong.
    """
    message = _object(body)
    for _ in range(_MAX_ENVELOPES):
        if message.get("Type") != "Notification" or "Message" not in message:
            break
        message = _object(message["Message"])
    if message.get("Type") in ("SubscriptionConfirmation", "UnsubscribeConfirmation"):
        return Passed(f"SNS {message['Type']}")
    for is_one, parse in _PARSERS:
        if is_one(message):
            return parse(message)
    return Passed(f"a message with {_members(message)}", known=False)


def _object(text: object) -> Json:
    if not isinstance(text, str):
        raise InvalidRequest("the message must be text")
    if len(text) > MAX_BYTES:
        raise InvalidRequest(f"the message is longer than {MAX_BYTES} characters")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(f"the message is no JSON: {error}") from None
    if not isinstance(found, Mapping):
        raise InvalidRequest(f"the message must be a JSON object, it is a {type(found).__name__}")
    return found


def _members(message: Json) -> str:
    names = sorted(str(name)[:32] for name in message)
    return ", ".join(names[:8]) or "no members"
