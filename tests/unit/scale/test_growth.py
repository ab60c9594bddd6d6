"""What a unit, a date and a merge cost does not grow with how many there are: counted calls and bytes, never time."""

from __future__ import annotations

from functools import cache

import pytest

from benchmarks.scale import STANDARD_SCOPES, peak_memory, planned, watched
from benchmarks.simulation import BUILD, Simulation, Size
from stratocube.state.status import BuildStatus
from stratocube.workflow.finish import finish_build
from stratocube.workflow.plan import plan_build
from stratocube.workflow.progress import SHOWN_FAILURES

ROOM = 1.02
"""Of calls: a page or batch more now and then."""


@cache
def costs(size: Size) -> dict[str, float]:
    """What a whole build of this size asked for."""
    simulation = Simulation(size)
    machine = simulation.build()
    with simulation.running():
        build = simulation.stack.builds.get(BUILD)
    assert build.status is BuildStatus.SUCCEEDED
    assert build.summary is not None
    assert build.summary["steps"]["merge"]["built"] == size.merges
    counts, record = simulation.counts, machine.record
    return {
        **{f"calls of {name}": count for name, count in counts.calls.items()},
        "read units": counts.read_units,
        "write units": counts.write_units,
        "bytes written to S3": counts.put_bytes,
        "bytes read from S3": counts.got_bytes,
        "transitions": sum(record.transitions[scope] for scope in STANDARD_SCOPES),
        "children": record.executions.total(),
        "invocations": record.invocations.total(),
    }


def assert_linear(small: Size, middle: Size, large: Size, *, but: str | None = None) -> None:
    """From small to middle as much is added as from middle to large, which is twice as far: not more than twice."""
    first, second, third = costs(small), costs(middle), costs(large)
    grown = {
        name: (second[name] - first[name], third[name] - second[name])
        for name in third
        if name != but and third[name] - second[name] > 2 * ROOM * (second[name] - first[name]) + 2
    }
    assert grown == {}


def test_a_unit_costs_as_much_whatever_the_number_of_units() -> None:
    assert_linear(*(Size(tiles=tiles, periods=2, dates=1, bands=2) for tiles in (4, 8, 16)))


def test_a_date_costs_as_much_whatever_the_number_of_dates() -> None:
    assert_linear(*(Size(tiles=1, periods=1, dates=dates, bands=2) for dates in (8, 16, 32)))


def test_a_band_costs_as_much_whatever_the_number_of_bands() -> None:
    # Every step reads the definition, which has a line for each band: 64 of them are ten kilobytes.
    few, more, many = (Size(tiles=1, periods=1, dates=4, bands=bands) for bands in (3, 5, 9))
    assert_linear(few, more, many, but="bytes read from S3")


def test_a_merge_reads_the_plan_of_its_tile_only() -> None:
    few, many = (costs(Size(tiles=tiles, periods=2, dates=1, bands=2)) for tiles in (4, 16))
    # the whole plan is read once a build, so it grows with the tiles; that is all that may
    assert many["bytes read from S3"] / 16 < 1.05 * few["bytes read from S3"] / 4


@pytest.mark.parametrize("units", [20, 200])
def test_a_look_at_the_progress_reads_the_rows_of_running_units_only(units: int) -> None:
    looked = watched(units, running=5, merges=4)
    assert looked["queries"] == 5 + 1


def test_planning_holds_no_more_for_more_units() -> None:
    few, many = planned(10, 10), planned(10, 200)
    assert (few["batch_writes"], many["batch_writes"]) == (4, 80)
    assert few["s3_puts"] == many["s3_puts"]
    assert many["peak_megabytes"] <= few["peak_megabytes"] + 0.5


def test_memory_that_is_held_is_measured() -> None:
    assert peak_memory(lambda: bytes(3_000_000)) >= 3_000_000


def test_a_build_that_is_stopped_at_its_start_is_closed_unit_by_unit() -> None:
    simulation = Simulation(Size(tiles=20, periods=20, dates=1, bands=2))
    with simulation.running():
        plan_build(simulation.stack, BUILD)
        simulation.forget_counts()
        finish_build(simulation.stack, BUILD, {"Error": "ABORTED", "Cause": "stopped"})
        units = list(simulation.stack.builds.units(BUILD))
        build = simulation.stack.builds.get(BUILD)
    assert {(unit.status.value, unit.cause) for unit in units} == {("FAILED", "ABORTED: stopped")}
    assert build.summary is not None
    assert (build.summary["units"]["failed"], len(build.summary["failed_units"])) == (400, SHOWN_FAILURES)
    assert simulation.counts.calls["UpdateItem"] == 400 + 1
