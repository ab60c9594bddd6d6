"""What a request carries: its JSON body, its query, the ids in its path. Checked here, once, before anything is done.

Whatever passes can be stored: no text without a UTF-8 form, no number without a JSON form, no nesting that a parser
further in would give up on.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, NoReturn
from urllib.parse import unquote

from aws_lambda_powertools.utilities.data_classes.common import BaseProxyEvent

from stratocube.errors import InvalidRequest, NotFound

MAX_BODY = 64 * 1024
"""Bytes. A page of a hundred definitions of this size is just what a Lambda function may answer (6 MB)."""

MAX_DEPTH = 24
"""Levels of a JSON body. A definition has six."""

MAX_INTEGER = 2**53
"""Integers beyond it are not the same number in every JSON reader (RFC 8259, section 6)."""

MAX_ID = 200
"""Characters of an id. Longer ones are nobody's, and a key of DynamoDB has 1 KB."""

_JSON_TYPE = re.compile(r"(application|text)/([\w.-]+\+)?json", re.IGNORECASE)


class BodyRefused(InvalidRequest):
    """A body that is not read at all: too large, or not JSON by its own account."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


def json_body(event: BaseProxyEvent) -> dict[str, Any]:
    """The JSON object a request carries.

    Raises:
        BodyRefused: 415 when its content type is not JSON, 413 when it is larger than :data:`MAX_BODY`.
        InvalidRequest: when it is missing, is not JSON, or is not an object.
    """
    content_type = str(event.headers.get("Content-Type") or "").partition(";")[0].strip()
    if content_type and not _JSON_TYPE.fullmatch(content_type):
        raise BodyRefused(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"the body is {content_type}: send Content-Type: application/json"
        )
    text = _text(event)
    if not text.strip():
        raise InvalidRequest("the request has no body: send a JSON object")
    try:
        body = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise InvalidRequest(f"the body is not JSON: {reason}") from error
    if not isinstance(body, dict):
        raise InvalidRequest("the body must be a JSON object, {…}")
    _check_value(body, field="", depth=1)
    return body


def optional_json_body(event: BaseProxyEvent) -> dict[str, Any]:
    """Like :func:`json_body`, of a request that may do without one: ``{}`` then."""
    return json_body(event) if (event.body or "").strip() else {}


def _text(event: BaseProxyEvent) -> str:
    raw = event.body or ""
    too_large = BodyRefused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body is larger than {MAX_BODY} bytes")
    # base64 has four characters for three bytes: what is refused here is not decoded at all
    if len(raw) > MAX_BODY * 4 // 3 + 4:
        raise too_large
    try:
        text = event.decoded_body or ""
        size = len(text.encode())
    except ValueError as error:
        raise InvalidRequest("the body is not UTF-8 text") from error
    if size > MAX_BODY:
        raise too_large
    return text


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _check_value(value: Any, *, field: str, depth: int) -> None:
    if isinstance(value, str):
        _check_text(value, field)
    elif isinstance(value, bool):
        return
    elif isinstance(value, int | float):
        # integers first: isfinite makes a float of its argument, and some fit into none
        if abs(value) > MAX_INTEGER if isinstance(value, int) else not math.isfinite(value):
            raise InvalidRequest("the number is too large", field=field)
    elif isinstance(value, dict | list):
        if depth > MAX_DEPTH:
            raise InvalidRequest(f"the body is nested more than {MAX_DEPTH} levels deep")
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, member in items:
            _check_text(str(key), field)
            _check_value(member, field=f"{field}.{key}" if field else str(key), depth=depth + 1)


def _check_text(text: str, field: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidRequest("the text has half a surrogate pair in it", field=field) from error


class Query:
    """The query of a request, read parameter by parameter."""

    def __init__(self, event: BaseProxyEvent) -> None:
        parameters: Mapping[str, str | None] = event.query_string_parameters or {}
        self._parameters = {name: value for name, value in parameters.items() if value is not None}

    def text(self, *names: str) -> str | None:
        """What these parameters say, None when they are missing or empty; the names are spellings of one parameter.

        Raises:
            InvalidRequest: when it is longer than an id can be, or one spelling says this and another that.
        """
        given = {name: value for name in names if (value := self._parameters.get(name, "").strip())}
        for name, value in given.items():
            if len(value) > MAX_ID:
                raise InvalidRequest(f"is longer than {MAX_ID} characters", field=name)
            _check_text(value, name)
        if len(set(given.values())) > 1:
            first, second = list(given)[:2]
            raise InvalidRequest(f"is another spelling of {first} and says otherwise: give one of them", field=second)
        return next(iter(given.values()), None)

    def whole(self, name: str) -> str | None:
        """A parameter as it was sent, of any length: for the link to the next page."""
        return self._parameters.get(name)

    def required(self, *names: str) -> str:
        """Like :meth:`text`, of a parameter that must be there.

        Raises:
            InvalidRequest: when it is missing.
        """
        value = self.text(*names)
        if value is None:
            raise InvalidRequest(f"is required, as in ?{names[0]}=…", field=names[0])
        return value

    def limit(self, *, default: int, most: int) -> int:
        """How many entries are asked for (``limit``), between 1 and ``most``.

        Raises:
            InvalidRequest: when it is not such a number.
        """
        return self.number("limit", most=most) or default

    def number(self, name: str, *, most: int) -> int | None:
        """A whole number between 1 and ``most``; None when it is not given.

        Raises:
            InvalidRequest: when it is not such a number.
        """
        value = self.text(name)
        if value is None:
            return None
        if not re.fullmatch(r"[0-9]{1,6}", value) or not 1 <= int(value) <= most:
            raise InvalidRequest(f"must be a whole number from 1 to {most}", field=name)
        return int(value)

    def flag(self, name: str) -> bool | None:
        """A parameter that is true or false; None when it is not given.

        Raises:
            InvalidRequest: when it is neither.
        """
        value = self.choice(name, "true", "false")
        return None if value is None else value == "true"

    def choice(self, name: str, *known: str) -> str | None:
        """A parameter that is one of some words, in any case; None when it is not given.

        Raises:
            InvalidRequest: when it is another one.
        """
        value = self.text(name)
        if value is None:
            return None
        found = {word.lower(): word for word in known}.get(value.lower())
        if found is None:
            raise InvalidRequest(f"must be one of {', '.join(known)}", field=name)
        return found

    def names(self, name: str, *, most: int) -> tuple[str, ...]:
        """Some names, separated by commas, at most as many; empty when the parameter is not given.

        Raises:
            InvalidRequest: when there are more.
        """
        found = tuple(dict.fromkeys(part for part in (self._parameters.get(name) or "").split(",") if part.strip()))
        if len(found) > most:
            raise InvalidRequest(f"holds {len(found)} names, at most {most} are taken", field=name)
        for part in found:
            _check_text(part, name)
        return tuple(part.strip()[:MAX_ID] for part in found)

    def box(self, name: str) -> tuple[float, float, float, float] | None:
        """West, south, east, north in degrees, separated by commas; None when the parameter is not given.

        Raises:
            InvalidRequest: when it is not such a box.
        """
        value = self.text(name)
        if value is None:
            return None
        try:
            west, south, east, north = (float(part) for part in value.split(","))
        except ValueError:
            west = south = east = north = math.nan
        if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90):
            raise InvalidRequest("must be west,south,east,north in degrees, such as -54.5,-12.5,-53,-11.5", field=name)
        return west, south, east, north

    def moment(self, name: str) -> str | None:
        """A date or a time, as the prefix that UTC times in the tables are compared with; None when it is not given.

        ``2026-08-01``, ``2026-08-01T12:30:00``, ``2026-08-01T09:30:00-03:00``; what has no offset is UTC.

        Raises:
            InvalidRequest: when it is neither.
        """
        value = self.text(name)
        if value is None:
            return None
        try:
            # a + of an offset that was not escaped arrives as a blank
            moment = datetime.fromisoformat(value.replace(" ", "+") if "T" in value else value)
            utc = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        except (ValueError, OverflowError) as error:
            raise InvalidRequest(
                "must be a date or a time, such as 2026-08-01 or 2026-08-01T12:30:00Z", field=name
            ) from error
        return utc.replace(tzinfo=None).isoformat(timespec="seconds")


def path_id(text: str, what: str) -> str:
    """An id out of a path, its percent escapes undone.

    Raises:
        NotFound: when nothing can have such an id.
    """
    try:
        identifier = unquote(text, errors="strict")
    except UnicodeDecodeError as error:
        raise NotFound(f"there is no {what} {text[:MAX_ID]}") from error
    if not 1 <= len(identifier) <= MAX_ID:
        raise NotFound(f"there is no {what} {identifier[:MAX_ID]}…")
    return identifier
