"""Four tiles, cubes that watch, and scenes that arrive for them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from stratocube.cube.grid_creation import create_grids
from stratocube.cube.requests import GridRequest
from stratocube.errors import SourceMissing
from stratocube.state.build_values import Build
from stratocube.workflow.affected import AffectedUnits
from stratocube.workflow.arrivals import Inbox, Message
from stratocube.workflow.context import Stack
from stratocube.workflow.plan import plan_build
from stratocube.workflow.watches import Watch, start_watch
from tests.unit.workflow.small_build import CRS, CUBE_FORM, PIXEL, SIDE, collection, scene

TILES = ("000000", "000001", "001000", "001001")
"""Column, then row: of two columns and two rows around 15 E 46 N, 6.4 km each."""
CUBE, OTHER = "SMALL-1M-LCF-1", "OTHER-1M-MED-1"
ITEMS = "s3://landing/items.json"
SETTLE = timedelta(seconds=300)

_SIZE = SIDE * PIXEL
_GRID: dict[str, Any] = {
    "name": "SMALL",
    "crs": CRS,
    "origin": [-_SIZE, _SIZE],
    "tile_size": [_SIZE, _SIZE],
    "bbox": [14.93, 45.95, 15.07, 46.05],
}
WATCH: dict[str, Any] = {
    "cube_id": CUBE,
    "collections": ["s2"],
    "stac_url": ITEMS,
    "tiles": list(TILES),
    "start_date": "2023-07-01",
}
WEST, EAST, EVERYWHERE = (14.8, 14.99), (15.01, 15.2), (14.8, 15.2)
"""Longitudes of scenes over the western tiles, the eastern ones, and all."""


def define(stack: Stack) -> None:
    """Put the grid and two cubes into the tables."""
    ((grid, tiles),) = create_grids(GridRequest.parse(_GRID))
    assert tuple(tile.id for tile in tiles) == TILES
    stack.grids.create(grid.name, grid.to_json(), {tile.id: tile.to_json() for tile in tiles})
    stack.cubes.create(CUBE, CUBE_FORM, now="t")
    stack.cubes.create(OTHER, CUBE_FORM | {"datacube": "OTHER-1M-MED", "composite_function": "MED"}, now="t")


def watch(stack: Stack, **changes: Any) -> Watch:
    """Begin a watch; a member that is None is left out."""
    form = {name: value for name, value in (WATCH | changes).items() if value is not None}
    return start_watch(
        form,
        cubes=stack.cubes,
        grids=stack.grids,
        builds=stack.builds,
        arrivals=stack.arrivals,
        allowed_hosts=("stac.example.org",),
        allowed_buckets=("landing",),
        now=stack.now(),
    )


def item(
    item_id: str, day: str, longitudes: tuple[float, float] = EVERYWHERE, *, version: str = "1", of: str = "s2"
) -> dict[str, Any]:
    """A STAC Item over these longitudes."""
    west, east = longitudes
    ring = [[west, 45.8], [east, 45.8], [east, 46.2], [west, 46.2], [west, 45.8]]
    found = scene("s3://landing/r.tif", "s3://landing/q.tif", item_id, day)
    found |= {
        "collection": of,
        "bbox": [west, 45.8, east, 46.2],
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    found["properties"]["version"] = version
    return found


def index(stack: Stack, *items: Mapping[str, Any]) -> None:
    """What the archive knows."""
    stack.work.s3.put_object(Bucket="landing", Key="items.json", Body=collection(*items))


@dataclass
class Desk:
    """Receives and launches; remembers what was buried and what was launched."""

    stack: Stack
    objects: dict[str, bytes] = field(default_factory=dict)
    """Files that can be fetched, by href."""
    buried: list[tuple[str, str]] = field(default_factory=list)
    """Message id and reason."""
    launched: list[str] = field(default_factory=list)

    @property
    def inbox(self) -> Inbox:
        return Inbox(
            stack=self.stack,
            affected=AffectedUnits(self.stack.cubes, self.stack.grids),
            fetch=self._fetch,
            list_keys=self._keys,
            bury=lambda message, reason: self.buried.append((message.message_id, reason)),
            settle=SETTLE,
        )

    def launch(self, build_id: str) -> None:
        """A launch."""
        self.launched.append(build_id)

    def plan(self, build_id: str) -> list[str]:
        """Plan a build that was launched; its units."""
        plan_build(self.stack, build_id)
        return [unit.unit_id for unit in self.stack.builds.units(build_id)]

    def build(self, build_id: str) -> Build:
        """The header of a build."""
        return self.stack.builds.get(build_id)

    def _fetch(self, href: str) -> bytes:
        if href not in self.objects:
            raise SourceMissing(href, "there is no such object")
        return self.objects[href]

    def _keys(self, bucket: str, prefix: str) -> list[str]:
        start = f"s3://{bucket}/"
        return [href.removeprefix(start) for href in self.objects if href.startswith(start + prefix)]


def message(body: Any, message_id: str = "m", received: int = 1) -> Message:
    """A message with a JSON body, or a text."""
    return Message(message_id, body if isinstance(body, str) else json.dumps(body), received)


def landed(key: str) -> dict[str, Any]:
    """The event of an object in the landing bucket."""
    return {
        "source": "aws.s3",
        "detail-type": "Object Created",
        "detail": {"bucket": {"name": "landing"}, "object": {"key": key}},
    }
