"""One scene once: which of the scenes found are used, and why the others are not.

Three things bring the same pixels twice: a scene processed again (keep the newest), a scene that two archives hold
(the same), and the overlap of neighbouring tiles of the satellite's grid, perhaps in another UTM zone (keep the one
that covers the other). The two halves of a split look like copies by name, and are both needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

from shapely.geometry.base import BaseGeometry

from stratocube.catalog.footprints import read_footprint, shifted_onto
from stratocube.catalog.scenes import Scene
from stratocube.catalog.solar_day import acquisition_order

_SAME_LOOK = timedelta(seconds=60)
"""Copies of a look give its time a little differently; the next look at the same frame is a whole orbit later."""
_SAME_PASS = timedelta(minutes=30)
"""A pass over the sunlit side of the Earth takes longer, but not over what one tile of a cube covers."""
_SAME_PLACE = 0.8
"""Intersection over union from which two footprints without a common strip are the same place, processed twice."""
_HALF = 0.5
_EDGE_DEGREES = 0.005
"""The sides of a footprint are straight in degrees, those of the frame in metres: 250 m apart on 110 km at 46° N."""
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class DroppedScene:
    """A scene that was found and is not used."""

    id: str
    collection: str
    reason: str
    """In words for people, naming the scene used instead."""

    def to_json(self) -> dict[str, str]:
        """As kept with the unit and its product."""
        return {"id": self.id, "collection": self.collection, "reason": self.reason}


@dataclass(frozen=True)
class SceneChoice:
    """What becomes of the scenes of a search."""

    used: tuple[Scene, ...]
    """In order of acquisition."""
    dropped: tuple[DroppedScene, ...]
    """By id."""


def each_scene_once(scenes: Iterable[Scene], footprint: Mapping[str, Any]) -> SceneChoice:
    """Choose the scenes to use on a tile whose GeoJSON footprint, in longitude and latitude, is given.

    * Of copies (same platform, frame and look) the newest is used: by processing baseline (Sentinel-2) or tier and
      day of processing (Landsat), then by when the pixels were made, then by when the item was last changed.
    * Two looks at a frame whose datastrips begin at different times are the halves of a split unless their footprints
      nearly coincide: both are used.
    * A scene whose part of the tile lies within another frame of the same pass that is complete (no nodata pixel at
      all) adds nothing and is not used.
    * Where an item does not say which frame it is, nothing is dropped.

    The answer does not depend on the order of ``scenes``.
    """
    ordered = sorted(scenes, key=acquisition_order)
    newest, superseded = _newest_of_copies(ordered)
    area = read_footprint(footprint, "footprint")
    needed, covered = _without_covered(newest, area)
    dropped = sorted([*superseded, *covered], key=lambda scene: (scene.id, scene.collection))
    return SceneChoice(tuple(sorted(needed, key=acquisition_order)), tuple(dropped))


def _newest_of_copies(scenes: Sequence[Scene]) -> tuple[list[Scene], list[DroppedScene]]:
    kept: list[Scene] = []
    dropped: list[DroppedScene] = []
    by_frame = sorted(scenes, key=_frame_key)
    for (frame, _), found in groupby(by_frame, key=_frame_key):
        # The newest first: whatever follows is measured against what is used already.
        used: list[Scene] = []
        for scene in sorted(found, key=_processing_order, reverse=True):
            newer = next((other for other in used if frame and _are_copies(scene, other)), None)
            if newer is None:
                used.append(scene)
            else:
                dropped.append(DroppedScene(scene.id, scene.collection, f"an older processing of {newer.id}"))
        kept.extend(used)
    return kept, dropped


def _frame_key(scene: Scene) -> tuple[str, str]:
    return scene.acquisition.frame, scene.platform


def _processing_order(scene: Scene) -> tuple[tuple[int, ...], datetime, datetime, str, str]:
    # Version and key decide between equals, so that the answer does not depend on the order of the source.
    made = scene.generated or _LONG_AGO, scene.updated or _LONG_AGO
    return scene.acquisition.processing, *made, scene.version_text, scene.key


def _are_copies(one: Scene, other: Scene) -> bool:
    if abs(one.datetime - other.datetime) > _SAME_LOOK:
        return False
    strips = {one.acquisition.strip, other.acquisition.strip}
    if one.collection != other.collection and "" in strips:
        return False  # another kind of product of the same look (HLS beside L2A), for all the items tell
    first = read_footprint(one.geometry, f"{one.id}.geometry")
    second = shifted_onto(read_footprint(other.geometry, f"{other.id}.geometry"), first)
    common = first.intersection(second).area
    if len(strips) == 1 and "" not in strips:
        return bool(common > _HALF * min(first.area, second.area))
    return bool(common >= _SAME_PLACE * (first.area + second.area - common))


def _without_covered(scenes: Sequence[Scene], tile: BaseGeometry) -> tuple[list[Scene], list[DroppedScene]]:
    kept = sorted(scenes, key=acquisition_order)
    parts = {scene.key: _part(scene, tile) for scene in kept}
    dropped: list[DroppedScene] = []
    # Smallest part first: the larger one of two that cover each other stays.
    for scene in sorted(kept, key=lambda scene: (parts[scene.key].area, scene.key)):
        by = next((other for other in kept if other is not scene and _covers(other, scene, parts[scene.key])), None)
        if by is not None:
            kept.remove(scene)
            dropped.append(DroppedScene(scene.id, scene.collection, f"on this tile all of it is in {by.id}"))
    return kept, dropped


def _part(scene: Scene, tile: BaseGeometry) -> BaseGeometry:
    return shifted_onto(read_footprint(scene.geometry, f"{scene.id}.geometry"), tile).intersection(tile)


def _covers(other: Scene, scene: Scene, part: BaseGeometry) -> bool:
    one_pass = (
        other.acquisition.is_whole
        and bool(other.acquisition.datatake)
        and other.acquisition.datatake == scene.acquisition.datatake
        and other.acquisition.frame != scene.acquisition.frame
        and (other.platform, other.collection, other.processing_baseline)
        == (scene.platform, scene.collection, scene.processing_baseline)
        and abs(other.datetime - scene.datetime) <= _SAME_PASS
    )
    if not one_pass:
        return False
    whole = read_footprint(other.geometry, f"{other.id}.geometry").buffer(-_EDGE_DEGREES)
    return bool(shifted_onto(whole, part).covers(part))
