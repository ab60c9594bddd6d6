"""Doing work once: the claim protocol around a step's own code.

Whatever is delivered twice, retried, or asked for by two builds at once ends the same way (DESIGN D5)::

    claim ──held──────► do ──► finish ──► BUILT
      ├──done, product there ───────────► REUSED
      ├──done, product gone or force ──► claim again, then as held
      └──somebody else at it ──────────► BUSY  (the state machine asks again)

A build that was cancelled does nothing any more: its functions still under way begin no work and publish nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from stratocube.errors import Conflict
from stratocube.state.activities import Claim, Finished, Work
from stratocube.state.build_values import StepResult
from stratocube.state.status import Outcome, Step
from stratocube.workflow.context import Invocation, Stack

_LEASE_MARGIN_SECONDS = 5
"""A claim outlives its function by this, so that it never expires under a holder that is still writing."""


@dataclass(frozen=True)
class Task:
    """A piece of work as one build asks for it."""

    work: Work
    build_id: str
    unit_id: str
    part: str
    force: bool = False
    """Do it although it is done (once a build)."""


def perform(
    stack: Stack,
    invocation: Invocation,
    task: Task,
    do: Callable[[], Mapping[str, Any]],
    *,
    intact: Callable[[Mapping[str, Any]], bool],
) -> Outcome:
    """Do a task unless it is done or being done, and record how it ended in the activity and the build.

    Args:
        do: does the work, writes its products, returns the result to keep (JSON).
        intact: whether the products of a kept result are still there; work counts as done only then.

    Raises:
        BuildCancelled: the build was cancelled; the claim is released.
        Exception: whatever ``do`` raised, after its cause was recorded.
    """
    started = time.monotonic()
    _refuse_cancelled(stack, task.build_id)
    claim = _claim(stack, invocation, task)
    if claim.finished is not None:
        finished = claim.finished
        ours = finished.build_id == task.build_id
        if (ours or not task.force) and intact(finished.result):
            _record(stack, task, Outcome.BUILT if ours else Outcome.REUSED, invocation, started)
            return Outcome.BUILT if ours else Outcome.REUSED
        claim = _claim(stack, invocation, task, redo=finished)
    if not claim.held:
        return Outcome.BUSY
    try:
        result = do()
        stack.activities.finish(task.work, holder=invocation.holder, now=stack.now(), result=result)
    except BuildCancelled:
        # Not a failure: the next build that needs the work may begin at once.
        stack.activities.release(
            task.work.activity_id, build_id=task.build_id, holder=invocation.holder, now=stack.now()
        )
        raise
    except Exception as error:
        if isinstance(error, Conflict) and not stack.activities.holds(task.work.activity_id, holder=invocation.holder):
            return _without_claim(stack, task, invocation, started)
        with _noting(error, "recording the failure failed too"):
            stack.activities.fail(
                task.work,
                holder=invocation.holder,
                now=stack.now(),
                error_type=type(error).__name__,
                cause=str(error),
            )
            _record(stack, task, Outcome.FAILED, invocation, started, cause=cause_of(error))
        raise
    _record(stack, task, Outcome.BUILT, invocation, started)
    return Outcome.BUILT


def _without_claim(stack: Stack, task: Task, invocation: Invocation, started: float) -> Outcome:
    """How a task stands whose claim its worker has no more.

    Either it is finished: by this very worker, when the answer to that was lost and the request sent again, or by who
    took the claim over when it had expired. Or the other is still at it: then ask again.

    Raises:
        BuildCancelled: the claim was released, for the build was cancelled.
    """
    _refuse_cancelled(stack, task.build_id)
    finished = stack.activities.finished(task.work.activity_id)
    if finished is None:
        return Outcome.BUSY
    outcome = Outcome.BUILT if finished.build_id == task.build_id else Outcome.REUSED
    _record(stack, task, outcome, invocation, started)
    return outcome


def confirm_claim(stack: Stack, invocation: Invocation, task: Task) -> None:
    """See that the caller may still commit what it made: asked right before an item is written.

    Raises:
        BuildCancelled: the build was cancelled meanwhile.
        Conflict: the claim was taken over, or released.
    """
    _refuse_cancelled(stack, task.build_id)
    if not stack.activities.holds(task.work.activity_id, holder=invocation.holder):
        raise Conflict(f"the claim on {task.work.step} of {task.work.subject} was taken over by another worker")


class BuildCancelled(Conflict):
    """The build was cancelled: nothing more is done for it."""


class DoneOver(Conflict):
    """Work that was done is not: another build is doing it over. Ask again when it has."""


class RecordedStep:
    """A step under way; says whether its end is to be recorded."""

    def __init__(self) -> None:
        self.is_busy = False

    def busy(self) -> None:
        """The step could not be done now and will be asked for again: record nothing."""
        self.is_busy = True


@contextmanager
def recorded(stack: Stack, build_id: str, unit_id: str, step: Step) -> Iterator[RecordedStep]:
    """Record how a step that belongs to one build alone (search, prepare blend) ended."""
    started = time.monotonic()
    under_way = RecordedStep()
    try:
        yield under_way
    except Exception as error:
        with _noting(error, "recording the failure failed too"):
            spent = stack.meter.spent(started)
            result = StepResult(step, unit_id, "", Outcome.FAILED, _since(started), cause=cause_of(error), spent=spent)
            stack.builds.record(build_id, result, now=stack.now())
        raise
    if not under_way.is_busy:
        result = StepResult(step, unit_id, "", Outcome.BUILT, _since(started), spent=stack.meter.spent(started))
        stack.builds.record(build_id, result, now=stack.now())


@contextmanager
def failure_recorded(stack: Stack, build_id: str, unit_id: str, step: Step, part: str) -> Iterator[None]:
    """Record why a part of a step failed before its work was known: the map it is a child of cannot tell."""
    started = time.monotonic()
    try:
        yield
    except Exception as error:
        with _noting(error, "recording the failure failed too"):
            spent, seconds = stack.meter.spent(started), _since(started)
            failed = StepResult(step, unit_id, part, Outcome.FAILED, seconds, cause=cause_of(error), spent=spent)
            stack.builds.record(build_id, failed, now=stack.now())
        raise


def cause_of(error: BaseException) -> str:
    """An error in words for people: its kind and what it says."""
    return f"{type(error).__name__}: {error}"


def _refuse_cancelled(stack: Stack, build_id: str) -> None:
    if stack.builds.is_cancelled(build_id):
        raise BuildCancelled(f"build {build_id} was cancelled")


def _claim(stack: Stack, invocation: Invocation, task: Task, redo: Finished | None = None) -> Claim:
    moment = stack.clock()
    return stack.activities.claim(
        task.work,
        build_id=task.build_id,
        holder=invocation.holder,
        now=stack.now(),
        now_epoch=moment.timestamp(),
        lease_seconds=invocation.remaining_seconds + _LEASE_MARGIN_SECONDS,
        redo=redo,
    )


def _record(
    stack: Stack, task: Task, outcome: Outcome, invocation: Invocation, started: float, cause: str | None = None
) -> None:
    stack.builds.record(
        task.build_id,
        StepResult(
            step=task.work.step,
            unit_id=task.unit_id,
            part=task.part,
            outcome=outcome,
            seconds=_since(started),
            activity_id=task.work.activity_id,
            cause=cause,
            spent=stack.meter.spent(invocation.began),
        ),
        now=stack.now(),
    )


def _since(started: float) -> float:
    return time.monotonic() - started


@contextmanager
def _noting(error: Exception, what: str) -> Iterator[None]:
    """Keep ``error`` the one that is raised, with a note, when recording it fails as well."""
    try:
        yield
    except Exception as second:
        error.add_note(f"{what}: {cause_of(second)}")
