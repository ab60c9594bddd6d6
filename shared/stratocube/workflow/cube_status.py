"""Where a cube stands: every unit of its builds counted once, as the newest build that had it left it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from stratocube.state.build_values import Build
from stratocube.state.builds import Builds
from stratocube.state.status import BuildStatus, Standing, UnitStatus

MOST_BUILDS: Final = 500
"""Builds that are counted: a cube that watches for scenes has one or two a day."""

MOST_UNITS: Final = 50_000
"""Rows of units that are read, some thirty pages: a reply has to be there within 29 seconds."""

SHOWN_BUILDS: Final = 10

_OPEN: Final = frozenset({BuildStatus.QUEUED, BuildStatus.RUNNING})
_STANDING: Final[Mapping[BuildStatus, Standing]] = {
    BuildStatus.SUCCEEDED: "Finished",
    BuildStatus.PARTIAL: "Error",
    BuildStatus.FAILED: "Error",
}


def standing(newest: Build | None) -> Standing:
    """The state of a cube in cube-builder's words: ``Finished`` or ``Error`` as its newest build ended, ``Pending``
    while that is open, and of a cube whose newest build was cancelled or that has none."""
    return "Pending" if newest is None else _STANDING.get(newest.status, "Pending")


@dataclass
class _Counted:
    builds: list[Build] = field(default_factory=list)
    units: dict[str, UnitStatus] = field(default_factory=dict)
    all: bool = True


def cube_status(builds: Builds, cube_id: str) -> dict[str, Any]:
    """How far a cube is, over all its builds, as JSON.

    ``done`` units are published, ``error`` ones failed, ``not_done`` are neither (also what was cancelled). Each tile
    and period counts once, as the newest build left it; dry runs leave nothing. ``finished`` is true when no build is
    open and nothing is left to do; failed units do not keep it from being true. ``start_date`` is when the first build
    began, ``last_date`` when the last one ended, ``duration`` how long builds ran in all (hours:minutes:seconds). A
    cube of very many builds is counted over the newest of them, and ``all_builds`` is false then.
    """
    found = _count(builds, cube_id)
    tally = Counter(found.units.values())
    not_done = tally[UnitStatus.PLANNED] + tally[UnitStatus.RUNNING] + tally[UnitStatus.CANCELLED]
    still_open = any(build.status in _OPEN for build in found.builds)
    began = [build.started_at or build.created_at for build in found.builds]
    ended = [build.finished_at for build in found.builds if build.finished_at]
    return {
        "cube_id": cube_id,
        "finished": bool(found.builds) and not still_open and not_done == 0,
        "done": tally[UnitStatus.SUCCEEDED],
        "not_done": not_done,
        "error": tally[UnitStatus.FAILED],
        "start_date": min(began, default=None),
        "last_date": max(ended, default=None),
        "duration": _duration(found.builds),
        "counted_builds": len(found.builds),
        "all_builds": found.all,
        "builds": [
            {
                "build_id": build.build_id,
                "status": build.status.value,
                "created_at": build.created_at,
                "finished_at": build.finished_at,
            }
            for build in found.builds[:SHOWN_BUILDS]
        ],
    }


def _count(builds: Builds, cube_id: str) -> _Counted:
    """Units by their state, newest build first, until enough was read."""
    latest = builds.of_cube(cube_id, limit=MOST_BUILDS + 1, dry_runs=False)
    found = _Counted(all=len(latest) <= MOST_BUILDS)
    rows = 0
    for build in latest[:MOST_BUILDS]:
        if rows >= MOST_UNITS:
            found.all = False
            break
        found.builds.append(build)
        for unit in builds.units(build.build_id):
            found.units.setdefault(unit.unit_id, unit.status)
            rows += 1
    return found


def _duration(builds: list[Build]) -> str:
    ran = timedelta()
    for build in builds:
        if build.started_at and build.finished_at:
            ran += datetime.fromisoformat(build.finished_at) - datetime.fromisoformat(build.started_at)
    seconds = int(ran.total_seconds())
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
