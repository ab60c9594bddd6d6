"""Every error stratocube raises on purpose, under one base.

The class says who can do something about it, and that decides what happens next:

========================  ==============================  ======================
class                     who acts                        retried
========================  ==============================  ======================
:class:`InvalidRequest`   the caller mends the request    never
:class:`NotFound`         the caller names something else never
:class:`SourceMissing`    the archive has no such object  never
:class:`TransientRead`    nobody: try again               yes, with a clean cache
:class:`Conflict`         somebody else holds the work    yes, after their claim
========================  ==============================  ======================

Anything else that escapes is a bug in stratocube.
"""

from __future__ import annotations


class StratocubeError(Exception):
    """Base of every error raised on purpose."""


class InvalidRequest(StratocubeError):
    """Input that cannot be worked with: names the field and the remedy.

    ``field`` is a dotted path into what the caller sent (``bands.2.nodata``), empty when the whole is meant.
    """

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(f"{field}: {message}" if field else message)
        self.field = field
        self.reason = message


class NotFound(StratocubeError):
    """A cube, grid, tile, build or activity that is not there."""


class SourceMissing(StratocubeError):
    """A source object that the archive says does not exist, or that is no raster. ``href`` says which."""

    def __init__(self, href: str, reason: str) -> None:
        super().__init__(f"{href}: {reason}")
        self.href = href
        self.reason = reason


class TransientRead(StratocubeError):
    """A read that failed and may succeed when tried again. ``href`` says of what."""

    def __init__(self, href: str, reason: str) -> None:
        super().__init__(f"{href}: {reason}")
        self.href = href
        self.reason = reason


class Conflict(StratocubeError):
    """Somebody else did, or is doing, what was asked."""
