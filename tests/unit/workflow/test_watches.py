"""Watches: what may be watched, and what is left out is that of the newest build."""

from __future__ import annotations

from typing import Any

import pytest

from stratocube.cube.definition import CubeDefinition
from stratocube.errors import InvalidRequest, NotFound
from stratocube.workflow.context import Stack
from stratocube.workflow.watches import Watch, watch_of
from tests.unit.workflow.arriving import CUBE, ITEMS, OTHER, TILES, define, watch
from tests.unit.workflow.small_build import CUBE_FORM


@pytest.fixture
def cubes(stack: Stack) -> Stack:
    define(stack)
    return stack


def test_a_watch_is_stored_and_read_as_it_was_asked_for(cubes: Stack) -> None:
    asked = watch(cubes, end_date="2030-12-31", announced_as=["s2-l2a"], resampling="cubic")
    (stored,) = cubes.arrivals.watches()
    assert (stored.cube_id, stored.collection) == (CUBE, "s2-l2a")
    assert watch_of(stored) == asked
    assert asked.request.overrides == {"stac_url": ITEMS, "resampling": "cubic"}


def test_another_watch_of_a_cube_takes_the_place_of_the_first(cubes: Stack) -> None:
    watch(cubes)
    watch(cubes, cube_id=OTHER)
    watch(cubes, announced_as=["a", "b"])
    assert [(row.collection, row.cube_id) for row in cubes.arrivals.watches()] == [
        ("a", CUBE),
        ("b", CUBE),
        ("s2", OTHER),
    ]
    watch(cubes, announced_as=["b"])
    assert [row.cube_id for row in cubes.arrivals.watches("a")] == []
    assert [row.cube_id for row in cubes.arrivals.watches("b")] == [CUBE]
    assert [row.cube_id for row in cubes.arrivals.watches("s")] == []


def test_what_is_left_out_is_that_of_the_newest_build_started_by_hand(cubes: Stack) -> None:
    first = {"datacube": CUBE, "collections": ["s2"], "stac_url": ITEMS, "tiles": ["000000"], "resampling": "cubic"}
    first |= {"start_date": "2023-01-01", "end_date": "2023-12-31", "force": True, "bands": ["B04"]}
    cubes.builds.create("b1", CUBE, first | {"tiles": ["001001"], "resampling": "nearest"}, now="2026-01-01")
    cubes.builds.create("b2", CUBE, first, now="2026-01-02")
    by_itself = first | {"start_date": "2023-06-01"}
    cubes.builds.create("b3", CUBE, by_itself, now="2026-01-03", options={"skip_current": True})
    found = watch(cubes, stac_url=None, collections=None, tiles=None, start_date=None)
    request = found.request.to_json()
    assert request.pop("end_date") == request["start_date"] == "2023-01-01"
    assert request.pop("tiles") == ["000000", "001001"]
    assert {name: request[name] for name in ("collections", "stac_url", "resampling", "bands")} == {
        name: first[name] for name in ("collections", "stac_url", "resampling", "bands")
    }
    assert "force" not in request
    assert found.end_date is None


def test_who_names_another_place_to_search_takes_none_of_the_newest_build(cubes: Stack) -> None:
    first = {"datacube": CUBE, "collections": ["s2"], "stac_url": "https://stac.example.org/", "tiles": ["000000"]}
    first |= {"start_date": "2023-01-01", "end_date": "2023-12-31", "token_secret": "t"}
    cubes.builds.create("b1", CUBE, first, now="2026-01-01")
    assert watch(cubes).request.token_secret is None
    assert watch(cubes, stac_url=None).request.token_secret == first["token_secret"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"cube_id": None}, "cube_id: is required"),
        ({"cube_id": 7}, "cube_id: is required"),
        ({"start_date": None}, "start_date: is required"),
        ({"tiles": ["123456"]}, r"tiles\.0: grid SMALL has no tile 123456"),
        ({"tiles": None}, "tiles"),
        ({"stac_url": "https://elsewhere.example.org/"}, "stac_url: host 'elsewhere.example.org' is not allowed"),
        ({"end_date": "2023-06-30"}, "end_date: must not be before start_date"),
        ({"end_date": "soon"}, "end_date: must be a date"),
        ({"end_date": 2030}, "end_date: must be a date"),
        ({"end_date": "2150-01-01"}, "end_date: must not be after 2100"),
        ({"announced_as": []}, "announced_as: must be a list"),
        ({"announced_as": "s2"}, "announced_as: must be a list"),
        ({"announced_as": ["a#b"]}, "announced_as: must be a list"),
        ({"force": True}, "force: has no meaning for a watch"),
        ({"validate_only": False}, "validate_only: has no meaning"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
def test_what_cannot_be_watched_is_refused_with_the_field(cubes: Stack, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        watch(cubes, **changes)
    assert cubes.arrivals.watches() == ()


def test_a_cube_that_is_not_there_and_one_without_periods_are_refused(cubes: Stack) -> None:
    with pytest.raises(NotFound):
        watch(cubes, cube_id="NONE-1")
    identity = CUBE_FORM | {"datacube": "DAILY", "composite_function": "IDT", "temporal_composition": None}
    cubes.cubes.create("DAILY-1", {name: value for name, value in identity.items() if value is not None}, now="t")
    with pytest.raises(InvalidRequest, match="cube_id: DAILY-1 has no temporal_composition"):
        watch(cubes, cube_id="DAILY-1")


RULES: list[dict[str, Any]] = [
    {"schema": "Continuous", "unit": "month", "step": 1},
    {"schema": "Continuous", "unit": "day", "step": 16},
    {"schema": "Continuous", "unit": "year", "step": 1},
    {"schema": "Cyclic", "unit": "day", "step": 16, "cycle": {"unit": "year", "step": 1}},
    {"schema": "Cyclic", "unit": "day", "step": 8, "cycle": {"unit": "month", "step": 1}},
    {"schema": "Cyclic", "unit": "day", "step": 10, "cycle": {"unit": "day", "step": 25}},
    {"schema": "Continuous", "unit": "day", "step": 1, "intervals": ["12-21_03-20", "03-21_06-20"]},
    {"schema": "Cyclic", "unit": "day", "step": 1, "intervals": ["12-21_03-20"], "cycle": {"unit": "year", "step": 1}},
]


@pytest.mark.parametrize("rule", RULES, ids=[f"{rule['schema']}-{number}" for number, rule in enumerate(RULES)])
def test_the_request_of_any_units_of_a_watch_has_just_their_periods_in_it(cubes: Stack, rule: dict[str, Any]) -> None:
    definition = CubeDefinition.parse(CUBE_FORM | {"datacube": "RULES", "temporal_composition": rule})
    form = {"datacube": CUBE, "collections": ["s2"], "stac_url": ITEMS, "tiles": list(TILES)}
    form |= {"start_date": "2021-02-10", "end_date": "2024-12-31"}
    request = watch(cubes).request.parse(form)
    watched = Watch(CUBE, request)
    every = definition.periods("2021-02-10", "2024-12-31")
    assert len(every) > 3
    for period in every:
        asked = watched.request_of(definition, {str(period): ["000000"]})
        assert period in asked.periods(definition), period
        assert asked.start_date >= request.start_date
        assert asked.tiles == ("000000",)
    first, last = every[0], every[-1]
    both = watched.request_of(definition, {str(last): ["001001"], str(first): ["000000"]})
    assert {first, last} <= set(both.periods(definition))
    assert both.tiles == ("000000", "001001")
