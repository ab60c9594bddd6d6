"""Closing units and builds with causes people can act on."""

from __future__ import annotations

import json

import pytest

from stratocube.state.build_values import StepResult
from stratocube.state.status import BuildStatus, Outcome, Step, UnitStatus
from stratocube.workflow.context import Stack
from stratocube.workflow.finish import fail_unit, finish_build

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
        (MAP_ERROR, "States.ExceedToleratedFailureThreshold: exceeded"),
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


def test_a_build_without_a_finished_unit_has_failed(build: Stack) -> None:
    assert finish_build(build, "b1")["status"] == "FAILED"
