"""The scenes of a unit: found in every source, each used once, and why those that are left out are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from stratocube.catalog.copies import DroppedScene, each_scene_once
from stratocube.catalog.hosts import check_href
from stratocube.catalog.radiometry import baseline_of
from stratocube.catalog.scenes import Scene
from stratocube.catalog.search import StaticSource, search
from stratocube.catalog.solar_day import group_by_solar_day
from stratocube.catalog.stac_api import ApiSource
from stratocube.cube.scene_sources import SceneSource, is_item_collection
from stratocube.errors import InvalidRequest
from stratocube.storage.keys import BuildKeys
from stratocube.workflow.build_plan import UnitPlan
from stratocube.workflow.context import Stack
from stratocube.workflow.landed import landed_scenes, newer
from stratocube.workflow.tokens import token_headers

MOST_LISTED = 200
"""Scenes left out that an item names: it is read by clients that want the assets, so it stays small."""


@dataclass(frozen=True)
class UnitScenes:
    """What a unit is made of, and what it is not made of."""

    by_day: Mapping[date, list[Scene]]
    """By solar day, days ascending; the scenes of a day in the order of the mosaic."""
    dropped: tuple[DroppedScene, ...]
    notes: tuple[str, ...]
    """What whoever reads the product should know, in plain words."""

    def to_json(self) -> dict[str, Any]:
        """As stored in ``scenes.json``: not the scenes used, those are in the merge tasks."""
        return {"dropped": [scene.to_json() for scene in self.dropped], "notes": list(self.notes)}


def find_scenes(stack: Stack, unit: UnitPlan) -> UnitScenes:
    """Search every source of the cube, and choose.

    Raises:
        InvalidRequest: no source is named, a source may not be read or refuses the search, the secret of a token is not
            there, or the scenes are of several processing baselines where the cube refuses that.
        TransientRead: a source cannot be reached now.
        SourceMissing: an item collection is not there.
    """
    longitude, _ = unit.tile.centre
    found, twice = _found(stack, unit, longitude)
    accepted, refused = _of_accepted_baselines(found, unit.plan.definition.parameters.processing_baselines)
    choice = each_scene_once(accepted, unit.tile.footprint)
    return UnitScenes(
        by_day=group_by_solar_day(choice.used, longitude),
        dropped=(*twice, *refused, *choice.dropped),
        notes=_mixed_baselines(choice.used, refuse=unit.plan.definition.parameters.mixed_baselines == "refuse"),
    )


def scene_properties(stack: Stack, build_id: str, unit_id: str) -> dict[str, Any]:
    """What a composite's item says of the scenes it was not made of."""
    stored = stack.work.read_json(BuildKeys(build_id).scenes(unit_id))
    properties: dict[str, Any] = {}
    if stored["dropped"]:
        properties["stratocube:scenes_unused"] = stored["dropped"][:MOST_LISTED]
        properties["stratocube:scenes_unused_count"] = len(stored["dropped"])
    if stored["notes"]:
        properties["stratocube:notes"] = stored["notes"]
    return properties


def href_checker(stack: Stack, field: str) -> partial[None]:
    """The check of an address against what this stack may read; ``field`` is named in the error."""
    settings = stack.settings
    return partial(
        check_href, allowed_hosts=settings.allowed_hosts, allowed_buckets=settings.allowed_buckets, field=field
    )


def _found(stack: Stack, unit: UnitPlan, longitude: float) -> tuple[list[Scene], list[DroppedScene]]:
    parameters, period = unit.plan.definition.parameters, unit.unit.period
    if not parameters.scene_sources:
        raise InvalidRequest("is required, in the request or the cube's parameters", field="stac_url")
    scenes: dict[str, Scene] = {}
    twice: list[DroppedScene] = []
    for source in parameters.scene_sources:
        collections = source.serves(unit.plan.request.collections)
        if not collections:
            continue
        for scene in search(
            searchable(stack, source),
            collections=collections,
            footprint=unit.tile.footprint,
            start=max(period.start, unit.plan.request.start_date),
            end=period.end,
            longitude=longitude,
            check_href=href_checker(stack, "stac_url"),
            query={**(parameters.query or {}), **(source.query or {})},
        ):
            if scene.key in scenes:
                twice.append(DroppedScene(scene.id, scene.collection, f"used from a source before {source.stac_url}"))
            else:
                scenes[scene.key] = scene
    for scene in landed_scenes(
        stack,
        collections=unit.plan.request.collections,
        footprint=unit.tile.footprint,
        start=max(period.start, unit.plan.request.start_date),
        end=period.end,
        longitude=longitude,
        query=parameters.query or {},
    ):
        scenes[scene.key] = newer(scenes.get(scene.key), scene)
    return list(scenes.values()), twice


def searchable(stack: Stack, source: SceneSource) -> ApiSource | StaticSource:
    """A source as the catalog searches it.

    Raises:
        InvalidRequest: its token is not there, or none.
        TransientRead: the token cannot be read now.
    """
    if is_item_collection(source.stac_url):
        return StaticSource(source.stac_url, stack.fetch)
    # The token lives in this call's memory alone: plan and task list hold the secret's name, no more.
    headers = token_headers(source.token_secret, stack.secret) if source.token_secret else ()
    return ApiSource(source.stac_url, headers=headers)


def _of_accepted_baselines(
    scenes: Iterable[Scene], accepted: tuple[str, ...] | None
) -> tuple[list[Scene], list[DroppedScene]]:
    kept: list[Scene] = []
    dropped: list[DroppedScene] = []
    for scene in scenes:
        baseline = baseline_of(scene)
        if accepted is None or not baseline or baseline in accepted:
            kept.append(scene)
        else:
            reason = f"of processing baseline {baseline}, the cube takes {', '.join(accepted)}"
            dropped.append(DroppedScene(scene.id, scene.collection, reason))
    return kept, dropped


def _mixed_baselines(scenes: Iterable[Scene], *, refuse: bool) -> tuple[str, ...]:
    counts = Counter(filter(None, map(baseline_of, scenes)))
    if len(counts) < 2:
        return ()
    listed = ", ".join(
        f"{baseline} ({count} scene{'' if count == 1 else 's'})" for baseline, count in sorted(counts.items())
    )
    if refuse:
        raise InvalidRequest(
            f"the scenes of this unit are of processing baselines {listed}: list those to use in"
            ' processing_baselines, or say "report"',
            field="parameters.mixed_baselines",
        )
    return (f"made of scenes of processing baselines {listed}",)
