"""Reconcile: what was announced is compared with what can be found.

Notifications get lost: topics change, subscriptions lapse, an archive's index may know a scene later than its
notification told of it. So what watching cubes search is searched as a whole, a few times a day, for the scenes of the
last weeks. The units of a scene that was not found before are marked, whether it was announced or not: the build that
its announcement started may have searched before the index knew it. A unit that is current ends its build at once.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import shapely

from stratocube.catalog.footprints import folded, shifted_onto
from stratocube.catalog.scenes import Scene
from stratocube.catalog.search import search
from stratocube.clock import iso_time
from stratocube.cube.naming import UnitId
from stratocube.errors import StratocubeError
from stratocube.state.arrivals import StoredWatch
from stratocube.workflow.affected import AffectedUnits
from stratocube.workflow.context import Stack
from stratocube.workflow.scenes import href_checker, searchable
from stratocube.workflow.watches import Watch, watch_of, watches_by_cube

_TIME_LEFT: Final = 90.0
"""Seconds kept for the search that is under way: a watch is begun only while there are more."""

_BATCH: Final = 100


@dataclass(frozen=True)
class Rules:
    """How far back is searched, and what silence is."""

    days_back: int
    silence: timedelta


@dataclass
class Reconciled:
    """What a reconciliation found."""

    cubes: list[str] = field(default_factory=list)
    """Cubes whose sources were searched."""
    missed: int = 0
    """Scenes found that nobody had announced."""
    units: int = 0
    """Units that were marked."""
    silent: list[str] = field(default_factory=list)
    """Watched collections of which nothing was announced for too long."""
    failed: dict[str, str] = field(default_factory=dict)
    """Cubes whose sources could not be searched, and why."""


def reconcile(stack: Stack, rules: Rules, *, seconds: float) -> Reconciled:
    """Search for every watching cube, those searched longest ago first, as long as ``seconds`` last."""
    began = time.monotonic()
    done = Reconciled()
    stored = stack.arrivals.watches()
    done.silent = silent_collections(stored, stack.clock(), rules.silence)
    affected = AffectedUnits(stack.cubes, stack.grids)
    cubes = sorted(watches_by_cube(stored).items(), key=lambda entry: (entry[1][0].reconciled_at or "", entry[0]))
    for cube_id, rows in cubes:
        if time.monotonic() - began > seconds - _TIME_LEFT:
            break
        try:
            _reconcile_cube(stack, affected, rows[0], rules.days_back, done)
        except StratocubeError as error:
            done.failed[cube_id] = f"{type(error).__name__}: {error}"
        # Also after a failure: one archive that is down must not keep the others waiting for ever.
        for row in rows:
            stack.arrivals.reconciled(row, now=iso_time(stack.clock()))
        done.cubes.append(cube_id)
    return done


def silent_collections(stored: Iterable[StoredWatch], moment: datetime, silence: timedelta) -> list[str]:
    """Collections of which nothing was heard, by any watch, since the time of ``silence`` before ``moment``."""
    heard: dict[str, str] = {}
    for watch in stored:
        last = max(watch.created_at, watch.heard_at or "")
        heard[watch.collection] = max(last, heard.get(watch.collection, ""))
    return sorted(name for name, last in heard.items() if last < iso_time(moment - silence))


def _reconcile_cube(stack: Stack, affected: AffectedUnits, row: StoredWatch, days_back: int, done: Reconciled) -> None:
    watch, is_first = watch_of(row), row.reconciled_at is None
    moment = stack.clock()
    scenes = list(_recent_scenes(stack, affected, watch, moment - timedelta(days=days_back), moment))
    by_collection: dict[str, list[Scene]] = {}
    for scene in scenes:
        by_collection.setdefault(scene.collection, []).append(scene)
    for collection, of_collection in by_collection.items():
        for some in _batches(of_collection):
            units, missed = _mark_new(stack, affected, watch, collection, some)
            done.units += units
            # What is found the first time was there before anybody listened.
            done.missed += 0 if is_first else missed


def _mark_new(
    stack: Stack, affected: AffectedUnits, watch: Watch, collection: str, scenes: Sequence[Scene]
) -> tuple[int, int]:
    """Mark the units of scenes that were not found before; how many, and of how many scenes nobody had told."""
    # Cubes do not share what was found: another one may have begun to watch since.
    partition = f"{collection}#{watch.cube_id}"
    found = stack.arrivals.all_known(partition, [scene.id for scene in scenes])
    announced = _announced(stack, watch, collection, scenes)
    moment = stack.clock()
    marked: set[UnitId] = set()
    missed = 0
    for scene in scenes:
        if scene.id in found and found[scene.id].indexed == scene.version_text:
            continue
        units = affected.of(watch, scene)
        for unit in units:
            if unit not in marked:
                stack.arrivals.mark(watch.cube_id, str(unit), due_at=iso_time(moment), now_epoch=moment.timestamp())
                marked.add(unit)
        stack.arrivals.note_indexed(partition, scene.id, scene.version_text, now_epoch=moment.timestamp())
        missed += bool(units) and announced.get(scene.id) != scene.version_text
    return len(marked), missed


def _announced(stack: Stack, watch: Watch, collection: str, scenes: Sequence[Scene]) -> dict[str, str | None]:
    """The versions of scenes that were announced. Those an archive announces under another collection are called
    otherwise there as a rule, and so is what they say of their version: of these it is not known."""
    if watch.announced_as:
        return {scene.id: scene.version_text for scene in scenes}
    known = stack.arrivals.all_known(collection, [scene.id for scene in scenes])
    return {scene_id: of_scene.announced for scene_id, of_scene in known.items()}


def _recent_scenes(
    stack: Stack, affected: AffectedUnits, watch: Watch, start: datetime, end: datetime
) -> Iterator[Scene]:
    definition = watch.request.resolve(affected.definition(watch))
    first, last = max(watch.request.start_date, start.date()), end.date() + timedelta(days=1)
    if watch.end_date is not None:
        last = min(last, watch.end_date)
    if last < first:
        return
    tiles = affected.tiles(watch)
    # One search for all tiles: a box around them has more in it, and what touches no tile marks nothing.
    around = shapely.union_all([shifted_onto(tile, tiles[0].buffer(90)) for tile in tiles]).envelope
    parameters = definition.parameters
    for source in parameters.scene_sources:
        collections = source.serves(watch.request.collections)
        if collections:
            yield from search(
                searchable(stack, source),
                collections=collections,
                footprint=folded(around),
                start=first,
                end=last,
                longitude=_within(around.centroid.x),
                check_href=href_checker(stack, "stac_url"),
                query={**(parameters.query or {}), **(source.query or {})},
            )


def _within(longitude: float) -> float:
    return (longitude + 180.0) % 360.0 - 180.0


def _batches(scenes: Sequence[Scene]) -> Iterator[Sequence[Scene]]:
    for start in range(0, len(scenes), _BATCH):
        yield scenes[start : start + _BATCH]
