"""Builds: ``/start``, ``/builds``, ``/failures``."""

from __future__ import annotations

from http import HTTPStatus
from itertools import chain, islice
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response

from stratocube.api.links import Links
from stratocube.api.replies import build_links, reply
from stratocube.api.requests import Query, json_body, path_id
from stratocube.api.services import Services
from stratocube.errors import InvalidRequest
from stratocube.state.build_values import Build, StepResult
from stratocube.state.status import Step
from stratocube.workflow.estimate import MAX_DATES, expected_build
from stratocube.workflow.progress import build_progress, shortened
from stratocube.workflow.start import check_start, start_build

PAGE = 100
"""Builds or failures a page, unless fewer are asked for."""

FIRST_MOMENT = "0001"
"""Before every time in the tables."""

SHOWN_CAUSE = 500
"""Bytes of JSON a cause takes in a list of activities."""

MOST_ACTIVITIES = 10_000
"""Activities in a reply, which holds 6 MB. A unit of a year of 13 bands has half as many; `step` chooses among more."""


def add_build_routes(app: APIGatewayRestResolver, services: Services) -> None:
    """Add the routes."""

    @app.post("/start")
    def start() -> Response[str]:
        checked = check_start(
            json_body(app.current_event),
            cubes=services.cubes,
            grids=services.grids,
            allowed_hosts=services.allowed_hosts,
            allowed_buckets=services.allowed_buckets,
        )
        if checked.request.validate_only:
            dates = Query(app.current_event).number("dates_per_unit", most=MAX_DATES)
            return reply(HTTPStatus.OK, expected_build(checked, dates_per_unit=dates))
        build = start_build(checked, builds=services.builds, launch=services.launch, moment=services.now())
        links = Links(app.current_event)
        body = {
            "build_id": build.build_id,
            "status": build.status.value,
            "cube_id": build.cube_id,
            "links": build_links(build, links),
        }
        return reply(HTTPStatus.ACCEPTED, body, {"Location": links.url("builds", build.build_id)})

    @app.get("/builds/<build_id>")
    def get_build(build_id: str) -> dict[str, Any]:
        build = services.builds.get(path_id(build_id, "build"))
        progress = build.summary or build_progress(services.builds, build.build_id)
        return {
            **_header(build),
            "steps": progress["steps"],
            "units": progress["units"],
            "failed_units": progress["failed_units"],
            **({"stale": progress["stale"]} if "stale" in progress else {}),
            "links": build_links(build, Links(app.current_event)),
        }

    @app.get("/builds")
    def list_builds() -> dict[str, Any]:
        query, links = Query(app.current_event), Links(app.current_event)
        cube_id = query.required("cube_id", "cube_name", "datacube")
        limit = query.limit(default=PAGE, most=PAGE)
        services.cubes.get(cube_id)
        found = services.builds.of_cube(cube_id, limit=limit)
        return {
            "cube_id": cube_id,
            "builds": [{**_header(build), "links": build_links(build, links)} for build in found],
            "links": [links.link("cube", "cubes", cube_id)],
        }

    @app.get("/builds/<build_id>/units/<unit_id>")
    def get_unit(build_id: str, unit_id: str) -> dict[str, Any]:
        build = services.builds.get(path_id(build_id, "build"))
        unit = services.builds.unit(build.build_id, path_id(unit_id, "unit"))
        steps = _chosen_steps(Query(app.current_event).text("step"))
        results = chain.from_iterable(
            services.builds.results(build.build_id, step=step, unit_id=unit.unit_id) for step in steps
        )
        shown = [_activity(result) for result in islice(results, MOST_ACTIVITIES)]
        links = Links(app.current_event)
        return {
            "build_id": build.build_id,
            "unit_id": unit.unit_id,
            "tile": unit.tile,
            "start": unit.start,
            "end": unit.end,
            "status": unit.status.value,
            "failed_step": unit.failed_step,
            "cause": unit.cause,
            "totals": dict(unit.totals),
            **({"staleness": dict(unit.staleness)} if unit.staleness is not None else {}),
            "activities": shown,
            "more": next(results, None) is not None,
            "links": [
                links.link("self", "builds", build.build_id, "units", unit.unit_id),
                links.link("build", "builds", build.build_id),
            ],
        }

    @app.get("/failures")
    def list_failures() -> dict[str, Any]:
        query, links = Query(app.current_event), Links(app.current_event)
        cube_id = query.required("cube_id", "cube_name", "datacube")
        since = query.moment("since") or FIRST_MOMENT
        limit = query.limit(default=PAGE, most=PAGE)
        services.cubes.get(cube_id)
        found = services.activities.failures(cube_id, since=since, limit=limit + 1)
        return {
            "cube_id": cube_id,
            "failures": [
                {
                    "activity_id": failure.activity_id,
                    "step": failure.step,
                    "subject": failure.subject,
                    "build_id": failure.build_id,
                    "error_type": failure.error_type,
                    "cause": failure.cause,
                    "failed_at": failure.failed_at,
                    "links": [links.link("build", "builds", failure.build_id)],
                }
                for failure in found[:limit]
            ],
            "more": len(found) > limit,
            "links": [links.link("cube", "cubes", cube_id)],
        }


def _header(build: Build) -> dict[str, Any]:
    return {
        "build_id": build.build_id,
        "cube_id": build.cube_id,
        "status": build.status.value,
        "created_at": build.created_at,
        "started_at": build.started_at,
        "finished_at": build.finished_at,
        "cause": build.cause,
        **_operation(build),
    }


def _operation(build: Build) -> dict[str, Any]:
    """What distinguishes a build from a plain start: only what there is."""
    said = {"options": dict(build.options), "planned": dict(build.planned), "retried_by": list(build.retried_by)}
    return {name: value for name, value in said.items() if value}


def _chosen_steps(name: str | None) -> tuple[Step, ...]:
    if name is None:
        return tuple(Step)
    try:
        return (Step(name),)
    except ValueError as error:
        raise InvalidRequest(f"must be one of {', '.join(Step)}", field="step") from error


def _activity(result: StepResult) -> dict[str, Any]:
    return {
        "step": result.step.value,
        "part": result.part,
        "outcome": result.outcome.value,
        "seconds": result.seconds,
        "activity_id": result.activity_id,
        "cause": shortened(result.cause, SHOWN_CAUSE) if result.cause else None,
    }
