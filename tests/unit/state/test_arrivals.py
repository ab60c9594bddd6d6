"""The table of arrivals: nothing that arrives is lost, nothing is given to two."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto import mock_aws

from stratocube.state.arrivals import Arrivals, KnownScene, LandedScene
from tests.aws_tables import REGION, create_tables

UNIT = "000000_2023-08-01_2023-08-31"


@pytest.fixture
def arrivals(monkeypatch: pytest.MonkeyPatch) -> Iterator[Arrivals]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        names = create_tables(boto3.client("dynamodb", region_name=REGION))
        yield Arrivals(names["arrivals_table"], region=REGION)


def test_a_unit_is_due_from_its_first_arrival_on(arrivals: Arrivals) -> None:
    for due_at in ("t2", "t1", "t3"):
        arrivals.mark("C-1", UNIT, due_at=due_at, now_epoch=0)
    assert arrivals.due("t1", limit=5) == ()
    (unit,) = arrivals.due("t2", limit=5)
    assert (unit.cube_id, unit.unit_id, unit.arrived, unit.dispatched, unit.due_at) == ("C-1", UNIT, 3, 0, "t2")
    assert unit.pending
    assert arrivals.units("C-1", limit=5) == (unit,)


def test_the_longest_waiting_come_first(arrivals: Arrivals) -> None:
    for number in (3, 1, 2):
        arrivals.mark("C-1", f"{number}", due_at=f"t{number}", now_epoch=0)
    assert [unit.unit_id for unit in arrivals.due("t9", limit=2)] == ["1", "2"]


def test_a_unit_that_is_settled_is_due_again_when_something_arrives(arrivals: Arrivals) -> None:
    arrivals.mark("C-1", UNIT, due_at="t1", now_epoch=0)
    (unit,) = arrivals.due("t1", limit=5)
    assert arrivals.take(unit, "b1", look_at="t2")
    (taken,) = arrivals.due("t2", limit=5)
    assert (taken.pending, taken.build_id, taken.attempts) == (False, "b1", 1)
    arrivals.postpone(taken, "t4")
    assert arrivals.due("t3", limit=5) == ()
    assert arrivals.settle(taken)
    assert arrivals.due("t9", limit=5) == ()
    assert not arrivals.settle(taken)
    arrivals.mark("C-1", UNIT, due_at="t5", now_epoch=0)
    (again,) = arrivals.due("t5", limit=5)
    assert (again.pending, again.build_id, again.attempts) == (True, "b1", 0)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15, deadline=None)
@given(st.lists(st.sampled_from(["mark", "read", "take", "settle"]), max_size=12))
def test_whatever_happens_in_whatever_order_an_arrival_no_build_had_before_it_keeps_the_unit_due(
    arrivals: Arrivals, steps: list[str]
) -> None:
    unit_id = f"u{len(steps)}{hash(tuple(steps))}"
    seen = None
    for number, step in enumerate(steps):
        if step == "mark":
            arrivals.mark("C-1", unit_id, due_at="t", now_epoch=0)
        elif step == "read":
            seen = next((unit for unit in arrivals.units("C-1", limit=1000) if unit.unit_id == unit_id), None)
        elif seen is not None and step == "take":
            arrivals.take(seen, f"b{number}", look_at="t")
        elif seen is not None and not seen.pending:
            arrivals.settle(seen)
        now = next((unit for unit in arrivals.units("C-1", limit=1000) if unit.unit_id == unit_id), None)
        assert now is None or not now.pending or now.due_at is not None


def test_what_is_known_of_a_scene_is_by_version(arrivals: Arrivals) -> None:
    assert arrivals.known("s2", "A") == KnownScene()
    arrivals.note_announced("s2", "A", "1", now_epoch=0)
    arrivals.note_indexed("s2", "A", "2", now_epoch=0)
    assert arrivals.known("s2", "A") == KnownScene("1", "2")
    assert arrivals.all_known("s2", ["A", "B", "A"]) == {"A": KnownScene("1", "2")}
    assert arrivals.all_known("other", ["A"]) == {}


def test_landed_scenes_are_found_by_their_days_and_the_last_of_an_id_and_moment_stays(arrivals: Arrivals) -> None:
    for day, version in (("2023-08-01", 1), ("2023-08-02", 1), ("2023-08-02", 2), ("2023-08-03", 1)):
        arrivals.land("s2", f"{day}T10:00:00Z", "A", LandedScene({"v": version, "day": day}, "s3://b/k"))
    found = list(arrivals.landed("s2", "2023-08-01T12", "2023-08-03"))
    assert found == [LandedScene({"v": 2, "day": "2023-08-02"}, "s3://b/k")]
