"""Instants as STAC writes them, always aware and in UTC."""

from __future__ import annotations

from datetime import UTC, datetime

from stratocube.errors import InvalidRequest


def instant(text: object, field: str) -> datetime:
    """An RFC 3339 instant in UTC; a plain date is its midnight, and what has no zone is taken for UTC.

    Older catalogues write both (USGS STAC 0.7 a date, Brazil Data Cube no zone).

    Raises:
        InvalidRequest: when ``text`` is neither, naming ``field``.
    """
    if isinstance(text, str):
        try:
            parsed = datetime.fromisoformat(text)
        except ValueError:
            parsed = None
        if parsed is not None:
            return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    raise InvalidRequest(f"must be a date and time such as 2023-08-15T09:58:11Z, got {text!r}", field=field)


def instant_text(value: datetime) -> str:
    """An aware instant as STAC wants it: UTC, ``Z``, a fraction only where there is one."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
