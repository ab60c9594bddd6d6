"""Which units an operation's build does: those missing, those stale, those to be done again."""

from __future__ import annotations

from typing import Any

import pytest

from stratocube.cube.naming import UnitId
from stratocube.state.status import Step, UnitStatus
from stratocube.workflow.build_plan import UnitPlan, load_plan
from stratocube.workflow.context import Stack
from stratocube.workflow.finish import finish_build
from stratocube.workflow.plan import plan_build
from stratocube.workflow.products import composite_item_key
from stratocube.workflow.search import search_unit
from stratocube.workflow.staleness import INPUTS, RECIPE, Staleness, input_properties
from tests.unit.workflow.small_build import BUILD, CUBE, START, collection, planned, scene

YEAR = {"start_date": "2023-07-01", "end_date": "2023-09-30", "stac_url": "s3://landing/items.json"}
JULY, AUGUST, SEPTEMBER = (
    f"000000_2023-{month}" for month in ("07-01_2023-07-31", "08-01_2023-08-31", "09-01_2023-09-30")
)


@pytest.fixture
def cube(stack: Stack) -> Stack:
    """A cube with a build ``b1`` of three months of one tile."""
    planned(stack, **YEAR)
    return stack


def again(stack: Stack, build_id: str, options: dict[str, Any], **request: Any) -> list[str]:
    """Plan another build with options; its units."""
    form = {**START, **YEAR, **request}
    stack.builds.create(build_id, CUBE, form, now="t", options=options, dry_run=bool(options.get("dry_run")))
    answer = plan_build(stack, build_id)
    listed = [unit["unit_id"] for unit in stack.work.read_json(answer["units"]["key"])]
    assert [unit.unit_id for unit in stack.builds.units(build_id)] == listed
    return listed


def publish(stack: Stack, build_id: str, unit_id: str, **properties: Any) -> str:
    """Put the item of a unit's composite in place."""
    key = composite_item_key(UnitPlan(load_plan(stack, build_id), UnitId.parse(unit_id)))
    stack.products.put_json(key, {"properties": properties})
    return key


def scenes(stack: Stack, *days: str, version: str = "1") -> None:
    items = [scene("s3://landing/r.tif", "s3://landing/q.tif", f"S-{day}", day) for day in days]
    for item in items:
        item["properties"]["version"] = version
    stack.work.s3.put_object(Bucket="landing", Key="items.json", Body=collection(*items))


def test_a_plain_build_is_of_every_unit(cube: Stack) -> None:
    publish(cube, BUILD, AUGUST)
    assert again(cube, "b2", {}) == [JULY, AUGUST, SEPTEMBER]
    assert cube.builds.get("b2").planned == {"requested": 3, "units": 3}


def test_only_what_is_missing_is_told_by_the_items_in_the_bucket(cube: Stack) -> None:
    key = publish(cube, BUILD, AUGUST)
    # what the table says does not count: a unit it calls done may have lost its item, and the other way round
    cube.builds.unit_succeeded(BUILD, JULY)
    assert again(cube, "b2", {"only_missing": True}) == [JULY, SEPTEMBER]
    assert cube.builds.get("b2").planned == {"requested": 3, "units": 2}
    cube.products.s3.delete_object(Bucket="cubes", Key=key)
    assert again(cube, "b3", {"only_missing": True}) == [JULY, AUGUST, SEPTEMBER]


def test_a_build_with_nothing_to_do_succeeds_and_makes_no_collection(cube: Stack) -> None:
    for unit in (JULY, AUGUST, SEPTEMBER):
        publish(cube, BUILD, unit)
    cube.products.s3.delete_object(Bucket="cubes", Key="small-1m-lcf/v1/collection.json")
    assert again(cube, "b2", {"only_missing": True}) == []
    assert finish_build(cube, "b2") == {"build_id": "b2", "status": "SUCCEEDED"}
    assert not cube.products.exists("small-1m-lcf/v1/collection.json")


def test_a_retry_is_of_the_units_that_its_filter_picks_of_the_first_build(cube: Stack) -> None:
    cube.builds.unit_succeeded(BUILD, JULY)
    cube.builds.unit_failed(BUILD, AUGUST, step="merge", cause="SourceMissing: x", now="2026-03-06T10:00:00.5Z")
    cube.builds.unit_failed(BUILD, SEPTEMBER, step="blend", cause="TransientRead: y", now="2026-03-07T10:00:00.5Z")
    every = {"states": ["FAILED", "CANCELLED"]}
    assert again(cube, "b2", {"retry_of": BUILD, "retry": every}) == [AUGUST, SEPTEMBER]
    assert again(cube, "b3", {"retry_of": BUILD, "retry": {"error": "sourcemissing"}}) == [AUGUST]
    assert again(cube, "b4", {"retry_of": BUILD, "retry": {"since": "2026-03-07"}}) == [SEPTEMBER]
    # of a retry: of its units only
    cube.builds.unit_failed("b4", SEPTEMBER, step="blend", cause="again")
    assert again(cube, "b5", {"retry_of": "b4", "retry": every}) == [SEPTEMBER]
    # of one whose cancelling has not closed all units yet: of those as well
    again(cube, "b8", {})
    cube.builds.unit_succeeded("b8", JULY)
    cube.builds.cancel("b8", now="2026-03-08T00:00:00Z", cause="cancelled on request")
    assert again(cube, "c1", {"retry_of": "b8", "retry": {"states": ["CANCELLED"]}}) == [AUGUST, SEPTEMBER]
    assert again(cube, "c2", {"retry_of": "b8", "retry": {"states": ["FAILED"]}}) == []
    # of a build that was never planned: all of them
    assert again(cube, "b6", {"retry_of": "b9"}) == [JULY, AUGUST, SEPTEMBER]
    publish(cube, BUILD, AUGUST)
    assert again(cube, "b7", {"retry_of": BUILD, "retry": every, "only_missing": True}) == [SEPTEMBER]


def published(stack: Stack, *days: str) -> None:
    """August published, made of scenes of these days."""
    scenes(stack, *days)
    search_unit(stack, BUILD, AUGUST)
    unit = UnitPlan(load_plan(stack, BUILD), UnitId.parse(AUGUST))
    publish(stack, BUILD, AUGUST, **input_properties(stack, unit))


@pytest.mark.parametrize(
    ("days", "version", "why"),
    [
        (("2023-08-05", "2023-08-15"), "1", {}),
        (("2023-08-05", "2023-08-15", "2023-08-25"), "1", {"new": ["2023-08-25"]}),
        (("2023-08-15",), "1", {"gone": ["2023-08-05"]}),
        (("2023-08-05", "2023-08-15"), "2", {"changed": ["2023-08-05", "2023-08-15"]}),
        ((), "1", {"gone": ["2023-08-05", "2023-08-15"]}),
    ],
)
def test_a_dry_run_says_of_each_published_unit_how_its_inputs_differ_and_ends_it(
    cube: Stack, days: tuple[str, ...], version: str, why: dict[str, list[str]]
) -> None:
    published(cube, "2023-08-05", "2023-08-15")
    scenes(cube, *days, version=version)
    assert again(cube, "b2", {"only_stale": True, "dry_run": True}) == [AUGUST]
    assert search_unit(cube, "b2", AUGUST)["proceed"] is False
    (unit,) = cube.builds.units("b2")
    assert unit.status is UnitStatus.SUCCEEDED
    assert unit.staleness == {"stale": bool(why), "published": True, **why}
    assert unit.steps is not None
    assert unit.steps[Step.SEARCH].built == 1
    assert not [entry for entry in _work(cube) if entry.startswith(f"builds/b2/units/{AUGUST}")]
    assert finish_build(cube, "b2")["status"] == "SUCCEEDED"
    assert cube.builds.get("b2").summary["stale"]["stale"] == int(bool(why))  # type: ignore[index]


def _work(stack: Stack) -> list[str]:
    listed = stack.work.s3.list_objects_v2(Bucket="work").get("Contents", [])
    return [entry["Key"] for entry in listed]


def test_a_build_of_what_is_stale_goes_on_with_a_unit_that_is_and_ends_one_that_is_not(cube: Stack) -> None:
    published(cube, "2023-08-05")
    again(cube, "b2", {"only_stale": True})
    assert search_unit(cube, "b2", AUGUST)["proceed"] is False
    scenes(cube, "2023-08-05", "2023-08-25")
    again(cube, "b3", {"only_stale": True})
    answer = search_unit(cube, "b3", AUGUST)
    assert answer["proceed"] is True
    assert len(cube.work.read_json(answer["dates"]["key"])) == 2
    (unit,) = cube.builds.units("b3")
    assert (unit.status, unit.totals[Step.MERGE]) == (UnitStatus.RUNNING, 4)
    assert unit.staleness == {"stale": True, "published": True, "new": ["2023-08-25"]}


def test_other_parameters_make_a_unit_stale_without_other_scenes(cube: Stack) -> None:
    published(cube, "2023-08-05")
    again(cube, "b2", {"only_stale": True, "dry_run": True}, no_post_process=True)
    search_unit(cube, "b2", AUGUST)
    (unit,) = cube.builds.units("b2")
    assert unit.staleness == {"stale": True, "published": True, "recipe": True}


def test_a_plain_build_does_not_look_for_what_is_stale(cube: Stack) -> None:
    published(cube, "2023-08-05")
    again(cube, "b2", {})
    assert search_unit(cube, "b2", AUGUST)["proceed"] is True
    assert {unit.staleness for unit in cube.builds.units("b2")} == {None}


def test_a_dry_run_makes_no_collection(cube: Stack) -> None:
    published(cube, "2023-08-05")
    for name in ("small", "small-1m-lcf"):
        cube.products.s3.delete_object(Bucket="cubes", Key=f"{name}/v1/collection.json")
    again(cube, "b2", {"only_stale": True, "dry_run": True})
    search_unit(cube, "b2", AUGUST)
    finish_build(cube, "b2")
    assert not cube.products.exists("small-1m-lcf/v1/collection.json")
    assert not cube.products.exists("small/v1/collection.json")


def test_an_item_that_does_not_say_what_it_was_made_of_is_stale_and_one_that_is_not_there_is_not() -> None:
    inputs = {"2023-08-05": "a"}
    assert Staleness.between({"properties": {}}, inputs, "r") == Staleness(unrecorded=True)
    assert Staleness.between({"properties": {}}, inputs, "r").stale
    missing = Staleness.between(None, inputs, "r")
    assert (missing.stale, missing.to_json()) == (False, {"stale": False, "published": False})
    assert not Staleness.between({"properties": {INPUTS: inputs, RECIPE: "r"}}, inputs, "r").stale
