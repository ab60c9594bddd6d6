"""A build request becomes a frozen plan."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from stratocube.cube.grid_creation import create_grids
from stratocube.cube.requests import GridRequest
from stratocube.errors import Conflict, InvalidRequest
from stratocube.state.builds import Builds
from stratocube.state.status import BuildStatus, UnitStatus
from stratocube.workflow.build_plan import UnitPlan, load_plan
from stratocube.workflow.context import Stack
from stratocube.workflow.estimate import TooExpensive
from stratocube.workflow.plan import plan_build

DEMO = Path(__file__).parents[3] / "examples" / "demo"


def example(name: str, **changes: Any) -> dict[str, Any]:
    text = (DEMO / f"{name}.json").read_text().replace("LANDING_BUCKET", "landing")
    return json.loads(text) | changes  # type: ignore[no-any-return]


@pytest.fixture
def demo(stack: Stack) -> Stack:
    ((grid, tiles),) = create_grids(GridRequest.parse(example("grid")))
    stack.grids.create(grid.name, grid.to_json(), {tile.id: tile.to_json() for tile in tiles})
    stack.cubes.create("S2-1M-LCF-1", example("cube_lcf"), now="t")
    return stack


def test_units_are_tiles_times_periods_and_the_plan_holds_what_steps_need(demo: Stack) -> None:
    request = example("start_lcf", end_date="2023-09-30")
    demo.builds.create("b1", "S2-1M-LCF-1", request, now="t")
    answer = plan_build(demo, "b1")
    units = demo.work.read_json(answer["units"]["key"])
    assert [unit["unit_id"] for unit in units] == [
        "000000_2023-08-01_2023-08-31",
        "000000_2023-09-01_2023-09-30",
        "000001_2023-08-01_2023-08-31",
        "000001_2023-09-01_2023-09-30",
    ]
    assert [unit.unit_id for unit in demo.builds.units("b1")] == [unit["unit_id"] for unit in units]
    plan = load_plan(demo, "b1")
    assert plan.geobox("000000").shape == (256, 256)
    assert [band.name for band in plan.bands] == ["B02", "B03", "B04", "B08", "SCL"]
    assert demo.builds.get("b1").status is BuildStatus.RUNNING
    for name in ("s2", "s2-1m-lcf"):
        assert demo.products.read_json(f"{name}/v1/collection.json")["type"] == "Collection"


def test_a_request_for_an_index_brings_the_bands_it_is_made_of_and_the_quality(demo: Stack) -> None:
    demo.builds.create("b1", "S2-1M-LCF-1", example("start_lcf", bands=["NDVI"]), now="t")
    plan_build(demo, "b1")
    assert [band.name for band in load_plan(demo, "b1").bands] == ["B04", "B08", "SCL"]


def test_a_change_of_the_cube_after_the_start_does_not_change_the_build(demo: Stack) -> None:
    demo.builds.create("b1", "S2-1M-LCF-1", example("start_lcf"), now="t")
    plan_build(demo, "b1")
    before = load_plan(demo, "b1")
    demo.cubes.create("S2-1M-LCF-2", example("cube_lcf", version=2), now="t")
    assert load_plan(demo, "b1") == before


def test_a_build_that_was_closed_before_it_began_is_not_planned(demo: Stack) -> None:
    demo.builds.create("b1", "S2-1M-LCF-1", example("start_lcf"), now="t")
    demo.builds.finish("b1", status=BuildStatus.FAILED, summary={}, now="t2", cause="Step Functions did not answer")
    with pytest.raises(Conflict, match="did not answer"):
        plan_build(demo, "b1")


def test_a_plan_that_is_delivered_again_answers_the_same_and_takes_no_unit_back(demo: Stack) -> None:
    demo.builds.create("b1", "S2-1M-LCF-1", example("start_lcf"), now="t")
    answer = plan_build(demo, "b1")
    first, second = (unit.unit_id for unit in demo.builds.units("b1"))
    demo.builds.unit_succeeded("b1", first)
    demo.builds.unit_running("b1", second)
    assert plan_build(demo, "b1") == answer
    assert [unit.status for unit in demo.builds.units("b1")] == [UnitStatus.SUCCEEDED, UnitStatus.RUNNING]


def test_a_plan_that_lags_behind_another_delivery_of_itself_takes_no_unit_back(
    demo: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    demo.builds.create("b1", "S2-1M-LCF-1", example("start_lcf"), now="t")
    add_units = Builds.add_units
    answers = []

    def late(self: Builds, build_id: str, units: Iterable[tuple[str, str, str, str]]) -> None:
        monkeypatch.setattr(Builds, "add_units", add_units)
        answers.append(plan_build(demo, "b1"))
        for unit in list(demo.builds.units("b1")):
            demo.builds.unit_succeeded("b1", unit.unit_id)
        add_units(self, build_id, units)

    monkeypatch.setattr(Builds, "add_units", late)
    answers.append(plan_build(demo, "b1"))
    assert answers[0] == answers[1]
    assert {unit.status for unit in demo.builds.units("b1")} == {UnitStatus.SUCCEEDED}


def test_a_tile_that_is_gone_is_named(demo: Stack) -> None:
    demo.builds.create("b1", "S2-1M-LCF-1", example("start_lcf", tiles=["000000", "007007"]), now="t")
    with pytest.raises(InvalidRequest, match=r"tiles\.1: grid SLOVENIA_DEMO has no tile 007007"):
        plan_build(demo, "b1")


def test_reuse_from_works_over_the_identity_cube_of_another_cube(demo: Stack) -> None:
    definition = example("cube_med", datacube="OTHER-1M-MED")
    definition["parameters"]["reuse_from"] = "S2-1M-LCF"
    demo.cubes.create("OTHER-1M-MED-1", definition, now="t")
    demo.builds.create("b1", "OTHER-1M-MED-1", example("start_med", datacube="OTHER-1M-MED-1"), now="t")
    plan_build(demo, "b1")
    assert load_plan(demo, "b1").definition.identity_id == "S2-1"


@pytest.mark.parametrize(
    ("reuse_from", "message"), [("NONE-1", "no cube NONE-1"), ("COARSE-1M-1", "COARSE-1M-1 has resolution 240")]
)
def test_reuse_from_names_what_does_not_fit(demo: Stack, reuse_from: str, message: str) -> None:
    demo.cubes.create("COARSE-1M-1", example("cube_lcf", datacube="COARSE-1M", resolution=240), now="t")
    request = example("start_lcf", reuse_from=reuse_from)
    demo.builds.create("b1", "S2-1M-LCF-1", request, now="t")
    with pytest.raises(InvalidRequest, match=message):
        plan_build(demo, "b1")


def test_a_step_reads_the_plan_of_its_tile_which_is_the_builds_plan_without_the_other_tiles(demo: Stack) -> None:
    demo.builds.create("b1", "S2-1M-LCF-1", example("start_lcf"), now="t")
    plan_build(demo, "b1")
    whole = load_plan(demo, "b1")
    unit = UnitPlan.load(demo, "b1", "000001_2023-08-01_2023-08-31")
    assert list(whole.tiles) == ["000000", "000001"]
    assert list(unit.plan.tiles) == ["000001"]
    assert unit.plan.request.tiles == ("000001",)
    assert (unit.plan.definition, unit.plan.bands, unit.plan.options) == (whole.definition, whole.bands, whole.options)
    assert unit.geobox == whole.geobox("000001")


@pytest.mark.parametrize(("asked", "planned"), [({}, "live"), ({"priority": "Backfill"}, "backfill")])
def test_the_state_machine_is_told_the_builds_priority(demo: Stack, asked: dict[str, str], planned: str) -> None:
    demo.builds.create("b1", "S2-1M-LCF-1", example("start_lcf", **asked), now="t")
    assert plan_build(demo, "b1")["priority"] == planned


def test_a_build_that_would_cost_more_than_its_request_allows_is_refused_before_a_unit_is_recorded(demo: Stack) -> None:
    request = example("start_lcf", max_cost=0.0001)
    demo.builds.create("dear", "S2-1M-LCF-1", request, now="2026-08-10T12:00:00Z")
    with pytest.raises(TooExpensive, match="max_cost: the build is expected to cost"):
        plan_build(demo, "dear")
    assert list(demo.builds.units("dear")) == []
    # the estimate of one that is planned is that of the units it has
    demo.builds.create("b1", "S2-1M-LCF-1", example("start_lcf", max_cost=10), now="2026-08-10T12:00:00Z")
    plan_build(demo, "b1")
    estimate = demo.builds.get("b1").estimate
    assert estimate is not None
    assert estimate["units"] == len(list(demo.builds.units("b1")))
