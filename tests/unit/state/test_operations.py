"""What cancel and retry write."""

from __future__ import annotations

import pytest

from stratocube.errors import Conflict
from stratocube.state.activities import Activities, Claim, Work
from stratocube.state.builds import Builds
from stratocube.state.status import BuildStatus, Step, UnitStatus
from tests.unit.state.conftest import REGION

UNITS = tuple(f"00000{n}_2023-08-01_2023-08-31" for n in range(4))
WORK = Work("a1", Step.MERGE, "CUBE-1", "011009 2023-08-10 B04")


@pytest.fixture
def builds(tables: dict[str, str]) -> Builds:
    found = Builds(tables["builds_table"], region=REGION)
    found.create("b1", "CUBE-1", {"tiles": ["000000"]}, now="t1")
    found.add_units("b1", [(unit, unit[:6], "2023-08-01", "2023-08-31") for unit in UNITS])
    return found


@pytest.fixture
def activities(tables: dict[str, str]) -> Activities:
    return Activities(tables["activities_table"], region=REGION)


def claim(activities: Activities, holder: str, *, build: str = "b1", at: float = 100.0) -> Claim:
    return activities.claim(WORK, build_id=build, holder=holder, now=f"t{at}", now_epoch=at, lease_seconds=50)


def test_an_open_build_is_cancelled_once_and_stays_so(builds: Builds) -> None:
    builds.start("b1", now="t2")
    assert not builds.is_cancelled("b1")
    builds.cancel("b1", now="t3", cause="on request")
    builds.cancel("b1", now="t4", cause="again")
    builds.finish("b1", status=BuildStatus.FAILED, summary={}, now="t5", cause="ABORTED")
    builds.start("b1", now="t6")
    found = builds.get("b1")
    assert (found.status, found.finished_at, found.cause) == (BuildStatus.CANCELLED, "t3", "on request")
    assert builds.is_cancelled("b1")
    assert found.summary is None
    builds.summarize_cancelled("b1", {"units": {"cancelled": 4}})
    assert builds.get("b1").summary == {"units": {"cancelled": 4}}


def test_a_build_that_has_ended_is_not_cancelled(builds: Builds) -> None:
    builds.finish("b1", status=BuildStatus.PARTIAL, summary={}, now="t2")
    builds.cancel("b1", now="t3", cause="late")
    builds.summarize_cancelled("b1", {"x": 1})
    found = builds.get("b1")
    assert (found.status, found.finished_at, found.summary) == (BuildStatus.PARTIAL, "t2", {})
    assert not builds.is_cancelled("b9"), "a build that is not there"


def test_only_units_that_have_not_ended_are_cancelled_and_late_messages_change_none_of_them(builds: Builds) -> None:
    builds.unit_running("b1", UNITS[1])
    builds.unit_succeeded("b1", UNITS[2], now="t2")
    builds.unit_failed("b1", UNITS[3], step="merge", cause="x", now="t3")
    for unit in UNITS:
        builds.unit_cancelled("b1", unit, now="t4", cause="on request")
    for unit in UNITS[:2]:
        builds.unit_running("b1", unit)
        builds.unit_failed("b1", unit, step="merge", cause="the claim is gone", now="t5")
        builds.unit_succeeded("b1", unit, now="t6")
    assert [(unit.status, unit.cause, unit.ended_at) for unit in builds.units("b1")] == [
        (UnitStatus.CANCELLED, "on request", "t4"),
        (UnitStatus.CANCELLED, "on request", "t4"),
        (UnitStatus.SUCCEEDED, None, "t2"),
        (UnitStatus.FAILED, "x", "t3"),
    ]


def test_a_build_keeps_its_options_what_was_planned_and_who_retries_it(builds: Builds) -> None:
    builds.create("b2", "CUBE-1", {}, now="t2", options={"retry_of": "b1"})
    builds.start("b2", now="t3", planned={"requested": 4, "units": 1})
    for retry in ("b2", "b3", "b2"):
        builds.add_retry("b1", retry)
    assert builds.get("b1").retried_by == ("b2", "b3")
    assert (builds.get("b1").options, builds.get("b1").planned) == ({}, {})
    found = builds.get("b2")
    assert (found.options, found.planned) == ({"retry_of": "b1"}, {"requested": 4, "units": 1})


def test_dry_runs_can_be_left_out_of_the_builds_of_a_cube(builds: Builds) -> None:
    for number in range(3):
        builds.create(f"dry{number}", "CUBE-1", {}, now=f"t5{number}", dry_run=True)
    assert [build.build_id for build in builds.of_cube("CUBE-1", limit=2)] == ["dry2", "dry1"]
    assert [build.build_id for build in builds.of_cube("CUBE-1", limit=2, dry_runs=False)] == ["b1"]


def test_a_unit_tells_how_stale_it_is(builds: Builds) -> None:
    builds.set_staleness("b1", UNITS[0], {"stale": True, "new": ["2023-08-13"]})
    builds.set_staleness("b1", UNITS[1], {"stale": False})
    builds.unit_succeeded("b1", UNITS[1])
    first, second, third, _ = builds.units("b1")
    assert (first.staleness, first.status) == ({"stale": True, "new": ["2023-08-13"]}, UnitStatus.PLANNED)
    assert (second.staleness, second.status) == ({"stale": False}, UnitStatus.SUCCEEDED)
    assert third.staleness is None


def test_a_released_claim_is_free_and_its_holder_can_neither_finish_nor_fail(activities: Activities) -> None:
    claim(activities, "one")
    assert activities.holds("a1", holder="one")
    assert activities.claimed_by("b1", ["a1", "a2"]) == {"a1": "one"}
    assert activities.release("a1", build_id="b1", holder="one", now="t2") is True
    assert not activities.holds("a1", holder="one")
    with pytest.raises(Conflict):
        activities.finish(WORK, holder="one", now="t3", result={})
    with pytest.raises(Conflict):
        activities.fail(WORK, holder="one", now="t3", error_type="X", cause="x")
    assert activities.finished("a1") is None
    assert activities.failures("CUBE-1", since="0") == ()
    assert claim(activities, "two", build="b2", at=101) == Claim(held=True)


def test_nobody_elses_claim_is_released(activities: Activities) -> None:
    claim(activities, "one", build="b2")
    assert activities.claimed_by("b1", ["a1"]) == {}
    assert activities.release("a1", build_id="b1", holder="one", now="t") is False
    assert activities.release("a1", build_id="b2", holder="two", now="t") is False
    assert activities.holds("a1", holder="one")
    activities.finish(WORK, holder="one", now="t2", result={})
    assert activities.claimed_by("b2", ["a1"]) == {}
    assert activities.release("a1", build_id="b2", holder="one", now="t") is False
    assert not activities.holds("a1", holder="one")
    assert not activities.holds("a9", holder="one")
