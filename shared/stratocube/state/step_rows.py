"""The rows of steps that ended, ``DONE#<unit>#<step>#<part>``, in the partition of their build."""

from __future__ import annotations

from typing import Any

from pynamodb.exceptions import UpdateError

from stratocube.state.activities import CAUSE_LIMIT
from stratocube.state.build_rows import spent_of
from stratocube.state.build_values import Spent, StepCounts, StepResult
from stratocube.state.models import BuildRecord
from stratocube.state.status import Outcome, Step
from stratocube.state.tables import CONDITION_FAILED

_DONE = "DONE#"


class StepRows:
    """Of the table of builds, for :class:`stratocube.state.builds.Builds` alone."""

    def __init__(self, records: type[BuildRecord]) -> None:
        self._records = records

    def record(self, build_id: str, result: StepResult, *, now: str | None = None) -> None:
        """Record how a step ended. What was built in this build stays BUILT when it is delivered again.

        What the call spent is added to what earlier ones did: each is charged, also one that changes nothing.
        """
        model = self._records
        row = model(build_id, f"{_done(result.step, result.unit_id)}{result.part}")
        said: list[tuple[Any, Any]] = [
            (model.outcome, result.outcome.value),
            (model.seconds, round(result.seconds, 3)),
            (model.activity_id, result.activity_id),
            (model.cause, result.cause[:CAUSE_LIMIT] if result.cause else None),
            (model.ended_at, now),
        ]
        actions = [name.remove() if value is None else name.set(value) for name, value in said]
        charged = self._charged(result.spent)
        condition = None
        if result.outcome is not Outcome.BUILT:
            condition = model.record.does_not_exist() | (model.outcome == Outcome.FAILED.value)
        try:
            row.update(actions=[*actions, *charged], condition=condition)
        except UpdateError as error:
            if error.cause_response_code != CONDITION_FAILED:
                raise
            if charged:
                row.update(actions=charged)

    def _charged(self, spent: Spent) -> list[Any]:
        """The actions that add to a row what a call spent."""
        model = self._records
        added: list[tuple[Any, float]] = [
            (model.calls, spent.calls),
            (model.gb_seconds, round(spent.gb_seconds, 3)),
            (model.puts, spent.puts),
            (model.gets, spent.gets),
        ]
        return [name.add(value) for name, value in added if value]

    def results(self, build_id: str, *, step: Step, unit_id: str) -> tuple[StepResult, ...]:
        """How a step of one unit ended, a result a part."""
        prefix = _done(step, unit_id)
        model = self._records
        return tuple(
            StepResult(
                step=step,
                unit_id=unit_id,
                part=record.record.removeprefix(prefix),
                outcome=Outcome(record.outcome),
                seconds=float(record.seconds or 0),
                activity_id=record.activity_id,
                cause=record.cause,
                spent=spent_of(record),
                ended_at=record.ended_at,
            )
            for record in model.query(build_id, model.record.startswith(prefix), consistent_read=True)
        )

    def counts(self, build_id: str, unit_id: str) -> dict[Step, StepCounts]:
        """What the steps of one unit came to so far, counted row by row."""
        model, prefix = self._records, f"{_DONE}{unit_id}#"
        found: dict[Step, StepCounts] = {}
        wanted = ["record", "outcome", "seconds", "calls", "gb_seconds", "puts", "gets"]
        for row in model.query(
            build_id, model.record.startswith(prefix), consistent_read=True, attributes_to_get=wanted
        ):
            step = Step(row.record.removeprefix(prefix).partition("#")[0])
            counts = StepCounts.of(Outcome(row.outcome), float(row.seconds or 0), spent_of(row))
            found[step] = found.get(step, StepCounts()) + counts
        return found


def _done(step: Step, unit_id: str) -> str:
    return f"{_DONE}{unit_id}#{step.value}#"
