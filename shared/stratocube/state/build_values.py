"""What the builds table holds, as values: a build's header, its units, how their steps ended and the counts of that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from stratocube.state.status import BuildStatus, Outcome, Step, UnitStatus


@dataclass(frozen=True)
class Build:
    """A build's header."""

    build_id: str
    cube_id: str
    status: BuildStatus
    created_at: str
    started_at: str | None
    finished_at: str | None
    cause: str | None
    request: Mapping[str, Any]
    summary: Mapping[str, Any] | None
    """Counts written by Finish, None before."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """What an operation asked for beyond the request (:mod:`stratocube.workflow.options`)."""
    planned: Mapping[str, int] = field(default_factory=dict)
    """How many units were asked for and how many of them are built, as far as Plan has said."""
    retried_by: tuple[str, ...] = ()
    """Builds that do units of this one again, oldest first."""
    estimate: Mapping[str, Any] | None = None
    """What it was expected to be and to cost before it began (:mod:`stratocube.workflow.estimate`)."""


@dataclass(frozen=True)
class Unit:
    """One tile and period of a build."""

    unit_id: str
    tile: str
    start: str
    end: str
    status: UnitStatus
    totals: Mapping[str, int]
    """How many of each fanned-out step there are (``merge``, ``publish_dates``, ``blend``), as far as known."""
    failed_step: str | None = None
    cause: str | None = None
    started_at: str | None = None
    """When its scenes began to be searched."""
    ended_at: str | None = None
    """When it failed, succeeded or was cancelled."""
    staleness: Mapping[str, Any] | None = None
    """How its inputs differ from what is published, where the build looked for that."""
    steps: Mapping[Step, StepCounts] | None = None
    """What its steps came to, counted when it ended; None before."""


@dataclass(frozen=True)
class Spent:
    """What calls of functions came to, as far as they could measure it themselves."""

    calls: int = 0
    gb_seconds: float = 0.0
    puts: int = 0
    """Requests of S3 that are charged as PUT."""
    gets: int = 0
    """Requests of S3 that are charged as GET; not those of GDAL, which reads pixels."""

    def __add__(self, other: Spent) -> Spent:
        return Spent(
            self.calls + other.calls,
            round(self.gb_seconds + other.gb_seconds, 3),
            self.puts + other.puts,
            self.gets + other.gets,
        )


NOTHING_SPENT = Spent()


@dataclass(frozen=True)
class StepResult:
    """How one step ended in one build."""

    step: Step
    unit_id: str
    part: str
    """What of the unit: ``2023-08-10#B04`` for a merge, the band for a blend, empty for a step of the whole unit."""
    outcome: Outcome
    seconds: float
    activity_id: str | None = None
    cause: str | None = None
    spent: Spent = NOTHING_SPENT
    """By the call that ended; read back, by all calls for this part."""
    ended_at: str | None = None


@dataclass(frozen=True)
class StepCounts:
    """How often a step ended how, and the seconds its functions worked."""

    built: int = 0
    reused: int = 0
    failed: int = 0
    seconds: float = 0.0
    spent: Spent = NOTHING_SPENT

    @classmethod
    def of(cls, outcome: Outcome, seconds: float, spent: Spent = NOTHING_SPENT) -> StepCounts:
        """The counts of one step that ended."""
        built, reused, failed = (int(outcome is known) for known in (Outcome.BUILT, Outcome.REUSED, Outcome.FAILED))
        return cls(built, reused, failed, seconds, spent)

    def __add__(self, other: StepCounts) -> StepCounts:
        return StepCounts(
            self.built + other.built,
            self.reused + other.reused,
            self.failed + other.failed,
            round(self.seconds + other.seconds, 3),
            self.spent + other.spent,
        )

    @property
    def parts(self) -> int:
        """How many of the step ended, however."""
        return self.built + self.reused + self.failed

    def to_json(self) -> list[float]:
        """As stored in a unit's record."""
        spent = self.spent
        counts = [self.built, self.reused, self.failed, self.seconds]
        return counts if spent == NOTHING_SPENT else [*counts, spent.calls, spent.gb_seconds, spent.puts, spent.gets]

    @classmethod
    def from_json(cls, value: Sequence[float]) -> StepCounts:
        """The inverse of :meth:`to_json`."""
        built, reused, failed, seconds, *spent = value
        if not spent:
            return cls(int(built), int(reused), int(failed), float(seconds))
        calls, gb_seconds, puts, gets = spent
        return cls(
            int(built),
            int(reused),
            int(failed),
            float(seconds),
            Spent(int(calls), float(gb_seconds), int(puts), int(gets)),
        )
