"""What was announced is compared with what can be found."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from stratocube.storage.fetch import fetcher
from stratocube.workflow.arrivals import receive
from stratocube.workflow.context import Stack
from stratocube.workflow.reconcile import Reconciled, Rules, reconcile
from tests.unit.workflow.arriving import CUBE, EAST, OTHER, WEST, Desk, define, index, item, message, watch
from tests.unit.workflow.conftest import Clock

RULES = Rules(days_back=30, silence=timedelta(days=5))
# the clock of these tests begins on 6 March 2026
FEBRUARY, MARCH = "2026-02-01_2026-02-28", "2026-03-01_2026-03-31"


@pytest.fixture
def desk(stack: Stack) -> Desk:
    define(stack)
    index(stack)
    return Desk(stack)


def look(stack: Stack, *, seconds: float = 900) -> Reconciled:
    return reconcile(stack, RULES, seconds=seconds)


def arrivals(stack: Stack, cube_id: str = CUBE) -> dict[str, int]:
    return {unit.unit_id: unit.arrived for unit in stack.arrivals.units(cube_id, limit=100)}


def test_units_of_recent_scenes_that_were_not_found_before_are_marked_once(desk: Desk) -> None:
    stack = desk.stack
    watch(stack)
    index(stack, item("A", "2026-03-02", EAST), item("OLD", "2026-01-15"), item("FAR", "2026-03-02", (50.0, 51.0)))
    assert look(stack).units == 2
    assert arrivals(stack) == {f"001000_{MARCH}": 1, f"001001_{MARCH}": 1}
    assert look(stack).units == 0
    index(stack, item("A", "2026-03-02", EAST), item("B", "2026-02-20", WEST))
    assert look(stack).units == 2
    assert arrivals(stack) == {f"{tile}_{MARCH}": 1 for tile in ("001000", "001001")} | {
        f"{tile}_{FEBRUARY}": 1 for tile in ("000000", "000001")
    }


def test_a_reprocessed_scene_is_marked_again(desk: Desk) -> None:
    watch(desk.stack)
    index(desk.stack, item("A", "2026-03-02", EAST))
    look(desk.stack)
    index(desk.stack, item("A", "2026-03-02", EAST, version="2"))
    assert look(desk.stack).units == 2


def test_scenes_nobody_announced_are_counted_but_for_those_there_before_anybody_listened(desk: Desk) -> None:
    stack = desk.stack
    watch(stack)
    index(stack, item("BEFORE", "2026-03-01"))
    assert look(stack).missed == 0
    receive(desk.inbox, [message(item("TOLD", "2026-03-02"))])
    index(stack, item("BEFORE", "2026-03-01"), item("TOLD", "2026-03-02"), item("MISSED", "2026-03-03"))
    found = look(stack)
    assert found.missed == 1
    # what was announced is marked once more: its build may have searched before the index knew it
    assert set(arrivals(stack).values()) == {3}


def test_the_box_around_the_tiles_finds_more_than_the_tiles_and_that_is_left_out(desk: Desk) -> None:
    watch(desk.stack, tiles=["000000", "001001"])
    index(desk.stack, item("A", "2026-03-02", EAST))
    assert look(desk.stack).units == 1
    assert arrivals(desk.stack) == {f"001001_{MARCH}": 1}


def test_an_archive_that_is_down_keeps_no_other_from_being_searched(desk: Desk) -> None:
    stack = desk.stack
    watch(stack, stac_url="s3://landing/none.json")
    watch(stack, cube_id=OTHER)
    index(stack, item("A", "2026-03-02", EAST))
    found = look(stack)
    assert found.cubes == [CUBE, OTHER][::-1] or set(found.cubes) == {CUBE, OTHER}
    assert list(found.failed) == [CUBE]
    assert "no such object" in found.failed[CUBE]
    assert len(arrivals(stack, OTHER)) == 2


def test_what_there_was_no_time_for_comes_first_the_next_time(desk: Desk) -> None:
    stack = desk.stack
    watch(stack)
    assert look(stack).cubes == [CUBE]
    watch(stack, cube_id=OTHER)
    assert look(stack, seconds=10).cubes == []
    assert look(stack).cubes == [OTHER, CUBE]


@pytest.mark.parametrize(("days", "silent"), [(4, []), (6, ["s2"])])
def test_a_collection_of_which_nothing_was_announced_for_long_is_silent(
    desk: Desk, clock: Clock, days: int, silent: list[str]
) -> None:
    watch(desk.stack)
    clock.wait(86_400 * days)
    assert look(desk.stack).silent == silent
    receive(desk.inbox, [message(item("A", "2026-03-08"))])
    assert look(desk.stack).silent == []
    clock.wait(86_400 * 6)
    assert look(desk.stack).silent == ["s2"]


def test_one_search_serves_all_tiles(desk: Desk) -> None:
    asked: list[str] = []
    fetch = fetcher(desk.stack.work.s3)

    def counting(href: str) -> bytes:
        asked.append(href)
        return fetch(href)

    watch(desk.stack)
    look(replace(desk.stack, fetch=counting))
    assert asked == ["s3://landing/items.json"]


def test_a_watch_that_has_ended_or_has_not_begun_is_not_searched(desk: Desk) -> None:
    ended: dict[str, Any] = {"start_date": "2023-07-01", "end_date": "2023-12-31"}
    watch(desk.stack, **ended)
    index(desk.stack, item("A", "2023-12-01"))
    found = look(desk.stack)
    assert (found.cubes, found.units, found.failed) == ([CUBE], 0, {})
