"""The words a record's status may be."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

Standing = Literal["Pending", "Finished", "Error"]
"""cube-builder's words for the state of a cube."""


class BuildStatus(StrEnum):
    """Where a build stands."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    """Every unit succeeded."""
    PARTIAL = "PARTIAL"
    """Some units succeeded, some failed."""
    FAILED = "FAILED"
    """No unit succeeded, or the plan could not be made."""
    CANCELLED = "CANCELLED"
    """Stopped on request; what its units had published stays."""


class UnitStatus(StrEnum):
    """Where a unit (tile and period) of a build stands."""

    PLANNED = "PLANNED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    """Its build was cancelled before the unit ended."""


class ActivityStatus(StrEnum):
    """Where a piece of work stands, whichever build asked for it."""

    CLAIMED = "CLAIMED"
    """Somebody works on it until the claim expires."""
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


class Step(StrEnum):
    """The steps of a unit, in order."""

    SEARCH = "search"
    MERGE = "merge"
    PREPARE_DATES = "prepare_dates"
    PREPARE_BLEND = "prepare_blend"
    PUBLISH_DATES = "publish_dates"
    BLEND = "blend"
    PUBLISH = "publish"


class Outcome(StrEnum):
    """How one step of one build ended."""

    BUILT = "BUILT"
    """This build did the work."""
    REUSED = "REUSED"
    """The same work had been done before, its product is there."""
    BUSY = "BUSY"
    """Another build is doing the same work: ask again."""
    FAILED = "FAILED"
