"""What nobody reported is found: builds that were never closed, those that changed after their end, and stuck ones."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from stratocube.clock import iso_time
from stratocube.state.build_values import StepResult
from stratocube.state.status import BuildStatus, Outcome, Step, UnitStatus
from stratocube.workflow.context import Stack
from stratocube.workflow.executions import Execution, execution_reader
from stratocube.workflow.finish import finish_build
from stratocube.workflow.sweep import GRACE, Sweep, SweepFailed, sweep_builds
from tests.unit.workflow.conftest import REGION, Clock

A, B = "000000_2023-08-01_2023-08-31", "000001_2023-08-01_2023-08-31"
STUCK_AFTER = timedelta(minutes=60)
RUNNING = Execution("RUNNING", None)

Add = Callable[..., str]


@pytest.fixture
def add(stack: Stack) -> Add:
    """Records a build that has begun, with two units."""

    def add_build(build_id: str = "b1", *, started: bool = True) -> str:
        stack.builds.create(build_id, "CUBE-1", {}, now=stack.now())
        if started:
            _add_units(stack, build_id)
            stack.builds.start(build_id, now=stack.now())
        return build_id

    return add_build


def _add_units(stack: Stack, build_id: str) -> None:
    stack.builds.add_units(build_id, [(unit, unit[:6], "2023-08-01", "2023-08-31") for unit in (A, B)])


def _sweep(stack: Stack, **executions: Execution | None) -> Sweep:
    return sweep_builds(stack, executions.get, stuck_after=STUCK_AFTER)


def _ended(clock: Clock, status: str = "ABORTED") -> Execution:
    return Execution(status, clock.moment)


def _unsettled(stack: Stack) -> list[str]:
    return list(stack.unsettled.build_ids())


# -- lost --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["ABORTED", "FAILED", "TIMED_OUT", "SUCCEEDED"])
def test_an_open_build_whose_execution_has_ended_is_closed_with_what_happened(
    stack: Stack, clock: Clock, add: Add, status: str
) -> None:
    add()
    execution = _ended(clock, status)
    clock.wait(GRACE.total_seconds())
    found = _sweep(stack, b1=execution)
    assert (found.closed, found.settled) == (["b1"], ["b1"])
    build = stack.builds.get("b1")
    cause = f"{status}: the execution ended and did not close the build: the sweep did"
    assert (build.status, build.cause) == (BuildStatus.FAILED, cause)
    assert {(unit.status, unit.cause) for unit in stack.builds.units("b1")} == {(UnitStatus.FAILED, cause)}
    assert build.summary is not None
    assert build.summary["units"]["failed"] == 2
    assert _unsettled(stack) == []


def test_nobody_is_overtaken_whose_event_is_still_under_way(stack: Stack, clock: Clock, add: Add) -> None:
    add()
    execution = _ended(clock)
    clock.wait(GRACE.total_seconds() - 1)
    assert _sweep(stack, b1=execution) == Sweep(seen=1)
    assert stack.builds.get("b1").finished_at is None


def test_a_build_the_state_machine_never_had_is_closed_and_says_so(stack: Stack, clock: Clock, add: Add) -> None:
    add(started=False)
    assert _sweep(stack, b1=None).closed == []
    clock.wait(GRACE.total_seconds())
    assert _sweep(stack, b1=None).closed == ["b1"]
    build = stack.builds.get("b1")
    assert build.status is BuildStatus.FAILED
    assert build.cause == "NotStarted: the build was recorded, but the state machine has no execution of it: retry it"


def test_what_was_finished_before_the_execution_was_lost_counts(stack: Stack, clock: Clock, add: Add) -> None:
    add()
    stack.builds.unit_succeeded("b1", A, now=stack.now())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("stratocube.workflow.finish._grow_collections", lambda *_: None)
        execution = _ended(clock)
        clock.wait(GRACE.total_seconds())
        _sweep(stack, b1=execution)
    assert stack.builds.get("b1").status is BuildStatus.PARTIAL


# -- settled -----------------------------------------------------------------------------------------------------------


def test_units_that_plan_added_while_the_build_was_closed_are_closed_and_counted(
    stack: Stack, clock: Clock, add: Add
) -> None:
    add(started=False)
    finish_build(stack, "b1", {"Error": "ABORTED", "Cause": "stopped"})
    _add_units(stack, "b1")
    execution = _ended(clock)
    assert _sweep(stack, b1=execution).settled == []
    clock.wait(GRACE.total_seconds())
    found = _sweep(stack, b1=execution)
    assert (found.closed, found.settled) == ([], ["b1"])
    build = stack.builds.get("b1")
    assert build.summary is not None
    assert build.summary["units"] | {"total": 2, "failed": 2} == build.summary["units"]
    assert {(unit.status, unit.cause) for unit in stack.builds.units("b1")} == {(UnitStatus.FAILED, "ABORTED: stopped")}


def test_a_unit_that_was_published_a_second_too_late_is_counted_in_the_end(
    stack: Stack, clock: Clock, add: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    grown: list[str] = []
    monkeypatch.setattr("stratocube.workflow.finish._grow_collections", lambda _, build_id: grown.append(build_id))
    add()
    finish_build(stack, "b1", {"Error": "ABORTED", "Cause": "stopped"})
    assert stack.builds.get("b1").status is BuildStatus.FAILED
    stack.builds.unit_succeeded("b1", A, now=stack.now())
    execution = _ended(clock)
    clock.wait(GRACE.total_seconds())
    _sweep(stack, b1=execution)
    build = stack.builds.get("b1")
    assert (build.status, build.cause) == (BuildStatus.PARTIAL, "ABORTED: stopped")
    assert build.summary is not None
    assert (build.summary["units"]["succeeded"], build.summary["units"]["failed"]) == (1, 1)
    assert grown == ["b1", "b1"], "the collection, too, covers what came late"


def test_a_cancelled_build_stays_cancelled_and_its_last_units_are_closed(stack: Stack, clock: Clock, add: Add) -> None:
    add()
    stack.builds.cancel("b1", now=stack.now(), cause="cancelled on request")
    clock.wait(GRACE.total_seconds())
    _sweep(stack, b1=Execution("ABORTED", clock.moment - GRACE))
    build = stack.builds.get("b1")
    assert build.status is BuildStatus.CANCELLED
    assert build.summary is not None
    assert build.summary["units"]["cancelled"] == 2
    assert _unsettled(stack) == []


def test_a_build_of_which_every_unit_succeeded_is_settled_by_finish(
    stack: Stack, add: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stratocube.workflow.finish._grow_collections", lambda *_: None)
    add()
    for unit in (A, B):
        stack.builds.unit_succeeded("b1", unit, now=stack.now())
    finish_build(stack, "b1")
    assert stack.builds.get("b1").status is BuildStatus.SUCCEEDED
    assert _unsettled(stack) == []


def test_an_execution_that_was_redriven_has_its_build_counted_anew(
    stack: Stack, clock: Clock, add: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stratocube.workflow.finish._grow_collections", lambda *_: None)
    add()
    finish_build(stack, "b1")
    clock.wait(GRACE.total_seconds())
    _sweep(stack, b1=Execution("FAILED", clock.moment - GRACE))
    assert _unsettled(stack) == []
    for unit in (A, B):
        stack.builds.unit_succeeded("b1", unit, now=stack.now())
    finish_build(stack, "b1")  # the redriven machine's last state
    assert _sweep(stack, b1=RUNNING).settled == []
    clock.wait(GRACE.total_seconds())
    assert _sweep(stack, b1=Execution("SUCCEEDED", clock.moment - GRACE)).settled == ["b1"]
    assert stack.builds.get("b1").status is BuildStatus.SUCCEEDED


def test_sweeping_twice_is_sweeping_once(stack: Stack, clock: Clock, add: Add) -> None:
    add()
    execution = _ended(clock)
    clock.wait(GRACE.total_seconds())
    _sweep(stack, b1=execution)
    before = stack.builds.get("b1"), list(stack.builds.units("b1"))
    assert _sweep(stack, b1=execution) == Sweep()
    assert (stack.builds.get("b1"), list(stack.builds.units("b1"))) == before


# -- stuck -------------------------------------------------------------------------------------------------------------


def test_a_unit_of_which_no_step_ends_is_stuck_and_named(stack: Stack, clock: Clock, add: Add) -> None:
    add()
    for unit in (A, B):
        stack.builds.unit_running("b1", unit, now=stack.now())
    clock.wait(STUCK_AFTER.total_seconds())
    stack.builds.record("b1", StepResult(Step.MERGE, B, "2023-08-10#B04", Outcome.BUILT, 1.0), now=stack.now())
    found = _sweep(stack, b1=RUNNING)
    assert (found.stuck, found.stuck_units) == ({"b1": [A]}, 1)
    cause = stack.builds.get("b1").cause
    assert cause is not None
    assert cause.startswith(f"stuck: no step of {A} has ended since 2026-03-06T00:00Z")
    assert stack.builds.get("b1").finished_at is None


def test_a_build_that_moves_again_is_no_longer_called_stuck(stack: Stack, clock: Clock, add: Add) -> None:
    add()
    stack.builds.unit_running("b1", A, now=stack.now())
    clock.wait(STUCK_AFTER.total_seconds() + 1)
    assert _sweep(stack, b1=RUNNING).stuck == {"b1": [A]}
    stack.builds.record("b1", StepResult(Step.BLEND, A, "B04", Outcome.BUILT, 1.0), now=stack.now())
    assert _sweep(stack, b1=RUNNING).stuck == {}
    assert stack.builds.get("b1").cause is None


def test_a_build_in_which_nothing_begins_is_stuck(stack: Stack, clock: Clock, add: Add) -> None:
    add()
    clock.wait(STUCK_AFTER.total_seconds() - 1)
    assert _sweep(stack, b1=RUNNING).stuck == {}
    clock.wait(2)
    found = _sweep(stack, b1=RUNNING)
    assert (found.stuck, found.stuck_units) == ({"b1": []}, 0)
    assert "nothing has begun or ended since 2026-03-06T00:00Z, 2 units are waiting" in str(
        stack.builds.get("b1").cause
    )


def test_a_build_that_is_closed_is_not_called_stuck(stack: Stack, add: Add) -> None:
    add()
    finish_build(stack, "b1", {"Error": "ABORTED", "Cause": "stopped"})
    stack.unsettled.remark("b1", "stuck")
    assert stack.builds.get("b1").cause == "ABORTED: stopped"


# -- what cannot be looked at ------------------------------------------------------------------------------------------


def test_a_build_that_cannot_be_looked_at_keeps_no_other_from_being_so(stack: Stack, clock: Clock, add: Add) -> None:
    for build_id in ("b1", "b2"):
        add(build_id)
    execution = _ended(clock)
    clock.wait(GRACE.total_seconds())

    def executions(build_id: str) -> Execution:
        if build_id == "b1":
            raise RuntimeError("not to be had")
        return execution

    found = sweep_builds(stack, executions, stuck_after=STUCK_AFTER)
    assert (found.closed, found.failed) == (["b2"], {"b1": "RuntimeError: not to be had"})
    assert str(SweepFailed(found.failed)) == "1 of the builds could not be swept: build b1: RuntimeError: not to be had"


def test_a_build_that_was_removed_by_hand_is_passed_over(
    stack: Stack, add: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(stack.unsettled), "build_ids", lambda _: iter(["gone"]))
    assert _sweep(stack) == Sweep(seen=1)


# -- executions --------------------------------------------------------------------------------------------------------


def test_executions_are_read_by_the_name_of_the_build(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        client = boto3.client("stepfunctions", region_name=REGION)
        definition = '{"StartAt": "P", "States": {"P": {"Type": "Pass", "End": true}}}'
        role = "arn:aws:iam::123456789012:role/any"
        arn = client.create_state_machine(name="m", definition=definition, roleArn=role)["stateMachineArn"]
        started = client.start_execution(stateMachineArn=arn, name="b1")
        read = execution_reader(arn, region=REGION)
        assert read("b1") == RUNNING
        client.stop_execution(executionArn=started["executionArn"])
        stopped = read("b1")
        assert stopped is not None
        assert (stopped.status, stopped.has_ended) == ("ABORTED", True)
        assert stopped.stopped_at is not None
        assert stopped.stopped_at.tzinfo is not None
        assert read("b2") is None


def test_that_step_functions_does_not_answer_is_no_end_of_an_execution(monkeypatch: pytest.MonkeyPatch) -> None:
    class Throttled:
        def describe_execution(self, **_: Any) -> None:
            raise ClientError({"Error": {"Code": "ThrottlingException"}}, "DescribeExecution")

    monkeypatch.setattr("stratocube.workflow.executions.step_functions", lambda _: Throttled())
    with pytest.raises(ClientError):
        execution_reader("arn:aws:states:us-east-1:1:stateMachine:m", region=REGION)("b1")


def test_times_are_compared_as_they_are_written() -> None:
    early, late = (datetime(2026, 3, 6, 10, tzinfo=UTC) + timedelta(microseconds=us) for us in (0, 1))
    assert iso_time(early) < iso_time(late)
