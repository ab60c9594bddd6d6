"""Claims on work, and what came of it.

An activity is a piece of work under its content identity: two builds that need the same merge name the same activity.

::

      (nothing) ──claim──► CLAIMED ──finish──► SUCCEEDED ──claim(redo=…)──► CLAIMED
          FAILED ──claim──►   │  ▲
                              │  ├──claim, once claim_expires_at has passed (the holder was killed)
                              │  └──release: the claim has no holder and has expired (its build was cancelled)
                              └──fail──► FAILED

Every arrow is one conditional write. Finish and fail ask for the holder, so a holder whose claim was taken over
cannot overwrite what its successor wrote.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pynamodb.exceptions import DoesNotExist, PutError, UpdateError

from stratocube.errors import Conflict
from stratocube.state.models import ActivityRecord
from stratocube.state.status import ActivityStatus, Step
from stratocube.state.tables import CONDITION_FAILED, bind

RELEASED = "released"
"""Holder of a claim that was taken from its holder. No function has this for a request id."""

CAUSE_LIMIT = 2000
"""Characters of a cause that are kept: a person reads it, and an item has 400 KB."""


@dataclass(frozen=True)
class Work:
    """What is to be done: the identity, and what a person calls it."""

    activity_id: str
    step: Step
    cube_id: str
    subject: str
    """For people: ``011009_2023-08-01_2023-08-31 2023-08-10 B04``."""


@dataclass(frozen=True)
class Finished:
    """Work that is done: by which build, when, and its result."""

    activity_id: str
    build_id: str
    result: Mapping[str, Any]
    updated_at: str


@dataclass(frozen=True)
class Claim:
    """The answer to a claim: held by the caller, or done already, or (neither) held by somebody else."""

    held: bool
    finished: Finished | None = None


@dataclass(frozen=True)
class Failure:
    """Work that failed."""

    activity_id: str
    step: str
    subject: str
    build_id: str
    error_type: str
    cause: str
    failed_at: str


class Activities:
    """The table of activities."""

    def __init__(self, table_name: str, *, region: str) -> None:
        self._records = bind(ActivityRecord, table_name, region=region)

    def claim(
        self,
        work: Work,
        *,
        build_id: str,
        holder: str,
        now: str,
        now_epoch: float,
        lease_seconds: float,
        redo: Finished | None = None,
    ) -> Claim:
        """Ask for the right to do ``work`` until ``now_epoch + lease_seconds``.

        ``redo`` is the finished state that is to be done over (its product is gone, or a rebuild is forced): the claim
        succeeds only if nobody has redone it meanwhile. A claim by the same ``holder`` again is granted again.
        """
        record = self._records(
            work.activity_id,
            step=work.step.value,
            cube_id=work.cube_id,
            subject=work.subject,
            status=ActivityStatus.CLAIMED.value,
            build_id=build_id,
            holder=holder,
            claim_expires_at=now_epoch + lease_seconds,
            updated_at=now,
        )
        model = self._records
        free = (
            model.activity_id.does_not_exist()
            | (model.status == ActivityStatus.FAILED.value)
            | ((model.status == ActivityStatus.CLAIMED.value) & (model.claim_expires_at < now_epoch))
            | ((model.status == ActivityStatus.CLAIMED.value) & (model.holder == holder))
        )
        if redo is not None:
            free |= (model.status == ActivityStatus.SUCCEEDED.value) & (model.updated_at == redo.updated_at)
        try:
            record.save(condition=free)
        except PutError as error:
            if error.cause_response_code != CONDITION_FAILED:
                raise
            return Claim(held=False, finished=self.finished(work.activity_id))
        return Claim(held=True)

    def finish(self, work: Work, *, holder: str, now: str, result: Mapping[str, Any]) -> None:
        """Record that ``work`` is done.

        Raises:
            Conflict: when the claim has been taken over by another holder.
        """
        model = self._records
        self._as_holder(
            work,
            holder,
            [
                model.status.set(ActivityStatus.SUCCEEDED.value),
                model.updated_at.set(now),
                model.result.set(dict(result)),
            ],
        )

    def fail(self, work: Work, *, holder: str, now: str, error_type: str, cause: str) -> None:
        """Record that ``work`` failed, and why.

        Raises:
            Conflict: when the claim has been taken over by another holder.
        """
        model = self._records
        self._as_holder(
            work,
            holder,
            [
                model.status.set(ActivityStatus.FAILED.value),
                model.updated_at.set(now),
                model.error_type.set(error_type),
                model.cause.set(cause[:CAUSE_LIMIT]),
                model.failed_cube_id.set(work.cube_id),
                model.failed_at.set(now),
            ],
        )

    def holds(self, activity_id: str, *, holder: str) -> bool:
        """Whether ``holder`` has the claim now: nobody took it over, and it was not released."""
        try:
            record = self._records.get(activity_id, consistent_read=True)
        except DoesNotExist:
            return False
        return bool(record.status == ActivityStatus.CLAIMED.value and record.holder == holder)

    def claimed_by(self, build_id: str, activity_ids: Iterable[str]) -> dict[str, str]:
        """Those of the activities that are claimed for a build now, and by which holder."""
        ids = list(dict.fromkeys(activity_ids))
        return {
            record.activity_id: record.holder
            for record in self._records.batch_get(ids, consistent_read=True)
            if record.status == ActivityStatus.CLAIMED.value and record.build_id == build_id and record.holder
        }

    def release(self, activity_id: str, *, build_id: str, holder: str, now: str) -> bool:
        """Take a build's claim from its holder, so that anybody may claim the work; whether it still was his.

        The holder cannot finish any more: the claim has no holder, and expired long ago.
        """
        model = self._records
        try:
            model(activity_id).update(
                actions=[model.holder.set(RELEASED), model.claim_expires_at.set(0), model.updated_at.set(now)],
                condition=(model.status == ActivityStatus.CLAIMED.value)
                & (model.build_id == build_id)
                & (model.holder == holder),
            )
        except UpdateError as error:
            if error.cause_response_code != CONDITION_FAILED:
                raise
            return False
        return True

    def finished(self, activity_id: str) -> Finished | None:
        """The result of an activity, None while there is none."""
        try:
            record = self._records.get(activity_id, consistent_read=True)
        except DoesNotExist:
            return None
        return _finished(record)

    def all_finished(self, activity_ids: Iterable[str]) -> dict[str, Finished]:
        """The results of those activities that have one, by id."""
        ids = list(dict.fromkeys(activity_ids))
        results = (_finished(record) for record in self._records.batch_get(ids, consistent_read=True))
        return {result.activity_id: result for result in results if result is not None}

    def failures(
        self, cube_id: str, *, since: str, limit: int | None = None, after: tuple[str, str] | None = None
    ) -> tuple[Failure, ...]:
        """What failed of a cube at or after ``since`` (ISO 8601, UTC) and has not succeeded yet, oldest first.

        ``after`` is the (failed_at, activity_id) of a failure to continue behind.
        """
        key = None
        if after is not None:
            key = {
                name: {"S": value}
                for name, value in {"failed_cube_id": cube_id, "failed_at": after[0], "activity_id": after[1]}.items()
            }
        found = self._records.failures.query(
            cube_id, self._records.failed_at >= since, limit=limit, last_evaluated_key=key
        )
        return tuple(
            Failure(
                activity_id=record.activity_id,
                step=record.step,
                subject=record.subject,
                build_id=record.build_id,
                error_type=record.error_type,
                cause=record.cause,
                failed_at=record.failed_at,
            )
            for record in found
        )

    def _as_holder(self, work: Work, holder: str, actions: list[Any]) -> None:
        model = self._records
        try:
            model(work.activity_id).update(
                actions=actions,
                condition=(model.holder == holder) & (model.status == ActivityStatus.CLAIMED.value),
            )
        except UpdateError as error:
            if error.cause_response_code != CONDITION_FAILED:
                raise
            raise Conflict(f"the claim on {work.step} of {work.subject} was taken over by another worker") from error


def _finished(record: ActivityRecord) -> Finished | None:
    if record.status != ActivityStatus.SUCCEEDED.value:
        return None
    return Finished(record.activity_id, record.build_id, record.result or {}, record.updated_at)
