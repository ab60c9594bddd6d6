"""What the routes work with, made once a process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from stratocube.settings import Settings
from stratocube.state.activities import Activities
from stratocube.state.arrivals import Arrivals
from stratocube.state.builds import Builds
from stratocube.state.cubes import Cubes
from stratocube.state.grids import Grids
from stratocube.storage.objects import ObjectStore
from stratocube.workflow.operations_cancel import Stop, execution_stopper
from stratocube.workflow.start import Launch, state_machine


class _LateS3:
    """A boto3 S3 client made when it is first used: one route needs it, the others not even boto3."""

    def __init__(self, region: str) -> None:
        self._region = region

    @cached_property
    def _client(self) -> Any:
        import boto3  # noqa: PLC0415 - made late, see above

        return boto3.client("s3", region_name=self._region)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


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
    stop: Stop
    work: ObjectStore
    """Plans and task lists: cancel looks up there what a build may have claimed."""
    arrivals: Arrivals
    """Watches, and the scenes that arrive for them."""
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
            stop=execution_stopper(settings.state_machine_arn, region=region),
            work=ObjectStore(_LateS3(region), settings.work_bucket),
            arrivals=Arrivals(settings.arrivals_table, region=region),
            allowed_hosts=settings.allowed_hosts,
            allowed_buckets=settings.allowed_buckets,
        )
