"""What is open: the builds that are, and the work that waits in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from stratocube.errors import NotFound
from stratocube.state.build_values import Build
from stratocube.state.builds import Builds
from stratocube.state.status import BuildStatus, Step, UnitStatus
from stratocube.state.unsettled import Unsettled

MOST_OPEN: Final = 200
"""Open builds that are looked at, newest first."""

MOST_ROWS: Final = 30_000
"""Rows of units and of finished steps that are read for a list of tasks: it has to be there within 29 seconds."""

_OPEN: Final = frozenset({BuildStatus.QUEUED, BuildStatus.RUNNING})
_PARTS: Final = (Step.MERGE, Step.PREPARE_DATES, Step.PUBLISH_DATES, Step.BLEND)
"""Steps that a unit does in parts, which it counts when its scenes are known."""


def open_builds(
    builds: Builds, unsettled: Unsettled, *, status: BuildStatus | None = None, after: Build | None = None
) -> tuple[Build, ...]:
    """Builds of all cubes that are not over, newest first: of one status, older than ``after``."""
    found = []
    listed = (build_id for build_id in unsettled.build_ids() if after is None or build_id < after.build_id)
    for build_id in sorted(listed, reverse=True)[:MOST_OPEN]:
        try:
            build = builds.get(build_id)
        except NotFound:  # the index may lag behind
            continue
        if build.status in _OPEN and status in (None, build.status):
            found.append(build)
    return tuple(found)


def waiting_tasks(builds: Builds, unsettled: Unsettled) -> dict[str, Any]:
    """The work that is left in the open builds, by step, as JSON.

    ::

        {"merge": {"total": 24, "ready": 0, "unacked": 24}, …}

    ``unacked`` are those of units that are being worked on, ``ready`` those of units that wait for their turn. Parts of
    a step (merges, say) are counted once a unit's scenes are known; a unit that waits counts with its first step.
    """
    ready: Counter[Step] = Counter()
    unacked: Counter[Step] = Counter()
    for unit_id, build_id, status, totals in _units(builds, unsettled):
        if status is UnitStatus.PLANNED:
            ready[Step.SEARCH] += 1
            continue
        counts = builds.step_counts(build_id, unit_id)
        ended = {step: count.built + count.reused for step, count in counts.items()}
        for step in Step:
            wanted = totals.get(step.value, 0) if step in _PARTS else 1
            unacked[step] += max(0, wanted - ended.get(step, 0))
    return {
        step.value: {"total": ready[step] + unacked[step], "ready": ready[step], "unacked": unacked[step]}
        for step in Step
    }


def _units(builds: Builds, unsettled: Unsettled) -> Iterator[tuple[str, str, UnitStatus, dict[str, int]]]:
    rows = 0
    for build in open_builds(builds, unsettled):
        for unit in builds.units(build.build_id):
            rows += 1
            if unit.status in (UnitStatus.PLANNED, UnitStatus.RUNNING):
                yield unit.unit_id, build.build_id, unit.status, dict(unit.totals)
                rows += sum(unit.totals.values())
            if rows > MOST_ROWS:
                return
