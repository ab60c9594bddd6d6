"""What the values of DATASOURCE stand for, and which scenes of a cube of several sensors come last."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from stratocube.catalog.scenes import Scene
from stratocube.catalog.stac_items import platform_name
from stratocube.errors import InvalidRequest
from stratocube.workflow.build_plan import UnitPlan
from stratocube.workflow.tasks import SceneRef

SLC_FAILED = datetime(2003, 5, 31, 21, 42, 35, tzinfo=UTC)
"""Since then Landsat 7 leaves wedges out of every scene (USGS, Landsat 7 scan line corrector)."""


def has_gaps(platform: str, acquired: datetime) -> bool:
    """Whether a scene is of Landsat 7 after its scan line corrector failed: a fifth of it is missing."""
    return platform in {"landsat-7", "l7"} and acquired >= SLC_FAILED


def only_gaps(scenes: Sequence[SceneRef]) -> bool:
    """Whether a date has scenes with gaps and no others."""
    return bool(scenes) and all(has_gaps(scene.platform, datetime.fromisoformat(scene.acquired)) for scene in scenes)


def whole_scenes_first(scenes: Iterable[Scene]) -> list[Scene]:
    """Scenes of a day as a mosaic of several sensors takes them, where the first valid pixel wins: in their order, but
    those with gaps after the others."""
    return sorted(scenes, key=lambda scene: has_gaps(scene.platform, scene.datetime))


def datasets_of_unit(unit: UnitPlan, scenes: Sequence[Scene], platforms: Sequence[str]) -> tuple[str, ...]:
    """What the values 0, 1, … of DATASOURCE stand for: collections where a build combines several, else platforms.

    A value means the same in every unit of the cube, whatever scenes it has. First come those that the definition
    lists (``metadata.collections``, ``metadata.platforms``), then the request's collections in its order, or the
    archive's ``platforms`` in theirs; of those that are not listed in the definition none after the last one found.

    Raises:
        InvalidRequest: a scene is of a platform that neither the definition nor its archive's file lists.
    """
    definition, collections = unit.plan.definition, unit.plan.request.collections
    if not definition.is_combined:
        return ()
    if len(collections) > 1:
        return tuple(dict.fromkeys([*_listed(unit, "collections"), *collections]))
    listed = [platform_name(name) for name in _listed(unit, "platforms")]
    order = tuple(dict.fromkeys([*listed, *platforms]))
    found = {scene.platform for scene in scenes}
    for scene in scenes:
        if scene.platform not in order:
            raise InvalidRequest(
                f"scene {scene.id} is of {scene.platform or 'no platform it names'}, which is none of "
                f"{', '.join(order) or 'those listed'}: list all platforms of the cube, in the order DATASOURCE is to "
                "count them",
                field="metadata.platforms",
            )
    last = max((place for place, name in enumerate(order, start=1) if name in found), default=0)
    return order[: max(last, len(listed))]


def _listed(unit: UnitPlan, name: str) -> list[str]:
    value = unit.plan.definition.metadata.get(name)
    return [str(entry) for entry in value] if isinstance(value, list) else []
