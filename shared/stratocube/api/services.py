"""What the routes work with, made once a process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from stratocube.settings import Settings
from stratocube.state.activities import Activities
from stratocube.state.builds import Builds
from stratocube.state.cubes import Cubes
from stratocube.state.grids import Grids
from stratocube.workflow.start import Launch, state_machine


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Services:
    """The tables, the way to launch a build, and what a build may read."""

    cubes: Cubes
    grids: Grids
    builds: Builds
    activities: Activities
    launch: Launch
    allowed_hosts: tuple[str, ...] = ()
    allowed_buckets: tuple[str, ...] = ()
    now: Callable[[], datetime] = _utc_now

    @classmethod
    def of_stack(cls, settings: Settings, *, region: str) -> Services:
        """The services of the stack that ``settings`` names. Connects to nothing yet."""
        return cls(
            cubes=Cubes(settings.cubes_table, region=region),
            grids=Grids(settings.grids_table, region=region),
            builds=Builds(settings.builds_table, region=region),
            activities=Activities(settings.activities_table, region=region),
            launch=state_machine(settings.state_machine_arn, region=region),
            allowed_hosts=settings.allowed_hosts,
            allowed_buckets=settings.allowed_buckets,
        )
