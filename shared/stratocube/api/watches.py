"""Cubes that keep themselves up to date (``/watches``), and scenes one sends (``/scenes``): ``docs/arrivals.md``."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response

from stratocube.api.links import Links
from stratocube.api.replies import next_links, reply
from stratocube.api.requests import Query, json_body, path_id
from stratocube.api.services import Services
from stratocube.clock import iso_time
from stratocube.errors import NotFound
from stratocube.state.arrivals import ArrivedUnit, LandedScene, StoredWatch
from stratocube.workflow.watches import start_watch, watches_by_cube

WATCHES = 100
"""Watches a page, unless fewer are asked for."""

UNITS = 100
"""Units of a watch a reply lists, unless fewer are asked for."""


def add_watch_routes(app: APIGatewayRestResolver, services: Services) -> None:
    """Add the routes."""

    def shown(cube_id: str, rows: list[StoredWatch]) -> dict[str, Any]:
        links = Links(app.current_event)
        body = rows[0].body
        # what the request says of its end is of no meaning here
        request = {name: value for name, value in body["request"].items() if name not in {"datacube", "end_date"}}
        return {
            "cube_id": cube_id,
            "request": request,
            "end_date": body["end_date"],
            "hears_of": [row.collection for row in rows],
            "watched_since": rows[0].created_at,
            "heard_at": max((row.heard_at for row in rows if row.heard_at), default=None),
            "reconciled_at": rows[0].reconciled_at,
            "links": [links.link("self", "watches", cube_id), links.link("cube", "cubes", cube_id)],
        }

    def found(cube_id: str) -> list[StoredWatch]:
        rows = watches_by_cube(services.arrivals.watches()).get(cube_id)
        if not rows:
            raise NotFound(f"cube {cube_id} is not watched: POST /watches begins that")
        return rows

    @app.post("/watches")
    def post_watch() -> Response[str]:
        watch = start_watch(
            json_body(app.current_event),
            cubes=services.cubes,
            grids=services.grids,
            builds=services.builds,
            arrivals=services.arrivals,
            allowed_hosts=services.allowed_hosts,
            allowed_buckets=services.allowed_buckets,
            now=iso_time(services.now()),
            tariff=services.tariff,
        )
        location = Links(app.current_event).url("watches", watch.cube_id)
        return reply(HTTPStatus.CREATED, shown(watch.cube_id, found(watch.cube_id)), {"Location": location})

    @app.get("/watches")
    def list_watches() -> dict[str, Any]:
        query, links = Query(app.current_event), Links(app.current_event)
        limit, after = query.limit(default=WATCHES, most=WATCHES), query.text("next") or ""
        by_cube = watches_by_cube(services.arrivals.watches())
        chosen = sorted(cube_id for cube_id in by_cube if cube_id > after)
        listed = [shown(cube_id, by_cube[cube_id]) for cube_id in chosen[:limit]]
        # each of them holds up to 5,000 tiles, and there may be hundreds
        for entry in listed:
            entry["tile_count"] = len(entry.pop("request")["tiles"])
        following = chosen[limit - 1] if len(chosen) > limit else None
        return {
            "watches": listed,
            "next": following,
            "links": next_links(links, "watches", limit=limit, next_after=following),
        }

    @app.get("/watches/<cube_id>")
    def get_watch(cube_id: str) -> dict[str, Any]:
        name = path_id(cube_id, "watch")
        limit = Query(app.current_event).limit(default=UNITS, most=UNITS)
        rows = found(name)
        return {**shown(name, rows), "units": [_unit(unit) for unit in services.arrivals.units(name, limit=limit)]}

    @app.delete("/watches/<cube_id>")
    def delete_watch(cube_id: str) -> dict[str, Any]:
        name = path_id(cube_id, "watch")
        found(name)
        services.arrivals.unwatch(name)
        return {"cube_id": name, "watched": False}

    @app.post("/scenes")
    def post_scene() -> Response[str]:
        # footprints need shapely, and with it half a second of a cold start that no other route should pay
        from stratocube.workflow.arrivals import receive_item  # noqa: PLC0415 - imported late, see above

        arrival = receive_item(
            LandedScene(json_body(app.current_event), ""),
            arrivals=services.arrivals,
            cubes=services.cubes,
            grids=services.grids,
            moment=services.now(),
        )
        body = {
            "scene": arrival.scene_id,
            "collection": arrival.collection,
            "units": [{"cube_id": cube_id, "unit_id": str(unit)} for cube_id, unit in arrival.units],
        }
        return reply(HTTPStatus.ACCEPTED, body)


def _unit(unit: ArrivedUnit) -> dict[str, Any]:
    return {
        "unit_id": unit.unit_id,
        "arrivals": unit.arrived,
        "pending": unit.pending,
        "build_id": unit.build_id,
        "due_at": unit.due_at,
    }
