"""Work is done once, whatever is delivered twice, killed, or asked for by two builds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from stratocube.errors import Conflict, SourceMissing
from stratocube.state.activities import Work
from stratocube.state.build_values import StepCounts
from stratocube.state.status import Outcome, Step
from stratocube.workflow.context import Invocation, Stack
from stratocube.workflow.perform import Task, failure_recorded, perform, recorded
from tests.unit.workflow.conftest import Clock

UNIT = "000000_2023-08-01_2023-08-31"
WORK = Work("a1", Step.MERGE, "CUBE-1", "000000 2023-08-10 B04")
KEY = "s2/v1/000/000/2023/08/10/a1/B04.tif"


class Worker:
    """Writes one object, and counts how often."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.worked = 0

    def __call__(self) -> Mapping[str, Any]:
        self.worked += 1
        self.stack.products.put(KEY, b"cog", content_type="image/tiff")
        return {"key": KEY}

    def ask(self, holder: str, *, build: str = "b1", force: bool = False, do: Any = None) -> Outcome:
        return perform(
            self.stack,
            Invocation(holder, remaining_seconds=60),
            Task(WORK, build, UNIT, "2023-08-10#B04", force=force),
            do or self,
            intact=lambda result: self.stack.products.exists(result["key"]),
        )

    def counts(self, build: str = "b1") -> StepCounts:
        return self.stack.builds.step_counts(build, UNIT)[Step.MERGE]


@pytest.fixture
def worker(stack: Stack) -> Worker:
    return Worker(stack)


def test_work_delivered_again_to_the_same_build_is_not_done_again_and_still_counts_as_built(worker: Worker) -> None:
    assert [worker.ask("one"), worker.ask("two")] == [Outcome.BUILT, Outcome.BUILT]
    assert worker.worked == 1
    assert (worker.counts().built, worker.counts().reused) == (1, 0)


def test_another_build_reuses_it(worker: Worker) -> None:
    worker.ask("one")
    assert worker.ask("two", build="b2") is Outcome.REUSED
    assert worker.worked == 1
    assert (worker.counts("b2").built, worker.counts("b2").reused) == (0, 1)


def test_work_somebody_else_is_at_is_busy_until_his_claim_expires(worker: Worker, clock: Clock) -> None:
    inner: list[Outcome] = []

    def killed() -> Mapping[str, Any]:
        inner.append(worker.ask("two", build="b2"))
        raise KeyboardInterrupt  # as a killed function: nothing is recorded

    with pytest.raises(KeyboardInterrupt):
        worker.ask("one", do=killed)
    assert inner == [Outcome.BUSY]
    assert worker.ask("three") is Outcome.BUSY
    clock.wait(70)
    assert worker.ask("three") is Outcome.BUILT


def test_a_product_that_is_gone_is_built_again(worker: Worker) -> None:
    worker.ask("one")
    worker.stack.products.s3.delete_object(Bucket="cubes", Key=KEY)
    assert worker.ask("two", build="b2") is Outcome.BUILT
    assert worker.worked == 2


def test_force_builds_again_once_a_build(worker: Worker) -> None:
    worker.ask("one")
    assert worker.ask("two", build="b2", force=True) is Outcome.BUILT
    assert worker.ask("three", build="b2", force=True) is Outcome.BUILT
    assert worker.worked == 2


def test_a_failure_is_recorded_with_its_cause_and_the_work_can_be_tried_again(worker: Worker) -> None:
    def fails() -> Mapping[str, Any]:
        raise SourceMissing("s3://landing/B04.tif", "there is no such object")

    with pytest.raises(SourceMissing):
        worker.ask("one", do=fails)
    (result,) = worker.stack.builds.results("b1", step=Step.MERGE, unit_id=UNIT)
    assert result.cause == "SourceMissing: s3://landing/B04.tif: there is no such object"
    (failure,) = worker.stack.activities.failures("CUBE-1", since="2026")
    assert failure.cause == "s3://landing/B04.tif: there is no such object"
    assert worker.ask("two") is Outcome.BUILT
    assert worker.stack.activities.failures("CUBE-1", since="2026") == ()
    assert (worker.counts().built, worker.counts().failed) == (1, 0)


def test_a_holder_who_was_too_slow_leaves_the_work_as_his_successor_finished_it(worker: Worker, clock: Clock) -> None:
    def slow() -> Mapping[str, Any]:
        clock.wait(70)
        assert worker.ask("two", build="b2") is Outcome.BUILT
        return {"key": "of the slow one"}

    assert worker.ask("one", do=slow) is Outcome.REUSED
    kept = worker.stack.activities.finished("a1")
    assert kept is not None
    assert (kept.build_id, kept.result) == ("b2", {"key": KEY})
    assert (worker.counts().reused, worker.counts("b2").built) == (1, 1)


def test_a_holder_who_was_too_slow_asks_again_while_his_successor_is_at_it(worker: Worker, clock: Clock) -> None:
    outcomes: list[Outcome] = []

    def slow() -> Mapping[str, Any]:
        clock.wait(70)

        def successor() -> Mapping[str, Any]:
            outcomes.append(finishing())
            return worker()

        assert worker.ask("two", build="b2", do=successor) is Outcome.BUILT
        return {"key": KEY}

    def finishing() -> Outcome:
        return worker.ask("one", do=lambda: {"key": KEY})

    assert worker.ask("one", do=slow) is Outcome.REUSED
    assert outcomes == [Outcome.BUSY]


def test_an_end_whose_answer_was_lost_is_an_end_all_the_same(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    activities = type(worker.stack.activities)
    finish = activities.finish

    def sent_twice(self: Any, *args: Any, **named: Any) -> None:
        finish(self, *args, **named)
        finish(self, *args, **named)

    monkeypatch.setattr(activities, "finish", sent_twice)
    assert worker.ask("one") is Outcome.BUILT
    assert (worker.counts().built, worker.counts().failed) == (1, 0)


def test_a_conflict_of_who_still_holds_his_claim_is_a_failure(worker: Worker) -> None:
    def beaten() -> Mapping[str, Any]:
        raise Conflict("the item was written by somebody else meanwhile")

    with pytest.raises(Conflict, match="the item"):
        worker.ask("one", do=beaten)
    assert worker.counts().failed == 1


def test_the_first_error_stays_the_one_that_is_raised_when_recording_it_fails_too(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails() -> Mapping[str, Any]:
        raise SourceMissing("s3://landing/B04.tif", "there is no such object")

    def refused(*_: Any, **__: Any) -> None:
        raise PermissionError("dynamodb:UpdateItem")

    monkeypatch.setattr(type(worker.stack.activities), "fail", refused)
    with pytest.raises(SourceMissing) as caught:
        worker.ask("one", do=fails)
    assert caught.value.__notes__ == ["recording the failure failed too: PermissionError: dynamodb:UpdateItem"]


def test_a_step_of_one_build_records_how_it_ended(stack: Stack) -> None:
    with recorded(stack, "b1", UNIT, Step.SEARCH):
        pass
    with pytest.raises(ValueError, match="no"), recorded(stack, "b1", UNIT, Step.PREPARE_BLEND):
        raise ValueError("no")
    steps = stack.builds.step_counts("b1", UNIT)
    assert (steps[Step.SEARCH].built, steps[Step.PREPARE_BLEND].failed) == (1, 1)


def test_a_part_that_fails_before_its_work_is_known_says_why_and_leaves_what_was_built(worker: Worker) -> None:
    part = "2023-08-10#B04"
    with pytest.raises(SourceMissing), failure_recorded(worker.stack, "b1", UNIT, Step.MERGE, part):
        raise SourceMissing("s3://work/plan.json", "there is no such object")
    (result,) = worker.stack.builds.results("b1", step=Step.MERGE, unit_id=UNIT)
    assert result.cause == "SourceMissing: s3://work/plan.json: there is no such object"
    worker.ask("one")
    with pytest.raises(SourceMissing), failure_recorded(worker.stack, "b1", UNIT, Step.MERGE, part):
        raise SourceMissing("s3://work/plan.json", "there is no such object")
    assert (worker.counts().built, worker.counts().failed) == (1, 0)
