"""What a STAC search asks for, of a query or a body: both end in the same :class:`ItemSearch`."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from stratocube.api.requests import MAX_ID, Query
from stratocube.errors import InvalidRequest
from stratocube.state.items import Box
from stratocube.workflow.item_search import ItemSearch, bounds_of

DEFAULT_LIMIT = 10
MOST = 100
"""Items a page, so that it stays below the 6 MB a function may answer; a larger limit is taken for this one."""

MOST_NAMES = 100
"""Ids, or collections, of one search."""

MAX_GEOMETRY = 16_384
"""Characters of a geometry in a query."""

BODY_FIELDS = ("bbox", "datetime", "ids", "collections", "intersects", "limit", "token")

_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})", re.IGNORECASE
)
_OPEN = {"", ".."}


def search_of_query(query: Query) -> tuple[ItemSearch, int]:
    """The search and the limit of a GET request.

    Raises:
        InvalidRequest: naming the parameter.
    """
    values: dict[str, Any] = {name: query.whole(name) for name in ("datetime", "limit")}
    for name in ("ids", "collections"):
        values[name] = list(query.names(name, most=MOST_NAMES)) or None
    box = query.text("bbox")
    values["bbox"] = _numbers(box) if box else None
    values["intersects"] = _geometry_text(query.whole("intersects"))
    if values["limit"] is not None:
        values["limit"] = _whole_number(values["limit"])
    return _search({name: value for name, value in values.items() if value is not None})


def search_of_body(body: Mapping[str, Any]) -> tuple[ItemSearch, int]:
    """The search and the limit of a POST request.

    Raises:
        InvalidRequest: naming the field.
    """
    unknown = sorted(body.keys() - set(BODY_FIELDS))
    if unknown:
        raise InvalidRequest(f"is not known here: {', '.join(BODY_FIELDS)} are", field=unknown[0][:MAX_ID])
    return _search({name: value for name, value in body.items() if value is not None})


def token_of(value: Any) -> str | None:
    """The token of a page.

    Raises:
        InvalidRequest: for anything but text.
    """
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > 4 * MAX_ID:
        raise InvalidRequest("must be the token of the page before: follow its link `next`", field="token")
    return value


def _search(values: Mapping[str, Any]) -> tuple[ItemSearch, int]:
    if "bbox" in values and "intersects" in values:
        raise InvalidRequest("cannot be given together with bbox: leave one of them out", field="intersects")
    geometry = _geometry(values["intersects"]) if "intersects" in values else None
    start, end = interval(values["datetime"]) if "datetime" in values else (None, None)
    bbox = box_of(values["bbox"]) if "bbox" in values else None
    search = ItemSearch(
        collections=_names(values, "collections"),
        ids=_names(values, "ids"),
        bbox=bounds_of(geometry) if geometry is not None else bbox,
        start=start,
        end=end,
        intersects=geometry,
    )
    return search, limit_of(values.get("limit"))


def limit_of(value: Any) -> int:
    """Items a page.

    Raises:
        InvalidRequest: when it is no number from 1.
    """
    if value is None:
        return DEFAULT_LIMIT
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InvalidRequest("must be a whole number from 1", field="limit")
    return min(value, MOST)


def interval(text: Any) -> tuple[str | None, str | None]:
    """First and last moment of ``datetime``: a moment in RFC 3339, or two with a slash between, either may be ``..``.

    Raises:
        InvalidRequest: for anything else.
    """
    parts = [part.strip() for part in text.split("/")] if isinstance(text, str) else []
    if len(parts) == 1:
        parts = parts * 2
        if parts[0] in _OPEN:
            parts = []
    # a + of an offset that was not escaped arrives as a blank
    parts = [part.upper().replace(" ", "+") for part in parts]
    moments = [None if part in _OPEN else _moment(part) for part in parts]
    if len(moments) != 2 or moments == [None, None]:
        raise InvalidRequest(
            "must be a time in RFC 3339 or an interval, such as 2026-08-01T00:00:00Z/2026-08-31T23:59:59Z or ../2026-…",
            field="datetime",
        )
    first, last = moments
    if first is not None and last is not None and first > last:
        raise InvalidRequest("ends before it begins", field="datetime")
    return (first.isoformat() if first else None), (last.isoformat() if last else None)


def box_of(value: Any) -> Box:
    """A box in degrees of four numbers, or of six whose heights are passed over.

    Raises:
        InvalidRequest: for anything else.
    """
    numbers = value if isinstance(value, list) else []
    if len(numbers) in {4, 6} and all(_is_number(number) for number in numbers):
        half = len(numbers) // 2
        west, south, east, north = (float(numbers[at]) for at in (0, 1, half, half + 1))
        if all(abs(x) <= 180 for x in (west, east)) and -90 <= south <= north <= 90:
            return west, south, east, north
    raise InvalidRequest("must be west,south,east,north in degrees, such as -54.5,-12.5,-53,-11.5", field="bbox")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _moment(text: str) -> datetime:
    error = InvalidRequest("must be in RFC 3339, such as 2026-08-01T12:30:00Z", field="datetime")
    if not _MOMENT.fullmatch(text):
        raise error
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise error from None


def _names(values: Mapping[str, Any], name: str) -> tuple[str, ...] | None:
    found = values.get(name)
    if found is None:
        return None
    if not isinstance(found, list) or not all(isinstance(one, str) and 0 < len(one) <= MAX_ID for one in found):
        raise InvalidRequest("must be a list of names", field=name)
    if len(found) > MOST_NAMES:
        raise InvalidRequest(f"holds {len(found)} names, at most {MOST_NAMES} are taken", field=name)
    return tuple(found) or None


def _numbers(text: str) -> list[Any]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        return []


def _whole_number(text: str) -> Any:
    return int(text) if re.fullmatch(r"-?[0-9]{1,9}", text.strip()) else text


def _geometry_text(text: str | None) -> Any:
    if not text:
        return None
    if len(text) > MAX_GEOMETRY:
        raise InvalidRequest(f"is longer than {MAX_GEOMETRY} characters: POST it", field="intersects")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest("must be a GeoJSON geometry", field="intersects") from error


def _geometry(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict) or "type" not in value:
        raise InvalidRequest("must be a GeoJSON geometry", field="intersects")
    return value
