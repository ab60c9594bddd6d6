"""Telling subscribers that an item was published or deleted: one SNS message a change, at least once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from botocore.session import get_session

from stratocube.state.items import StoredItem

Event = Literal["published", "deleted"]

MOST_BYTES = 240_000
"""Of a message: SNS takes 262,144 with its attributes."""


@dataclass(frozen=True)
class ItemTopic:
    """An SNS topic, or none (an empty ARN)."""

    arn: str = ""
    region: str = ""

    def tell(self, event: Event, item: StoredItem, document: Mapping[str, Any], href: str) -> None:
        """Send ``document``, the item with absolute hrefs; where it is too large, only where it can be read: ``href``.

        Subscribers filter by the attributes: event, collection, tile, cube_id, datetime, start_datetime, end_datetime,
        and cloud_cover where it is known.
        """
        if not self.arn:
            return
        message = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
        if len(message.encode()) > MOST_BYTES:
            message = json.dumps({"id": item.item_id, "collection": item.collection, "href": href})
        texts = {
            "event": event,
            "collection": item.collection,
            "tile": item.tile,
            "cube_id": item.cube_id,
            "datetime": item.datetime,
            "start_datetime": item.start,
            "end_datetime": item.end,
        }
        attributes = {name: {"DataType": "String", "StringValue": value} for name, value in texts.items()}
        if item.cloud_cover is not None:
            attributes["cloud_cover"] = {"DataType": "Number", "StringValue": f"{item.cloud_cover:g}"}
        self._client.publish(TopicArn=self.arn, Message=message, MessageAttributes=attributes)

    @cached_property
    def _client(self) -> Any:
        return get_session().create_client("sns", region_name=self.region)
