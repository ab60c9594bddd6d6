"""Builds: ``/start``, ``/builds`` and their units, ``/failures``."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response

from stratocube.api.links import Links
from stratocube.api.replies import build_links, next_links, reply
from stratocube.api.requests import Query, json_body, path_id
from stratocube.api.services import Services
from stratocube.errors import InvalidRequest, NotFound
from stratocube.state.build_values import Build
from stratocube.state.status import BuildStatus
from stratocube.workflow.costs import costs_of
from stratocube.workflow.estimate import MAX_DATES, estimate_start, expected_build, refuse_expensive
from stratocube.workflow.old_forms import start_form
from stratocube.workflow.progress import build_progress
from stratocube.workflow.start import check_start, start_build
from stratocube.workflow.tokens import take_token
from stratocube.workflow.waiting import open_builds

PAGE = 100
"""Builds or failures a page, unless fewer are asked for."""

FIRST_MOMENT = "0001"
"""Before every time in the tables."""


def add_build_routes(app: APIGatewayRestResolver, services: Services) -> None:
    """Add the routes."""

    @app.post("/start-cube")
    @app.post("/start")
    def start() -> Response[str]:
        form, token = take_token(json_body(app.current_event))
        checked = check_start(
            start_form(form, cubes=services.cubes, bucket=services.products.bucket),
            cubes=services.cubes,
            grids=services.grids,
            allowed_hosts=services.allowed_hosts,
            allowed_buckets=services.allowed_buckets,
        )
        if checked.request.validate_only:
            dates = Query(app.current_event).number("dates_per_unit", most=MAX_DATES)
            return reply(HTTPStatus.OK, expected_build(checked, tariff=services.tariff, dates_per_unit=dates))
        estimate = estimate_start(checked, services.tariff)
        refuse_expensive(checked.request.max_cost, estimate)
        if token is not None:
            services.keep_token(token)
        build = start_build(
            checked, builds=services.builds, launch=services.launch, moment=services.now(), estimate=estimate
        )
        links = Links(app.current_event)
        body = {
            "build_id": build.build_id,
            "process_id": build.build_id,
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
            "costs": costs_of(build, progress, services.tariff),
            "links": build_links(build, Links(app.current_event)),
        }

    @app.get("/builds")
    def list_builds() -> dict[str, Any]:
        query, links = Query(app.current_event), Links(app.current_event)
        limit, status = query.limit(default=PAGE, most=PAGE), query.choice("status", *BuildStatus)
        cube_id, behind = query.text("cube_id", "cube_name", "datacube"), query.text("next")
        after = _build_behind(services, behind, cube_id) if behind else None
        wanted = None if status is None else BuildStatus(status)
        if cube_id is None:
            found = open_builds(services.builds, services.unsettled, status=wanted, after=after)
        else:
            services.cubes.get(cube_id)
            found = services.builds.of_cube(cube_id, limit=limit + 1, status=wanted, after=after)
        filters = {name: value for name, value in {"cube_id": cube_id, "status": status}.items() if value}
        following = found[limit - 1].build_id if len(found) > limit else None
        return {
            **({"cube_id": cube_id} if cube_id else {}),
            "builds": [{**_header(build), "links": build_links(build, links)} for build in found[:limit]],
            "next": following,
            "links": [
                *([links.link("cube", "cubes", cube_id)] if cube_id else []),
                *next_links(links, "builds", limit=limit, next_after=following, filters=filters),
            ],
        }

    @app.get("/failures")
    def list_failures() -> dict[str, Any]:
        query, links = Query(app.current_event), Links(app.current_event)
        cube_id = query.required("cube_id", "cube_name", "datacube")
        since = query.moment("since") or FIRST_MOMENT
        limit = query.limit(default=PAGE, most=PAGE)
        services.cubes.get(cube_id)
        behind = query.text("next")
        found = services.activities.failures(
            cube_id, since=since, limit=limit + 1, after=_failure_behind(behind) if behind else None
        )
        following = f"{found[limit - 1].failed_at}~{found[limit - 1].activity_id}" if len(found) > limit else None
        filters = {"cube_id": cube_id, "since": since}
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
            "more": following is not None,
            "next": following,
            "links": [
                links.link("cube", "cubes", cube_id),
                *next_links(links, "failures", limit=limit, next_after=following, filters=filters),
            ],
        }


def _build_behind(services: Services, build_id: str, cube_id: str | None) -> Build:
    """The build a list continues behind."""
    try:
        build = services.builds.get(build_id)
    except NotFound as error:
        raise InvalidRequest("is no build: follow the link of the page before", field="next") from error
    if cube_id not in (None, build.cube_id):
        raise InvalidRequest(f"is no build of {cube_id}: follow the link of the page before", field="next")
    return build


def _failure_behind(text: str) -> tuple[str, str]:
    """When the failure a list continues behind happened, and its activity."""
    failed_at, _, activity_id = text.partition("~")
    if not failed_at or not activity_id:
        raise InvalidRequest("is no failure: follow the link of the page before", field="next")
    return failed_at, activity_id


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
