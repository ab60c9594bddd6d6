"""Grids: ``/grids``, ``/create-grids``."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response

from stratocube.api.links import Link, Links
from stratocube.api.replies import created, page
from stratocube.api.requests import Query, json_body, path_id
from stratocube.api.services import Services
from stratocube.workflow.start import create_grids

PAGE = 100
"""Grids a page, unless fewer are asked for."""

TILES = 1000
"""Tiles a page, unless fewer are asked for."""


def add_grid_routes(app: APIGatewayRestResolver, services: Services) -> None:
    """Add the routes."""

    @app.post("/create-grids")
    def post_grids() -> Response[str]:
        made = create_grids(json_body(app.current_event), grids=services.grids)
        links = Links(app.current_event)
        grids = [{**grid, "tile_count": count, "links": _links(grid["name"], links)} for grid, count in made]
        return created({"grids": grids}, location=grids[0]["links"][0]["href"])

    @app.get("/grids")
    def list_grids() -> Response[str]:
        query, links = Query(app.current_event), Links(app.current_event)
        limit = query.limit(default=PAGE, most=PAGE)
        after = query.text("next") or ""
        names = [name for name in services.grids.names() if name > after]
        body = [{"name": name, "links": _links(name, links)} for name in names[:limit]]
        return page(body, links, "grids", limit=limit, next_after=names[limit - 1] if len(names) > limit else None)

    @app.get("/grids/<name>")
    def get_grid(name: str) -> dict[str, Any]:
        query, links = Query(app.current_event), Links(app.current_event)
        grid_name = path_id(name, "grid")
        limit = query.limit(default=TILES, most=TILES)
        grid = services.grids.get(grid_name)
        tiles = services.grids.tiles(grid_name, limit=limit + 1, after=query.text("next"))
        following = tiles[limit - 1]["id"] if len(tiles) > limit else None
        found = _links(grid_name, links)
        if following is not None:
            found.append(links.link("next", "grids", grid_name, query={"limit": str(limit), "next": following}))
        return {**grid, "tiles": list(tiles[:limit]), "next": following, "links": found}


def _links(name: str, links: Links) -> list[Link]:
    return [links.link("self", "grids", name)]
