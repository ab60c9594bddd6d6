"""What was built, as the stack's STAC API tells it: items by cube, tile and time."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from stratocube.client.api import ApiClient
from stratocube.errors import InvalidRequest

_PAGE = 100
_TILES = "bdc:tiles"
_SHORT = re.compile(r"\d{4}(-\d{2})?")
"""A year or a month."""


@dataclass(frozen=True)
class Span:
    """Closed days."""

    start: dt.date
    end: dt.date

    @classmethod
    def parse(cls, text: str) -> Span:
        """A day, month, year, or two days with a slash between them.

        Raises:
            InvalidRequest: it is none of these.

        >>> str(Span.parse("2024-02"))
        '2024-02-01T00:00:00Z/2024-02-29T23:59:59Z'
        """
        first, _, last = text.partition("/")
        try:
            return cls(_first_day(first), _last_day(last or first))
        except ValueError:
            raise InvalidRequest(
                f"must be 2023-08-01, 2023-08, 2023 or 2023-08-01/2023-08-31, got {text!r}", field="period"
            ) from None

    def __str__(self) -> str:
        return f"{self.start}T00:00:00Z/{self.end}T23:59:59Z"


@dataclass(frozen=True)
class Catalog:
    """The STAC API of a stack."""

    client: ApiClient

    def items(self, collection: str, *, tile: str | None = None, span: Span | None = None) -> Iterator[dict[str, Any]]:
        """The STAC Items of a collection that meet some days, on a tile. Collections are cubes, by their id.

        Raises:
            ApiError, Unreachable: see :class:`stratocube.client.api.ApiClient`.
        """
        query = {"limit": _PAGE, "datetime": None if span is None else str(span)}
        for item in self.client.features(f"/stac/collections/{quote(collection, safe='')}/items", query=query):
            if tile is None or tile in item["properties"].get(_TILES, ()):
                yield item

    def item(self, collection: str, item_id: str) -> dict[str, Any]:
        """One STAC Item. Errors as for :meth:`items`."""
        path = f"/stac/collections/{quote(collection, safe='')}/items/{quote(item_id, safe='')}"
        found: dict[str, Any] = self.client.call("GET", path)
        return found


def days_of(item: Mapping[str, Any]) -> tuple[str, str]:
    """First and last day of an item: of its period, or twice the day of a date."""
    properties = item["properties"]
    first = str(properties.get("start_datetime") or properties.get("datetime"))[:10]
    return first, str(properties.get("end_datetime") or first)[:10]


def tile_of_item(item: Mapping[str, Any]) -> str:
    """The tile an item lies on; nothing where it does not say."""
    return str(next(iter(item["properties"].get(_TILES, ())), ""))


def _first_day(text: str) -> dt.date:
    return dt.date.fromisoformat(text + "-01-01"[len(text) - len("2023") :] if _SHORT.fullmatch(text) else text)


def _last_day(text: str) -> dt.date:
    if not _SHORT.fullmatch(text):
        return dt.date.fromisoformat(text)
    first = _first_day(text)
    last_month = first.month if "-" in text else 12
    return dt.date(first.year, last_month, calendar.monthrange(first.year, last_month)[1])
