"""Sweep: every few minutes, what nobody reported is found.

Three things are looked for, in the builds that are not settled (:mod:`stratocube.state.unsettled`):

- an open build whose execution has ended, or never began: the event that closes such a build was lost, or refused;
- a closed build of which nothing can run any longer: its units are counted as they ended, the last word on it;
- an open build, or a unit of one, that does not move: nobody but a person can say what is to be done about it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from stratocube.clock import iso_time
from stratocube.errors import NotFound, StratocubeError
from stratocube.state.build_values import Build, Unit
from stratocube.state.status import UnitStatus
from stratocube.workflow.context import Stack
from stratocube.workflow.executions import Execution, Executions
from stratocube.workflow.finish import finish_build, settle_build
from stratocube.workflow.perform import cause_of

GRACE = timedelta(minutes=15)
"""After the end of an execution: three times what a function may run, and longer than Lambda tries an event again."""

_NAMED = 5
"""Stuck units a remark names."""


class SweepFailed(StratocubeError):
    """Some builds could not be looked at; all others were."""

    def __init__(self, causes: Mapping[str, str]) -> None:
        named = "; ".join(f"build {build_id}: {cause}" for build_id, cause in list(causes.items())[:_NAMED])
        super().__init__(f"{len(causes)} of the builds could not be swept: {named}")
        self.causes = causes


@dataclass
class Sweep:
    """What a sweep did and saw."""

    seen: int = 0
    """Builds that were not settled."""
    closed: list[str] = field(default_factory=list)
    """Builds whose end nobody had reported."""
    settled: list[str] = field(default_factory=list)
    stuck: dict[str, list[str]] = field(default_factory=dict)
    """Builds that do not move, each with its units that ought to and do not: none where none is under way."""
    failed: dict[str, str] = field(default_factory=dict)
    """Builds that could not be looked at, and why."""

    @property
    def stuck_units(self) -> int:
        """Units that do not move."""
        return sum(len(units) for units in self.stuck.values())


def sweep_builds(stack: Stack, executions: Executions, *, stuck_after: timedelta) -> Sweep:
    """Look at every unsettled build once. One that cannot be looked at keeps no other from being so: it is in
    ``failed``, for the caller to raise :class:`SweepFailed` when it has told the rest.

    Args:
        stuck_after: how long no step of a unit may end before it counts as stuck.
    """
    sweep = Sweep()
    for build_id in stack.unsettled.build_ids():
        sweep.seen += 1
        try:
            _look_at(stack, executions, build_id, stuck_after, sweep)
        except Exception as error:
            sweep.failed[build_id] = cause_of(error)
    return sweep


def _look_at(stack: Stack, executions: Executions, build_id: str, stuck_after: timedelta, sweep: Sweep) -> None:
    try:
        build = stack.builds.get(build_id)
    except NotFound:
        return  # removed by hand; the index says so in a moment
    execution = executions(build_id)
    moment = stack.clock()
    if execution is not None and not execution.has_ended:
        if build.finished_at is None:
            _watch(stack, build, iso_time(moment - stuck_after), sweep)
        return
    if moment - _last_moved(build, execution) < GRACE:
        return
    if build.finished_at is None:
        finish_build(stack, build_id, _end_of(execution))
        sweep.closed.append(build_id)
    settle_build(stack, build_id)
    sweep.settled.append(build_id)


def _last_moved(build: Build, execution: Execution | None) -> datetime:
    """When something of the build last ran that we know of."""
    told = [build.created_at, build.finished_at]
    moments = [datetime.fromisoformat(text) for text in told if text]
    return max([*moments, *([execution.stopped_at] if execution and execution.stopped_at else [])])


def _end_of(execution: Execution | None) -> dict[str, str]:
    if execution is None:
        return {
            "Error": "NotStarted",
            "Cause": "the build was recorded, but the state machine has no execution of it: retry it",
        }
    return {"Error": execution.status, "Cause": "the execution ended and did not close the build: the sweep did"}


def _watch(stack: Stack, build: Build, since: str, sweep: Sweep) -> None:
    """See whether anything of a running build moved after ``since``, and say so in its record."""
    under_way, waiting, newest = [], 0, max(build.started_at or "", build.created_at)
    for unit in stack.builds.units(build.build_id):
        newest = max(newest, unit.ended_at or "", unit.started_at or "")
        waiting += unit.status is UnitStatus.PLANNED
        if unit.status is UnitStatus.RUNNING:
            under_way.append(unit)
    stuck = [unit.unit_id for unit in under_way if _last_step(stack, build, unit) < since]
    if stuck:
        more = f" and {len(stuck) - _NAMED} more" if len(stuck) > _NAMED else ""
        remark = f"no step of {', '.join(stuck[:_NAMED])}{more} has ended since {since[:16]}Z"
    elif not under_way and newest < since:
        remark = f"nothing has begun or ended since {since[:16]}Z, {waiting} units are waiting"
    else:
        if build.cause:
            stack.unsettled.remark(build.build_id, None)
        return
    sweep.stuck[build.build_id] = stuck
    stack.unsettled.remark(build.build_id, f"stuck: {remark}. docs/operations.md says what to do")


def _last_step(stack: Stack, build: Build, unit: Unit) -> str:
    """When a unit under way last moved. One that began before this was recorded moved when its build began."""
    last = stack.unsettled.last_step_at(build.build_id, unit.unit_id)
    return max(last or "", unit.started_at or build.started_at or build.created_at)
