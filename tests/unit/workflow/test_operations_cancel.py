"""A cancelled build does nothing any more: whoever still runs for it neither finishes nor publishes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import boto3
import pytest
from moto import mock_aws

from stratocube.errors import Conflict
from stratocube.state.activities import Work
from stratocube.state.status import BuildStatus, Outcome, Step, UnitStatus
from stratocube.workflow.commit import commit_item
from stratocube.workflow.context import Invocation, Stack
from stratocube.workflow.finish import fail_unit, finish_build
from stratocube.workflow.operations_cancel import CAUSE, Cancellation, StopFailed, cancel_build, execution_stopper
from stratocube.workflow.perform import BuildCancelled, Task, confirm_claim, perform
from stratocube.workflow.plan import plan_build
from stratocube.workflow.tasks import MergeTask
from tests.unit.workflow.conftest import REGION, Clock
from tests.unit.workflow.small_build import BUILD, INVOCATION, UNIT, scene, searched

ITEM = "small-1m-lcf/v1/000/000/2023/08/01/item.json"


@pytest.fixture
def tasks(stack: Stack) -> list[MergeTask]:
    """The merges of a running build of one unit."""
    return searched(stack, scene("s3://landing/r.tif", "s3://landing/q.tif"))


def cancel(stack: Stack, stopped: list[str] | None = None) -> Cancellation:
    def stop(build_id: str) -> bool:
        assert stack.builds.is_cancelled(build_id), "functions must see it before the execution is stopped"
        if stopped is not None:
            stopped.append(build_id)
        return True

    return cancel_build(
        BUILD,
        builds=stack.builds,
        activities=stack.activities,
        work=stack.work,
        stop=stop,
        moment=stack.clock(),
    )


def work_of(task: MergeTask) -> Work:
    return Work(task.activity_id, Step.MERGE, "SMALL-1M-LCF-1", task.part)


def asked(stack: Stack, task: MergeTask, do: Any, *, build: str = BUILD, holder: str = "worker") -> Outcome:
    return perform(
        stack, Invocation(holder, 240), Task(work_of(task), build, UNIT, task.part), do, intact=lambda _: True
    )


def test_cancel_closes_build_and_units_and_says_so(stack: Stack, tasks: list[MergeTask]) -> None:
    stopped: list[str] = []
    first, second = cancel(stack, stopped), cancel(stack, stopped)
    assert stopped == [BUILD, BUILD]
    assert (first.stopped, first.units["cancelled"], first.units["running"]) == (True, 1, 0)
    assert second.units == first.units
    found = stack.builds.get(BUILD)
    assert (found.status, found.cause, found.finished_at) == (BuildStatus.CANCELLED, CAUSE, first.build.finished_at)
    assert found.summary is not None
    assert found.summary["units"] == first.units
    (unit,) = stack.builds.units(BUILD)
    assert (unit.status, unit.cause) == (UnitStatus.CANCELLED, CAUSE)


def test_a_build_that_has_ended_is_not_cancelled(stack: Stack, tasks: list[MergeTask]) -> None:
    finish_build(stack, BUILD)
    with pytest.raises(Conflict, match="has ended, it is FAILED"):
        cancel(stack)


def test_what_a_cut_off_cancel_left_undone_the_next_one_does(stack: Stack, tasks: list[MergeTask]) -> None:
    stack.builds.cancel(BUILD, now="t", cause=CAUSE)
    stack.activities.claim(
        work_of(tasks[0]), build_id=BUILD, holder="w", now="t", now_epoch=stack.clock().timestamp(), lease_seconds=99
    )
    done = cancel(stack)
    assert (done.released, done.units["cancelled"]) == (1, 1)
    assert cancel(stack).released == 0


def test_claims_of_functions_that_still_run_are_released_and_they_cannot_finish(
    stack: Stack, tasks: list[MergeTask]
) -> None:
    released: list[int] = []

    def cancelled_meanwhile() -> Mapping[str, Any]:
        released.append(cancel(stack).released)
        # the next build need not wait until the claim expires
        stack.builds.create("b2", "SMALL-1M-LCF-1", {}, now="t")
        assert asked(stack, tasks[0], lambda: {"by": "b2"}, build="b2", holder="other") is Outcome.BUILT
        return {"by": "the cancelled one"}

    with pytest.raises(BuildCancelled):
        asked(stack, tasks[0], cancelled_meanwhile)
    assert released == [1]
    kept = stack.activities.finished(tasks[0].activity_id)
    assert kept is not None
    assert kept.result == {"by": "b2"}


def test_a_claim_of_another_build_on_the_same_work_stays(stack: Stack, tasks: list[MergeTask]) -> None:
    def cancelled_meanwhile() -> Mapping[str, Any]:
        assert cancel(stack).released == 0
        return {"by": "b2"}

    assert asked(stack, tasks[0], cancelled_meanwhile, build="b2") is Outcome.BUILT


def test_nothing_is_begun_for_a_cancelled_build(stack: Stack, tasks: list[MergeTask]) -> None:
    cancel(stack)
    with pytest.raises(BuildCancelled):
        asked(stack, tasks[0], lambda: pytest.fail("work was begun"))
    assert not stack.activities.holds(tasks[0].activity_id, holder="worker")
    with pytest.raises(Conflict, match="CANCELLED"):
        plan_build(stack, BUILD)


def test_an_item_is_not_written_once_the_build_is_cancelled_and_that_is_no_failure(
    stack: Stack, tasks: list[MergeTask]
) -> None:
    task = Task(work_of(tasks[0]), BUILD, UNIT, "")

    def publish() -> Mapping[str, Any]:
        # the header alone: the worst moment, before the claims are released
        stack.builds.cancel(BUILD, now="t", cause=CAUSE)
        commit_item(stack, ITEM, {"id": "x"}, confirm=lambda: confirm_claim(stack, INVOCATION, task))
        return {}

    with pytest.raises(BuildCancelled):
        perform(stack, INVOCATION, task, publish, intact=lambda _: True)
    assert not stack.products.exists(ITEM)
    assert stack.activities.failures("SMALL-1M-LCF-1", since="0") == ()
    assert stack.builds.results(BUILD, step=Step.MERGE, unit_id=UNIT) == ()
    assert asked(stack, tasks[0], lambda: {}, build="b2", holder="other") is Outcome.BUILT


def test_an_item_is_not_written_by_who_lost_his_claim(stack: Stack, tasks: list[MergeTask], clock: Clock) -> None:
    task = Task(work_of(tasks[0]), BUILD, UNIT, "")

    def slow() -> Mapping[str, Any]:
        clock.wait(300)
        asked(stack, tasks[0], lambda: {}, build="b2", holder="successor")
        stack.products.put_json(ITEM, {"by": "successor"})
        commit_item(stack, ITEM, {"by": "slow"}, confirm=lambda: confirm_claim(stack, INVOCATION, task))
        return {}

    # nor is it a failure: the work is done, by who took it over
    assert perform(stack, INVOCATION, task, slow, intact=lambda _: True) is Outcome.REUSED
    assert stack.products.read_json(ITEM) == {"by": "successor"}


@pytest.mark.parametrize("before", [None, {"by": "an earlier build"}])
def test_what_a_successor_publishes_between_the_look_and_the_write_is_not_overwritten(
    stack: Stack, before: dict[str, str] | None
) -> None:
    if before is not None:
        stack.products.put_json(ITEM, before)
    looks: list[int] = []

    def confirm() -> None:
        looks.append(1)
        if len(looks) > 1:
            raise Conflict("taken over")
        stack.products.put_json(ITEM, {"by": "successor"})

    with pytest.raises(Conflict, match="taken over"):
        commit_item(stack, ITEM, {"by": "slow"}, confirm=confirm)
    assert stack.products.read_json(ITEM) == {"by": "successor"}


def test_who_still_holds_his_claim_writes_over_what_another_build_published_of_other_inputs(stack: Stack) -> None:
    others = [{"by": "other"}]

    def confirm() -> None:
        if others:
            stack.products.put_json(ITEM, others.pop())

    commit_item(stack, ITEM, {"by": "ours"}, confirm=confirm)
    assert stack.products.read_json(ITEM) == {"by": "ours"}
    head = stack.products.s3.head_object(Bucket="cubes", Key=ITEM)
    assert head["ContentType"] == "application/geo+json"


def test_the_event_of_the_stopped_execution_finishes_what_cancel_began_and_changes_nothing_else(
    stack: Stack, tasks: list[MergeTask]
) -> None:
    stack.builds.cancel(BUILD, now="t", cause=CAUSE)
    answer = finish_build(stack, BUILD, {"Error": "ABORTED", "Cause": "the execution ended before the build did"})
    assert answer == {"build_id": BUILD, "status": "CANCELLED"}
    (unit,) = stack.builds.units(BUILD)
    assert (unit.status, unit.cause) == (UnitStatus.CANCELLED, CAUSE)
    found = stack.builds.get(BUILD)
    assert (found.status, found.cause) == (BuildStatus.CANCELLED, CAUSE)
    assert found.summary is not None
    assert found.summary["units"]["cancelled"] == 1


def test_a_unit_that_fails_because_its_build_was_cancelled_is_cancelled(stack: Stack, tasks: list[MergeTask]) -> None:
    stack.builds.cancel(BUILD, now="t", cause=CAUSE)
    assert fail_unit(stack, BUILD, UNIT, "merge", {"Error": "BuildCancelled"})["status"] == "CANCELLED"
    (unit,) = stack.builds.units(BUILD)
    assert (unit.status, unit.failed_step) == (UnitStatus.CANCELLED, None)


def test_the_execution_named_after_the_build_is_stopped_and_one_that_is_not_there_is_no_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("stepfunctions", region_name=REGION)
        definition = json.dumps({"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}})
        role = "arn:aws:iam::123456789012:role/x"
        machine = client.create_state_machine(name="m", definition=definition, roleArn=role)["stateMachineArn"]
        execution = client.start_execution(stateMachineArn=machine, name=BUILD, input="{}")["executionArn"]
        stop = execution_stopper(machine, region=REGION)
        assert stop(BUILD) is True
        assert client.describe_execution(executionArn=execution)["status"] == "ABORTED"
        assert stop("never-started") is False


def test_step_functions_out_of_reach_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    # port 9 (discard) of this machine: nobody listens
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    stop = execution_stopper("arn:aws:states:us-east-1:123456789012:stateMachine:m", region=REGION)
    with pytest.raises(StopFailed, match="could not be reached") as caught:
        stop("b")
    assert caught.value.build_id == "b"
