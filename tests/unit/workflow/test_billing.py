"""What a call of a function is charged for."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from botocore.session import get_session

from stratocube.state.build_values import Spent, StepCounts, Unit
from stratocube.state.status import Step, UnitStatus
from stratocube.workflow.billing import Meter
from stratocube.workflow.costs import unit_usage


def test_a_call_is_charged_for_its_time_by_its_memory_and_the_first_for_the_start_as_well(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    monkeypatch.setattr(time, "process_time", lambda: 1.5)
    meter = Meter.of_process({"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "2048"})
    began, now = 100.0, 103.0
    assert meter.spent(began) == Spent(1, (3.0 + 1.5) * 2)
    began, now = 200.0, 200.0101
    # rounded up to a millisecond
    assert meter.spent(began) == Spent(1, pytest.approx(0.011 * 2))


def test_requests_of_s3_are_counted_once_each_by_what_they_are_charged_as() -> None:
    session = get_session()
    session.set_credentials("x", "x")
    s3 = session.create_client("s3", region_name="us-east-1")
    meter = Meter(memory_mb=1024)
    meter.watch(s3)
    # answers before anything is sent
    s3.meta.events.register("before-call.s3", lambda **_: (_Answer(), {}))
    s3.put_object(Bucket="b", Key="k", Body=b"x")
    for _ in range(2):
        s3.head_object(Bucket="b", Key="k")
    s3.delete_object(Bucket="b", Key="k")
    spent = meter.spent(time.monotonic())
    assert (spent.puts, spent.gets) == (1, 2)
    assert meter.spent(time.monotonic()).puts == 0


class _Answer:
    status_code = 200


UNIT = Unit("000000_2023-08-01_2023-08-31", "000000", "2023-08-01", "2023-08-31", UnitStatus.SUCCEEDED, {})
MERGED = StepCounts(built=3, reused=1, failed=0, seconds=40.0, spent=Spent(6, 80.0, 3, 12))
DONE = {Step.SEARCH: StepCounts(1, 0, 0, 2.0, Spent(1, 2.0, 4, 5)), Step.MERGE: MERGED}


def test_a_unit_uses_what_its_calls_spent_and_an_express_execution_a_part() -> None:
    used = unit_usage(UNIT, DONE | {Step.PUBLISH: StepCounts(1, 0, 0, 1.0, Spent(1, 1.0, 1, 1))})
    assert (used.calls, used.gb_seconds, used.s3_puts, used.s3_gets) == (8, 83.0, 8, 18)
    # four parts, though two of them were tried twice
    assert (used.express_requests, used.transitions) == (4, 11)
    assert used.express_gb_seconds == pytest.approx((40.0 + 4 * 0.05) / 16)


@pytest.mark.parametrize(
    ("status", "failed_step", "transitions"),
    [
        (UnitStatus.PLANNED, None, 0),
        (UnitStatus.RUNNING, None, 4),
        # a unit that was not stale ends with its search
        (UnitStatus.SUCCEEDED, None, 3),
        (UnitStatus.FAILED, "merge", 7),
        (UnitStatus.FAILED, "build", 4),
        (UnitStatus.CANCELLED, None, 4),
    ],
)
def test_transitions_are_those_of_how_far_a_unit_went(
    status: UnitStatus, failed_step: str | None, transitions: int
) -> None:
    assert unit_usage(replace(UNIT, status=status, failed_step=failed_step), DONE).transitions == transitions
