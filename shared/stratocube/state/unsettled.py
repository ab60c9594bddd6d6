"""Builds that are not settled: open, or closed but a moment ago, so that something of them may still run.

A build is unsettled from the request on. Finish settles one of which every unit succeeded; any other the sweep does
(:mod:`stratocube.workflow.sweep`), once nothing of it can run any longer: until then a function may still record a
unit that Plan was adding, or that was published a second too late to be counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pynamodb.exceptions import UpdateError

from stratocube.state.activities import CAUSE_LIMIT
from stratocube.state.models import UNSETTLED, BuildRecord
from stratocube.state.status import BuildStatus
from stratocube.state.tables import CONDITION_FAILED, bind

_HEADER = "BUILD"
_DONE = "DONE#"


class Unsettled:
    """The unsettled builds of the table of builds."""

    def __init__(self, table_name: str, *, region: str) -> None:
        self._records = bind(BuildRecord, table_name, region=region)

    def build_ids(self) -> Iterator[str]:
        """Every unsettled build, oldest first. The index lags behind: ask the build itself what it is."""
        for record in self._records.by_settling.query(UNSETTLED):
            yield record.build_id

    def last_step_at(self, build_id: str, unit_id: str) -> str | None:
        """When the last of a unit's steps ended that did (ISO 8601, UTC), None while none has."""
        model = self._records
        rows = model.query(
            build_id,
            model.record.startswith(f"{_DONE}{unit_id}#"),
            consistent_read=True,
            attributes_to_get=["ended_at"],
        )
        return max((row.ended_at for row in rows if row.ended_at), default=None)

    def remark(self, build_id: str, remark: str | None) -> None:
        """Say of an open build why nothing moves, where its cause stands; None takes that back."""
        model = self._records
        action = model.cause.set(remark[:CAUSE_LIMIT]) if remark else model.cause.remove()
        self._update_if(build_id, [action], model.build_id.exists() & model.finished_at.does_not_exist())

    def settle(self, build_id: str, *, status: BuildStatus, summary: Mapping[str, Any]) -> None:
        """The last word on a closed build. A cancelled one stays CANCELLED. One that is settled stays as it is."""
        model = self._records
        actions = [model.status.set(status.value), model.summary.set(dict(summary)), model.unsettled.remove()]
        cancelled = model.status == BuildStatus.CANCELLED.value
        may_be = cancelled if status is BuildStatus.CANCELLED else ~cancelled
        self._update_if(build_id, actions, model.unsettled.exists() & model.finished_at.exists() & may_be)

    def _update_if(self, build_id: str, actions: list[Any], condition: Any) -> None:
        try:
            self._records(build_id, _HEADER).update(actions=actions, condition=condition)
        except UpdateError as error:
            if error.cause_response_code != CONDITION_FAILED:
                raise
