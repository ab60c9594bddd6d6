"""Units that scenes arrived for become builds: each once, none beside another, none forgotten."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from typing import Any

import pytest

from stratocube.cube.naming import UnitId
from stratocube.errors import StratocubeError
from stratocube.state.status import BuildStatus, UnitStatus
from stratocube.workflow.arrivals import Message, receive
from stratocube.workflow.build_plan import UnitPlan, load_plan
from stratocube.workflow.context import Stack
from stratocube.workflow.dispatch import ATTEMPTS, Dispatched, dispatch
from stratocube.workflow.finish import finish_build
from stratocube.workflow.products import composite_item_key
from stratocube.workflow.search import search_unit
from stratocube.workflow.staleness import input_properties
from stratocube.workflow.start import LaunchFailed
from tests.unit.workflow.arriving import (
    CUBE,
    EAST,
    EVERYWHERE,
    ITEMS,
    OTHER,
    SETTLE,
    TILES,
    WEST,
    Desk,
    define,
    index,
    item,
    landed,
    message,
    watch,
)
from tests.unit.workflow.conftest import Clock

JULY, AUGUST = "2023-07-01_2023-07-31", "2023-08-01_2023-08-31"
MINUTE = 61


@pytest.fixture
def desk(stack: Stack) -> Desk:
    define(stack)
    index(stack)
    return Desk(stack)


def arrive(desk: Desk, clock: Clock, *items: Any) -> None:
    """Items arrive, and settle."""
    receive(desk.inbox, [message(found) for found in items])
    clock.wait(SETTLE.total_seconds() + 1)


def look(desk: Desk) -> Dispatched:
    return dispatch(desk.stack, desk.launch)


def end(desk: Desk, build_id: str, *, failing: Iterable[str] = ()) -> None:
    """All units of a build end, and the build."""
    for unit in desk.stack.builds.units(build_id):
        if unit.unit_id in failing:
            desk.stack.builds.unit_failed(build_id, unit.unit_id, step="merge", cause="x")
        else:
            desk.stack.builds.unit_succeeded(build_id, unit.unit_id)
    finish_build(desk.stack, build_id)


def test_all_units_of_a_cube_that_are_due_are_one_build_of_these_units(desk: Desk, clock: Clock) -> None:
    watch(desk.stack)
    arrive(desk, clock, item("A", "2023-08-15", EAST), item("B", "2023-07-10", WEST))
    done = look(desk)
    assert list(done.builds) == [CUBE]
    assert desk.launched == [done.builds[CUBE]]
    assert desk.plan(desk.launched[0]) == [
        f"000000_{JULY}",
        f"000001_{JULY}",
        f"001000_{AUGUST}",
        f"001001_{AUGUST}",
    ]
    build = desk.build(desk.launched[0])
    assert build.options["skip_current"] is True
    assert (build.request["start_date"], build.request["end_date"]) == ("2023-07-01", "2023-08-31")
    assert build.request["stac_url"] == ITEMS


def test_nothing_is_started_before_units_have_settled_nor_twice(desk: Desk, clock: Clock) -> None:
    watch(desk.stack)
    receive(desk.inbox, [message(item("A", "2023-08-15"))])
    assert look(desk) == Dispatched()
    clock.wait(SETTLE.total_seconds() + 1)
    look(desk)
    assert look(desk) == Dispatched()
    clock.wait(MINUTE)
    assert look(desk).waiting == 4
    assert len(desk.launched) == 1


def test_a_unit_whose_build_has_ended_is_settled(desk: Desk, clock: Clock) -> None:
    watch(desk.stack)
    arrive(desk, clock, item("A", "2023-08-15", EAST))
    build_id = look(desk).builds[CUBE]
    desk.plan(build_id)
    end(desk, build_id)
    clock.wait(MINUTE)
    assert look(desk).settled == 2
    clock.wait(MINUTE)
    assert look(desk) == Dispatched()


def test_a_scene_that_arrives_during_the_build_is_built_when_that_has_ended(desk: Desk, clock: Clock) -> None:
    watch(desk.stack)
    arrive(desk, clock, item("A", "2023-08-15", EAST))
    first = look(desk).builds[CUBE]
    desk.plan(first)
    arrive(desk, clock, item("B", "2023-08-20", EAST))
    assert look(desk).waiting == 2
    end(desk, first)
    clock.wait(MINUTE)
    second = look(desk).builds[CUBE]
    assert desk.plan(second) == [f"001000_{AUGUST}", f"001001_{AUGUST}"]
    end(desk, second)
    clock.wait(MINUTE)
    assert look(desk).settled == 2
    assert desk.launched == [first, second]


def test_a_unit_a_build_of_somebody_else_is_at_work_on_waits_and_others_do_not(desk: Desk, clock: Clock) -> None:
    watch(desk.stack)
    stack = desk.stack
    request = {"datacube": CUBE, "collections": ["s2"], "stac_url": ITEMS, "tiles": ["001000"]}
    request |= {"start_date": "2023-08-01", "end_date": "2023-08-31"}
    stack.builds.create("theirs", CUBE, request, now=stack.now())
    arrive(desk, clock, item("A", "2023-08-15", EAST))
    # not planned yet: its request covers the unit
    done = look(desk)
    assert (done.waiting, desk.plan(done.builds[CUBE])) == (1, [f"001001_{AUGUST}"])
    desk.plan("theirs")
    clock.wait(MINUTE)
    assert look(desk).builds == {}
    end(desk, "theirs")
    clock.wait(MINUTE)
    assert desk.plan(look(desk).builds[CUBE]) == [f"001000_{AUGUST}"]


def test_a_unit_that_fails_is_tried_again_and_then_left_to_a_person(desk: Desk, clock: Clock) -> None:
    watch(desk.stack)
    arrive(desk, clock, item("A", "2023-08-15", EAST))
    unit = f"001000_{AUGUST}"
    for attempt in range(ATTEMPTS):
        build_id = look(desk).builds[CUBE]
        assert unit in desk.plan(build_id)
        assert len(list(desk.stack.builds.units(build_id))) == (1 if attempt else 2)
        end(desk, build_id, failing=[unit])
        clock.wait(MINUTE)
    assert look(desk).given_up == [f"{CUBE} {unit}"]
    clock.wait(MINUTE)
    assert look(desk) == Dispatched()
    arrive(desk, clock, item("B", "2023-08-16", EAST))
    assert unit in desk.plan(look(desk).builds[CUBE])


def test_a_build_that_somebody_cancels_is_not_started_again(desk: Desk, clock: Clock) -> None:
    watch(desk.stack)
    arrive(desk, clock, item("A", "2023-08-15", EAST))
    build_id = look(desk).builds[CUBE]
    desk.plan(build_id)
    desk.stack.builds.cancel(build_id, now=desk.stack.now(), cause="cancelled on request")
    finish_build(desk.stack, build_id)
    clock.wait(MINUTE)
    assert look(desk).settled == 2
    assert len(desk.launched) == 1


def test_a_build_that_step_functions_does_not_take_is_started_again(desk: Desk, clock: Clock) -> None:
    def refuse(build_id: str) -> None:
        raise LaunchFailed(build_id, "throttled", retryable=True)

    watch(desk.stack)
    arrive(desk, clock, item("A", "2023-08-15", EAST))
    failed = dispatch(desk.stack, refuse)
    assert failed.builds == {}
    assert "throttled" in failed.failed[CUBE]
    (build,) = desk.stack.builds.of_cube(CUBE, limit=5)
    assert build.status is BuildStatus.FAILED
    clock.wait(MINUTE)
    assert len(desk.plan(look(desk).builds[CUBE])) == 2


def test_a_dispatch_that_was_cut_off_before_it_recorded_its_build_is_made_up_for(desk: Desk, clock: Clock) -> None:
    watch(desk.stack)
    arrive(desk, clock, item("A", "2023-08-15", EAST))
    for unit in desk.stack.arrivals.due(desk.stack.now(), limit=10):
        assert desk.stack.arrivals.take(unit, "never-recorded", look_at=desk.stack.now())
    assert len(desk.plan(look(desk).builds[CUBE])) == 2


def test_of_two_dispatches_at_a_time_one_takes_a_unit(desk: Desk, clock: Clock) -> None:
    watch(desk.stack)
    arrive(desk, clock, item("A", "2023-08-15", EAST))
    seen = desk.stack.arrivals.due(desk.stack.now(), limit=10)
    look(desk)
    assert [desk.stack.arrivals.take(unit, "other", look_at="t") for unit in seen] == [False, False]
    assert [desk.stack.arrivals.settle(unit) for unit in seen] == [False, False]


def test_a_scene_that_arrives_between_reading_and_taking_keeps_the_unit_due(desk: Desk, clock: Clock) -> None:
    watch(desk.stack)
    arrive(desk, clock, item("A", "2023-08-15", EAST))
    seen = desk.stack.arrivals.due(desk.stack.now(), limit=10)
    receive(desk.inbox, [message(item("B", "2023-08-16", EAST))])
    assert [desk.stack.arrivals.take(unit, "b", look_at="t") for unit in seen] == [False, False]
    assert look(desk).units == 2


def test_what_is_due_for_a_watch_that_has_ended_is_due_no_more(desk: Desk, clock: Clock) -> None:
    watch(desk.stack)
    arrive(desk, clock, item("A", "2023-08-15", EAST))
    desk.stack.arrivals.unwatch(CUBE)
    assert look(desk).settled == 2
    assert desk.launched == []


def test_a_cube_that_cannot_be_built_keeps_no_other_from_being_built(desk: Desk, clock: Clock) -> None:
    def refuse_first(build_id: str) -> None:
        if not desk.launched:
            desk.launched.append("refused")
            raise StratocubeError("something of this cube")
        desk.launch(build_id)

    watch(desk.stack)
    watch(desk.stack, cube_id=OTHER)
    arrive(desk, clock, item("A", "2023-08-15", EAST))
    done = dispatch(desk.stack, refuse_first)
    # in order of id
    assert (list(done.failed), list(done.builds)) == ([OTHER], [CUBE])


# -- a thousand events -------------------------------------------------------------------------------------------------


def publish(stack: Stack, build_id: str, unit_id: str) -> None:
    """Search a unit and put its item in place, as its build does."""
    search_unit(stack, build_id, unit_id)
    unit = UnitPlan(load_plan(stack, build_id), UnitId.parse(unit_id))
    stack.products.put_json(composite_item_key(unit), {"properties": input_properties(stack, unit)})
    stack.builds.unit_succeeded(build_id, unit_id)


def replay(scenes: list[dict[str, Any]], chance: random.Random) -> list[Message]:
    """A thousand messages: every scene at least once, duplicates, other things, two that are poison; in any order."""
    sns = [{"Type": "Notification", "Message": json.dumps(found)} for found in scenes]
    bodies: list[Any] = [*scenes[::2], *sns[1::2]]
    bodies += [{"Records": []}, {"hello": "world"}, {"type": "Collection"}, landed("raster.tif")] * 25
    bodies += [item(f"X{number}", "2023-08-15", of="another-collection") for number in range(50)]
    bodies += [item(f"OLD{number}", "2020-01-01") for number in range(20)]
    bodies += ["{ this is no JSON", item("BROKEN", "2023-08-15") | {"properties": {"datetime": "soon"}}]
    bodies += chance.choices([*scenes, *sns], k=1000 - len(bodies))
    chance.shuffle(bodies)
    return [message(body, f"m{number}") for number, body in enumerate(bodies)]


def test_a_thousand_events_build_exactly_the_stale_units_once(desk: Desk, clock: Clock) -> None:
    stack, chance = desk.stack, random.Random(20260810)  # noqa: S311 - an order of messages, no secret
    for cube_id in (CUBE, OTHER):
        watch(stack, cube_id=cube_id)
    # one overpass of two hundred scenes in August, and three scenes of July over the west
    sides = [(WEST, ("000000", "000001")), (EAST, ("001000", "001001"))]
    august = [item(f"A{number:03d}", "2023-08-15", sides[number % 2][0]) for number in range(200)]
    july = [item(f"J{number}", f"2023-07-{number + 10}", WEST) for number in range(3)]
    index(stack, *august, *july)
    # July of one cube is published and made of all there is: its events are old news
    first = {"datacube": CUBE, "collections": ["s2"], "stac_url": ITEMS, "tiles": list(TILES[:2])}
    first |= {"start_date": "2023-07-01", "end_date": "2023-07-31"}
    stack.builds.create("before", CUBE, first, now=stack.now())
    for unit_id in desk.plan("before"):
        publish(stack, "before", unit_id)
    finish_build(stack, "before")

    events = replay([*august, *july], chance)
    assert len(events) == 1000
    for start in range(0, 1000, 10):
        assert receive(desk.inbox, events[start : start + 10]).failures == []
    assert [name for name, _ in desk.buried] == [
        event.message_id for event in events if "this is no JSON" in event.body or "BROKEN" in event.body
    ]
    reasons = sorted(reason for _, reason in desk.buried)
    assert len(reasons) == 2
    assert reasons[0].startswith("InvalidRequest: properties.datetime: must be a date and time")
    assert reasons[1].startswith("InvalidRequest: the message is no JSON")

    clock.wait(SETTLE.total_seconds() + 1)
    look(desk)
    expected = {f"{tile}_{AUGUST}" for _, tiles in sides for tile in tiles} | {f"{tile}_{JULY}" for tile in TILES[:2]}
    worked: dict[str, list[str]] = {}
    for build_id in desk.launched:
        planned = desk.plan(build_id)
        assert set(planned) == expected
        cube_id = desk.build(build_id).cube_id
        worked[cube_id] = [unit_id for unit_id in planned if search_unit(stack, build_id, unit_id)["proceed"]]
        for unit_id in worked[cube_id]:
            publish(stack, build_id, unit_id)
        finish_build(stack, build_id)
        assert {unit.status for unit in stack.builds.units(build_id)} == {UnitStatus.SUCCEEDED}
    assert len(desk.launched) == 2
    # what is made of all there is already ended at its search
    assert worked == {
        CUBE: sorted(unit for unit in expected if AUGUST in unit),
        OTHER: sorted(expected),
    }

    # some of it once more: nothing is news
    clock.wait(MINUTE)
    assert look(desk).settled == 12
    receive(desk.inbox, chance.sample(events, 100))
    clock.wait(SETTLE.total_seconds() + 1)
    assert look(desk) == Dispatched()


def test_a_landed_scene_is_in_the_build_without_any_catalog_that_knows_it(desk: Desk, clock: Clock) -> None:
    watch(desk.stack)
    index(desk.stack, item("A", "2023-08-10"))
    desk.objects["s3://landing/B.json"] = json.dumps(item("B", "2023-08-20", EVERYWHERE)).encode()
    receive(desk.inbox, [message(landed("B.json"))])
    clock.wait(SETTLE.total_seconds() + 1)
    build_id = look(desk).builds[CUBE]
    desk.plan(build_id)
    answer = search_unit(desk.stack, build_id, f"001000_{AUGUST}")
    dates = [entry["date"] for entry in desk.stack.work.read_json(answer["dates"]["key"])]
    assert dates == ["2023-08-10", "2023-08-20"]


def test_a_unit_without_any_scene_ends_at_its_search(desk: Desk, clock: Clock) -> None:
    watch(desk.stack)
    arrive(desk, clock, item("A", "2023-08-15", EAST))
    build_id = look(desk).builds[CUBE]
    desk.plan(build_id)
    # the index does not know the scene yet
    assert search_unit(desk.stack, build_id, f"001000_{AUGUST}")["proceed"] is False
