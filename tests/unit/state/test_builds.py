"""Builds, their units and steps."""

from __future__ import annotations

import pytest

from stratocube.errors import Conflict, NotFound
from stratocube.state.build_values import StepCounts, StepResult
from stratocube.state.builds import Builds
from stratocube.state.cubes import Cubes
from stratocube.state.grids import Grids
from stratocube.state.status import BuildStatus, Outcome, Step, UnitStatus
from tests.unit.state.conftest import REGION

UNIT = "000000_2023-08-01_2023-08-31"
OTHER = "000001_2023-08-01_2023-08-31"


@pytest.fixture
def builds(tables: dict[str, str]) -> Builds:
    found = Builds(tables["builds_table"], region=REGION)
    found.create("b1", "CUBE-1", {"tiles": ["000000"]}, now="t1")
    found.add_units("b1", [(unit, unit[:6], "2023-08-01", "2023-08-31") for unit in (UNIT, OTHER)])
    return found


def test_a_build_goes_from_queued_to_running_to_its_end_and_stays_there(builds: Builds) -> None:
    assert builds.get("b1").status is BuildStatus.QUEUED
    builds.start("b1", now="t2")
    builds.start("b1", now="t3")
    running = builds.get("b1")
    assert (running.status, running.started_at) == (BuildStatus.RUNNING, "t2")
    builds.finish("b1", status=BuildStatus.PARTIAL, summary={"units": {}}, now="t4", cause="x")
    builds.finish("b1", status=BuildStatus.SUCCEEDED, summary={}, now="t5")
    builds.start("b1", now="t6")
    ended = builds.get("b1")
    assert (ended.status, ended.finished_at, ended.cause) == (BuildStatus.PARTIAL, "t4", "x")


def test_an_id_is_taken_once(builds: Builds) -> None:
    with pytest.raises(Conflict):
        builds.create("b1", "CUBE-1", {}, now="t")


def test_a_build_that_is_not_there_is_named(builds: Builds) -> None:
    with pytest.raises(NotFound, match="b9"):
        builds.get("b9")


def test_closing_a_build_that_is_not_there_makes_none(builds: Builds) -> None:
    builds.finish("b9", status=BuildStatus.FAILED, summary={}, now="t")
    with pytest.raises(NotFound):
        builds.get("b9")


def test_builds_of_a_cube_come_newest_first(builds: Builds) -> None:
    builds.create("b2", "CUBE-1", {}, now="t2")
    builds.create("b3", "CUBE-2", {}, now="t3")
    assert [build.build_id for build in builds.of_cube("CUBE-1", limit=10)] == ["b2", "b1"]
    assert [build.build_id for build in builds.of_cube("CUBE-1", limit=1)] == ["b2"]


def test_a_unit_that_succeeded_is_not_failed_by_a_late_message(builds: Builds) -> None:
    builds.unit_running("b1", UNIT)
    builds.unit_succeeded("b1", UNIT)
    builds.unit_failed("b1", UNIT, step="publish", cause="late")
    builds.unit_failed("b1", OTHER, step="merge", cause="no such scene")
    first, second = builds.units("b1")
    assert (first.status, first.cause) == (UnitStatus.SUCCEEDED, None)
    assert (second.status, second.failed_step, second.cause) == (UnitStatus.FAILED, "merge", "no such scene")


def test_what_a_build_built_stays_built_when_it_is_delivered_again(builds: Builds) -> None:
    def record(outcome: Outcome, part: str = "2023-08-10#B04") -> None:
        builds.record("b1", StepResult(Step.MERGE, UNIT, part, outcome, 1.5))

    record(Outcome.BUILT)
    record(Outcome.REUSED)
    record(Outcome.FAILED)
    record(Outcome.FAILED, "2023-08-10#B08")
    record(Outcome.REUSED, "2023-08-10#B08")
    record(Outcome.FAILED, "2023-08-10#SCL")
    assert builds.step_counts("b1", UNIT) == {Step.MERGE: StepCounts(built=1, reused=1, failed=1, seconds=4.5)}
    assert builds.step_counts("b1", OTHER) == {}


@pytest.mark.parametrize("end", ["succeeded", "failed", "cancelled"])
def test_who_ends_a_unit_writes_what_its_steps_came_to_and_ending_it_again_changes_nothing(
    builds: Builds, end: str
) -> None:
    builds.unit_running("b1", UNIT)
    for part in ("2023-08-10#B04", "2023-08-10#SCL"):
        builds.record("b1", StepResult(Step.MERGE, UNIT, part, Outcome.BUILT, 1.25))
    assert next(builds.units("b1")).steps is None

    def close() -> None:
        if end == "succeeded":
            builds.unit_succeeded("b1", UNIT)
        elif end == "failed":
            builds.unit_failed("b1", UNIT, step="blend", cause="x")
        else:
            builds.unit_cancelled("b1", UNIT, now="t", cause="x")

    for _ in range(2):
        close()
        ended, other = builds.units("b1")
        assert (ended.status.value, ended.steps) == (end.upper(), {Step.MERGE: StepCounts(built=2, seconds=2.5)})
        assert other.steps is None


def test_a_unit_that_fails_before_it_did_anything_has_counted_nothing(builds: Builds) -> None:
    builds.unit_failed("b1", UNIT, step="search", cause="x")
    assert next(builds.units("b1")).steps == {}


def test_steps_of_one_unit_are_told_from_those_of_another(builds: Builds) -> None:
    for unit in (UNIT, OTHER):
        builds.record("b1", StepResult(Step.BLEND, unit, "B04", Outcome.BUILT, 2.0, "activity", None))
    (result,) = builds.results("b1", step=Step.BLEND, unit_id=UNIT)
    assert result == StepResult(Step.BLEND, UNIT, "B04", Outcome.BUILT, 2.0, "activity", None)
    assert builds.results("b1", step=Step.MERGE, unit_id=UNIT) == ()


def test_a_cube_is_defined_once_and_listed_in_pages(tables: dict[str, str]) -> None:
    cubes = Cubes(tables["cubes_table"], region=REGION)
    for name in ("B-1", "A-1", "C-1"):
        cubes.create(name, {"resolution": 10.5}, now="t")
    with pytest.raises(Conflict, match="A-1"):
        cubes.create("A-1", {}, now="t")
    first = cubes.page(limit=2)
    assert ([cube.cube_id for cube in first.cubes], first.next_after) == (["A-1", "B-1"], "B-1")
    last = cubes.page(limit=2, after=first.next_after)
    assert ([cube.cube_id for cube in last.cubes], last.next_after) == (["C-1"], None)
    assert cubes.get("C-1").definition == {"resolution": 10.5}
    with pytest.raises(NotFound, match="D-1"):
        cubes.get("D-1")


def test_a_grid_is_created_once_with_its_tiles(tables: dict[str, str]) -> None:
    grids = Grids(tables["grids_table"], region=REGION)
    tiles = {f"{number:06d}": {"id": f"{number:06d}"} for number in range(60)}
    grids.create("SM", {"name": "SM"}, tiles)
    with pytest.raises(Conflict, match="SM"):
        grids.create("SM", {}, {})
    with pytest.raises(NotFound, match="MD"):
        grids.get("MD")
    assert grids.names() == ("SM",)
    assert grids.tiles("SM") == tuple(tiles.values())
    assert [tile["id"] for tile in grids.tiles("SM", limit=2, after="000003")] == ["000004", "000005"]
    assert set(grids.chosen_tiles("SM", ["000059", "000059", "999999"])) == {"000059"}


def test_a_build_whose_creation_was_sent_twice_is_there_once_and_no_conflict(builds: Builds) -> None:
    first = builds.create("b2", "CUBE-1", {"tiles": ["000000"]}, now="t1")
    assert builds.create("b2", "CUBE-1", {"tiles": ["000000"]}, now="t1") == first
    with pytest.raises(Conflict, match="b2 exists already"):
        builds.create("b2", "CUBE-1", {"tiles": ["000000"]}, now="t2")


def test_totals_of_a_unit_that_has_ended_stay_as_they_are(builds: Builds) -> None:
    builds.set_totals("b1", UNIT, {"merge": 4, "blend": 2})
    builds.unit_succeeded("b1", UNIT)
    builds.set_totals("b1", UNIT, {"merge": 4})
    assert builds.unit("b1", UNIT).totals == {"merge": 4, "blend": 2}
