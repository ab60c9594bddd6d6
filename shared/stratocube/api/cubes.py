"""Cubes: ``/cubes``, ``/cube-status``, ``/list-periods``, ``/composite-functions``."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response

from stratocube.api.links import Links
from stratocube.api.replies import created, page
from stratocube.api.requests import Query, json_body, path_id
from stratocube.api.services import Services
from stratocube.clock import iso_time
from stratocube.cube.definition import CubeDefinition
from stratocube.cube.timeline import TemporalComposition, periods
from stratocube.errors import InvalidRequest
from stratocube.state.build_values import Build
from stratocube.state.cubes import StoredCube
from stratocube.workflow.cube_changes import change_cube, change_parameters, cube_meta
from stratocube.workflow.cube_items import product_collection
from stratocube.workflow.cube_status import cube_status, standing
from stratocube.workflow.start import create_cube

PAGE = 100
"""Cubes a page, unless fewer are asked for."""

COLLECTION_TYPE = "cube"
"""The one type of collection in cube-builder's catalogue that is made here."""

_BUILDS_BACK = 100
"""Builds of a cube that are asked for the days it covers."""

FUNCTIONS = (
    {"id": 1, "name": "Identity", "alias": "IDT", "description": "Each date as it is, no composite."},
    {
        "id": 2,
        "name": "Least Cloud Cover First",
        "alias": "LCF",
        "description": "Every pixel from the first date that is clear there; the clearest dates come first.",
    },
    {"id": 3, "name": "Median", "alias": "MED", "description": "The median of the clear pixels of all dates."},
    {"id": 4, "name": "Average", "alias": "AVG", "description": "The mean of the clear pixels of all dates."},
)


def add_cube_routes(app: APIGatewayRestResolver, services: Services) -> None:
    """Add the routes."""

    def newest(cube_id: str) -> Build | None:
        return next(iter(services.builds.of_cube(cube_id, limit=1, dry_runs=False)), None)

    def shown(stored: StoredCube) -> dict[str, Any]:
        return {**_cube(stored, Links(app.current_event)), "status": standing(newest(stored.cube_id))}

    def detailed(stored: StoredCube) -> dict[str, Any]:
        built = services.builds.of_cube(stored.cube_id, limit=_BUILDS_BACK, dry_runs=False)
        cube = _cube(stored, Links(app.current_event))
        return {**cube, "status": standing(built[0] if built else None), **_covered(built)}

    @app.post("/cubes")
    def post_cube() -> Response[str]:
        stored = create_cube(
            json_body(app.current_event), cubes=services.cubes, grids=services.grids, now=iso_time(services.now())
        )
        links = Links(app.current_event)
        cube = {**_cube(stored, links), "status": standing(None), "cubes": {"process_id": stored.cube_id}}
        return created(cube, location=links.url("cubes", stored.cube_id))

    @app.get("/cubes")
    def list_cubes() -> Response[str]:
        query, links = Query(app.current_event), Links(app.current_event)
        limit = query.limit(default=PAGE, most=PAGE)
        found = list(islice(_chosen(services, query), limit + 1))
        following = found[limit - 1].cube_id if len(found) > limit else None
        filters = {name: value for name in ("name", "public", "collection_type") if (value := query.text(name))}
        return page(
            [shown(stored) for stored in found[:limit]],
            links,
            "cubes",
            limit=limit,
            next_after=following,
            filters=filters,
        )

    @app.get("/cubes/<cube_id>")
    def get_cube(cube_id: str) -> dict[str, Any]:
        return detailed(services.cubes.get(path_id(cube_id, "cube")))

    @app.put("/cubes/<cube_id>")
    def put_cube(cube_id: str) -> dict[str, Any]:
        changed = change_cube(
            path_id(cube_id, "cube"),
            json_body(app.current_event),
            cubes=services.cubes,
            now=iso_time(services.now()),
        )
        return {**detailed(changed), "message": "Updated"}

    @app.get("/cubes/<cube_id>/parameters")
    def get_parameters(cube_id: str) -> dict[str, Any]:
        stored = services.cubes.get(path_id(cube_id, "cube"))
        found: dict[str, Any] = stored.definition.get("parameters", {})
        return found

    @app.put("/cubes/<cube_id>/parameters")
    def put_parameters(cube_id: str) -> dict[str, Any]:
        name = path_id(cube_id, "cube")
        changed = change_parameters(
            name,
            json_body(app.current_event),
            cubes=services.cubes,
            newest=newest(name),
            bucket=services.products.bucket,
            now=iso_time(services.now()),
        )
        found: dict[str, Any] = changed.definition.get("parameters", {})
        return found

    @app.get("/cubes/<cube_id>/meta")
    def get_meta(cube_id: str) -> dict[str, Any]:
        stored = services.cubes.get(path_id(cube_id, "cube"))
        return cube_meta(
            CubeDefinition.parse(stored.definition), newest(stored.cube_id), bucket=services.products.bucket
        )

    @app.get("/composite-functions")
    def list_functions() -> list[dict[str, Any]]:
        return list(FUNCTIONS)

    @app.get("/cube-status")
    def get_cube_status() -> dict[str, Any]:
        links = Links(app.current_event)
        cube_id = Query(app.current_event).required("cube_id", "cube_name", "datacube")
        collection = product_collection(CubeDefinition.parse(services.cubes.get(cube_id).definition))
        status = cube_status(services.builds, cube_id)
        for build in status["builds"]:
            build["links"] = [links.link("self", "builds", build["build_id"])]
        return {
            **status,
            "collection_item": services.items.count(collection),
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


def _chosen(services: Services, query: Query) -> Iterator[StoredCube]:
    """The cubes a query lets pass, behind that in ``next``."""
    name, public = (query.text("name") or "").lower(), query.flag("public")
    kind, after = query.choice("collection_type", "all", COLLECTION_TYPE, "mosaic"), query.text("next")
    while True:
        found = services.cubes.page(limit=PAGE, after=after)
        for stored in found.cubes:
            is_public = bool(stored.definition.get("public", True))
            if name in stored.cube_id.lower() and public in (None, is_public) and kind != "mosaic":
                yield stored
        after = found.next_after
        if after is None:
            return


def _date(body: dict[str, Any], field: str) -> str:
    value = body.get(field)
    if not isinstance(value, str):
        raise InvalidRequest("is required, a date such as 2023-08-01", field=field)
    return value


def _covered(builds: tuple[Build, ...]) -> dict[str, Any]:
    """First and last day the builds asked for."""
    first = [str(build.request["start_date"]) for build in builds if build.request.get("start_date")]
    last = [str(build.request["end_date"]) for build in builds if build.request.get("end_date")]
    return {"start_date": min(first, default=None), "end_date": max(last, default=None)}


def _cube(stored: StoredCube, links: Links) -> dict[str, Any]:
    """A cube: its definition, and beside it what clients of cube-builder read under names of its catalogue."""
    definition = stored.definition
    return {
        **definition,
        "id": stored.cube_id,
        "name": definition["datacube"],
        "grid": definition["grs"],
        "is_public": definition.get("public", True),
        "collection_type": COLLECTION_TYPE,
        "temporal_composition_schema": definition.get("temporal_composition"),
        "quicklook": definition.get("bands_quicklook", []),
        "_metadata": definition.get("metadata", {}),
        "created_at": stored.created_at,
        "updated_at": stored.updated_at,
        "links": [
            links.link("self", "cubes", stored.cube_id),
            links.link("status", "cube-status", query={"cube_id": stored.cube_id}),
            links.link("builds", "builds", query={"cube_id": stored.cube_id}),
        ],
    }
