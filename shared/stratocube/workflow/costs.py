"""What a build really used and cost, beside what was expected.

Counted: the calls of the functions and what each was charged for (:mod:`stratocube.workflow.billing`), the requests of
S3 they made. Derived from these and from how far the units went: transitions, EXPRESS executions, reads and writes of
tables, requests by which GDAL reads pixels. ``docs/costs.md`` says how well that holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from stratocube.costs.build_size import (
    BUILD_TRANSITIONS,
    CALL_SECONDS,
    EXPRESS_GB,
    READS_A_CALL,
    UNIT_TRANSITIONS,
    WRITES_A_CALL,
)
from stratocube.costs.sizing import Sizing, Tariff
from stratocube.costs.usage import Usage
from stratocube.state.build_values import Build, Spent, StepCounts, Unit
from stratocube.state.status import Step, UnitStatus

FANNED_OUT: Final = (Step.MERGE, Step.PREPARE_DATES, Step.PUBLISH_DATES, Step.BLEND)
"""Steps of which a unit has many parts, each an EXPRESS execution."""

_ROUNDED_UP: Final = 0.05
"""Seconds that an EXPRESS execution is charged for beyond its length, by and large: it is rounded up to 0.1."""

_ENTERED: Final[Mapping[str, int]] = {
    Step.SEARCH: 1,
    Step.MERGE: 3,
    Step.PREPARE_DATES: 4,
    Step.PREPARE_BLEND: 5,
    Step.PUBLISH_DATES: 7,
    Step.BLEND: 8,
    Step.PUBLISH: 9,
}
"""States of a unit that were entered when one of them failed."""
_FAILING: Final = 3
"""States by which a unit records that it failed."""
_NOTHING_TO_DO: Final = 3
"""States of a unit that ends with its search."""


def unit_usage(unit: Unit, steps: Mapping[Step, StepCounts]) -> Usage:
    """What a unit has used so far."""
    spent = sum((counts.spent for counts in steps.values()), Spent())
    fanned_out = [steps[step] for step in FANNED_OUT if step in steps]
    children = sum(counts.parts for counts in fanned_out)
    waited = sum(counts.seconds for counts in fanned_out) + _ROUNDED_UP * children
    return Usage(
        gb_seconds=spent.gb_seconds,
        calls=spent.calls,
        transitions=_transitions(unit, steps),
        express_requests=children,
        express_gb_seconds=waited * EXPRESS_GB,
        table_writes=spent.calls * WRITES_A_CALL,
        table_reads=spent.calls * READS_A_CALL,
        s3_puts=spent.puts,
        s3_gets=spent.gets,
    )


def costs_of(build: Build, progress: Mapping[str, Any], tariff: Tariff) -> dict[str, Any]:
    """``{"estimated", "actual"}`` of a build, as the API shows it; ``progress`` is that of the build or its summary.

    ``estimated`` is null where nobody estimated it (builds of before), ``actual`` where nothing was counted.
    """
    used = progress.get("usage")
    return {
        "currency": "USD",
        "estimated": dict(build.estimate) if build.estimate else None,
        "actual": None if used is None else _actual(build, Usage.from_json(used), progress, tariff),
    }


def _actual(build: Build, used: Usage, progress: Mapping[str, Any], tariff: Tariff) -> dict[str, Any]:
    used += _of_the_build(tariff.sizing) + Usage(s3_gets=_pixel_gets(build.estimate or {}, progress))
    return {
        **used.shown(),
        **used.cost(tariff.prices, tariff.sizing.architecture).shown(),
        "region": tariff.prices.region,
        "architecture": tariff.sizing.architecture,
        "prices_date": tariff.prices.date,
        "is_final": build.finished_at is not None,
    }


def _of_the_build(sizing: Sizing) -> Usage:
    """Plan, finish and the states around the units: too little to be worth counting, so it is as estimated."""
    return Usage(
        gb_seconds=2 * CALL_SECONDS * sizing.small_mb / 1024,
        calls=2,
        transitions=BUILD_TRANSITIONS,
        table_writes=2 * WRITES_A_CALL,
        table_reads=2 * READS_A_CALL,
    )


def _pixel_gets(estimate: Mapping[str, Any], progress: Mapping[str, Any]) -> float:
    """Requests by which GDAL read pixels, of which it tells no number: as many as estimated, of the merges there
    really were."""
    built, expected = progress["steps"][Step.MERGE.value]["built"], estimate.get("merges", 0)
    return float(estimate.get("pixel_gets", 0)) * built / expected if expected else 0.0


def _transitions(unit: Unit, steps: Mapping[Step, StepCounts]) -> int:
    """States a unit's execution entered; repetitions and waits are not known."""
    if unit.status is UnitStatus.PLANNED:
        return 0
    if unit.status is UnitStatus.FAILED:
        return 1 + _ENTERED.get(unit.failed_step or "", 0) + _FAILING
    if unit.status is UnitStatus.SUCCEEDED and Step.PUBLISH in steps:
        return UNIT_TRANSITIONS
    if unit.status is UnitStatus.SUCCEEDED:
        return _NOTHING_TO_DO
    return 1 + max((_ENTERED[step] for step in steps), default=0)
