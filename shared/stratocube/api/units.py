"""Units of builds: ``/builds/{id}/units``, and what was done for each."""

from __future__ import annotations

from itertools import chain, islice
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver

from stratocube.api.links import Links
from stratocube.api.replies import next_links
from stratocube.api.requests import Query, path_id
from stratocube.api.services import Services
from stratocube.errors import InvalidRequest
from stratocube.state.build_values import StepResult, Unit
from stratocube.state.status import Step, UnitStatus
from stratocube.workflow.progress import shortened

UNITS = 1000
"""Units a page, unless fewer are asked for."""

SHOWN_CAUSE = 500
"""Bytes of JSON a cause takes in a list of activities."""

MOST_ACTIVITIES = 10_000
"""Activities in a reply, which holds 6 MB. A unit of a year of 13 bands has half as many; `step` chooses among more."""


def add_unit_routes(app: APIGatewayRestResolver, services: Services) -> None:
    """Add the routes."""

    @app.get("/builds/<build_id>/units")
    def list_units(build_id: str) -> dict[str, Any]:
        query, links = Query(app.current_event), Links(app.current_event)
        build = services.builds.get(path_id(build_id, "build"))
        limit, status = query.limit(default=UNITS, most=UNITS), query.choice("status", *UnitStatus)
        found = services.builds.unit_page(
            build.build_id,
            limit=limit + 1,
            status=None if status is None else UnitStatus(status),
            after=query.text("next"),
        )
        following = found[limit - 1].unit_id if len(found) > limit else None
        filters = {"status": status} if status else {}
        return {
            "build_id": build.build_id,
            "units": [
                {**_unit(unit), "links": [links.link("self", "builds", build.build_id, "units", unit.unit_id)]}
                for unit in found[:limit]
            ],
            "next": following,
            "links": [
                links.link("build", "builds", build.build_id),
                *next_links(
                    links, "builds", build.build_id, "units", limit=limit, next_after=following, filters=filters
                ),
            ],
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
            **_unit(unit),
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


def _unit(unit: Unit) -> dict[str, Any]:
    """A unit in a list."""
    return {
        "unit_id": unit.unit_id,
        "tile": unit.tile,
        "start": unit.start,
        "end": unit.end,
        "status": unit.status.value,
        "failed_step": unit.failed_step,
        "cause": shortened(unit.cause, SHOWN_CAUSE) if unit.cause else None,
        "started_at": unit.started_at,
        "ended_at": unit.ended_at,
    }


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
        "ended_at": result.ended_at,
        "activity_id": result.activity_id,
        "cause": shortened(result.cause, SHOWN_CAUSE) if result.cause else None,
    }
