"""Operations on builds and cubes: cancel, retry, complete, rebuild what is stale (``docs/operations.md``)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response

from stratocube.api.links import Links
from stratocube.api.replies import build_links, reply
from stratocube.api.requests import json_body, optional_json_body, path_id
from stratocube.api.services import Services
from stratocube.cube.retry import RetryRequest
from stratocube.state.build_values import Build
from stratocube.workflow.budget import Budget
from stratocube.workflow.estimate import estimate_start
from stratocube.workflow.old_forms import complete_form, start_form
from stratocube.workflow.operations import (
    cube_request,
    has_composites,
    refuse_validate_only,
    retry_build,
    take_flag,
)
from stratocube.workflow.operations_cancel import cancel_build
from stratocube.workflow.options import BuildOptions
from stratocube.workflow.start import CheckedStart, check_start, start_build


def add_operation_routes(app: APIGatewayRestResolver, services: Services) -> None:
    """Add the routes."""

    def checked(form: dict[str, Any]) -> CheckedStart:
        form = start_form(form, cubes=services.cubes, bucket=services.products.bucket)
        found = check_start(
            cube_request(form, cubes=services.cubes, builds=services.builds),
            cubes=services.cubes,
            grids=services.grids,
            allowed_hosts=services.allowed_hosts,
            allowed_buckets=services.allowed_buckets,
        )
        refuse_validate_only(found.request)
        return found

    def started(start: CheckedStart, options: BuildOptions) -> Response[str]:
        # Plan will choose among the units: it is there that the build is held against max_cost
        build = start_build(
            start,
            builds=services.builds,
            launch=services.launch,
            moment=services.now(),
            options=options,
            estimate=estimate_start(start, services.tariff, at_most=True),
        )
        return accepted(build, {"units_requested": len(start.units)})

    def accepted(build: Build, more: dict[str, Any]) -> Response[str]:
        links = Links(app.current_event)
        body = {
            "build_id": build.build_id,
            "process_id": build.build_id,
            "status": build.status.value,
            "cube_id": build.cube_id,
            "options": dict(build.options),
            **more,
            "links": build_links(build, links),
        }
        return reply(HTTPStatus.ACCEPTED, body, {"Location": links.url("builds", build.build_id)})

    @app.post("/builds/<build_id>/cancel")
    def cancel(build_id: str) -> Response[str]:
        done = cancel_build(
            path_id(build_id, "build"),
            builds=services.builds,
            activities=services.activities,
            work=services.work,
            stop=services.stop,
            moment=services.now(),
        )
        body = {
            "build_id": done.build.build_id,
            "status": done.build.status.value,
            "cancelled_at": done.build.finished_at,
            "execution_stopped": done.stopped,
            "claims_released": done.released,
            "units": done.units,
            "links": build_links(done.build, Links(app.current_event)),
        }
        return reply(HTTPStatus.OK, body)

    @app.post("/builds/<build_id>/retry")
    def retry(build_id: str) -> Response[str]:
        retried = retry_build(
            path_id(build_id, "build"),
            RetryRequest.parse(optional_json_body(app.current_event)),
            builds=services.builds,
            launch=services.launch,
            moment=services.now(),
            budget=Budget(services.cubes, services.grids, services.tariff),
        )
        return accepted(retried.build, {"units": retried.units})

    @app.post("/complete")
    def complete() -> Response[str]:
        return started(checked(json_body(app.current_event)), BuildOptions(only_missing=True))

    @app.post("/cubes/<cube_id>/complete")
    def complete_cube(cube_id: str) -> Response[str]:
        form = complete_form(
            services.cubes.get(path_id(cube_id, "cube")).cube_id,
            optional_json_body(app.current_event),
            builds=services.builds,
        )
        return started(checked(form), BuildOptions(only_missing=True))

    @app.post("/stale")
    def stale() -> Response[str]:
        form, dry_run = take_flag(json_body(app.current_event), "dry_run")
        return started(has_composites(checked(form)), BuildOptions(only_stale=True, dry_run=dry_run))
