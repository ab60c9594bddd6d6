"""Which units a scene touches: footprints that share an area, days of the sun, periods of the watch's timeline."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from stratocube.catalog.search import StaticSource, search
from stratocube.catalog.solar_day import solar_day
from stratocube.catalog.stac_items import scene_from_item
from stratocube.cube.grid_creation import create_grids
from stratocube.cube.grids import Tile
from stratocube.cube.requests import GridRequest
from stratocube.errors import NotFound
from stratocube.workflow.affected import AffectedUnits
from stratocube.workflow.context import Stack
from stratocube.workflow.watches import Watch
from tests.unit.workflow.arriving import CUBE, EAST, EVERYWHERE, WEST, define, item, watch
from tests.unit.workflow.small_build import CUBE_FORM, collection


def units(stack: Stack, found: dict[str, Any], watched: Watch) -> list[str]:
    return [str(unit) for unit in AffectedUnits(stack.cubes, stack.grids).of(watched, scene_from_item(found))]


@pytest.mark.parametrize(
    ("longitudes", "tiles"),
    [
        (WEST, ["000000", "000001"]),
        (EAST, ["001000", "001001"]),
        (EVERYWHERE, ["000000", "000001", "001000", "001001"]),
        ((16.0, 17.0), []),
    ],
)
def test_tiles_are_those_the_footprint_shares_an_area_with(
    stack: Stack, longitudes: tuple[float, float], tiles: list[str]
) -> None:
    define(stack)
    watched = watch(stack)
    found = units(stack, item("A", "2023-08-15", longitudes), watched)
    assert found == [f"{tile}_2023-08-01_2023-08-31" for tile in tiles]


def test_periods_are_those_of_a_timeline_that_begins_with_the_watch(stack: Stack) -> None:
    define(stack)
    watched = watch(stack, start_date="2023-08-10", tiles=["000000"])
    assert units(stack, item("A", "2023-08-15"), watched) == ["000000_2023-08-10_2023-08-31"]
    assert units(stack, item("B", "2023-09-15"), watched) == ["000000_2023-09-01_2023-09-30"]
    assert units(stack, item("C", "2023-08-09"), watched) == []


def test_a_day_of_two_intervals_is_in_both(stack: Stack) -> None:
    define(stack)
    rule = {"schema": "Continuous", "unit": "day", "step": 1, "intervals": ["07-01_08-20", "08-10_09-30"]}
    stack.cubes.create("SEASONS-1", CUBE_FORM | {"datacube": "SEASONS", "temporal_composition": rule}, now="t")
    watched = watch(stack, cube_id="SEASONS-1", tiles=["000000"])
    assert units(stack, item("A", "2023-08-15"), watched) == [
        "000000_2023-07-01_2023-08-20",
        "000000_2023-08-10_2023-09-30",
    ]


def pacific(stack: Stack) -> Watch:
    """A watch of two tiles on either side of the antimeridian."""
    crs = "+proj=laea +lat_0=-17 +lon_0=180 +ellps=GRS80 +units=m +no_defs"
    form = {"name": "FIJI", "crs": crs, "origin": [-100_000, 50_000], "tile_size": [100_000, 100_000]}
    boxes = ([179.2, -17.1, 179.9, -16.9], [-179.9, -17.1, -179.2, -16.9])
    tiles: dict[str, Tile] = {}
    for bbox in boxes:
        ((grid, found),) = create_grids(GridRequest.parse(form | {"bbox": bbox}))
        tiles |= {tile.id: tile for tile in found}
    stack.grids.create(grid.name, grid.to_json(), {tile.id: tile.to_json() for tile in tiles.values()})
    daily = {"schema": "Continuous", "unit": "day", "step": 1}
    cube = CUBE_FORM | {"datacube": "FIJI-1D", "grs": "FIJI", "resolution": 1000, "temporal_composition": daily}
    stack.cubes.create("FIJI-1D-1", cube, now="t")
    return watch(stack, cube_id="FIJI-1D-1", tiles=sorted(tiles))


def at_antimeridian(*rings: list[list[float]], day: str = "2023-08-15") -> dict[str, Any]:
    found = item("F", day)
    del found["bbox"]
    found["geometry"] = {"type": "MultiPolygon", "coordinates": [[ring] for ring in rings]}
    found["properties"]["datetime"] = f"{day}T22:20:00Z"
    return found


def box(west: float, east: float) -> list[list[float]]:
    return [[west, -18.0], [east, -18.0], [east, -16.0], [west, -16.0], [west, -18.0]]


@pytest.mark.parametrize(
    "rings",
    [
        [box(179.0, 180.0), box(-180.0, -179.0)],
        # a ring that jumps, as many archives write it
        [[[179.0, -18.0], [-179.0, -18.0], [-179.0, -16.0], [179.0, -16.0], [179.0, -18.0]]],
        [box(179.0, 181.0)],
        [box(-181.0, -179.0)],
    ],
    ids=["cut", "jumping", "beyond east", "beyond west"],
)
def test_across_the_antimeridian_both_sides_are_touched_each_on_its_own_day(
    stack: Stack, rings: list[list[list[float]]]
) -> None:
    watched = pacific(stack)
    found = units(stack, at_antimeridian(*rings), watched)
    # a quarter past ten in the evening UTC: the morning after in the east, the same morning in the west
    assert found == ["000000_2023-08-16_2023-08-16", "001000_2023-08-15_2023-08-15"]


def test_a_scene_on_one_side_of_the_antimeridian_leaves_the_other_alone(stack: Stack) -> None:
    watched = pacific(stack)
    assert [unit[:6] for unit in units(stack, at_antimeridian(box(179.3, 179.8)), watched)] == ["000000"]
    assert [unit[:6] for unit in units(stack, at_antimeridian(box(-179.8, -179.3)), watched)] == ["001000"]


@pytest.mark.parametrize("longitude", [-179.95, -90.0, 0.0, 14.97, 15.0, 15.03, 179.95])
def test_what_is_touched_is_what_a_search_of_the_tile_finds(stack: Stack, longitude: float) -> None:
    define(stack)
    watched = watch(stack)
    found = item("A", "2023-08-15", (longitude, longitude + 0.04))
    touched = {unit[:6] for unit in units(stack, found, watched)}
    for tile_id, body in stack.grids.chosen_tiles("SMALL", watched.request.tiles).items():
        tile = Tile.from_json(body)
        day = solar_day(scene_from_item(found).datetime, tile.centre[0])
        scenes = search(
            StaticSource("s3://landing/items.json", lambda _: collection(found)),
            collections=["s2"],
            footprint=tile.footprint,
            start=day,
            end=day,
            longitude=tile.centre[0],
            check_href=lambda _: None,
        )
        assert (tile_id in touched) == bool(scenes)


def test_a_watch_whose_tiles_are_gone_is_an_error_not_silence(stack: Stack) -> None:
    define(stack)
    watched = watch(stack)
    nowhere = replace(watched, request=watched.request.model_copy(update={"tiles": ("999999",)}))
    with pytest.raises(NotFound, match=f"none of the tiles {CUBE} is watched for"):
        units(stack, item("A", "2023-08-15"), nowhere)
