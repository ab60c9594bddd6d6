"""How a build's calls, payloads, memory and cost grow: ``python -m benchmarks.scale [--units 100 1000 10000]``.

Everything but the pixels runs (see :mod:`benchmarks.simulation`): no number here is taken from a smaller build. Time
is this machine's, without any network, and only there to show how it grows; the time of Plan and Finish on AWS is
computed from their calls. Cost is what calls, transitions and invocations cost; the functions' working time, which
pixels decide, is not in it.
"""

from __future__ import annotations

import argparse
import json
import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.simulation import BUILD, Simulation, Size
from benchmarks.state_machine import StateMachine
from stratocube.state.build_values import StepResult
from stratocube.state.status import Outcome, Step
from stratocube.workflow.finish import finish_build
from stratocube.workflow.plan import plan_build
from stratocube.workflow.progress import build_progress

REPORT = Path(__file__).parent / "scale.json"
UNITS = (100, 1_000, 10_000)

# Public list prices of us-east-1 in dollars; those of DynamoDB since November 2024.
READ_UNIT, WRITE_UNIT = 0.125e-6, 0.625e-6
S3_PUT, S3_GET = 5.0e-6, 0.4e-6
STANDARD_TRANSITION, EXPRESS_REQUEST, LAMBDA_REQUEST = 25.0e-6, 1.0e-6, 0.2e-6

# For the computed times: one request after the other within a region, and what one partition of a table takes.
BATCH_SECONDS = 0.020
PUT_SECONDS, PUTS_AT_ONCE = 0.025, 8
PARTITION_WRITES_A_SECOND = 1_000

STANDARD_SCOPES = ("build", "BuildUnits")

_PERIODS = 10
_DATES, _BANDS = 2, 3


@dataclass(frozen=True)
class Growth:
    """What one build came to."""

    units: int
    merges: int
    seconds: float
    table_reads: int
    table_writes: int
    read_units: float
    write_units: float
    s3_requests: int
    s3_bytes: int
    standard_transitions: int
    express_children: int
    invocations: int
    largest_payload: int
    largest_record: int
    dollars: float

    def per_unit(self) -> dict[str, float]:
        """Whatever adds up, by unit."""
        counted = [
            *("seconds", "table_reads", "table_writes", "read_units", "write_units", "s3_requests", "s3_bytes"),
            *("standard_transitions", "express_children", "invocations", "dollars"),
        ]
        return {name: getattr(self, name) / self.units for name in counted}


def size_of(units: int) -> Size:
    """A build of many units: two dates of three bands each."""
    periods = min(_PERIODS, units)
    return Size(tiles=units // periods, periods=periods, dates=_DATES, bands=_BANDS)


def grown(size: Size) -> tuple[Growth, StateMachine]:
    """Run a build of this size."""
    simulation = Simulation(size)
    started = time.perf_counter()
    machine = simulation.build()
    seconds = time.perf_counter() - started
    counts, record = simulation.counts, machine.record
    standard = sum(record.transitions[scope] for scope in STANDARD_SCOPES)
    express = sum(count for scope, count in record.executions.items() if scope not in STANDARD_SCOPES)
    puts, gets = counts.calls["PutObject"], counts.calls["GetObject"] + counts.calls["HeadObject"]
    dollars = (
        counts.read_units * READ_UNIT
        + counts.write_units * WRITE_UNIT
        + puts * S3_PUT
        + gets * S3_GET
        + standard * STANDARD_TRANSITION
        + express * EXPRESS_REQUEST
        + record.invocations.total() * LAMBDA_REQUEST
    )
    growth = Growth(
        units=size.units,
        merges=size.merges,
        seconds=round(seconds, 2),
        table_reads=counts.table_reads,
        table_writes=counts.table_writes,
        read_units=counts.read_units,
        write_units=counts.write_units,
        s3_requests=counts.s3_requests,
        s3_bytes=counts.put_bytes + counts.got_bytes,
        standard_transitions=standard,
        express_children=express,
        invocations=record.invocations.total(),
        largest_payload=max(record.largest_payload.values()),
        largest_record=counts.largest_item,
        dollars=dollars,
    )
    return growth, machine


def peak_memory(work: Callable[[], object]) -> int:
    """Bytes Python held at most for ``work``, beyond what it held before."""
    tracemalloc.start()
    try:
        work()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return peak


def planned(tiles: int, periods: int) -> dict[str, Any]:
    """What planning takes; the tables and buckets keep nothing, so the memory is the function's own."""
    simulation = Simulation(Size(tiles, periods, dates=1, bands=_BANDS), forgetful=True)
    with simulation.running():
        peak = peak_memory(lambda: plan_build(simulation.stack, BUILD))
        simulation.forget_counts()
        started = time.process_time()
        plan_build(simulation.stack, BUILD)
        working = time.process_time() - started
    counts = simulation.counts
    batches = counts.calls["BatchWriteItem"]
    writing = max(batches * BATCH_SECONDS, counts.write_units / PARTITION_WRITES_A_SECOND)
    return {
        "units": tiles * periods,
        "tiles": tiles,
        "peak_megabytes": round(peak / 1e6, 1),
        "batch_writes": batches,
        "s3_puts": counts.calls["PutObject"],
        "s3_megabytes": round(counts.put_bytes / 1e6, 1),
        "processor_seconds": round(working, 1),
        "computed_seconds": round(writing + counts.calls["PutObject"] * PUT_SECONDS / PUTS_AT_ONCE, 1),
    }


def watched(units: int, *, running: int, merges: int) -> dict[str, Any]:
    """What a look at the progress takes while ``running`` units of a build have half of their merges done."""
    simulation = Simulation(size_of(units))
    builds = simulation.stack.builds
    with simulation.running():
        plan_build(simulation.stack, BUILD)
        names = [unit.unit_id for unit in builds.units(BUILD)]
        for name in names[: units // 2 + running]:
            builds.unit_running(BUILD, name)
        for name in names[: units // 2]:
            # of units that ended no rows are read: one stands for all
            builds.record(BUILD, StepResult(Step.MERGE, name, "2023-01-01#B01", Outcome.BUILT, 1.0))
            builds.unit_succeeded(BUILD, name)
        for name in names[units // 2 : units // 2 + running]:
            for part in range(merges // 2):
                result = StepResult(Step.MERGE, name, f"{part:08d}#B01", Outcome.BUILT, 1.0, "0" * 64)
                builds.record(BUILD, result)
        simulation.forget_counts()
        peak = peak_memory(lambda: build_progress(builds, BUILD))
        looked = simulation.counts.calls["Query"], simulation.counts.read_units
        started = time.process_time()
        build_progress(builds, BUILD)
        looking = time.process_time() - started
        simulation.tables.forgetful = simulation.s3.forgetful = True
        finishing = peak_memory(lambda: finish_build(simulation.stack, BUILD))
        simulation.tables.forgetful = simulation.s3.forgetful = False
        simulation.forget_counts()
        started = time.process_time()
        finish_build(simulation.stack, BUILD)
        closing = time.process_time() - started
    return {
        "units": units,
        "running": running,
        "queries": looked[0],
        "read_units": looked[1],
        "peak_megabytes": round(peak / 1e6, 1),
        "processor_seconds": round(looking, 2),
        "finish_queries": simulation.counts.calls["Query"],
        "finish_updates": simulation.counts.calls["UpdateItem"],
        "finish_peak_megabytes": round(finishing / 1e6, 1),
        "finish_processor_seconds": round(closing, 1),
    }


def yearly_unit() -> dict[str, Any]:
    """The largest unit of the design: 365 dates of 13 bands."""
    growth, machine = grown(Size(tiles=1, periods=1, dates=365, bands=13))
    return {
        "merges": growth.merges,
        "growth": asdict(growth),
        "longest_history": machine.record.longest_history,
        "largest_payload": machine.record.largest_payload,
    }


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Rows of equal keys as aligned text."""
    names = list(rows[0])
    cells = [names] + [[_shown(row[name]) for name in names] for row in rows]
    widths = [max(len(line[column]) for line in cells) for column in range(len(names))]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in cells)


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6f}" if 0 < value < 0.01 else f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def main() -> None:
    """Measure, print the tables, write the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--units", type=int, nargs="+", default=list(UNITS), help="sizes of builds to run whole")
    parser.add_argument("--report", type=Path, default=REPORT)
    options = parser.parse_args()
    report: dict[str, Any] = {}

    report["plan"] = [planned(100, periods) for periods in (1, 10, 100, 1000)] + [planned(5000, 20)]
    print("Planning", table(report["plan"]), sep="\n", end="\n\n", flush=True)
    report["progress"] = [watched(units, running=10, merges=100) for units in UNITS]
    print("A look at the progress, and closing", table(report["progress"]), sep="\n", end="\n\n", flush=True)
    report["yearly_unit"] = yearly_unit()
    print("A unit of 365 dates and 13 bands", json.dumps(report["yearly_unit"], indent=1), sep="\n", flush=True)
    whole = []
    for units in options.units:
        growth, _ = grown(size_of(units))
        whole.append(growth)
        print(f"\n{units:,} units", table([asdict(growth)]), sep="\n", flush=True)
    report["builds"] = [asdict(growth) for growth in whole]
    report["per_unit"] = [{"units": growth.units, **growth.per_unit()} for growth in whole]
    print("\nPer unit", table(report["per_unit"]), sep="\n")
    options.report.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
