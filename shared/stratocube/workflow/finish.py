"""Finish: close a unit that failed, or the whole build."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import chain
from typing import Any

from stratocube.concurrency import for_each
from stratocube.cube.naming import UnitId
from stratocube.state.status import BuildStatus, Outcome, Step, UnitStatus
from stratocube.workflow.build_plan import find_plan
from stratocube.workflow.collections import cover_units
from stratocube.workflow.context import Stack
from stratocube.workflow.events import EndedExecution
from stratocube.workflow.operations_cancel import CAUSE, close_cancelled
from stratocube.workflow.progress import build_progress

_WHOLE = "build"
"""The step of a unit that was ended from outside."""

_TOO_MANY_FAILED = "States.ExceedToleratedFailureThreshold"
"""All that a Distributed Map says of its children."""

_STOPPED = "the unit was stopped before it ended"

_CLOSING_SECONDS = 240.0
"""Of the function's 300: what is left open then is closed when cancel is asked for again."""


def fail_unit(stack: Stack, build_id: str, unit_id: str, step: str, error: Mapping[str, Any]) -> dict[str, Any]:
    """Record that a unit failed at a step, with a cause a person can act on.

    A Distributed Map only says that too many of its children failed. What they said themselves is in the rows of the
    step; ``error`` (``{"Error", "Cause"}`` of Step Functions) is used where a function could not even record.
    """
    if stack.builds.is_cancelled(build_id):
        stack.builds.unit_cancelled(build_id, unit_id, now=stack.now(), cause=CAUSE)
        return {"build_id": build_id, "unit_id": unit_id, "status": UnitStatus.CANCELLED.value}
    cause = _recorded_cause(stack, build_id, unit_id, Step(step)) or _silent_cause(step, error)
    stack.builds.unit_failed(build_id, unit_id, step=step, cause=cause, now=stack.now())
    return {"build_id": build_id, "unit_id": unit_id, "status": UnitStatus.FAILED.value}


def end_execution(stack: Stack, ended: EndedExecution) -> dict[str, Any]:
    """Close the build, or the unit, whose execution was stopped, failed or timed out and could not do so itself.

    Raises:
        NotFound: there is no such build.
    """
    if ended.unit_id is None:
        return finish_build(stack, ended.build_id, ended.error)
    build_id, unit_id = ended.build_id, ended.unit_id
    stack.builds.unit(build_id, unit_id)
    if stack.builds.is_cancelled(build_id):
        stack.builds.unit_cancelled(build_id, unit_id, now=stack.now(), cause=CAUSE)
    else:
        cause = _stated_cause(ended.error)
        # a unit that failed by itself has recorded why: this is its execution's end, told once more
        stack.builds.unit_failed(build_id, unit_id, step=_WHOLE, cause=cause, now=stack.now(), only_open=True)
    return {"build_id": build_id, "unit_id": unit_id, "status": stack.builds.unit(build_id, unit_id).status.value}


def finish_build(stack: Stack, build_id: str, error: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Count, and close the build: SUCCEEDED, PARTIAL or FAILED. ``error`` is what stopped it as a whole.

    Units that neither succeeded nor failed were stopped before they could say so: they are closed as failed. Those of
    a cancelled build are closed as cancelled, and the build stays so.

    Raises:
        NotFound: there is no such build.
    """
    stack.builds.get(build_id)
    if stack.builds.is_cancelled(build_id):
        close_cancelled(stack.builds, build_id, now=stack.now(), seconds=_CLOSING_SECONDS)
        _grow_collections(stack, build_id)
        return {"build_id": build_id, "status": BuildStatus.CANCELLED.value}
    cause = _stated_cause(error) if error else None
    _close_open_units(stack, build_id, cause or _STOPPED)
    _grow_collections(stack, build_id)
    summary = build_progress(stack.builds, build_id)
    status = _status(summary["units"], cause)
    if status is BuildStatus.SUCCEEDED:
        cause = None
    stack.builds.finish(build_id, status=status, summary=summary, now=stack.now(), cause=cause)
    return {"build_id": build_id, "status": status.value}


def settle_build(stack: Stack, build_id: str) -> BuildStatus:
    """The last word on a closed build of which nothing can run any longer: its units as they are in the end.

    Units that were added or went on while the build was being closed are closed as well, and counted as they ended. A
    redriven execution, too, has changed units of a build that was closed long ago.
    """
    build = stack.builds.get(build_id)
    if build.status is BuildStatus.CANCELLED:
        close_cancelled(stack.builds, build_id, now=stack.now(), seconds=_CLOSING_SECONDS)
    else:
        _close_open_units(stack, build_id, build.cause or _STOPPED)
    summary = build_progress(stack.builds, build_id)
    if summary != build.summary:
        _grow_collections(stack, build_id)
    status = build.status if build.status is BuildStatus.CANCELLED else _status(summary["units"], build.cause)
    stack.unsettled.settle(build_id, status=status, summary=summary)
    return status


def _close_open_units(stack: Stack, build_id: str, cause: str) -> None:
    """A build that is stopped at its start leaves every unit open: ten thousand writes are made several at a time."""

    def close(unit_id: str) -> None:
        # asked for once more as it is written: it may have ended since it was listed
        stack.builds.unit_failed(build_id, unit_id, step=_WHOLE, cause=cause, now=stack.now(), only_open=True)

    still_open = (
        unit.unit_id for unit in stack.builds.units(build_id) if unit.status in {UnitStatus.PLANNED, UnitStatus.RUNNING}
    )
    for_each(still_open, close)


def _grow_collections(stack: Stack, build_id: str) -> None:
    published = (
        UnitId.parse(unit.unit_id) for unit in stack.builds.units(build_id) if unit.status is UnitStatus.SUCCEEDED
    )
    first = next(published, None)
    if first is None:
        return
    plan = find_plan(stack, build_id)
    if plan is None:
        # Deleted by hand, or expired: a build must end all the same. The next one of the cube grows its collections.
        return
    if not plan.options.dry_run:
        cover_units(stack, plan, chain([first], published))


def _status(units: Mapping[str, int], cause: str | None) -> BuildStatus:
    if units["succeeded"] == 0 and (units["total"] or cause):
        return BuildStatus.FAILED
    # Also where the execution failed after its units, in Finish: nothing is left to do, and nothing to retry.
    return BuildStatus.SUCCEEDED if units["succeeded"] == units["total"] else BuildStatus.PARTIAL


def _recorded_cause(stack: Stack, build_id: str, unit_id: str, step: Step) -> str | None:
    failed = [
        result
        for result in stack.builds.results(build_id, step=step, unit_id=unit_id)
        if result.outcome is Outcome.FAILED and result.cause
    ]
    if not failed:
        return None
    causes = dict.fromkeys(
        f"{result.part.replace('#', ' ')}: {result.cause}" if result.part else str(result.cause) for result in failed
    )
    first = next(iter(causes))
    return first if len(causes) == 1 else f"{first} (and {len(causes) - 1} more)"


def _silent_cause(step: str, error: Mapping[str, Any]) -> str:
    """Why a step failed of which no part recorded why."""
    stated = _stated_cause(error)
    if error.get("Error") != _TOO_MANY_FAILED:
        return stated
    return (
        f"a part of {step} failed and could not say why: its function was killed, ran out of time or did not reach its"
        f" tables, which its log tells ({stated})"
    )


def _stated_cause(error: Mapping[str, Any]) -> str:
    """The message within what Step Functions caught: a Lambda error is JSON with errorType and errorMessage."""
    cause = str(error.get("Cause") or "")
    try:
        found = json.loads(cause)
    except ValueError:
        found = None
    if isinstance(found, dict) and found.get("errorMessage"):
        return f"{found.get('errorType') or error.get('Error')}: {found['errorMessage']}"
    return f"{error.get('Error', 'unknown error')}: {cause}" if cause else str(error.get("Error", "unknown error"))
