"""Prepare blend: the dates of a unit in rank order, and the lists of what is to be published and blended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from stratocube.errors import Conflict
from stratocube.pixels.ranking import DateScore, rank_dates
from stratocube.state.activities import Finished
from stratocube.state.status import Step
from stratocube.storage.keys import BuildKeys
from stratocube.workflow.build_plan import UnitPlan
from stratocube.workflow.context import Stack
from stratocube.workflow.perform import recorded
from stratocube.workflow.products import unit_blends
from stratocube.workflow.tasks import DateStack, MergeTask, SceneRef, StoredFile, UnitStack


def prepare_unit(stack: Stack, build_id: str, unit_id: str) -> dict[str, Any]:
    """Write ``stack.json``, ``dates.json`` and ``blends.json`` of a unit whose merges are done.

    Returns:
        ``{"build_id", "unit_id", "dates": {"bucket", "key"}, "blends": {"bucket", "key"}}``.

    Raises:
        Conflict: a merge of the unit is not done, for another build is doing it over.
    """
    with recorded(stack, build_id, unit_id, Step.PREPARE_BLEND):
        unit = UnitPlan.load(stack, build_id, unit_id)
        keys = BuildKeys(build_id)
        tasks = [MergeTask.from_json(task) for task in stack.work.read_json(keys.merges(unit_id))]
        found = UnitStack(_ranked(unit, _dates(stack, unit, tasks)))
        blends = unit_blends(unit)
        this = {"build_id": build_id, "unit_id": unit_id}
        stack.work.put_json(keys.stack(unit_id), found.to_json())
        stack.work.put_json(keys.dates(unit_id), [this | {"date": entry.date.isoformat()} for entry in found.dates])
        stack.work.put_json(keys.blends(unit_id), [this | {"band": blend.band} for blend in blends])
        stack.builds.set_totals(
            build_id,
            unit_id,
            {Step.MERGE: len(tasks), Step.PUBLISH_DATES: len(found.dates), Step.BLEND: len(blends)},
        )
    return this | {
        "dates": {"bucket": stack.work.bucket, "key": keys.dates(unit_id)},
        "blends": {"bucket": stack.work.bucket, "key": keys.blends(unit_id)},
    }


def _dates(stack: Stack, unit: UnitPlan, tasks: list[MergeTask]) -> list[DateStack]:
    results = stack.activities.all_finished(task.activity_id for task in tasks)
    missing = [task for task in tasks if task.activity_id not in results]
    if missing:
        raise Conflict(
            f"merge {missing[0].part} is not done ({len(missing)} of {len(tasks)}): another build is doing it over"
        )
    days: dict[date, list[MergeTask]] = {}
    for task in tasks:
        days.setdefault(task.date, []).append(task)
    return [_date(unit, day, merges, results) for day, merges in days.items()]


def _date(unit: UnitPlan, day: date, merges: list[MergeTask], results: Mapping[str, Finished]) -> DateStack:
    by_band = {task.band: results[task.activity_id].result for task in merges}
    quality = by_band.get(unit.plan.definition.quality_band or "", {})
    return DateStack(
        date=day,
        efficacy=quality.get("efficacy", 100.0),
        cloud_ratio=quality.get("cloud_ratio", 0.0),
        scenes=_scenes(merges),
        merges={band: StoredFile.from_json(result["file"]) for band, result in by_band.items()},
        activity_ids={task.band: task.activity_id for task in merges},
    )


def _scenes(merges: Iterable[MergeTask]) -> tuple[SceneRef, ...]:
    refs = (
        SceneRef(source.scene_id, source.collection, source.platform, source.acquired, source.item_href)
        for task in merges
        for source in task.sources
    )
    return tuple(dict.fromkeys(refs))


def _ranked(unit: UnitPlan, dates: list[DateStack]) -> tuple[DateStack, ...]:
    parameters = unit.plan.definition.parameters
    resolution = unit.geobox.resolution_x
    ranked = rank_dates(
        [DateScore(entry.date, entry.efficacy, resolution) for entry in dates],
        reference_day=parameters.reference_day,
        period_start=unit.unit.period.start,
    )
    by_date = {entry.date: entry for entry in dates}
    return tuple(by_date[place.date] for place in ranked)
