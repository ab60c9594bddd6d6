"""``GET /``: what this is, and where everything else is."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver

from stratocube import __version__
from stratocube.api.links import Links


def add_root_route(app: APIGatewayRestResolver) -> None:
    """Add ``GET /``."""

    @app.get("/")
    def root() -> dict[str, Any]:
        links = Links(app.current_event)
        return {
            "name": "stratocube",
            "description": "Earth-observation data cubes on AWS without servers",
            "version": __version__,
            "message": "running",
            "links": [
                {"rel": "self", "href": links.url("")},
                {**links.link("cubes", "cubes"), "method": "GET, POST"},
                {**links.link("cube-status", "cube-status"), "method": "GET", "parameters": "cube_id"},
                {**links.link("grids", "grids"), "method": "GET"},
                {**links.link("create-grids", "create-grids"), "method": "POST"},
                {**links.link("start", "start"), "method": "POST"},
                {**links.link("complete", "complete"), "method": "POST"},
                {**links.link("stale", "stale"), "method": "POST"},
                {**links.link("watches", "watches"), "method": "GET, POST"},
                {**links.link("scenes", "scenes"), "method": "POST"},
                {**links.link("builds", "builds"), "method": "GET", "parameters": "cube_id, limit"},
                {**links.link("failures", "failures"), "method": "GET", "parameters": "cube_id, since, limit"},
                {**links.link("list-periods", "list-periods"), "method": "POST"},
            ],
        }
