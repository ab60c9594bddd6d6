"""Cancel: a build is stopped, its claims are released, its units closed.

The order is what makes it safe. The header says CANCELLED first, and from that moment no function of the build begins
work or writes an item (:mod:`stratocube.workflow.perform`). Only then is the execution stopped. Whatever is cut off in
between is done by the next who comes by: the status-change event of the execution, or a second press of the button.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import islice
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from stratocube.clock import iso_time
from stratocube.errors import Conflict, StratocubeError
from stratocube.state.activities import Activities
from stratocube.state.build_values import Build, Unit
from stratocube.state.builds import Builds
from stratocube.state.status import BuildStatus, UnitStatus
from stratocube.storage.objects import ObjectStore
from stratocube.workflow.progress import build_progress
from stratocube.workflow.start import step_functions

CAUSE = "cancelled on request"

OPEN = frozenset({UnitStatus.PLANNED, UnitStatus.RUNNING})

_API_SECONDS = 10.0
"""For closing units: the rest of what API Gateway waits goes to Step Functions and the claims."""

_AT_ONCE = 8
"""Units closed at a time: ten thousand in some seconds."""
_CHUNK = 256

_NOT_RUNNING = frozenset({"ExecutionDoesNotExist", "ValidationException"})
"""No such execution (it never started), or one that has ended, which some answer with ValidationException."""

Stop = Callable[[str], bool]
"""Stops the execution of a build; whether one was running. Raises :class:`StopFailed`."""


class StopFailed(StratocubeError):
    """A build is CANCELLED, but its execution could not be stopped now. Nothing more is published for it."""

    def __init__(self, build_id: str, reason: str) -> None:
        super().__init__(f"the execution of build {build_id} could not be stopped: {reason}")
        self.build_id = build_id


@dataclass(frozen=True)
class Cancellation:
    """What cancelling a build did, and what remains."""

    build: Build
    stopped: bool
    """Whether an execution was running, and is stopped."""
    released: int
    """Claims that were taken from functions that still ran."""
    units: dict[str, int]
    """Units by status."""


def cancel_build(
    build_id: str,
    *,
    builds: Builds,
    activities: Activities,
    work: ObjectStore,
    stop: Stop,
    moment: datetime,
) -> Cancellation:
    """Cancel a build that has not ended. Once more for one that is cancelled already: does what was left undone.

    Raises:
        NotFound: there is no such build.
        Conflict: the build has ended.
        StopFailed: Step Functions does not answer; the build is CANCELLED all the same. Ask again.
    """
    builds.get(build_id)
    now = iso_time(moment)
    builds.cancel(build_id, now=now, cause=CAUSE)
    build = builds.get(build_id)
    if build.status is not BuildStatus.CANCELLED:
        raise Conflict(f"build {build_id} has ended, it is {build.status}: there is nothing to cancel")
    stopped = stop(build_id)
    at_work = [unit.unit_id for unit in builds.units(build_id) if _may_hold_claims(unit)]
    released = 0
    if at_work and build.summary is None:
        # what work is called is known to the steps, which bring numpy and rasterio along: only here, not at every start
        from stratocube.workflow.operations_claims import release_claims  # noqa: PLC0415 - imported late, see above

        released = release_claims(work, activities, build_id, at_work, now=now)
    units = close_cancelled(builds, build_id, now=now, seconds=_API_SECONDS)
    return Cancellation(builds.get(build_id), stopped, released, units)


def close_cancelled(builds: Builds, build_id: str, *, now: str, seconds: float) -> dict[str, int]:
    """Close the open units of a cancelled build, for so many seconds at most; then write the build's counts.

    Returns:
        The build's units by status: ``planned`` and ``running`` are those that could not be closed in that time.
    """
    deadline = time.monotonic() + seconds
    still_open = (unit.unit_id for unit in builds.units(build_id) if unit.status in OPEN)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        while time.monotonic() < deadline and (some := list(islice(still_open, _CHUNK))):
            # the list waits for them, and raises what one of them raised
            list(pool.map(lambda unit_id: builds.unit_cancelled(build_id, unit_id, now=now, cause=CAUSE), some))
    summary = build_progress(builds, build_id)
    units: dict[str, int] = summary["units"]
    if not any(units[status.lower()] for status in OPEN):
        builds.summarize_cancelled(build_id, summary)
    return units


def execution_stopper(machine_arn: str, *, region: str) -> Stop:
    """Stops executions of the state machine, which are named after their builds."""
    prefix = machine_arn.replace(":stateMachine:", ":execution:", 1)

    @cache
    def client() -> Any:
        return step_functions(region)

    def stop(build_id: str) -> bool:
        try:
            client().stop_execution(executionArn=f"{prefix}:{build_id}", error="Cancelled", cause=CAUSE)
        except ClientError as error:
            if error.response["Error"]["Code"] in _NOT_RUNNING:
                return False
            raise StopFailed(build_id, f"Step Functions: {error}") from error
        except BotoCoreError as error:
            raise StopFailed(build_id, f"Step Functions could not be reached: {error}") from error
        return True

    return stop


def _may_hold_claims(unit: Unit) -> bool:
    """Whether functions of the unit may be at work: it knows its merges and has not ended by itself."""
    return unit.status in {UnitStatus.RUNNING, UnitStatus.CANCELLED} and bool(unit.totals)
