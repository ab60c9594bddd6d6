"""Prepare blend: the dates of a unit in rank order, and the list of what is to be blended."""

from __future__ import annotations

from typing import Any

from stratocube.pixels.ranking import BlendTask, DateScore, rank_dates
from stratocube.state.status import Outcome, Step
from stratocube.storage.keys import BuildKeys
from stratocube.workflow.build_plan import UnitPlan
from stratocube.workflow.context import Stack
from stratocube.workflow.datasets import only_gaps
from stratocube.workflow.dates import date_stacks, merged_dates
from stratocube.workflow.perform import DoneOver, recorded
from stratocube.workflow.products import unit_blends
from stratocube.workflow.tasks import DateStack, UnitStack


def prepare_unit(stack: Stack, build_id: str, unit_id: str) -> dict[str, Any]:
    """Write ``stack.json``, what of it each date and each band needs, and ``blends.json``, of a unit that is merged.

    Returns:
        ``{"build_id", "unit_id", "outcome", "blends": {"bucket", "key"}}``. The outcome is BUSY, and nothing is
        written, while another build does a merge of the unit over.
    """
    keys, this = BuildKeys(build_id), {"build_id": build_id, "unit_id": unit_id}
    answer = this | {"blends": {"bucket": stack.work.bucket, "key": keys.blends(unit_id)}}
    with recorded(stack, build_id, unit_id, Step.PREPARE_BLEND) as step:
        unit = UnitPlan.load(stack, build_id, unit_id)
        try:
            dates = merged_dates(stack, unit)
            ranked = _ranked(unit, date_stacks(stack, dates))
        except DoneOver:
            step.busy()
            return answer | {"outcome": Outcome.BUSY.value}
        found = UnitStack(ranked)
        blends = unit_blends(unit)
        stack.work.put_json(keys.stack(unit_id), found.to_json())
        # A date is published and a band blended with what is its own: the whole file, read once for each of them,
        # would make the work of a unit grow with the square of its dates and bands.
        stack.work.put_all_json((keys.date(unit_id, entry.date.isoformat()), entry.to_json()) for entry in ranked)
        stack.work.put_all_json((keys.band(unit_id, blend.band), _inputs(ranked, blend).to_json()) for blend in blends)
        stack.work.put_json(keys.blends(unit_id), [this | {"band": blend.band} for blend in blends])
        stack.builds.set_totals(
            build_id,
            unit_id,
            {
                Step.MERGE: sum(len(merged.tasks) for merged in dates),
                Step.PREPARE_DATES: len(dates),
                Step.PUBLISH_DATES: len(dates),
                Step.BLEND: len(blends),
            },
        )
    return answer | {"outcome": Outcome.BUILT.value}


def _inputs(ranked: tuple[DateStack, ...], blend: BlendTask) -> UnitStack:
    return UnitStack(tuple(entry.with_only(blend.inputs) for entry in ranked))


def _ranked(unit: UnitPlan, dates: list[DateStack]) -> tuple[DateStack, ...]:
    resolution, combined = unit.geobox.resolution_x, unit.plan.definition.is_combined
    ranked = rank_dates(
        [
            DateScore(entry.date, entry.efficacy, resolution, last=combined and only_gaps(entry.scenes))
            for entry in dates
        ],
        reference_day=unit.plan.definition.parameters.reference_day,
        period_start=unit.unit.period.start,
    )
    by_date = {entry.date: entry for entry in dates}
    return tuple(by_date[place.date] for place in ranked)
