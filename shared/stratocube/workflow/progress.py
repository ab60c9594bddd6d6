"""How far a build is: its steps and units, counted for people and for the build's header."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from stratocube.state.builds import Builds, StepCounts, Unit
from stratocube.state.status import BuildStatus, Step, UnitStatus

SHOWN_FAILURES = 50
"""Failed units that are listed; ``units.failed`` counts all. The header must stay far below an item's 400 KB."""

SHOWN_CAUSE = 1000
"""Characters of a cause in the list; the unit itself keeps all of it."""

_FANNED_OUT = (Step.MERGE, Step.PREPARE_DATES, Step.PUBLISH_DATES, Step.BLEND)
"""Steps of which a unit has many parts. Every other step happens once a unit."""


def build_progress(builds: Builds, build_id: str) -> dict[str, Any]:
    """The steps, units and failed units of a build, as JSON.

    ::

        {"steps": {"merge": {"total": 40, "built": 30, "reused": 8, "failed": 1, "seconds": 512.25}, …},
         "units": {"total": 4, "planned": 1, "running": 2, "succeeded": 0, "failed": 1},
         "failed_units": [{"unit_id": …, "step": "merge", "cause": …}]}

    ``total`` is null while it is not known: before the units are planned, and for the fanned-out steps while a unit
    that may still go on has not said how many it has. ``failed_units`` holds the first :data:`SHOWN_FAILURES` in
    order of unit id; ``units.failed`` counts all.
    """
    progress = builds.progress(build_id)
    units = progress.units
    return {
        "steps": {step.value: _step(progress.steps.get(step, StepCounts()), step_total(step, units)) for step in Step},
        "units": unit_counts(units),
        "failed_units": _failed(units),
    }


def cube_status(builds: Builds, cube_id: str, *, builds_back: int) -> dict[str, Any]:
    """How far a cube is, over its last builds, as JSON.

    ::

        {"cube_id": …, "finished": false, "done": 12, "not_done": 3, "error": 1,
         "builds": [{"build_id": …, "status": "RUNNING", "created_at": …, "finished_at": null}, …]}

    Units are counted, each once: a tile and period that several of the last ``builds_back`` builds have counts as the
    newest of them left it. ``done`` is published, ``error`` failed, ``not_done`` neither. ``finished`` is true when no
    build is open and nothing is left to do; failed units do not keep it from being true.
    """
    latest = builds.of_cube(cube_id, limit=builds_back)
    states: dict[str, UnitStatus] = {}
    for build in latest:
        for unit in builds.units(build.build_id):
            states.setdefault(unit.unit_id, unit.status)
    tally = Counter(states.values())
    not_done = tally[UnitStatus.PLANNED] + tally[UnitStatus.RUNNING]
    still_open = any(build.status in {BuildStatus.QUEUED, BuildStatus.RUNNING} for build in latest)
    return {
        "cube_id": cube_id,
        "finished": bool(latest) and not still_open and not_done == 0,
        "done": tally[UnitStatus.SUCCEEDED],
        "not_done": not_done,
        "error": tally[UnitStatus.FAILED],
        "builds": [
            {
                "build_id": build.build_id,
                "status": build.status.value,
                "created_at": build.created_at,
                "finished_at": build.finished_at,
            }
            for build in latest
        ],
    }


def unit_counts(units: Sequence[Unit]) -> dict[str, int]:
    """How many units there are, and how many in each status."""
    statuses = [unit.status for unit in units]
    return {"total": len(units), **{status.value.lower(): statuses.count(status) for status in UnitStatus}}


def step_total(step: Step, units: Sequence[Unit]) -> int | None:
    """How often a step is to happen in these units, None while that is not known.

    A unit that failed or succeeded before it knew a total has no more work, so it counts with what it knows.
    """
    if not units:
        return None
    if step not in _FANNED_OUT:
        return len(units)
    open_units = [unit for unit in units if unit.status in {UnitStatus.PLANNED, UnitStatus.RUNNING}]
    if any(step.value not in unit.totals for unit in open_units):
        return None
    return sum(unit.totals.get(step.value, 0) for unit in units)


def _step(counts: StepCounts, total: int | None) -> dict[str, Any]:
    return {
        "total": total,
        "built": counts.built,
        "reused": counts.reused,
        "failed": counts.failed,
        "seconds": counts.seconds,
    }


def _failed(units: Sequence[Unit]) -> list[dict[str, Any]]:
    failed = [unit for unit in units if unit.status is UnitStatus.FAILED]
    return [
        {"unit_id": unit.unit_id, "step": unit.failed_step, "cause": (unit.cause or "")[:SHOWN_CAUSE]}
        for unit in failed[:SHOWN_FAILURES]
    ]
