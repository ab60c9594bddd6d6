"""Builds, their units and the steps they finished.

One partition a build: the header ``BUILD``, a ``UNIT#<unit>`` each, a ``DONE#<step>#<unit>#<part>`` for each step that
ended. Progress is counted from the ``DONE`` rows, which a redelivered message overwrites and never doubles; no counter
is kept that could be bumped twice. Finish writes the counts into the header, so a finished build is one read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pynamodb.exceptions import DoesNotExist, PutError, UpdateError

from stratocube.errors import Conflict, NotFound
from stratocube.state.activities import CAUSE_LIMIT
from stratocube.state.models import BuildRecord
from stratocube.state.status import BuildStatus, Outcome, Step, UnitStatus
from stratocube.state.tables import bind

_HEADER = "BUILD"
_UNIT = "UNIT#"
_CONDITION_FAILED = "ConditionalCheckFailedException"


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


@dataclass(frozen=True)
class StepCounts:
    """How often a step ended how, and the seconds its functions worked."""

    built: int = 0
    reused: int = 0
    failed: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Progress:
    """A build's steps and units, counted."""

    steps: Mapping[Step, StepCounts] = field(default_factory=dict)
    units: tuple[Unit, ...] = ()


class Builds:
    """The table of builds."""

    def __init__(self, table_name: str, *, region: str) -> None:
        self._records = bind(BuildRecord, table_name, region=region)

    # -- header

    def create(self, build_id: str, cube_id: str, request: Mapping[str, Any], *, now: str) -> Build:
        """A new build, QUEUED.

        Raises:
            Conflict: when the id is taken.
        """
        record = self._records(
            build_id,
            _HEADER,
            status=BuildStatus.QUEUED.value,
            cube_id=cube_id,
            created_at=now,
            request=dict(request),
        )
        try:
            record.save(condition=self._records.build_id.does_not_exist())
        except PutError as error:
            if error.cause_response_code != _CONDITION_FAILED:
                raise
            raise Conflict(f"build {build_id} exists already") from error
        return _build(record)

    def get(self, build_id: str) -> Build:
        """The header of a build.

        Raises:
            NotFound: when there is no such build.
        """
        try:
            return _build(self._records.get(build_id, _HEADER, consistent_read=True))
        except DoesNotExist as error:
            raise NotFound(f"there is no build {build_id}") from error

    def of_cube(self, cube_id: str, *, limit: int) -> tuple[Build, ...]:
        """The newest builds of a cube, newest first."""
        found = self._records.by_cube.query(cube_id, scan_index_forward=False, limit=limit)
        return tuple(_build(record) for record in found)

    def start(self, build_id: str, *, now: str) -> None:
        """QUEUED → RUNNING. A build that is past QUEUED stays as it is (a redelivered Plan)."""
        model = self._records
        self._update_if(
            build_id,
            _HEADER,
            [model.status.set(BuildStatus.RUNNING.value), model.started_at.set(now)],
            model.status == BuildStatus.QUEUED.value,
        )

    def finish(
        self,
        build_id: str,
        *,
        status: BuildStatus,
        summary: Mapping[str, Any],
        now: str,
        cause: str | None = None,
    ) -> None:
        """Close a build. One that is closed already stays as it is."""
        model = self._records
        actions = [
            model.status.set(status.value),
            model.finished_at.set(now),
            model.summary.set(dict(summary)),
        ]
        if cause:
            actions.append(model.cause.set(cause[:CAUSE_LIMIT]))
        self._update_if(build_id, _HEADER, actions, model.finished_at.does_not_exist())

    # -- units

    def add_units(self, build_id: str, units: Iterable[tuple[str, str, str, str]]) -> None:
        """Record (unit id, tile, start, end) of every unit as PLANNED."""
        with self._records.batch_write() as batch:
            for unit_id, tile, start, end in units:
                batch.save(
                    self._records(
                        build_id,
                        _UNIT + unit_id,
                        status=UnitStatus.PLANNED.value,
                        tile=tile,
                        start=start,
                        end=end,
                        totals={},
                    )
                )

    def units(self, build_id: str) -> Iterator[Unit]:
        """Every unit of a build, in order of id."""
        model = self._records
        for record in model.query(build_id, model.record.startswith(_UNIT), consistent_read=True):
            yield _unit(record)

    def unit_running(self, build_id: str, unit_id: str) -> None:
        """PLANNED → RUNNING."""
        model = self._records
        self._update_if(
            build_id,
            _UNIT + unit_id,
            [model.status.set(UnitStatus.RUNNING.value)],
            model.status == UnitStatus.PLANNED.value,
        )

    def set_totals(self, build_id: str, unit_id: str, totals: Mapping[str, int]) -> None:
        """How many parts the unit's fanned-out steps have."""
        model = self._records
        model(build_id, _UNIT + unit_id).update(actions=[model.totals.set(dict(totals))])

    def unit_succeeded(self, build_id: str, unit_id: str) -> None:
        """The unit is published."""
        model = self._records
        model(build_id, _UNIT + unit_id).update(
            actions=[
                model.status.set(UnitStatus.SUCCEEDED.value),
                model.failed_step.remove(),
                model.cause.remove(),
            ]
        )

    def unit_failed(self, build_id: str, unit_id: str, *, step: str, cause: str) -> None:
        """The unit failed at a step. One that succeeded stays so: its products are published."""
        model = self._records
        self._update_if(
            build_id,
            _UNIT + unit_id,
            [
                model.status.set(UnitStatus.FAILED.value),
                model.failed_step.set(step),
                model.cause.set(cause[:CAUSE_LIMIT]),
            ],
            model.status != UnitStatus.SUCCEEDED.value,
        )

    # -- finished steps

    def record(self, build_id: str, result: StepResult) -> None:
        """Record how a step ended. What was built in this build stays BUILT when it is delivered again."""
        model = self._records
        record = model(
            build_id,
            f"{_done(result.step, result.unit_id)}{result.part}",
            outcome=result.outcome.value,
            seconds=round(result.seconds, 3),
            activity_id=result.activity_id,
            cause=result.cause[:CAUSE_LIMIT] if result.cause else None,
        )
        condition = None
        if result.outcome is not Outcome.BUILT:
            condition = model.record.does_not_exist() | (model.outcome == Outcome.FAILED.value)
        try:
            record.save(condition=condition)
        except PutError as error:
            if error.cause_response_code != _CONDITION_FAILED:
                raise

    def results(self, build_id: str, *, step: Step, unit_id: str) -> tuple[StepResult, ...]:
        """How a step of one unit ended, a result a part."""
        prefix = _done(step, unit_id)
        model = self._records
        return tuple(
            StepResult(
                step=step,
                unit_id=unit_id,
                part=record.record.removeprefix(prefix),
                outcome=Outcome(record.outcome),
                seconds=float(record.seconds or 0),
                activity_id=record.activity_id,
                cause=record.cause,
            )
            for record in model.query(build_id, model.record.startswith(prefix), consistent_read=True)
        )

    def progress(self, build_id: str) -> Progress:
        """Every unit and the counts of every step."""
        return Progress(steps={step: self._counts(build_id, step) for step in Step}, units=tuple(self.units(build_id)))

    def _counts(self, build_id: str, step: Step) -> StepCounts:
        tally = dict.fromkeys(Outcome, 0)
        seconds = 0.0
        model = self._records
        rows = model.query(
            build_id, model.record.startswith(f"DONE#{step.value}#"), attributes_to_get=["outcome", "seconds"]
        )
        for row in rows:
            tally[Outcome(row.outcome)] += 1
            seconds += float(row.seconds or 0)
        return StepCounts(tally[Outcome.BUILT], tally[Outcome.REUSED], tally[Outcome.FAILED], round(seconds, 3))

    def _update_if(self, build_id: str, record: str, actions: list[Any], condition: Any) -> None:
        """Update a record of which ``condition`` holds, leave any other as it is."""
        try:
            self._records(build_id, record).update(
                actions=actions, condition=self._records.build_id.exists() & condition
            )
        except UpdateError as error:
            if error.cause_response_code != _CONDITION_FAILED:
                raise


def _done(step: Step, unit_id: str) -> str:
    return f"DONE#{step.value}#{unit_id}#"


def _build(record: BuildRecord) -> Build:
    return Build(
        build_id=record.build_id,
        cube_id=record.cube_id,
        status=BuildStatus(record.status),
        created_at=record.created_at,
        started_at=record.started_at,
        finished_at=record.finished_at,
        cause=record.cause,
        request=record.request or {},
        summary=record.summary,
    )


def _unit(record: BuildRecord) -> Unit:
    return Unit(
        unit_id=record.record.removeprefix(_UNIT),
        tile=record.tile,
        start=record.start,
        end=record.end,
        status=UnitStatus(record.status),
        totals={name: int(count) for name, count in (record.totals or {}).items()},
        failed_step=record.failed_step,
        cause=record.cause,
    )
