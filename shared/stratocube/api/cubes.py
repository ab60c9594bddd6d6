"""Cubes: ``/cubes``, ``/cube-status``, ``/list-periods``."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response

from stratocube.api.links import Links
from stratocube.api.replies import created, page
from stratocube.api.requests import Query, json_body, path_id
from stratocube.api.services import Services
from stratocube.clock import iso_time
from stratocube.cube.timeline import TemporalComposition, periods
from stratocube.errors import InvalidRequest
from stratocube.state.cubes import StoredCube
from stratocube.workflow.progress import cube_status
from stratocube.workflow.start import create_cube

PAGE = 100
"""Cubes a page, unless fewer are asked for."""

COUNTED_BUILDS = 10
"""Builds ``/cube-status`` looks back over."""


def add_cube_routes(app: APIGatewayRestResolver, services: Services) -> None:
    """Add the routes."""

    @app.post("/cubes")
    def post_cube() -> Response[str]:
        stored = create_cube(
            json_body(app.current_event), cubes=services.cubes, grids=services.grids, now=iso_time(services.now())
        )
        links = Links(app.current_event)
        return created(_cube(stored, links), location=links.url("cubes", stored.cube_id))

    @app.get("/cubes")
    def list_cubes() -> Response[str]:
        query, links = Query(app.current_event), Links(app.current_event)
        limit = query.limit(default=PAGE, most=PAGE)
        found = services.cubes.page(limit=limit, after=query.text("next"))
        body = [_cube(stored, links) for stored in found.cubes]
        return page(body, links, "cubes", limit=limit, next_after=found.next_after)

    @app.get("/cubes/<cube_id>")
    def get_cube(cube_id: str) -> dict[str, Any]:
        return _cube(services.cubes.get(path_id(cube_id, "cube")), Links(app.current_event))

    @app.get("/cube-status")
    def get_cube_status() -> dict[str, Any]:
        links = Links(app.current_event)
        cube_id = Query(app.current_event).required("cube_id", "cube_name", "datacube")
        services.cubes.get(cube_id)
        status = cube_status(services.builds, cube_id, builds_back=COUNTED_BUILDS)
        for build in status["builds"]:
            build["links"] = [links.link("self", "builds", build["build_id"])]
        return {
            **status,
            "links": [
                links.link("cube", "cubes", cube_id),
                links.link("builds", "builds", query={"cube_id": cube_id}),
                links.link("failures", "failures", query={"cube_id": cube_id}),
            ],
        }

    @app.post("/list-periods")
    def list_periods() -> dict[str, Any]:
        body = json_body(app.current_event)
        start, end = (_date(body, "start_date"), _date(body, "last_date"))
        rule = TemporalComposition.parse(
            {name: value for name, value in body.items() if name not in {"start_date", "last_date"}}
        )
        found = periods(rule, start, end)
        return {"timeline": [[period.start.isoformat(), period.end.isoformat()] for period in found]}


def _date(body: dict[str, Any], field: str) -> str:
    value = body.get(field)
    if not isinstance(value, str):
        raise InvalidRequest("is required, a date such as 2023-08-01", field=field)
    return value


def _cube(stored: StoredCube, links: Links) -> dict[str, Any]:
    return {
        **stored.definition,
        "id": stored.cube_id,
        "created_at": stored.created_at,
        "links": [
            links.link("self", "cubes", stored.cube_id),
            links.link("status", "cube-status", query={"cube_id": stored.cube_id}),
            links.link("builds", "builds", query={"cube_id": stored.cube_id}),
        ],
    }
