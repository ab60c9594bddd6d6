"""Rows of the table of builds, as values."""

from __future__ import annotations

from typing import Final

from stratocube.state.build_values import Build, Spent, StepCounts, Unit
from stratocube.state.models import BuildRecord
from stratocube.state.status import BuildStatus, Step, UnitStatus

UNIT_PREFIX: Final = "UNIT#"


def build_of(record: BuildRecord) -> Build:
    """The header of a build."""
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
        options=record.options or {},
        planned={name: int(count) for name, count in (record.planned or {}).items()},
        retried_by=tuple(str(build_id) for build_id in record.retried_by or ()),
        estimate=record.estimate,
    )


def unit_of(record: BuildRecord) -> Unit:
    """One unit of a build."""
    return Unit(
        unit_id=record.record.removeprefix(UNIT_PREFIX),
        tile=record.tile,
        start=record.start,
        end=record.end,
        status=UnitStatus(record.status),
        totals={name: int(count) for name, count in (record.totals or {}).items()},
        failed_step=record.failed_step,
        cause=record.cause,
        started_at=record.started_at,
        ended_at=record.ended_at,
        staleness=record.staleness,
        steps=None
        if record.steps is None
        else {Step(step): StepCounts.from_json(counts) for step, counts in record.steps.items()},
    )


def spent_of(record: BuildRecord) -> Spent:
    """What the calls for one part of a step came to."""
    return Spent(
        int(record.calls or 0), round(float(record.gb_seconds or 0), 3), int(record.puts or 0), int(record.gets or 0)
    )
