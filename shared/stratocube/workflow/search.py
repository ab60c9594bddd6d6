"""Search: the scenes of a unit, grouped by solar day, become its merge tasks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from stratocube.catalog.scenes import Scene
from stratocube.cube.bands import Band
from stratocube.errors import InvalidRequest
from stratocube.state.status import Step
from stratocube.storage.keys import BuildKeys
from stratocube.workflow.build_plan import UnitPlan
from stratocube.workflow.context import Stack
from stratocube.workflow.datasets import datasets_of_unit, whole_scenes_first
from stratocube.workflow.perform import recorded
from stratocube.workflow.products import date_file_key, merge_activity_id
from stratocube.workflow.scenes import find_scenes
from stratocube.workflow.sources import Archives
from stratocube.workflow.staleness import ends_unit
from stratocube.workflow.tasks import DateTask, MergeTask, SourceAsset

TASK_LIMIT_BYTES = 65_536
"""A merge task travels as the input of a state, which holds 256 KiB; a day with more scenes than fit is no day."""


def search_unit(stack: Stack, build_id: str, unit_id: str) -> dict[str, Any]:
    """Find the unit's scenes and write ``scenes.json``, ``merges.json`` and ``dates.json``.

    Returns:
        ``{"build_id", "unit_id", "proceed", "merges": {"bucket", "key"}, "dates": {"bucket", "key"}}``. Where
        ``proceed`` is false the unit has ended, and the files are not written.

    Raises:
        InvalidRequest: a scene lacks a band of the cube, or lies where this stack may not read; the secret with the
            token of the STAC API is not there.
        TransientRead: the STAC API cannot be reached now.
        SourceMissing: the item collection is not there.
    """
    with recorded(stack, build_id, unit_id, Step.SEARCH):
        stack.builds.unit_running(build_id, unit_id, now=stack.now())
        unit = UnitPlan.load(stack, build_id, unit_id)
        scenes = find_scenes(stack, unit)
        tasks = _merge_tasks(stack, unit, scenes.by_day)
        keys, this = BuildKeys(build_id), {"build_id": build_id, "unit_id": unit_id}
        days: dict[date, dict[str, str]] = {}
        for task in tasks:
            days.setdefault(task.date, {})[task.band] = task.activity_id
        proceed = not ends_unit(stack, unit, {day.isoformat(): merges for day, merges in days.items()})
        if proceed:
            stack.work.put_json(keys.scenes(unit_id), scenes.to_json())
            stack.work.put_json_list(keys.merges(unit_id), map(_task_json, tasks))
            stack.work.put_json_list(
                keys.dates(unit_id),
                (DateTask(build_id, unit_id, day, merges).to_json() for day, merges in sorted(days.items())),
            )
            stack.builds.set_totals(
                build_id,
                unit_id,
                {Step.MERGE: len(tasks), Step.PREPARE_DATES: len(days), Step.PUBLISH_DATES: len(days)},
            )
    if not proceed:
        # Whoever ends a unit leaves the counts of its steps with it, so this step is recorded before.
        stack.builds.unit_succeeded(build_id, unit_id, now=stack.now())
    return this | {
        "proceed": proceed,
        "merges": {"bucket": stack.work.bucket, "key": keys.merges(unit_id)},
        "dates": {"bucket": stack.work.bucket, "key": keys.dates(unit_id)},
    }


def _task_json(task: MergeTask) -> dict[str, Any]:
    found = task.to_json()
    size = len(json.dumps(found))
    if size > TASK_LIMIT_BYTES:
        raise InvalidRequest(
            f"{task.date} has {len(task.sources)} scenes on this tile, {size} bytes of task: search one collection, or "
            "smaller tiles",
            field="collections",
        )
    return found


def _merge_tasks(stack: Stack, unit: UnitPlan, by_day: Mapping[date, list[Scene]]) -> list[MergeTask]:
    archives = Archives.of(unit, (scene for scenes in by_day.values() for scene in scenes))
    days = {day: [archives.identified(scene) for scene in scenes] for day, scenes in by_day.items()}
    if unit.plan.definition.is_combined:
        days = {day: whole_scenes_first(scenes) for day, scenes in days.items()}
    scenes = [scene for of_day in days.values() for scene in of_day]
    datasets = datasets_of_unit(unit, scenes, archives.platforms())
    sources = {band.name: archives.sources(stack, scenes, band) for band in unit.plan.bands}
    return [
        _merge_task(unit, day, band, tuple(sources[band.name][scene.key] for scene in of_day), datasets)
        for day, of_day in days.items()
        for band in unit.plan.bands
    ]


def _merge_task(
    unit: UnitPlan, day: date, band: Band, sources: tuple[SourceAsset, ...], datasets: tuple[str, ...]
) -> MergeTask:
    activity_id = merge_activity_id(unit, day, band, sources, datasets)
    return MergeTask(
        build_id=unit.plan.build_id,
        unit_id=str(unit.unit),
        date=day,
        band=band.name,
        activity_id=activity_id,
        key=date_file_key(unit, day, band.name, activity_id),
        sources=sources,
        datasets=datasets,
    )
