"""Which units a scene touches: those of the watch's tiles it lies on, in the periods of the day it was taken."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import date
from typing import Final

from shapely.geometry.base import BaseGeometry

from stratocube.catalog.footprints import overlap, read_footprint
from stratocube.catalog.scenes import Scene
from stratocube.catalog.solar_day import solar_day
from stratocube.cube.definition import CubeDefinition
from stratocube.cube.grids import Tile
from stratocube.cube.naming import UnitId
from stratocube.cube.timeline import Period
from stratocube.errors import NotFound
from stratocube.state.cubes import Cubes
from stratocube.state.grids import Grids
from stratocube.workflow.watches import Watch

_KEPT: Final = 32
"""Watches whose tiles are held: a function is called again and again with scenes of the same few."""


@dataclass(frozen=True)
class _Place:
    """A tile as a scene is compared with it."""

    tile_id: str
    longitude: float
    """Where its solar days are counted."""
    footprint: BaseGeometry
    """Unfolded at the antimeridian."""


@dataclass(frozen=True)
class _Watched:
    definition: CubeDefinition
    places: tuple[_Place, ...]


class AffectedUnits:
    """Matches scenes with watches. Grids and definitions never change, so what was read of them is kept."""

    def __init__(self, cubes: Cubes, grids: Grids) -> None:
        self._cubes, self._grids = cubes, grids
        self._kept: OrderedDict[tuple[str, tuple[str, ...]], _Watched] = OrderedDict()

    def of(self, watch: Watch, scene: Scene) -> list[UnitId]:
        """The units of the watch that the scene touches, by tile, then period; none when it is none of its scenes.

        The same rules as those of a search: an area is shared, a common edge is none; days are those of the sun at
        the middle of the tile; footprints across the antimeridian meet on either side of it.
        """
        watched = self._watched(watch)
        area = read_footprint(scene.geometry, "geometry")
        _, south, _, north = area.bounds
        found: list[UnitId] = []
        for place in watched.places:
            _, bottom, _, top = place.footprint.bounds
            # most tiles of a continent are ruled out by two numbers
            if bottom >= north or top <= south or not overlap(area, place.footprint):
                continue
            day = solar_day(scene.datetime, place.longitude)
            if watch.covers(day):
                found += [UnitId(place.tile_id, period) for period in _periods(watched.definition, watch, day)]
        return found

    def tiles(self, watch: Watch) -> list[BaseGeometry]:
        """Footprints of the watch's tiles, unfolded."""
        return [place.footprint for place in self._watched(watch).places]

    def definition(self, watch: Watch) -> CubeDefinition:
        """The cube of a watch."""
        return self._watched(watch).definition

    def _watched(self, watch: Watch) -> _Watched:
        key = watch.cube_id, watch.request.tiles
        if key not in self._kept:
            definition = CubeDefinition.parse(self._cubes.get(watch.cube_id).definition)
            tiles = self._grids.chosen_tiles(definition.grs, watch.request.tiles)
            if not tiles:
                raise NotFound(f"grid {definition.grs} has none of the tiles {watch.cube_id} is watched for")
            self._kept[key] = _Watched(definition, tuple(_place(Tile.from_json(tiles[name])) for name in sorted(tiles)))
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]


def _place(tile: Tile) -> _Place:
    longitude, _ = tile.centre
    return _Place(tile.id, longitude, read_footprint(tile.footprint, "footprint"))


def _periods(definition: CubeDefinition, watch: Watch, day: date) -> list[Period]:
    # The timeline of a build that begins where the watch does; intervals may hold a day twice.
    return [period for period in definition.periods(watch.request.start_date, day) if day in period]
