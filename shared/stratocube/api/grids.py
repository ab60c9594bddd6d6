"""Grids: ``/grids``, ``/create-grids``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response

from stratocube.api.links import Link, Links
from stratocube.api.replies import created, page
from stratocube.api.requests import Query, json_body, path_id
from stratocube.api.services import Services
from stratocube.cube.grids import Bounds, Tile
from stratocube.state.grids import Grids
from stratocube.workflow.old_forms import grid_form
from stratocube.workflow.start import create_grids

PAGE = 100
"""Grids a page, unless fewer are asked for."""

TILES = 3000
"""Tiles a page, unless fewer are asked for. More than a thousand bytes a tile, and a reply holds 6 MB."""

CHOSEN_TILES = 500
"""Tiles a request may name."""

_READ = 1000
"""Tiles that are read at once while some are chosen by their place."""


def add_grid_routes(app: APIGatewayRestResolver, services: Services) -> None:
    """Add the routes."""

    @app.post("/create-grids")
    def post_grids() -> Response[str]:
        made = create_grids(grid_form(json_body(app.current_event)), grids=services.grids)
        links = Links(app.current_event)
        grids = [{**grid, "tile_count": count, "links": _links(grid["name"], links)} for grid, count in made]
        return created({"grids": grids}, location=grids[0]["links"][0]["href"])

    @app.get("/grids")
    def list_grids() -> Response[str]:
        query, links = Query(app.current_event), Links(app.current_event)
        limit = query.limit(default=PAGE, most=PAGE)
        found, following = services.grids.page(limit=limit, after=query.text("next"))
        return page([_grid(grid, links) for grid in found], links, "grids", limit=limit, next_after=following)

    @app.get("/grids/<name>")
    def get_grid(name: str) -> dict[str, Any]:
        query, links = Query(app.current_event), Links(app.current_event)
        grid_name = path_id(name, "grid")
        limit = query.limit(default=TILES, most=TILES)
        grid = services.grids.get(grid_name)
        box, chosen = query.box("bbox"), query.names("tiles", most=CHOSEN_TILES)
        found = list(islice(_tiles(services.grids, grid_name, box, chosen, query.text("next")), limit + 1))
        following = found[limit - 1]["id"] if len(found) > limit else None
        body = _grid(grid, links)
        if following is not None:
            filters = {name: value for name in ("bbox", "tiles") if (value := query.whole(name))}
            where = {**filters, "limit": str(limit), "next": following}
            body["links"].append(links.link("next", "grids", grid_name, query=where))
        return {**body, "tiles": [_tile(tile) for tile in found[:limit]], "next": following}


def _tiles(
    grids: Grids, name: str, box: Bounds | None, chosen: tuple[str, ...], after: str | None
) -> Iterator[Mapping[str, Any]]:
    """Tiles in order of id, behind ``after``: all, or those of some ids, or those whose box meets another."""
    if chosen:
        found = grids.chosen_tiles(name, chosen)
        yield from (found[tile] for tile in sorted(found) if after is None or tile > after)
        return
    while True:
        read = grids.tiles(name, limit=_READ, after=after)
        yield from (tile for tile in read if box is None or _meet(Tile.from_json(tile).bbox, box))
        if len(read) < _READ:
            return
        after = read[-1]["id"]


def _meet(one: Bounds, other: Bounds) -> bool:
    """Whether two boxes in degrees have a point in common; west > east lies across 180 degrees."""
    if one[1] > other[3] or other[1] > one[3]:
        return False
    return any(
        west <= other_east and other_west <= east
        for west, east in _spans(one)
        for other_west, other_east in _spans(other)
    )


def _spans(box: Bounds) -> tuple[tuple[float, float], ...]:
    west, _, east, _ = box
    return ((west, east),) if west <= east else ((west, 180.0), (-180.0, east))


def _grid(grid: Mapping[str, Any], links: Links) -> dict[str, Any]:
    return {**grid, "id": grid["name"], "links": _links(grid["name"], links)}


def _tile(tile: Mapping[str, Any]) -> dict[str, Any]:
    """A tile with its outline once more under the name clients of cube-builder know."""
    return {**tile, "geom_wgs84": tile["footprint"]}


def _links(name: str, links: Links) -> list[Link]:
    return [links.link("self", "grids", name)]
