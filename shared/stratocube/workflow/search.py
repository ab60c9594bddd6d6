"""Search: the scenes of a unit, grouped by solar day, become its merge tasks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from functools import partial
from typing import Any

from stratocube.catalog.hosts import check_href
from stratocube.catalog.scenes import Scene
from stratocube.catalog.search import StaticSource, search
from stratocube.catalog.solar_day import group_by_solar_day
from stratocube.catalog.stac_api import ApiSource
from stratocube.clock import iso_time
from stratocube.cube.bands import Band
from stratocube.cube.parameters import is_item_collection
from stratocube.errors import InvalidRequest
from stratocube.state.status import Step
from stratocube.storage.keys import BuildKeys
from stratocube.workflow.build_plan import UnitPlan
from stratocube.workflow.context import Stack
from stratocube.workflow.perform import recorded
from stratocube.workflow.products import band_kind, date_file_key, merge_activity_id
from stratocube.workflow.staleness import ends_unit
from stratocube.workflow.tasks import DateTask, MergeTask, SourceAsset
from stratocube.workflow.tokens import token_headers

TASK_LIMIT_BYTES = 65_536
"""A merge task travels as the input of a state, which holds 256 KiB; a day with more scenes than fit is no day."""


def search_unit(stack: Stack, build_id: str, unit_id: str) -> dict[str, Any]:
    """Find the unit's scenes and write ``merges.json`` and ``dates.json``.

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
        stack.builds.unit_running(build_id, unit_id)
        unit = UnitPlan.load(stack, build_id, unit_id)
        tasks = _merge_tasks(stack, unit)
        keys, this = BuildKeys(build_id), {"build_id": build_id, "unit_id": unit_id}
        days: dict[date, dict[str, str]] = {}
        for task in tasks:
            days.setdefault(task.date, {})[task.band] = task.activity_id
        proceed = not ends_unit(stack, unit, {day.isoformat(): merges for day, merges in days.items()})
        if proceed:
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


def _merge_tasks(stack: Stack, unit: UnitPlan) -> list[MergeTask]:
    by_day = _scenes_by_day(stack, unit)
    datasets = _datasets(unit, [scene for scenes in by_day.values() for scene in scenes])
    return [
        _merge_task(stack, unit, day, band, scenes, datasets)
        for day, scenes in by_day.items()
        for band in unit.plan.bands
    ]


def _datasets(unit: UnitPlan, scenes: list[Scene]) -> tuple[str, ...]:
    """What DATASOURCE tells apart: the collections in the request's order, or the platforms of its one collection.

    Platforms are listed in ``metadata.platforms`` of the definition; what is found beyond comes after, by name.
    """
    if not unit.plan.definition.is_combined:
        return ()
    if len(unit.plan.request.collections) > 1:
        return unit.plan.request.collections
    listed = unit.plan.definition.metadata.get("platforms")
    named = [str(name) for name in listed] if isinstance(listed, list) else []
    return tuple(dict.fromkeys([*named, *sorted({scene.platform for scene in scenes})]))


def _scenes_by_day(stack: Stack, unit: UnitPlan) -> Mapping[date, list[Scene]]:
    plan, period = unit.plan, unit.unit.period
    url = plan.definition.parameters.stac_url
    if url is None:
        raise InvalidRequest("is required, in the request or the cube's parameters", field="stac_url")
    longitude, _ = unit.tile.centre
    scenes = search(
        _source_of_scenes(stack, url, plan.definition.parameters.token_secret),
        collections=plan.request.collections,
        footprint=unit.tile.footprint,
        start=max(period.start, plan.request.start_date),
        end=period.end,
        longitude=longitude,
        check_href=_checker(stack, "stac_url"),
    )
    return group_by_solar_day(scenes, longitude)


def _source_of_scenes(stack: Stack, url: str, token_secret: str | None) -> ApiSource | StaticSource:
    if is_item_collection(url):
        return StaticSource(url, stack.fetch)
    # The token lives in this call's memory alone: plan and task list hold the secret's name, no more.
    return ApiSource(url, headers=token_headers(token_secret, stack.secret) if token_secret else ())


def _merge_task(
    stack: Stack, unit: UnitPlan, day: date, band: Band, scenes: list[Scene], datasets: tuple[str, ...]
) -> MergeTask:
    sources = tuple(_source(stack, unit, scene, band) for scene in scenes)
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


def _source(stack: Stack, unit: UnitPlan, scene: Scene, band: Band) -> SourceAsset:
    asset = scene.asset_for(band.name, band.common_name)
    try:
        _checker(stack, f"assets.{asset.key}.href")(asset.href)
    except InvalidRequest as error:
        raise InvalidRequest(f"{error.reason} (item {scene.id})", field=error.field) from error
    # Without a scale of its own a band keeps the numbers of its source, as in cube-builder; classes always do.
    rescaled = band.scale_factor is not None and band_kind(unit.plan.definition, band) == "continuous"
    return SourceAsset(
        scene_id=scene.id,
        collection=scene.collection,
        href=asset.href,
        version=scene.version_text,
        dataset=scene.collection if len(unit.plan.request.collections) > 1 else scene.platform,
        nodata=asset.nodata,
        scale=asset.scale if rescaled else None,
        # Earth Search says so where the offset is out of the pixels already (FACTS 22): never twice.
        offset=(0.0 if scene.boa_offset_applied else asset.offset) if rescaled else None,
        file_band=asset.band_index,
        acquired=iso_time(scene.datetime),
        platform=scene.platform,
        item_href=scene.item_href,
    )


def _checker(stack: Stack, field: str) -> partial[None]:
    settings = stack.settings
    return partial(
        check_href,
        allowed_hosts=settings.allowed_hosts,
        allowed_buckets=settings.allowed_buckets,
        field=field,
    )
