"""Closing units and builds with causes people can act on."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from stratocube.errors import InvalidRequest, NotFound, StratocubeError
from stratocube.state.build_values import StepResult
from stratocube.state.status import BuildStatus, Outcome, Step, UnitStatus
from stratocube.workflow.context import Stack
from stratocube.workflow.events import ended_execution_of
from stratocube.workflow.finish import end_execution, fail_unit, finish_build
from tests.unit.workflow.small_build import planned

UNIT = "000000_2023-08-01_2023-08-31"
MAP_ERROR = {"Error": "States.ExceedToleratedFailureThreshold", "Cause": "exceeded"}


@pytest.fixture
def build(stack: Stack) -> Stack:
    stack.builds.create("b1", "CUBE-1", {}, now="t")
    stack.builds.add_units("b1", [(UNIT, "000000", "2023-08-01", "2023-08-31")])
    return stack


def _unit_cause(stack: Stack) -> str | None:
    (unit,) = stack.builds.units("b1")
    return unit.cause


def test_the_cause_is_what_the_failed_parts_said(build: Stack) -> None:
    for band in ("B02", "B04"):
        result = StepResult(Step.MERGE, UNIT, f"2023-08-10#{band}", Outcome.FAILED, 1.0, cause=f"no {band}")
        build.builds.record("b1", result)
    fail_unit(build, "b1", UNIT, "merge", MAP_ERROR)
    assert _unit_cause(build) == "2023-08-10 B02: no B02 (and 1 more)"


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (
            MAP_ERROR,
            "a part of blend failed and could not say why: its function was killed, ran out of time or did not reach"
            " its tables, which its log tells (States.ExceedToleratedFailureThreshold: exceeded)",
        ),
        (
            {"Error": "AccessDenied", "Cause": json.dumps({"errorType": "ClientError", "errorMessage": "no"})},
            "ClientError: no",
        ),
        ({"Error": "States.Timeout"}, "States.Timeout"),
        ({}, "unknown error"),
    ],
)
def test_where_nothing_was_recorded_the_cause_is_what_step_functions_caught(
    build: Stack, error: dict[str, str], cause: str
) -> None:
    fail_unit(build, "b1", UNIT, "blend", error)
    assert _unit_cause(build) == cause


def test_a_build_stopped_from_outside_closes_its_units_with_the_reason(build: Stack) -> None:
    answer = finish_build(build, "b1", {"Error": "ABORTED", "Cause": "the execution was stopped"})
    assert answer == {"build_id": "b1", "status": "FAILED"}
    (unit,) = build.builds.units("b1")
    assert (unit.status, unit.cause) == (UnitStatus.FAILED, "ABORTED: the execution was stopped")
    ended = build.builds.get("b1")
    assert (ended.status, ended.cause) == (BuildStatus.FAILED, "ABORTED: the execution was stopped")
    assert ended.summary is not None
    assert ended.summary["units"]["failed"] == 1


def test_a_build_whose_execution_failed_after_all_units_had_succeeded_has_succeeded(stack: Stack) -> None:
    planned(stack, stac_url="s3://landing/items.json")
    stack.builds.unit_succeeded("b1", UNIT, now="t")
    assert finish_build(stack, "b1", {"Error": "FAILED", "Cause": "Finish was killed"})["status"] == "SUCCEEDED"
    assert stack.builds.get("b1").cause is None


def test_a_build_whose_plan_is_gone_is_closed_all_the_same(stack: Stack) -> None:
    planned(stack, stac_url="s3://landing/items.json")
    stack.builds.unit_succeeded("b1", UNIT, now="t")
    stack.work.s3.delete_object(Bucket="work", Key="builds/b1/plan.json")
    assert finish_build(stack, "b1")["status"] == "SUCCEEDED"


def test_a_build_without_a_finished_unit_has_failed(build: Stack) -> None:
    assert finish_build(build, "b1")["status"] == "FAILED"


# -- executions that ended otherwise than by their last state ---------------------------------------------------------

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:cube-build-cube"
WORDS = {
    "ABORTED": "the execution of the state machine was stopped",
    "FAILED": "the execution of the state machine failed",
    "TIMED_OUT": "the execution of the state machine ran out of time",
}


def of_build(status: str, **more: Any) -> dict[str, Any]:
    """What EventBridge says of the execution of the build."""
    return {"source": "aws.states", "detail": {"stateMachineArn": MACHINE, "name": "b1", "status": status, **more}}


def of_unit(status: str, unit_id: str = UNIT, **more: Any) -> dict[str, Any]:
    """What EventBridge says of the execution of the unit."""
    task = json.dumps({"build_id": "b1", "unit_id": unit_id})
    detail = {"stateMachineArn": f"{MACHINE}/Units", "name": "0b7c", "status": status, "input": task}
    return {"source": "aws.states", "detail": detail | more}


@pytest.mark.parametrize("status", sorted(WORDS))
def test_the_end_of_its_execution_ends_the_record_of_the_build_and_of_its_units(build: Stack, status: str) -> None:
    end_execution(build, ended_execution_of(of_build(status)))
    ended = build.builds.get("b1")
    assert (ended.status, ended.cause) == (BuildStatus.FAILED, f"{status}: {WORDS[status]}")
    (unit,) = build.builds.units("b1")
    assert (unit.status, unit.cause, unit.failed_step) == (UnitStatus.FAILED, ended.cause, "build")


@pytest.mark.parametrize("status", sorted(WORDS))
def test_the_end_of_its_execution_ends_the_record_of_a_unit_and_the_build_goes_on(build: Stack, status: str) -> None:
    build.builds.unit_running("b1", UNIT)
    answer = end_execution(build, ended_execution_of(of_unit(status, error="E", cause="killed")))
    assert answer == {"build_id": "b1", "unit_id": UNIT, "status": "FAILED"}
    assert _unit_cause(build) == f"{status}: {WORDS[status]}: E: killed"
    assert build.builds.get("b1").finished_at is None


def test_a_unit_that_failed_by_itself_keeps_its_cause_when_its_execution_ends(build: Stack) -> None:
    fail_unit(build, "b1", UNIT, "merge", {"Error": "SourceMissing", "Cause": "no B04"})
    end_execution(build, ended_execution_of(of_unit("FAILED")))
    finish_build(build, "b1")
    assert _unit_cause(build) == "SourceMissing: no B04"


def test_a_unit_that_succeeded_stays_so_and_one_of_a_cancelled_build_is_cancelled(build: Stack) -> None:
    build.builds.unit_succeeded("b1", UNIT)
    assert end_execution(build, ended_execution_of(of_unit("TIMED_OUT")))["status"] == "SUCCEEDED"
    other = "000001_2023-08-01_2023-08-31"
    build.builds.add_units("b1", [(other, "000001", "2023-08-01", "2023-08-31")])
    build.builds.cancel("b1", now="t", cause="cancelled on request")
    assert end_execution(build, ended_execution_of(of_unit("ABORTED", other)))["status"] == "CANCELLED"


def test_every_end_may_be_told_in_any_order_and_number_and_nothing_is_counted_twice(build: Stack) -> None:
    result = StepResult(Step.MERGE, UNIT, "2023-08-10#B02", Outcome.FAILED, 1.0, cause="no B02")
    build.builds.record("b1", result)
    for _ in range(2):
        fail_unit(build, "b1", UNIT, "merge", MAP_ERROR)
        end_execution(build, ended_execution_of(of_unit("FAILED")))
        finish_build(build, "b1")
        end_execution(build, ended_execution_of(of_build("FAILED")))
    ended = build.builds.get("b1")
    assert ended.summary is not None
    assert (ended.summary["units"]["total"], ended.summary["units"]["failed"]) == (1, 1)
    assert (ended.summary["steps"]["merge"]["failed"], ended.summary["steps"]["merge"]["seconds"]) == (1, 1.0)
    assert (ended.cause, _unit_cause(build)) == (None, "2023-08-10 B02: no B02")


def test_the_end_of_what_is_not_there_is_refused_so_that_it_gets_to_the_dead_letters(stack: Stack) -> None:
    for event in (of_build("ABORTED"), of_unit("ABORTED")):
        with pytest.raises(NotFound, match="b1"):
            end_execution(stack, ended_execution_of(event))


@pytest.mark.parametrize(
    ("event", "field"),
    [
        ({}, "detail"),
        ({"detail": []}, "detail"),
        ({"detail": {}}, "detail.status"),
        (of_build("RUNNING"), "detail.status"),
        (of_build("ABORTED", name="../b1"), "detail.name"),
        (of_build("ABORTED", name=None), "detail.name"),
        (of_build("ABORTED", stateMachineArn=None), "detail.stateMachineArn"),
        (of_unit("ABORTED", input=None), "detail.input"),
        (of_unit("ABORTED", input="{"), "detail.input"),
        (of_unit("ABORTED", input="{}"), "detail.input"),
        (of_unit("ABORTED", unit_id="../b1"), "detail.input"),
    ],
)
def test_an_event_that_says_no_end_is_refused_with_the_name_of_the_field(event: Any, field: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        ended_execution_of(event)
    assert refused.value.field == field


def test_a_build_whose_plan_is_gone_ends_all_the_same(build: Stack) -> None:
    build.builds.unit_succeeded("b1", UNIT)
    assert finish_build(build, "b1")["status"] == "SUCCEEDED"
    assert not build.products.exists("cube/v1/collection.json")


def test_a_plan_that_may_not_be_read_is_no_plan_that_is_gone(build: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetObject")

    build.builds.unit_succeeded("b1", UNIT)
    monkeypatch.setattr(build.work.s3, "get_object", forbidden)
    with pytest.raises(StratocubeError, match=r"builds/b1/plan\.json"):
        finish_build(build, "b1")
    assert build.builds.get("b1").finished_at is None
