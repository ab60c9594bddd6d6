"""The time, and how it is written in tables and answers."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    """The time, aware, in UTC."""
    return datetime.now(UTC)


def iso_time(moment: datetime) -> str:
    """``2026-03-06T10:00:00.123456Z``: sorts as text, as every time in the tables."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
