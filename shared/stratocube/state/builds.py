"""Builds, their units and the steps they finished.

One partition a build: the header ``BUILD``, ``CANCELLED`` if it was, a ``UNIT#<unit>`` each, and for each step that
ended a ``DONE#<unit>#<step>#<part>``. Progress is counted from the ``DONE`` rows, which a redelivered message
overwrites and never doubles; no counter is kept that could be bumped twice. Who ends a unit writes the counts of its
rows into its record, so progress reads the rows of running units only; Finish writes the sum into the header, so a
finished build is one read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
from operator import and_
from typing import Any

from pynamodb.exceptions import DoesNotExist, PutError, UpdateError

from stratocube.errors import Conflict, NotFound
from stratocube.state.activities import CAUSE_LIMIT
from stratocube.state.batches import put_all
from stratocube.state.build_rows import UNIT_PREFIX, build_of, unit_of
from stratocube.state.build_values import Build, StepCounts, StepResult, Unit
from stratocube.state.models import UNSETTLED, BuildRecord
from stratocube.state.status import BuildStatus, Step, UnitStatus
from stratocube.state.step_rows import StepRows
from stratocube.state.tables import CONDITION_FAILED, bind

_HEADER = "BUILD"
_CANCELLED = "CANCELLED"


class Builds:
    """The table of builds."""

    def __init__(self, table_name: str, *, region: str) -> None:
        self.region = region
        self._records = bind(BuildRecord, table_name, region=region)
        self._steps = StepRows(self._records)

    # -- header

    def create(
        self,
        build_id: str,
        cube_id: str,
        request: Mapping[str, Any],
        *,
        now: str,
        options: Mapping[str, Any] | None = None,
        dry_run: bool = False,
        estimate: Mapping[str, Any] | None = None,
    ) -> Build:
        """A new build, QUEUED. A ``dry_run`` builds nothing, so it does not count for the state of its cube.

        Raises:
            Conflict: when the id is taken.
        """
        record = self._records(
            build_id,
            _HEADER,
            status=BuildStatus.QUEUED.value,
            cube_id=cube_id,
            created_at=now,
            request=dict(request),
            options=dict(options) if options else None,
            dry_run=dry_run or None,
            unsettled=UNSETTLED,
            estimate=dict(estimate) if estimate else None,
        )
        try:
            record.save(condition=self._records.build_id.does_not_exist())
        except PutError as error:
            if error.cause_response_code != CONDITION_FAILED:
                raise
            found = self.get(build_id)
            # Our own, where the answer was lost and the request was sent again by the client beneath us.
            if found != build_of(record):
                raise Conflict(f"build {build_id} exists already") from error
        return build_of(record)

    def get(self, build_id: str) -> Build:
        """The header of a build.

        Raises:
            NotFound: when there is no such build.
        """
        try:
            return build_of(self._records.get(build_id, _HEADER, consistent_read=True))
        except DoesNotExist as error:
            raise NotFound(f"there is no build {build_id}") from error

    def is_cancelled(self, build_id: str) -> bool:
        """Whether a build was cancelled; False also for one that is not there.

        Every step asks, so a record of its own answers: a read is charged by the whole record, and the header holds
        the request with up to 5,000 tiles.
        """
        return self._says_cancelled(build_id, _CANCELLED)

    def _says_cancelled(self, build_id: str, record: str) -> bool:
        try:
            found = self._records.get(build_id, record, consistent_read=True, attributes_to_get=["status"])
        except DoesNotExist:
            return False
        return bool(found.status == BuildStatus.CANCELLED.value)

    def of_cube(
        self,
        cube_id: str,
        *,
        limit: int,
        dry_runs: bool = True,
        status: BuildStatus | None = None,
        after: Build | None = None,
    ) -> tuple[Build, ...]:
        """The newest builds of a cube, newest first, with or without dry runs; of one status; older than ``after``."""
        model = self._records
        conditions: list[Any] = [] if dry_runs else [model.dry_run.does_not_exist()]
        if status is not None:
            conditions.append(model.status == status.value)
        key = None
        if after is not None:
            place = {"cube_id": cube_id, "created_at": after.created_at, "build_id": after.build_id, "record": _HEADER}
            key = {name: {"S": value} for name, value in place.items()}
        found = model.by_cube.query(
            cube_id,
            filter_condition=reduce(and_, conditions) if conditions else None,
            scan_index_forward=False,
            limit=limit,
            last_evaluated_key=key,
        )
        return tuple(build_of(record) for record in found)

    def start(
        self,
        build_id: str,
        *,
        now: str,
        planned: Mapping[str, int] | None = None,
        estimate: Mapping[str, Any] | None = None,
    ) -> None:
        """QUEUED → RUNNING. A build that is past QUEUED stays as it is (a redelivered Plan)."""
        model = self._records
        actions = [model.status.set(BuildStatus.RUNNING.value), model.started_at.set(now)]
        if planned:
            actions.append(model.planned.set(dict(planned)))
        if estimate:
            actions.append(model.estimate.set(dict(estimate)))
        self._update_if(build_id, _HEADER, actions, model.status == BuildStatus.QUEUED.value)

    def cancel(self, build_id: str, *, now: str, cause: str) -> None:
        """QUEUED or RUNNING → CANCELLED. A build that is closed already stays as it is."""
        model = self._records
        self._update_if(
            build_id,
            _HEADER,
            [
                model.status.set(BuildStatus.CANCELLED.value),
                model.finished_at.set(now),
                model.cause.set(cause[:CAUSE_LIMIT]),
            ],
            model.finished_at.does_not_exist(),
        )
        # Whoever is killed between the two asks again, and this time the header says so already.
        if self._says_cancelled(build_id, _HEADER):
            model(build_id, _CANCELLED, status=BuildStatus.CANCELLED.value).save()

    def summarize_cancelled(self, build_id: str, summary: Mapping[str, Any]) -> None:
        """The counts of a cancelled build, once all of its units are closed."""
        model = self._records
        self._update_if(
            build_id,
            _HEADER,
            [model.summary.set(dict(summary))],
            model.status == BuildStatus.CANCELLED.value,
        )

    def add_retry(self, build_id: str, retry_id: str) -> None:
        """Note on a build that another one does units of it again."""
        model = self._records
        self._update_if(
            build_id,
            _HEADER,
            [model.retried_by.set((model.retried_by | []).append([retry_id]))],
            model.retried_by.does_not_exist() | ~model.retried_by.contains(retry_id),
        )

    def finish(
        self,
        build_id: str,
        *,
        status: BuildStatus,
        summary: Mapping[str, Any],
        now: str,
        cause: str | None = None,
    ) -> None:
        """Close a build. One that is closed already stays as it is.

        A build of which every unit succeeded is settled with that. Any other is looked at once more when nothing of it
        can run any longer (:mod:`stratocube.state.unsettled`), also one that is closed again, which has been redriven.
        """
        model = self._records
        succeeded = status is BuildStatus.SUCCEEDED
        actions = [
            model.status.set(status.value),
            model.finished_at.set(now),
            model.summary.set(dict(summary)),
            # of a build that is open it is a remark (that nothing moves), which has had its time
            model.cause.set(cause[:CAUSE_LIMIT]) if cause else model.cause.remove(),
        ]
        if succeeded:
            actions.append(model.unsettled.remove())
        if not self._update_if(build_id, _HEADER, actions, model.finished_at.does_not_exist()):
            self._update_if(
                build_id, _HEADER, [model.unsettled.set(UNSETTLED)], model.status != BuildStatus.SUCCEEDED.value
            )

    # -- units

    def add_units(self, build_id: str, units: Iterable[tuple[str, str, str, str]]) -> None:
        """Record (unit id, tile, start, end) of every unit as PLANNED."""
        put_all(
            self._records,
            (
                self._records(
                    build_id,
                    UNIT_PREFIX + unit_id,
                    status=UnitStatus.PLANNED.value,
                    tile=tile,
                    start=start,
                    end=end,
                    totals={},
                )
                for unit_id, tile, start, end in units
            ),
        )

    def units(self, build_id: str) -> Iterator[Unit]:
        """Every unit of a build, in order of id."""
        model = self._records
        for record in model.query(build_id, model.record.startswith(UNIT_PREFIX), consistent_read=True):
            yield unit_of(record)

    def unit_page(
        self, build_id: str, *, limit: int, status: UnitStatus | None = None, after: str | None = None
    ) -> tuple[Unit, ...]:
        """Up to ``limit`` units in order of id: of one status, and behind the id ``after``."""
        model = self._records
        found = model.query(
            build_id,
            model.record.startswith(UNIT_PREFIX),
            filter_condition=None if status is None else model.status == status.value,
            consistent_read=True,
            limit=limit,
            last_evaluated_key={"build_id": {"S": build_id}, "record": {"S": UNIT_PREFIX + after}} if after else None,
        )
        return tuple(unit_of(record) for record in found)

    def unit(self, build_id: str, unit_id: str) -> Unit:
        """One unit of a build.

        Raises:
            NotFound: when the build has no such unit.
        """
        try:
            return unit_of(self._records.get(build_id, UNIT_PREFIX + unit_id, consistent_read=True))
        except DoesNotExist as error:
            raise NotFound(f"build {build_id} has no unit {unit_id}") from error

    def unit_running(self, build_id: str, unit_id: str, *, now: str | None = None) -> None:
        """PLANNED → RUNNING."""
        model = self._records
        actions = [model.status.set(UnitStatus.RUNNING.value)]
        if now:
            actions.append(model.started_at.set(now))
        self._update_if(build_id, UNIT_PREFIX + unit_id, actions, model.status == UnitStatus.PLANNED.value)

    def set_totals(self, build_id: str, unit_id: str, totals: Mapping[str, int]) -> None:
        """How many parts the unit's fanned-out steps have. One that has ended stays as it is (a redelivered Search)."""
        model = self._records
        self._update_if(
            build_id,
            UNIT_PREFIX + unit_id,
            [model.totals.set(dict(totals))],
            model.status.is_in(UnitStatus.PLANNED.value, UnitStatus.RUNNING.value),
        )

    def unit_succeeded(self, build_id: str, unit_id: str, *, now: str | None = None) -> None:
        """The unit is published, or there was nothing to do for it. A cancelled one stays cancelled."""
        model = self._records
        actions = [
            model.status.set(UnitStatus.SUCCEEDED.value),
            model.failed_step.remove(),
            model.cause.remove(),
            self._counted(build_id, unit_id),
        ]
        if now:
            actions.append(model.ended_at.set(now))
        self._update_if(build_id, UNIT_PREFIX + unit_id, actions, model.status != UnitStatus.CANCELLED.value)

    def unit_failed(
        self, build_id: str, unit_id: str, *, step: str, cause: str, now: str | None = None, only_open: bool = False
    ) -> None:
        """The unit failed at a step. One that succeeded stays so (its products are published), a cancelled one too.

        ``only_open``: so does one that failed, which then has said itself what its cause was.
        """
        model = self._records
        actions = [
            model.status.set(UnitStatus.FAILED.value),
            model.failed_step.set(step),
            model.cause.set(cause[:CAUSE_LIMIT]),
            self._counted(build_id, unit_id),
        ]
        if now:
            actions.append(model.ended_at.set(now))
        still_open = model.status.is_in(UnitStatus.PLANNED.value, UnitStatus.RUNNING.value)
        may_fail = still_open if only_open else still_open | (model.status == UnitStatus.FAILED.value)
        self._update_if(build_id, UNIT_PREFIX + unit_id, actions, may_fail)

    def unit_cancelled(self, build_id: str, unit_id: str, *, now: str, cause: str) -> None:
        """PLANNED or RUNNING → CANCELLED. A unit that has ended stays as it is."""
        model = self._records
        self._update_if(
            build_id,
            UNIT_PREFIX + unit_id,
            [
                model.status.set(UnitStatus.CANCELLED.value),
                model.cause.set(cause[:CAUSE_LIMIT]),
                model.ended_at.set(now),
                self._counted(build_id, unit_id),
            ],
            model.status.is_in(UnitStatus.PLANNED.value, UnitStatus.RUNNING.value),
        )

    def set_staleness(self, build_id: str, unit_id: str, staleness: Mapping[str, Any]) -> None:
        """How the unit's inputs differ from what is published."""
        model = self._records
        model(build_id, UNIT_PREFIX + unit_id).update(actions=[model.staleness.set(dict(staleness))])

    # -- finished steps

    def record(self, build_id: str, result: StepResult, *, now: str | None = None) -> None:
        """Record how a step ended; see :meth:`StepRows.record`."""
        self._steps.record(build_id, result, now=now)

    def results(self, build_id: str, *, step: Step, unit_id: str) -> tuple[StepResult, ...]:
        """How a step of one unit ended, a result a part."""
        return self._steps.results(build_id, step=step, unit_id=unit_id)

    def step_counts(self, build_id: str, unit_id: str) -> dict[Step, StepCounts]:
        """What the steps of one unit came to so far, counted row by row."""
        return self._steps.counts(build_id, unit_id)

    def _counted(self, build_id: str, unit_id: str) -> Any:
        """The action that writes a unit's counts into its record, for who ends it: set, never added to, so that ending
        it twice is ending it once."""
        counts = self.step_counts(build_id, unit_id)
        return self._records.steps.set({step.value: count.to_json() for step, count in counts.items()})

    def _update_if(self, build_id: str, record: str, actions: list[Any], condition: Any) -> bool:
        """Update a record of which ``condition`` holds, leave any other as it is; whether it held."""
        try:
            self._records(build_id, record).update(
                actions=actions, condition=self._records.build_id.exists() & condition
            )
        except UpdateError as error:
            if error.cause_response_code != CONDITION_FAILED:
                raise
            return False
        return True
