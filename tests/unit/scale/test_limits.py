"""The largest of everything stays below half of what AWS allows: by construction, and measured here.

Limits of Step Functions: 262,144 bytes of input or output of a state, 25,000 events of an execution (FACTS 1 and 2);
of DynamoDB: 400 KB an item; of a reply of Lambda: 6 MB.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from datetime import date
from typing import Any

import pytest

from benchmarks.memory_aws import Counts, MemoryTables, tables_in_memory
from benchmarks.simulation import BUILD, CUBE, Simulation, Size, cube_form
from benchmarks.state_machine import (
    EVENTS_OF_ATTEMPT,
    EVENTS_OF_EXECUTION,
    EVENTS_OF_MAP,
    EVENTS_OF_STATE,
    Record,
    StateMachine,
    load_definition,
)
from stratocube.api.requests import MAX_BODY
from stratocube.api.units import MOST_ACTIVITIES, SHOWN_CAUSE, _activity
from stratocube.cube.definition import MAX_BANDS, MAX_INDEXES, CubeDefinition
from stratocube.cube.requests import MAX_COLLECTIONS, MAX_TILES, MAX_UNITS, StartRequest
from stratocube.errors import InvalidRequest
from stratocube.state.activities import CAUSE_LIMIT, Activities, Work
from stratocube.state.build_values import StepCounts, StepResult
from stratocube.state.builds import Builds
from stratocube.state.status import BuildStatus, Outcome, Step
from stratocube.workflow.progress import SHOWN_FAILURES, build_progress, shortened
from stratocube.workflow.search import TASK_LIMIT_BYTES, search_unit
from stratocube.workflow.tasks import DateTask, StoredFile

PAYLOAD, EVENTS, ITEM, REPLY = 262_144, 25_000, 400 * 1024, 6 * 1024 * 1024
CAUSE_OF_STEP_FUNCTIONS = 32_768
"""Characters of the cause of an error at most (botocore's model of SendTaskFailure)."""

UNIT = "011009_2023-01-01_2023-12-31"
WORST = "\N{SATELLITE}"
"""A character that takes four bytes of UTF-8 and twelve of JSON."""


# -- payloads ----------------------------------------------------------------------------------------------------------


def at(key: str) -> dict[str, str]:
    return {"bucket": "stratocube-workbucket-1a2b3c4d5e6f7g8h", "key": key}


def largest_lists() -> dict[str, list[Any]]:
    """Task lists whose elements are as large as they may be."""
    ids = {"build_id": BUILD, "unit_id": UNIT}
    bands = {f"{n:02d}".rjust(32, "B"): "0" * 64 for n in range(MAX_BANDS)}
    task = ids | {"date": "2023-08-10", "band": "B" * 32, "sources": ""}
    task["sources"] = "x" * (TASK_LIMIT_BYTES - len(json.dumps(task)))
    assert len(json.dumps(task)) == TASK_LIMIT_BYTES
    return {
        "units.json": [ids],
        "merges.json": [task],
        "dates.json": [DateTask(BUILD, UNIT, date(2023, 8, 10), bands).to_json()],
        "blends.json": [ids | {"band": "B" * 32}],
    }


class BrokenStep(Exception):
    """Says as much as Step Functions lets an error say."""


def largest_run(broken: str | None) -> Record:
    """Run the definition with the largest answers; the function ``broken`` fails."""

    def answer(function: str, value: Mapping[str, Any]) -> Any:
        def called(_: Any) -> Any:
            if function == broken:
                raise BrokenStep("x" * (CAUSE_OF_STEP_FUNCTIONS - 100))
            return value

        return called

    long_key = "builds/" + "k" * 1000
    lists = {f"{long_key}/{name}": found for name, found in largest_lists().items()}
    ids = {"build_id": BUILD, "unit_id": UNIT}
    answers: dict[str, Mapping[str, Any]] = {
        "Plan": ids | {"priority": "backfill", "units": at(f"{long_key}/units.json")},
        "Search": ids
        | {"proceed": True, "merges": at(f"{long_key}/merges.json"), "dates": at(f"{long_key}/dates.json")},
        "PrepareBlend": ids | {"outcome": "BUILT", "blends": at(f"{long_key}/blends.json")},
        **{name: {"outcome": "BUILT"} for name in ("Merge", "Blend", "Publish")},
        "Finish": {"build_id": BUILD, "status": "PARTIAL"},
    }
    machine = StateMachine({name: answer(name, value) for name, value in answers.items()}, lambda _, key: lists[key])
    machine.run({"build_id": BUILD})
    return machine.record


@pytest.mark.parametrize("broken", [None, "Plan", "Search", "Merge", "PrepareBlend", "Blend", "Publish"])
def test_no_state_takes_or_gives_more_than_half_of_what_it_may(broken: str | None) -> None:
    largest = largest_run(broken).largest_payload
    assert largest
    assert {name: size for name, size in largest.items() if size > PAYLOAD // 2} == {}
    if broken is None:
        assert largest["Merge"] > TASK_LIMIT_BYTES


def test_a_task_that_would_be_larger_is_refused_by_search() -> None:
    simulation = Simulation(Size(tiles=1, periods=1, dates=1, bands=2))
    machine = simulation.machine()
    document = json.loads(simulation.stack.fetch("any"))
    (scene,) = document["features"]
    document["features"] = [scene | {"id": f"{'S' * 200}{n:04d}"} for n in range(200)]
    simulation.stack = replace(simulation.stack, fetch=lambda _: json.dumps(document).encode())
    with simulation.running():
        machine.call("Plan", {"build_id": BUILD})
        (unit,) = simulation.stack.builds.units(BUILD)
        with pytest.raises(InvalidRequest, match="200 scenes on this tile"):
            search_unit(simulation.stack, BUILD, unit.unit_id)


def test_payloads_do_not_depend_on_the_number_of_units_dates_or_tiles() -> None:
    small = Simulation(Size(tiles=1, periods=1, dates=1, bands=2)).build().record.largest_payload
    larger = Simulation(Size(tiles=6, periods=2, dates=5, bands=2)).build().record.largest_payload
    assert larger == small


# -- history -----------------------------------------------------------------------------------------------------------


def worst_events(state: Mapping[str, Any]) -> int:
    """Events of one visit of a state whose every retry is used."""
    attempts = 1 + sum(retrier["MaxAttempts"] for retrier in state.get("Retry", []))
    kind = state["Type"]
    return EVENTS_OF_STATE + (attempts * EVENTS_OF_ATTEMPT if kind == "Task" else EVENTS_OF_MAP if kind == "Map" else 0)


def successors(state: Mapping[str, Any]) -> set[str]:
    following = {state[name] for name in ("Next", "Default") if name in state}
    return following | {rule["Next"] for name in ("Choices", "Catch") for rule in state.get(name, [])}


def reachable(states: Mapping[str, Any], start: str) -> set[str]:
    """The states that may come after a state."""
    found: set[str] = set()
    frontier = successors(states[start])
    while frontier:
        found |= frontier
        frontier = {after for name in frontier for after in successors(states[name])} - found
    return found


def loops(states: Mapping[str, Any]) -> list[frozenset[str]]:
    """The sets of states that lead to one another."""
    after = {name: reachable(states, name) for name in states}
    return list({frozenset(other for other in after[name] if name in after[other]) for name in states} - {frozenset()})


def bound_of(states: Mapping[str, Any], loop: frozenset[str]) -> tuple[str, int]:
    """(counter, times) after which a loop is left: a counter compared in one of its choices, raised in it by one."""
    ((variable, limit),) = {
        (condition["Variable"], condition["NumericLessThan"])
        for name in loop
        for rule in states[name].get("Choices", [])
        for condition in rule.get("And", [])
        if "NumericLessThan" in condition
    }
    parent, _, leaf = variable.rpartition(".")
    raised = [
        name
        for name in loop
        if states[name].get("ResultPath") == parent
        and states[name].get("Parameters", {}).get(f"{leaf}.$") == f"States.MathAdd({variable}, 1)"
    ]
    assert len(raised) == 1, f"nothing in {sorted(loop)} counts {variable}"
    return variable, limit


def standard_scopes() -> Iterator[tuple[str, Mapping[str, Any]]]:
    definition = load_definition()
    yield "build", definition["States"]
    yield "BuildUnits", definition["States"]["BuildUnits"]["ItemProcessor"]["States"]


@pytest.mark.parametrize(("name", "states"), list(standard_scopes()), ids=["build", "unit"])
def test_the_longest_history_stays_below_half_of_what_an_execution_may_have(
    name: str, states: Mapping[str, Any]
) -> None:
    """Every state visited with all of its retries, and every loop as often as its counter allows: worse than any run.

    EXPRESS children have no history; they end after five minutes.
    """
    once = sum(worst_events(state) for state in states.values())
    by_counter: dict[str, int] = {}
    for loop in loops(states):
        counter, times = bound_of(states, loop)
        round_ = sum(worst_events(states[state]) for state in loop)
        # loops that share a counter share its turns
        by_counter[counter] = max(by_counter.get(counter, 0), times * round_)
    worst = EVENTS_OF_EXECUTION + once + sum(by_counter.values())
    assert worst <= EVENTS // 2, f"{name}: {worst} events"


def test_a_history_has_the_same_length_however_much_there_is_to_do() -> None:
    small = Simulation(Size(tiles=1, periods=1, dates=1, bands=2)).build().record
    larger = Simulation(Size(tiles=3, periods=2, dates=6, bands=3)).build().record
    assert larger.longest_history == small.longest_history
    assert set(small.longest_history) >= {"build", "BuildUnits", "MergeScenes", "BlendBands"}
    assert larger.executions["BuildUnits"] == 6
    assert larger.executions["MergeScenes"] == 6 * 6 * 3


# -- records -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def stored() -> Iterator[tuple[Builds, Activities, Counts]]:
    counts = Counts()
    keys = {"builds": ("build_id", "record"), "activities": ("activity_id", None)}
    with tables_in_memory(MemoryTables(counts, keys)):
        yield Builds("builds", region="us-east-1"), Activities("activities", region="us-east-1"), counts


def largest_request() -> dict[str, Any]:
    """The largest that the door lets in: every list full, every text as long as it may be, the body below its limit."""
    request = {
        "datacube": CUBE,
        "collections": [f"{n:02d}".rjust(128, "c") for n in range(MAX_COLLECTIONS)],
        "tiles": [f"{n // 100:03d}{n % 100:03d}" for n in range(MAX_TILES)],
        "start_date": "2023-01-01",
        "end_date": "2023-06-30",
        "stac_url": "s3://landing/items.json",
        "reuse_from": WORST * 2000,
    }
    assert len(json.dumps(request, ensure_ascii=False).encode()) <= MAX_BODY
    return StartRequest.parse(request).to_json()


def test_the_header_of_the_largest_build_with_the_worst_failures(
    stored: tuple[Builds, Activities, Counts],
) -> None:
    builds, _, counts = stored
    builds.create(BUILD, CUBE, largest_request(), now="2026-08-10T12:00:00.000000Z")
    units = [(f"{n:06d}_2023-01-01_2023-12-31", f"{n:06d}", "2023-01-01", "2023-12-31") for n in range(200)]
    builds.add_units(BUILD, units)
    for unit_id, *_ in units:
        builds.unit_failed(BUILD, unit_id, step="prepare_blend", cause=WORST * CAUSE_LIMIT)
    summary = build_progress(builds, BUILD)
    assert len(summary["failed_units"]) == SHOWN_FAILURES
    builds.finish(BUILD, status=BuildStatus.FAILED, summary=summary, now="t", cause=WORST * CAUSE_LIMIT)
    assert counts.largest_item <= ITEM // 2


def test_a_step_that_asks_whether_its_build_is_cancelled_does_not_pay_for_the_header(
    stored: tuple[Builds, Activities, Counts],
) -> None:
    builds, _, counts = stored
    builds.create(BUILD, CUBE, largest_request(), now="t")
    assert counts.largest_item > 40_000
    for cancelled in (False, True):
        before = counts.read_units
        assert builds.is_cancelled(BUILD) is cancelled
        assert counts.read_units == before + 1
        builds.cancel(BUILD, now="t", cause="x")


def test_a_build_that_ended_is_not_cancelled_any_more(stored: tuple[Builds, Activities, Counts]) -> None:
    builds, _, _ = stored
    builds.create(BUILD, CUBE, {}, now="t")
    builds.finish(BUILD, status=BuildStatus.SUCCEEDED, summary={}, now="t")
    builds.cancel(BUILD, now="t", cause="x")
    assert not builds.is_cancelled(BUILD)


def test_a_cause_is_cut_by_its_bytes_of_json_and_nowhere_else() -> None:
    assert shortened("x" * 30, 20) == "x" * 20
    assert shortened(WORST * 3, 25) == WORST * 2
    assert shortened('"\\', 4) == '"\\'
    assert shortened("short", 20) == "short"


def test_records_of_units_and_steps(stored: tuple[Builds, Activities, Counts]) -> None:
    builds, _, counts = stored
    builds.add_units(BUILD, [(UNIT, "011009", "2023-01-01", "2023-12-31")])
    for step in Step:
        result = StepResult(step, UNIT, "2023-08-10#" + "B" * 32, Outcome.FAILED, 240.0, "0" * 64, WORST * CAUSE_LIMIT)
        builds.record(BUILD, result)
    builds.set_totals(BUILD, UNIT, dict.fromkeys(Step, 25_000))
    builds.unit_failed(BUILD, UNIT, step="merge", cause=WORST * CAUSE_LIMIT)
    assert builds.unit(BUILD, UNIT).steps == dict.fromkeys(Step, StepCounts(failed=1, seconds=240.0))
    assert counts.largest_item <= ITEM // 2


def test_what_a_published_product_of_every_band_and_index_keeps(stored: tuple[Builds, Activities, Counts]) -> None:
    _, activities, counts = stored
    work = Work("0" * 64, Step.PUBLISH, CUBE, UNIT)
    statistics = dict.fromkeys(("valid_percent", "minimum", "maximum", "mean", "stddev"), -12345.6789e-99)
    files = {
        f"{n:03d}".rjust(32, "B"): asdict(StoredFile("k" * 1024, 2**40, "1220" + "0" * 64, statistics))
        for n in range(MAX_BANDS + MAX_INDEXES + 5)
    }
    activities.claim(work, build_id=BUILD, holder="h", now="t", now_epoch=0.0, lease_seconds=1.0)
    activities.finish(work, holder="h", now="t", result={"item": "k" * 1024, "files": files})
    assert counts.largest_item <= ITEM // 2


# -- replies and lists -------------------------------------------------------------------------------------------------


def test_the_reply_that_lists_a_unit() -> None:
    done = StepResult(Step.PREPARE_DATES, UNIT, "2023-08-10#" + "B" * 32, Outcome.BUILT, 12345.678, "0" * 64)
    failed = replace(done, outcome=Outcome.FAILED, cause=WORST * CAUSE_LIMIT)
    size, size_failed = (len(json.dumps(_activity(result))) + 2 for result in (done, failed))
    assert size_failed <= size + SHOWN_CAUSE + 20
    # a map stops at its first failure: what runs beside it, 1,000 at most, may fail as well
    at_once = 1_000
    assert (MOST_ACTIVITIES - at_once) * size + at_once * size_failed <= REPLY // 2
    yearly = 365 * 13 + 2 * 365 + 13 + 3
    assert yearly <= MOST_ACTIVITIES


def test_the_list_of_units_is_a_file_of_megabytes() -> None:
    element = len(json.dumps({"build_id": BUILD, "unit_id": UNIT}, separators=(",", ":"))) + 2
    # ItemReader takes files of up to 10 GB
    assert element * MAX_UNITS < 16e6


def test_the_definition_of_the_simulation_is_one_the_door_lets_in() -> None:
    cube = CubeDefinition.parse(cube_form(Size(tiles=1, periods=1, dates=365, bands=13)))
    assert (len(cube.bands), cube.id) == (13, CUBE)
