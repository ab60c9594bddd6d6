"""The STAC collections of a cube: made when a build is planned, grown when it is finished."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, datetime
from datetime import time as clock_time
from posixpath import relpath
from typing import Any

from stratocube.catalog.cube_collection import CollectionInfo, ItemExtent, cube_collection, widen_extent, with_links_of
from stratocube.cube.naming import UnitId
from stratocube.cube.timeline import Period
from stratocube.errors import Conflict
from stratocube.storage.keys import collection_key
from stratocube.workflow.build_plan import BuildPlan
from stratocube.workflow.context import Stack
from stratocube.workflow.described import collection_info
from stratocube.workflow.products import collection_root

_ATTEMPTS = 8
_PAUSE_SECONDS = 0.2


def cover_units(stack: Stack, plan: BuildPlan, units: Iterable[UnitId]) -> None:
    """See that the cube's collections exist and cover these units (at least one); they never shrink.

    The extent in time of a unit is its period, that of a collection the union of its units'.
    """
    # A unit more of a tile moves only the ends of its time: a hundred thousand units are as many extents as tiles.
    spans: dict[str, Period] = {}
    for unit in units:
        before = spans.get(unit.tile, unit.period)
        spans[unit.tile] = Period(min(before.start, unit.period.start), max(before.end, unit.period.end))
    extents = [_extent(plan, UnitId(tile, period)) for tile, period in spans.items()]
    geobox = plan.geobox(next(iter(plan.tiles)))
    definition = plan.definition
    sources = plan.request.collections
    of_dates = collection_root(definition.identity_name, definition.version)
    of_periods = collection_root(definition.name, definition.version)
    if definition.composite_function == "IDT":
        identity = collection_info(definition, geobox, identity=True, sources=sources)
        _write(stack, of_dates, identity, extents)
        return
    to_periods = ("related", definition.id, relpath(collection_key(of_periods), of_dates))
    to_dates = ("derived_from", definition.identity_id, relpath(collection_key(of_dates), of_periods))
    identity = collection_info(definition, geobox, identity=True, sources=sources, related=(to_periods,))
    composite = collection_info(definition, geobox, identity=False, sources=sources, related=(to_dates,))
    _write(stack, of_dates, identity, extents)
    _write(stack, of_periods, composite, extents)


def _write(stack: Stack, root: str, info: CollectionInfo, extents: list[ItemExtent]) -> None:
    key = collection_key(root)
    for attempt in range(_ATTEMPTS):
        found = stack.products.read_versioned_json(key)
        etag: str | None = None
        document: dict[str, Any] = cube_collection(info, extents)
        if found is not None:
            before, etag = found
            document = with_links_of(widen_extent(before, extents), document)
            if document == before:
                return
        try:
            stack.products.swap_json(key, document, etag=etag)
        except Conflict:
            if attempt == _ATTEMPTS - 1:
                raise
            # Another build grew it meanwhile: grow what it wrote.
            time.sleep(_PAUSE_SECONDS * (attempt + 1))
        else:
            return


def _extent(plan: BuildPlan, unit: UnitId) -> ItemExtent:
    tile = plan.tiles[unit.tile]
    return ItemExtent(
        bbox=tile.bbox,
        start=datetime.combine(unit.period.start, clock_time(), UTC),
        end=datetime.combine(unit.period.end, clock_time(23, 59, 59), UTC),
        bounds=tile.bounds,
        tile=unit.tile,
    )
