"""What is done to builds and cubes on request: retry, complete, rebuild what is stale.

Each of these is a build like any other, of fewer units; Plan chooses them (:mod:`stratocube.workflow.chosen_units`).
What is done already is reused by its identity, so none of them does work twice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from stratocube.cube.requests import StartRequest
from stratocube.cube.retry import RetryRequest
from stratocube.errors import Conflict, InvalidRequest, NotFound
from stratocube.state.build_values import Build
from stratocube.state.builds import Builds
from stratocube.state.cubes import Cubes
from stratocube.workflow.budget import Budget
from stratocube.workflow.options import BuildOptions
from stratocube.workflow.retried_units import units_to_retry
from stratocube.workflow.start import CheckedStart, Launch, start_recorded

Json = Mapping[str, Any]

_CUBE_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")
"""What may be looked up: anything else the form's own check refuses."""

_BUILDS_BACK = 100
"""Builds of a cube that are asked for the tiles it has been built on."""


@dataclass(frozen=True)
class Retry:
    """A build that does units of another one again."""

    build: Build
    units: int | None
    """How many units; None for all that the request covers, where the first build had not planned them."""


def retry_build(
    build_id: str,
    wanted: RetryRequest,
    *,
    builds: Builds,
    launch: Launch,
    moment: datetime,
    budget: Budget | None = None,
) -> Retry:
    """Start a build of those units of an ended one that the filter lets pass, with the same request and options.

    A build that ended before its units were planned is done again as a whole.

    Raises:
        NotFound: there is no such build.
        Conflict: the build has not ended, or has no such unit.
        TooExpensive: it is expected to cost more than ``max_cost``.
        LaunchFailed: as :func:`stratocube.workflow.start.start_recorded`.
    """
    build = builds.get(build_id)
    if build.finished_at is None:
        raise Conflict(f"build {build_id} is still {build.status}: retry it when it has ended, or cancel it first")
    options = BuildOptions.from_json(build.options)
    if build.started_at is None:
        again = replace(options, retry_of=options.retry_of or build_id)
        count = None
    else:
        count = sum(1 for _ in units_to_retry(builds, build_id, wanted))
        if not count:
            raise Conflict(
                f"build {build_id} has no unit that is {' or '.join(wanted.states)} and fits the filter:"
                f" GET /builds/{build_id} lists what failed"
            )
        filtered = wanted.model_dump(mode="json", exclude_none=True, exclude={"max_cost"})
        again = replace(options, retry_of=build_id, retry=filtered)
    request = dict(build.request) | ({"max_cost": wanted.max_cost} if wanted.max_cost is not None else {})
    retried = start_recorded(
        build.cube_id,
        request,
        again,
        builds=builds,
        launch=launch,
        moment=moment,
        before_launch=build_id,
        estimate=budget.of_units(build.cube_id, request, count) if budget else None,
    )
    return Retry(retried, count)


def cube_request(payload: Json, *, cubes: Cubes, builds: Builds) -> dict[str, Any]:
    """A start request out of a shorter one: ``cube_id``, ``start_date`` and ``end_date`` are enough.

    ``cube_id`` may stand for ``datacube``. ``collections`` and the places to search that are left out are those of
    the cube's newest build, ``tiles`` all tiles of its last builds.

    Raises:
        InvalidRequest: when something is left out and the cube was never built: names the field.
        NotFound: when there is no such cube.
    """
    form = dict(payload)
    named = form.pop("cube_id", None)
    if named is not None:
        if "datacube" in form or not isinstance(named, str):
            raise InvalidRequest("give the cube's id as text, in cube_id or in datacube", field="cube_id")
        form["datacube"] = named
    cube_id = form.get("datacube")
    missing = [name for name in ("collections", "tiles") if form.get(name) is None]
    if not missing or not isinstance(cube_id, str) or not _CUBE_ID.fullmatch(cube_id):
        return form
    try:
        before = builds.of_cube(cubes.get(cube_id).cube_id, limit=_BUILDS_BACK, dry_runs=False)
    except NotFound as error:
        raise InvalidRequest(f"is required where datacube is no cube's id ({error})", field=missing[0]) from error
    if not before:
        raise InvalidRequest(f"is required: {cube_id} has not been built yet", field=missing[0])
    newest = before[0].request
    tiles = sorted({tile for build in before for tile in build.request.get("tiles", ())})
    known = {"collections": newest.get("collections"), "tiles": tiles} | _places(newest, form)
    return {name: value for name, value in known.items() if value} | {
        name: value for name, value in form.items() if value is not None
    }


def _places(newest: Mapping[str, Any], form: Mapping[str, Any]) -> dict[str, Any]:
    """Where the newest build searched, unless the form says where to."""
    names = ("stac_url", "token_secret", "sources", "query")
    return {} if {"stac_url", "sources"} & form.keys() else {name: newest.get(name) for name in names}


def has_composites(checked: CheckedStart) -> CheckedStart:
    """The start, where its cube publishes composites, by which alone stale and published units are told.

    Raises:
        InvalidRequest: for a cube of identity products.
    """
    if checked.definition.composite_function == "IDT":
        raise InvalidRequest(
            f"{checked.definition.id} has no composites (IDT): start a plain build, what is there is reused",
            field="datacube",
        )
    return checked


def take_flag(payload: Json, name: str) -> tuple[dict[str, Any], bool]:
    """A form without a flag that is no field of a start request, and the flag: false when it is not there.

    Raises:
        InvalidRequest: when it is neither true nor false.
    """
    form = dict(payload)
    flag = form.pop(name, False)
    if not isinstance(flag, bool):
        raise InvalidRequest("must be true or false", field=name)
    return form, flag


def refuse_validate_only(request: StartRequest) -> None:
    """An operation is no place for ``validate_only``.

    Raises:
        InvalidRequest: when the request asks for it.
    """
    if request.validate_only:
        raise InvalidRequest("asks for no build: send the request to POST /start", field="validate_only")
