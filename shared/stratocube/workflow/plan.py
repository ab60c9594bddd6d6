"""Plan: a build request becomes a frozen plan and its list of units."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from stratocube.cube.definition import CubeDefinition
from stratocube.cube.grids import Tile
from stratocube.cube.requests import StartRequest
from stratocube.errors import Conflict, InvalidRequest, NotFound
from stratocube.state.status import BuildStatus
from stratocube.storage.keys import BuildKeys
from stratocube.workflow.build_plan import BuildPlan, write_plan
from stratocube.workflow.chosen_units import chosen_units
from stratocube.workflow.collections import cover_units
from stratocube.workflow.context import Stack
from stratocube.workflow.estimate import estimate_of, refuse_expensive, size_of_build
from stratocube.workflow.options import BuildOptions

_Row = tuple[str, str, str, str]

_ROWS_A_LOOK = 500
"""Units that are recorded between two looks at whether the build still waits for them: whole batches."""


def plan_build(stack: Stack, build_id: str) -> dict[str, Any]:
    """Write ``plan.json``, the plan of each tile and ``units.json``, and record the units.

    Returns:
        ``{"build_id", "priority", "units": {"bucket", "key"}}``.

    Raises:
        InvalidRequest: the request does not fit the cube or its grid (checked at the door too; the cube may have
            changed since).
        TooExpensive: the units that were chosen are expected to cost more than ``max_cost``.
        NotFound: the build or the cube is gone.
        Conflict: the build is closed already.

    Delivered again, or at the same time as another delivery, it answers the same and takes no unit back.
    """
    build = stack.builds.get(build_id)
    if build.finished_at is not None:
        # Closed before it began: the API could not tell whether Step Functions took it, and said so to its user.
        raise Conflict(f"build {build_id} is {build.status}: {build.cause or 'it was closed before it began'}")
    request = StartRequest.parse(build.request)
    keys = BuildKeys(build_id)
    answer = {
        "build_id": build_id,
        "priority": request.priority,
        "units": {"bucket": stack.work.bucket, "key": keys.units},
    }
    if build.status is not BuildStatus.QUEUED:
        # Delivered again: all is written, and units run.
        return answer
    definition = request.resolve(CubeDefinition.parse(stack.cubes.get(build.cube_id).definition))
    definition = _with_merges_of(stack, definition)
    options = BuildOptions.from_json(build.options)
    plan = BuildPlan(build_id, definition, request, _tiles(stack, definition.grs, request.tiles), options)
    units = chosen_units(stack, plan, request.periods(definition))
    estimate = _estimate(stack, plan, len(units))
    refuse_expensive(request.max_cost, estimate)
    write_plan(stack, plan)
    # Units are made as they are written, never listed: a build has up to a hundred thousand.
    rows = ((str(unit), unit.tile, unit.period.start.isoformat(), unit.period.end.isoformat()) for unit in units)
    try:
        stack.builds.add_units(build_id, _while_queued(stack, build_id, rows))
    except _Overtaken:
        return answer
    stack.work.put_json_list(keys.units, ({"build_id": build_id, "unit_id": str(unit)} for unit in units))
    first = next(iter(units), None)
    if first is not None and not options.dry_run:
        # An item names its collection, so the collection is there before the first item; Finish lets it grow.
        cover_units(stack, plan, [first])
    planned = {"requested": units.requested, "units": len(units)}
    stack.builds.start(build_id, now=stack.now(), planned=planned, estimate=estimate)
    return answer


def _estimate(stack: Stack, plan: BuildPlan, units: int) -> dict[str, Any]:
    """What the build is expected to cost, of the units that were chosen."""
    height, width = plan.geobox(plan.request.tiles[0]).shape
    size = size_of_build(plan.request, plan.definition, units=units, tile_pixels=height * width, tariff=stack.tariff)
    return estimate_of(size, stack.tariff.prices, priority=plan.request.priority)


class _Overtaken(Exception):
    """Another delivery of the same event has planned the build meanwhile."""


def _while_queued(stack: Stack, build_id: str, rows: Iterable[_Row]) -> Iterator[_Row]:
    """The rows, as long as no other Plan of the build has come to its end: its units run by now, and one that is
    written again would be back at the beginning."""
    for position, row in enumerate(rows):
        if position % _ROWS_A_LOOK == 0 and stack.builds.get(build_id).status is not BuildStatus.QUEUED:
            raise _Overtaken
        yield row


def _with_merges_of(stack: Stack, definition: CubeDefinition) -> CubeDefinition:
    """The cube over the identity cube of the one that ``reuse_from`` names: merges that are equal are then shared."""
    named = definition.parameters.reuse_from
    if named is None:
        return definition
    other_id = named if re.search(r"-\d+$", named) else f"{named}-{definition.version}"
    field = "parameters.reuse_from"
    try:
        other = CubeDefinition.parse(stack.cubes.get(other_id).definition)
    except NotFound as error:
        raise InvalidRequest(f"there is no cube {other_id}", field=field) from error
    for name in ("grs", "resolution", "version"):
        if getattr(other, name) != getattr(definition, name):
            raise InvalidRequest(
                f"{other_id} has {name} {getattr(other, name)}, this cube {getattr(definition, name)}: "
                "only cubes on the same grid, resolution and version share merges",
                field=field,
            )
    return CubeDefinition.parse(definition.to_json() | {"datacube_identity": other.identity_name})


def _tiles(stack: Stack, grid: str, tile_ids: tuple[str, ...]) -> dict[str, Tile]:
    found = stack.grids.chosen_tiles(grid, tile_ids)
    for position, tile_id in enumerate(tile_ids):
        if tile_id not in found:
            raise InvalidRequest(f"grid {grid} has no tile {tile_id}", field=f"tiles.{position}")
    return {tile_id: Tile.from_json(found[tile_id]) for tile_id in tile_ids}
