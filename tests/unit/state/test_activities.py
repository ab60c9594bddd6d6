"""Claims: who may do a piece of work, and what is left of it."""

from __future__ import annotations

import pytest

from stratocube.errors import Conflict
from stratocube.state.activities import CAUSE_LIMIT, Activities, Claim, Finished, Work
from stratocube.state.status import Step
from tests.unit.state.conftest import REGION

WORK = Work("a1", Step.MERGE, "CUBE-1", "011009 2023-08-10 B04")


@pytest.fixture
def activities(tables: dict[str, str]) -> Activities:
    return Activities(tables["activities_table"], region=REGION)


def claim(
    activities: Activities, holder: str, *, at: float = 100.0, build: str = "b1", redo: Finished | None = None
) -> Claim:
    return activities.claim(
        WORK, build_id=build, holder=holder, now=f"t{at:05.0f}", now_epoch=at, lease_seconds=50, redo=redo
    )


def test_the_first_to_ask_holds_the_claim_and_the_second_does_not(activities: Activities) -> None:
    assert claim(activities, "one") == Claim(held=True)
    assert claim(activities, "two") == Claim(held=False)


def test_a_holder_who_asks_again_still_holds_it(activities: Activities) -> None:
    claim(activities, "one")
    assert claim(activities, "one") == Claim(held=True)


def test_a_claim_can_be_taken_over_once_it_has_expired_and_the_first_holder_then_writes_nothing(
    activities: Activities,
) -> None:
    claim(activities, "one", at=100)
    assert claim(activities, "two", at=149) == Claim(held=False)
    assert claim(activities, "two", at=151) == Claim(held=True)
    with pytest.raises(Conflict, match="taken over"):
        activities.finish(WORK, holder="one", now="t", result={})
    with pytest.raises(Conflict, match="taken over"):
        activities.fail(WORK, holder="one", now="t", error_type="X", cause="x")
    activities.finish(WORK, holder="two", now="t9", result={"efficacy": 12.5})
    assert activities.finished("a1") == Finished("a1", "b1", {"efficacy": 12.5}, "t9")


def test_finished_work_is_handed_to_whoever_asks(activities: Activities) -> None:
    claim(activities, "one")
    activities.finish(WORK, holder="one", now="t9", result={"key": "k"})
    assert claim(activities, "two", build="b2") == Claim(held=False, finished=Finished("a1", "b1", {"key": "k"}, "t9"))


def test_finishing_twice_is_refused(activities: Activities) -> None:
    claim(activities, "one")
    activities.finish(WORK, holder="one", now="t9", result={})
    with pytest.raises(Conflict):
        activities.finish(WORK, holder="one", now="t10", result={})


def test_finished_work_is_done_over_by_one_only(activities: Activities) -> None:
    claim(activities, "one")
    activities.finish(WORK, holder="one", now="t9", result={})
    done = activities.finished("a1")
    assert claim(activities, "two", redo=done) == Claim(held=True)
    assert claim(activities, "three", redo=done) == Claim(held=False)
    activities.finish(WORK, holder="two", now="t11", result={})
    # three's picture of the work is out of date: it gets the new result instead of redoing it
    assert claim(activities, "three", redo=done).finished == activities.finished("a1")


def test_failed_work_is_listed_until_it_is_claimed_again(activities: Activities) -> None:
    claim(activities, "one")
    activities.fail(WORK, holder="one", now="2026-01-02", error_type="SourceMissing", cause="x" * 5000)
    (failure,) = activities.failures("CUBE-1", since="2026-01-01")
    assert (failure.step, failure.subject, failure.error_type) == ("merge", WORK.subject, "SourceMissing")
    assert len(failure.cause) == CAUSE_LIMIT
    assert activities.failures("CUBE-1", since="2026-01-03") == ()
    assert activities.failures("CUBE-2", since="2026-01-01") == ()
    assert activities.finished("a1") is None
    assert claim(activities, "two") == Claim(held=True)
    assert activities.failures("CUBE-1", since="2026-01-01") == ()


def test_results_are_found_for_many_ids_at_once(activities: Activities) -> None:
    claim(activities, "one")
    activities.finish(WORK, holder="one", now="t9", result={})
    many = ["a1", "a1", *[f"none{number}" for number in range(150)]]
    assert list(activities.all_finished(many)) == ["a1"]
