"""Scenes that were sent here themselves: dropped into the landing bucket, or posted to the API.

They need no catalog: what arrived is kept in the table of arrivals, and every search of their collection finds it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from stratocube.catalog.footprints import overlap, read_footprint
from stratocube.catalog.scenes import Scene
from stratocube.catalog.solar_day import acquisition_order, solar_day
from stratocube.catalog.stac_items import scene_from_item
from stratocube.cube.item_query import matches, read_query
from stratocube.workflow.context import Stack

_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


def landed_scenes(
    stack: Stack,
    *,
    collections: Collection[str],
    footprint: Mapping[str, Any],
    start: date,
    end: date,
    longitude: float,
    query: Mapping[str, Any],
) -> list[Scene]:
    """As :func:`stratocube.catalog.search.search`, of the scenes that were sent here. In order of acquisition."""
    if not stack.settings.arrivals_table:
        return []
    area, conditions = read_footprint(footprint, "footprint"), read_query(query)
    # A solar day begins up to twelve hours before or after the day of UTC.
    first, beyond = (start - timedelta(days=1)).isoformat(), (end + timedelta(days=2)).isoformat()
    scenes = (
        scene_from_item(landed.item, location=landed.href or None)
        for collection in sorted(collections)
        for landed in stack.arrivals.landed(collection, first, beyond)
        if matches(landed.item.get("properties"), conditions)
    )
    newest: dict[str, Scene] = {}
    for scene in scenes:
        if start <= solar_day(scene.datetime, longitude) <= end and overlap(
            area, read_footprint(scene.geometry, f"{scene.id}.geometry")
        ):
            newest[scene.key] = newer(newest.get(scene.key), scene)
    return sorted(newest.values(), key=acquisition_order)


def newer(one: Scene | None, other: Scene) -> Scene:
    """Of two versions of a scene the one processed or updated last; the first where they do not differ in that."""
    return other if one is None or _age(other) > _age(one) else one


def _age(scene: Scene) -> tuple[datetime, datetime]:
    return scene.updated or _LONG_AGO, scene.generated or _LONG_AGO
