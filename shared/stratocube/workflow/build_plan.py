"""The plan of a build: everything its steps need to know, frozen when the build starts.

A cube or grid that is changed while a build runs does not change the build; a step reads one file and no table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from stratocube.cube.bands import Band
from stratocube.cube.definition import CubeDefinition
from stratocube.cube.geobox import GeoBox
from stratocube.cube.grids import Tile
from stratocube.cube.naming import UnitId
from stratocube.cube.requests import StartRequest
from stratocube.storage.keys import BuildKeys
from stratocube.workflow.context import Stack
from stratocube.workflow.options import PLAIN, BuildOptions


@dataclass(frozen=True)
class BuildPlan:
    """What ``plan.json`` holds; ``tiles/<tile>.json`` holds the same for one tile."""

    build_id: str
    definition: CubeDefinition
    """The cube as this build makes it: the request's parameters are in it."""
    request: StartRequest
    tiles: Mapping[str, Tile]
    options: BuildOptions = PLAIN

    @property
    def bands(self) -> tuple[Band, ...]:
        """The bands this build merges (:meth:`stratocube.cube.requests.StartRequest.merged_bands`)."""
        return self.request.merged_bands(self.definition)

    def geobox(self, tile_id: str) -> GeoBox:
        """The pixel grid of a tile in this cube."""
        return self.tiles[tile_id].geobox(self.definition.resolution, shape=self.definition.parameters.shape)

    def of_tile(self, tile_id: str) -> BuildPlan:
        """The plan as the steps of one tile need it: theirs is the only tile in it."""
        request = self.request.model_copy(update={"tiles": (tile_id,)})
        options = replace(self.options, units=None)
        return replace(self, request=request, tiles={tile_id: self.tiles[tile_id]}, options=options)

    def to_json(self) -> dict[str, Any]:
        """As stored."""
        return {
            "build_id": self.build_id,
            "definition": self.definition.to_json(),
            "request": self.request.to_json(),
            "tiles": [tile.to_json() for tile in self.tiles.values()],
            "options": self.options.to_json(),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> BuildPlan:
        """The inverse of :meth:`to_json`."""
        tiles = [Tile.from_json(tile) for tile in value["tiles"]]
        return cls(
            build_id=value["build_id"],
            definition=CubeDefinition.parse(value["definition"]),
            request=StartRequest.parse(value["request"]),
            tiles={tile.id: tile for tile in tiles},
            options=BuildOptions.from_json(value.get("options")),
        )


def write_plan(stack: Stack, plan: BuildPlan) -> None:
    """Write the plan whole, and for the steps a file a tile: a build has 5,000 tiles at most, but may have a million
    steps, and each reads but its own."""
    keys = BuildKeys(plan.build_id)
    stack.work.put_all_json((keys.tile(tile_id), plan.of_tile(tile_id).to_json()) for tile_id in plan.tiles)
    stack.work.put_json(keys.plan, plan.to_json())


def load_plan(stack: Stack, build_id: str) -> BuildPlan:
    """The plan Plan wrote, with every tile: megabytes, for what works on the build as a whole.

    Errors as :meth:`stratocube.storage.objects.ObjectStore.read`.
    """
    return BuildPlan.from_json(stack.work.read_json(BuildKeys(build_id).plan))


def find_plan(stack: Stack, build_id: str) -> BuildPlan | None:
    """As :func:`load_plan`; None where there is none. One that may not be read is an error."""
    found = stack.work.read_versioned_json(BuildKeys(build_id).plan)
    return None if found is None else BuildPlan.from_json(found[0])


@dataclass(frozen=True)
class UnitPlan:
    """One unit within the plan of its build, of which it holds what concerns its tile."""

    plan: BuildPlan
    unit: UnitId

    @classmethod
    def load(cls, stack: Stack, build_id: str, unit_id: str) -> UnitPlan:
        """The unit of a build by its id. Errors as :meth:`stratocube.storage.objects.ObjectStore.read`."""
        unit = UnitId.parse(unit_id)
        return cls(BuildPlan.from_json(stack.work.read_json(BuildKeys(build_id).tile(unit.tile))), unit)

    @property
    def tile(self) -> Tile:
        """The unit's tile."""
        return self.plan.tiles[self.unit.tile]

    @property
    def geobox(self) -> GeoBox:
        """The unit's pixel grid."""
        return self.plan.geobox(self.unit.tile)
