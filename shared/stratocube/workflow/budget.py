"""How much a build may cost (``max_cost``), where it is not a plain start that is held against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stratocube.costs.prices import DEFAULT_REGION
from stratocube.costs.sizing import Tariff
from stratocube.cube.definition import CubeDefinition
from stratocube.cube.requests import StartRequest
from stratocube.errors import NotFound
from stratocube.state.cubes import Cubes
from stratocube.state.grids import Grids
from stratocube.workflow.estimate import estimate_of, refuse_expensive, size_of_build
from stratocube.workflow.start import tile_pixels


@dataclass(frozen=True)
class Budget:
    """Estimates builds of requests that were checked before."""

    cubes: Cubes
    grids: Grids
    tariff: Tariff

    def of_units(self, cube_id: str, request: Mapping[str, Any], units: int | None) -> dict[str, Any]:
        """The estimate of so many units of a request (None: of all it covers).

        Raises:
            TooExpensive: it is above the request's ``max_cost``.
            NotFound: the cube is gone.
        """
        parsed = StartRequest.parse(request)
        definition = parsed.resolve(CubeDefinition.parse(self.cubes.get(cube_id).definition))
        pixels = tile_pixels(definition, _tile(self.grids, definition.grs, parsed.tiles[0]))
        count = len(parsed.tiles) * len(parsed.periods(definition)) if units is None else units
        estimate = _estimate(parsed, definition, pixels, self.tariff, count)
        refuse_expensive(parsed.max_cost, estimate)
        return estimate


def one_unit(
    request: StartRequest, definition: CubeDefinition, pixels: int, tariff: Tariff | None = None
) -> dict[str, Any]:
    """The estimate of a build of one unit."""
    return _estimate(request, definition, pixels, tariff or Tariff.of_region(DEFAULT_REGION), 1)


def _estimate(
    request: StartRequest, definition: CubeDefinition, pixels: int, tariff: Tariff, units: int
) -> dict[str, Any]:
    size = size_of_build(request, definition, units=units, tile_pixels=pixels, tariff=tariff)
    return estimate_of(size, tariff.prices, priority=request.priority)


def _tile(grids: Grids, grid: str, tile: str) -> Mapping[str, Any]:
    found = grids.chosen_tiles(grid, (tile,))
    if tile not in found:
        raise NotFound(f"grid {grid} has no tile {tile}")
    return found[tile]
