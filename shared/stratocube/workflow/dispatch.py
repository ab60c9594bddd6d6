"""Dispatch: units that scenes arrived for become builds, one a cube, and are followed until they are done.

Every minute all units that are due are looked at:

- no build has begun with what arrived, and none is at work on the unit: it is built;
- a build is at work on it: it stays due. What arrived meanwhile is seen by the next build, which begins when this one
  has ended; two builds of one unit side by side could publish the older inputs last;
- its build has ended well, and nothing arrived since: done;
- its build failed: it is built again, three times in all, then left to a person (``/failures`` has it).

Builds are ordinary ones, of chosen units that end at once where they are made of what is available already. So it does
no harm to start one too many, and whoever is cut off in between is followed by the next minute's dispatch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum, auto
from typing import Any, Final

from stratocube.clock import iso_time
from stratocube.cube.definition import CubeDefinition
from stratocube.cube.naming import UnitId
from stratocube.cube.timeline import Period
from stratocube.errors import NotFound, StratocubeError
from stratocube.state.arrivals import ArrivedUnit
from stratocube.state.build_values import Build
from stratocube.state.status import BuildStatus, UnitStatus
from stratocube.workflow.context import Stack
from stratocube.workflow.options import BuildOptions
from stratocube.workflow.start import Launch, LaunchFailed, new_build_id, start_recorded
from stratocube.workflow.watches import Watch, watch_of, watches_by_cube

MOST_UNITS: Final = 1_000
"""Units of one build: their names stand in its header. What is beyond is taken a minute later."""

MOST_LOOKED_AT: Final = 5_000
"""Units looked at in one dispatch, all cubes together."""

ATTEMPTS: Final = 3
"""Builds of a unit after an arrival, if they fail."""

LOOK_AGAIN: Final = timedelta(seconds=60)

_OPEN_BUILDS: Final = 50
"""Newest builds of a cube among which those under way are looked for."""

_AT_WORK: Final = frozenset({UnitStatus.PLANNED, UnitStatus.RUNNING})


class _Standing(Enum):
    """How the last build of a unit, if there is one, stands."""

    NONE = auto()
    AT_WORK = auto()
    DONE = auto()
    FAILED = auto()


@dataclass
class Dispatched:
    """What a dispatch did."""

    builds: dict[str, str] = field(default_factory=dict)
    """Builds that were started, by cube."""
    units: int = 0
    """Units they were given."""
    waiting: int = 0
    """Units a build is at work on."""
    settled: int = 0
    """Units there was nothing more to do for."""
    given_up: list[str] = field(default_factory=list)
    """Units that failed too often: ``<cube> <unit>``."""
    failed: dict[str, str] = field(default_factory=dict)
    """Cubes whose build could not be started, and why."""


def dispatch(stack: Stack, launch: Launch) -> Dispatched:
    """Look at every unit that is due. A cube that fails keeps no other from being looked at."""
    done = Dispatched()
    due = stack.arrivals.due(iso_time(stack.clock()), limit=MOST_LOOKED_AT)
    if not due:
        return done
    watches = {cube_id: watch_of(rows[0]) for cube_id, rows in watches_by_cube(stack.arrivals.watches()).items()}
    by_cube: dict[str, list[ArrivedUnit]] = {}
    for unit in due:
        by_cube.setdefault(unit.cube_id, []).append(unit)
    for cube_id, units in sorted(by_cube.items()):
        try:
            _dispatch_cube(stack, launch, watches.get(cube_id), units, done)
        except StratocubeError as error:
            done.failed[cube_id] = f"{type(error).__name__}: {error}"
    return done


def _dispatch_cube(
    stack: Stack, launch: Launch, watch: Watch | None, units: Sequence[ArrivedUnit], done: Dispatched
) -> None:
    if watch is None:
        # The watch was ended: what was due for it is due no more.
        done.settled += sum(stack.arrivals.settle(unit) for unit in units)
        return
    builds = _Builds(stack, watch.cube_id)
    ready = [unit for unit in units if _is_ready(stack, builds, unit, done)][:MOST_UNITS]
    if not ready:
        return
    moment = stack.clock()
    build_id, look_at = new_build_id(moment), iso_time(moment + LOOK_AGAIN)
    ready = ready[: watch.units_a_build]
    taken = [unit for unit in ready if stack.arrivals.take(unit, build_id, look_at=look_at)]
    if not taken:
        return
    tiles = _by_period(taken)
    definition = CubeDefinition.parse(stack.cubes.get(watch.cube_id).definition)
    options = BuildOptions(units=tiles, skip_current=True)
    request = watch.request_of(definition, tiles).to_json()
    try:
        start_recorded(
            watch.cube_id, request, options, builds=stack.builds, launch=launch, moment=moment, build_id=build_id
        )
    except LaunchFailed as error:
        # Recorded as failed, so the next look starts it anew.
        done.failed[watch.cube_id] = str(error)
        return
    done.builds[watch.cube_id] = build_id
    done.units += len(taken)


def _is_ready(stack: Stack, builds: _Builds, unit: ArrivedUnit, done: Dispatched) -> bool:
    """Whether a unit is to be given to a build now; what else is to be done about it is done."""
    standing = builds.standing(unit)
    if standing is _Standing.AT_WORK:
        stack.arrivals.postpone(unit, iso_time(stack.clock() + LOOK_AGAIN))
        done.waiting += 1
        return False
    if standing is _Standing.DONE and not unit.pending:
        done.settled += stack.arrivals.settle(unit)
        return False
    if not unit.pending and unit.attempts >= ATTEMPTS:
        if stack.arrivals.settle(unit):
            done.given_up.append(f"{unit.cube_id} {unit.unit_id}")
        return False
    return True


class _Builds:
    """What the builds of one cube say of its units, read once in a dispatch."""

    def __init__(self, stack: Stack, cube_id: str) -> None:
        self._builds = stack.builds
        self._headers: dict[str, Build | None] = {}
        newest = stack.builds.of_cube(cube_id, limit=_OPEN_BUILDS, dry_runs=False)
        self._open = [build for build in newest if build.finished_at is None]

    def standing(self, unit: ArrivedUnit) -> _Standing:
        """How the unit's own last build stands; AT_WORK also where another build of the cube is at work on it."""
        own = self._standing_in(self._header(unit.build_id), unit.unit_id)
        if own is not _Standing.AT_WORK and any(self._works_on(build, unit.unit_id) for build in self._open):
            return _Standing.AT_WORK
        return own

    def _header(self, build_id: str | None) -> Build | None:
        if build_id is None:
            return None
        if build_id not in self._headers:
            try:
                self._headers[build_id] = self._builds.get(build_id)
            except NotFound:
                # A dispatch was cut off after it had written the build down and before it recorded it.
                self._headers[build_id] = None
        return self._headers[build_id]

    def _standing_in(self, build: Build | None, unit_id: str) -> _Standing:
        if build is None:
            return _Standing.NONE
        status = self._status(build, unit_id)
        if status is None:
            closed = _Standing.DONE if build.status is BuildStatus.CANCELLED else _Standing.FAILED
            return _Standing.AT_WORK if build.finished_at is None else closed
        if status in _AT_WORK:
            # Closing the units of a build that was stopped may still be under way.
            return _Standing.AT_WORK if build.finished_at is None else _Standing.FAILED
        # Whoever cancelled the build did not want it.
        return _Standing.FAILED if status is UnitStatus.FAILED else _Standing.DONE

    def _works_on(self, build: Build, unit_id: str) -> bool:
        status = self._status(build, unit_id)
        if status is not None:
            return status in _AT_WORK
        # Not planned yet: it has the unit if its request covers it.
        return build.started_at is None and _may_cover(build.request, UnitId.parse(unit_id))

    def _status(self, build: Build, unit_id: str) -> UnitStatus | None:
        try:
            return self._builds.unit(build.build_id, unit_id).status
        except NotFound:
            return None


def _may_cover(request: Mapping[str, Any], unit: UnitId) -> bool:
    begins_before_its_end = str(request.get("start_date", "")) <= unit.period.end.isoformat()
    ends_after_its_start = str(request.get("end_date", "")) >= unit.period.start.isoformat()
    return unit.tile in request.get("tiles", ()) and begins_before_its_end and ends_after_its_start


def _by_period(units: Iterable[ArrivedUnit]) -> dict[str, list[str]]:
    found: dict[Period, list[str]] = {}
    for unit in units:
        unit_id = UnitId.parse(unit.unit_id)
        found.setdefault(unit_id.period, []).append(unit_id.tile)
    return {str(period): sorted(tiles) for period, tiles in sorted(found.items())}
