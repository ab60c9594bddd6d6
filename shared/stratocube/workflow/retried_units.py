"""The units of an ended build that are to be done again."""

from __future__ import annotations

from collections.abc import Iterator

from stratocube.cube.retry import RetryRequest
from stratocube.state.builds import Builds
from stratocube.state.status import BuildStatus, UnitStatus

_OPEN = frozenset({UnitStatus.PLANNED, UnitStatus.RUNNING})


def units_to_retry(builds: Builds, build_id: str, wanted: RetryRequest) -> Iterator[str]:
    """Ids of the units that the filter lets pass.

    Units of a cancelled build that are still open count as cancelled when it was: closing them may still be under way.

    Raises:
        NotFound: there is no such build.
    """
    build = builds.get(build_id)
    cancelled = build.status is BuildStatus.CANCELLED
    for unit in builds.units(build_id):
        closing = cancelled and unit.status in _OPEN
        if wanted.matches(
            state=(UnitStatus.CANCELLED if closing else unit.status).value,
            cause=build.cause if closing else unit.cause,
            step=unit.failed_step,
            ended_at=build.finished_at if closing else unit.ended_at,
        ):
            yield unit.unit_id
