"""Messages about scenes mark the units of watching cubes, whatever else is in the queue."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stratocube.state.arrivals import LandedScene
from stratocube.workflow.arrivals import RECEIVES, Message, receive, receive_item
from stratocube.workflow.context import Stack
from tests.unit.workflow.arriving import (
    CUBE,
    EAST,
    EVERYWHERE,
    OTHER,
    SETTLE,
    WEST,
    Desk,
    define,
    item,
    landed,
    message,
    watch,
)
from tests.unit.workflow.conftest import Clock

FIXTURES = Path(__file__).parents[2] / "fixtures"
JULY, AUGUST = "2023-07-01_2023-07-31", "2023-08-01_2023-08-31"


@pytest.fixture
def desk(stack: Stack) -> Desk:
    define(stack)
    return Desk(stack)


def units(stack: Stack, cube_id: str = CUBE) -> dict[str, int]:
    """Arrivals by unit."""
    return {unit.unit_id: unit.arrived for unit in stack.arrivals.units(cube_id, limit=100)}


def test_a_scene_marks_the_units_of_its_tiles_and_its_day(desk: Desk) -> None:
    watch(desk.stack)
    done = receive(desk.inbox, [message(item("A", "2023-08-15", EAST))])
    assert units(desk.stack) == {f"001000_{AUGUST}": 1, f"001001_{AUGUST}": 1}
    assert dict(done.counts) == {"scenes": 1}
    assert done.failures == desk.buried == []


def test_units_are_due_when_the_first_scene_has_settled(desk: Desk, clock: Clock) -> None:
    watch(desk.stack)
    receive(desk.inbox, [message(item("A", "2023-08-15", EAST))])
    clock.wait(SETTLE.total_seconds() - 10)
    receive(desk.inbox, [message(item("B", "2023-08-20", EAST))])
    assert desk.stack.arrivals.due(desk.stack.now(), limit=10) == ()
    clock.wait(11)
    assert len(desk.stack.arrivals.due(desk.stack.now(), limit=10)) == 2


def test_every_cube_that_watches_the_collection_is_marked_and_no_other(desk: Desk) -> None:
    watch(desk.stack)
    watch(desk.stack, cube_id=OTHER, tiles=["000000"], collections=["s2-c1"], announced_as=["s2"])
    receive(desk.inbox, [message(item("A", "2023-08-15")), message(item("B", "2023-08-15", of="s2-c1"))])
    assert len(units(desk.stack)) == 4
    assert units(desk.stack, OTHER) == {f"000000_{AUGUST}": 1}


def test_a_watch_that_has_ended_hears_nothing(desk: Desk) -> None:
    watch(desk.stack)
    assert desk.stack.arrivals.unwatch(CUBE)
    assert dict(receive(desk.inbox, [message(item("A", "2023-08-15"))]).counts) == {"unwatched": 1}
    assert units(desk.stack) == {}
    watch(desk.stack)
    assert dict(receive(desk.inbox, [message(item("A", "2023-08-15"))]).counts) == {"scenes": 1}


@pytest.mark.parametrize(("day", "heard"), [("2023-06-30", 0), ("2023-07-01", 4), ("2023-08-10", 4), ("2023-08-11", 0)])
def test_scenes_before_and_after_the_watch_do_not_count(desk: Desk, day: str, heard: int) -> None:
    watch(desk.stack, end_date="2023-08-10")
    receive(desk.inbox, [message(item("A", day))])
    assert len(units(desk.stack)) == heard


def test_a_scene_that_is_told_again_marks_nothing_and_a_new_version_of_it_does(desk: Desk) -> None:
    watch(desk.stack)
    again = [message(item("A", "2023-08-15", EAST), name) for name in "xyz"]
    assert dict(receive(desk.inbox, again).counts) == {"scenes": 1, "duplicates": 2}
    assert dict(receive(desk.inbox, again).counts) == {"duplicates": 3}
    assert set(units(desk.stack).values()) == {1}
    reprocessed = message(item("A", "2023-08-15", EAST, version="2"))
    assert dict(receive(desk.inbox, [reprocessed]).counts) == {"scenes": 1}
    assert set(units(desk.stack).values()) == {2}


def test_an_item_that_lands_is_kept_and_its_hrefs_are_relative_to_where_it_lies(desk: Desk) -> None:
    watch(desk.stack)
    dropped = item("A", "2023-08-15", EAST)
    dropped["assets"]["red"]["href"] = "./red.tif"
    desk.objects["s3://landing/new/A.json"] = json.dumps(dropped).encode()
    assert dict(receive(desk.inbox, [message(landed("new/A.json"))]).counts) == {"scenes": 1}
    (kept,) = desk.stack.arrivals.landed("s2", "2023-08-15", "2023-08-16")
    assert kept == LandedScene(dropped, "s3://landing/new/A.json")
    assert list(desk.stack.arrivals.landed("s2", "2023-08-16", "2023-08-17")) == []


@pytest.mark.parametrize(
    "document", [{"type": "FeatureCollection", "features": []}, {"type": "Feature"}, {"a": 1}, [1], "text", None]
)
def test_json_that_lands_and_is_no_scene_is_nothing(desk: Desk, document: Any) -> None:
    desk.objects["s3://landing/x.json"] = json.dumps(document).encode()
    done = receive(desk.inbox, [message(landed("x.json"))])
    assert (done.failures, desk.buried, dict(done.counts)) == ([], [], {})


def test_the_items_of_a_landsat_product_are_read_from_its_folder(desk: Desk) -> None:
    watch(desk.stack, collections=["landsat-c2l2-sr"])
    stack = Desk(desk.stack, objects=_landsat_folder())
    settings = desk.stack.settings
    object.__setattr__(settings, "allowed_buckets", ("landing", "usgs-landsat"))
    done = receive(stack.inbox, [message((FIXTURES / "events" / "usgs.json").read_text())])
    # one of surface reflectance, one of temperature, which is of another collection; both far from the tiles
    assert dict(done.counts) == {"unwatched": 2}
    assert [row.heard_at is not None for row in desk.stack.arrivals.watches("landsat-c2l2-sr")] == [True]


def _landsat_folder() -> dict[str, bytes]:
    event = json.loads((FIXTURES / "events" / "usgs.json").read_text())
    folder = json.loads(event["Message"])["s3_location"]
    found = json.loads((FIXTURES / "stac" / "usgs_1_0_0.json").read_text())
    other = found | {"id": "other", "collection": "landsat-c2l2-st"}
    return {
        f"{folder}A_SR_stac.json": json.dumps(found).encode(),
        f"{folder}A_ST_stac.json": json.dumps(other).encode(),
        f"{folder}A_MTL.json": b"{}",
    }


def test_a_product_whose_folder_is_empty_is_tried_again_and_buried_in_the_end(desk: Desk) -> None:
    object.__setattr__(desk.stack.settings, "allowed_buckets", ("landing", "usgs-landsat"))
    body = (FIXTURES / "events" / "usgs.json").read_text()
    for times in range(1, RECEIVES):
        assert receive(desk.inbox, [message(body, "m1", times)]).failures == ["m1"]
    assert desk.buried == []
    assert receive(desk.inbox, [message(body, "m1", RECEIVES)]).failures == []
    ((name, reason),) = desk.buried
    assert name == "m1"
    assert reason.startswith("SourceMissing: s3://usgs-landsat/collection02/")


def test_a_bucket_that_may_not_be_read_is_not_read(desk: Desk) -> None:
    event = landed("x.json")
    event["detail"]["bucket"]["name"] = "elsewhere"
    receive(desk.inbox, [message(event)])
    ((_, reason),) = desk.buried
    assert reason.startswith("InvalidRequest: object: bucket 'elsewhere' is not allowed")


def test_what_is_wrong_with_one_message_keeps_no_other_from_being_heard(desk: Desk) -> None:
    watch(desk.stack)
    nowhere = item("N", "2023-08-15") | {"geometry": None, "bbox": None}
    homeless = item("H", "2023-08-15") | {"collection": None}
    done = receive(
        desk.inbox,
        [
            message("not json", "poison"),
            message(nowhere, "nowhere"),
            message(homeless, "homeless"),
            message({"hello": "world"}, "unknown"),
            message(landed("gone.json"), "gone"),
            message(item("A", "2023-08-15", EAST), "good"),
        ],
    )
    assert dict(done.counts) == {"poison": 3, "unknown": 1, "retried": 1, "scenes": 1}
    assert done.failures == ["gone"]
    assert [name for name, _ in desk.buried] == ["poison", "nowhere", "homeless"]
    assert "(item N)" in desk.buried[1][1]
    assert "unknown passed over: a message with hello" in done.reasons
    assert len(units(desk.stack)) == 2


def test_a_message_that_cannot_be_buried_is_handed_out_again(desk: Desk) -> None:
    def refuse(_: Message, __: str) -> None:
        raise OSError("the queue is not there")

    inbox = desk.inbox
    object.__setattr__(inbox, "bury", refuse)
    done = receive(inbox, [message("not json", "m1")])
    assert done.failures == ["m1"]
    assert "could not be buried: the queue is not there" in done.reasons[0]


def test_a_table_that_does_not_answer_fails_the_message_and_no_other(desk: Desk) -> None:
    watch(desk.stack)
    calls = iter([RuntimeError("throttled"), None])
    mark = desk.stack.arrivals.mark

    def failing(*args: Any, **named: Any) -> None:
        error = next(calls, None)
        if error:
            raise error
        mark(*args, **named)

    object.__setattr__(desk.stack.arrivals, "mark", failing)
    done = receive(desk.inbox, [message(item("A", "2023-08-15"), "a"), message(item("B", "2023-08-16"), "b")])
    assert done.failures == ["a"]
    # it is not known as announced, so that it is news when it is handed out again
    assert dict(receive(desk.inbox, [message(item("A", "2023-08-15"), "a", 2)]).counts) == {"scenes": 1}


def test_a_scene_sent_to_the_api_is_kept_and_due_at_once(desk: Desk) -> None:
    watch(desk.stack)
    stack = desk.stack
    arrival = receive_item(
        LandedScene(item("A", "2023-08-15", WEST), ""),
        arrivals=stack.arrivals,
        cubes=stack.cubes,
        grids=stack.grids,
        moment=stack.clock(),
    )
    assert [str(unit) for _, unit in arrival.units] == [f"000000_{AUGUST}", f"000001_{AUGUST}"]
    assert len(stack.arrivals.due(stack.now(), limit=10)) == 2
    assert len(list(stack.arrivals.landed("s2", "2023-08-01", "2023-09-01"))) == 1


def test_that_a_collection_is_heard_of_is_noted_once_in_a_while(desk: Desk, clock: Clock) -> None:
    watch(desk.stack)
    heard = []
    for number, wait in enumerate([0, 60, 600]):
        clock.wait(wait)
        receive(desk.inbox, [message(item(f"S{number}", "2023-07-15", EVERYWHERE))])
        heard.append(desk.stack.arrivals.watches("s2")[0].heard_at)
    assert heard[0] == heard[1] != heard[2]
    assert units(desk.stack) == {f"{tile}_{JULY}": 3 for tile in ("000000", "000001", "001000", "001001")}
