"""Watches: a cube that keeps itself up to date as scenes arrive.

A watch is a start request without an end: the cube, its tiles, the collections and where they are searched. Scenes that
arrive are matched to it, and units they touch are built as that request would build them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Self

from stratocube.costs.sizing import Tariff
from stratocube.cube.definition import CubeDefinition
from stratocube.cube.requests import LAST_YEAR, StartRequest
from stratocube.cube.schema import shown
from stratocube.cube.timeline import Period, parse_date
from stratocube.errors import InvalidRequest
from stratocube.state.arrivals import Arrivals, StoredWatch
from stratocube.state.builds import Builds
from stratocube.state.cubes import Cubes
from stratocube.state.grids import Grids
from stratocube.workflow.budget import one_unit
from stratocube.workflow.estimate import refuse_expensive
from stratocube.workflow.start import check_request

Json = Mapping[str, Any]

_COLLECTION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_CUBE_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")
_MOST_ANNOUNCED = 16
_BUILDS_BACK = 100
"""Builds of a cube that are asked for the tiles it has been built on."""
_NOT_OF_A_WATCH = ("force", "validate_only")


@dataclass(frozen=True)
class Watch:
    """What a cube watches for, and how it is built then."""

    cube_id: str
    request: StartRequest
    """Its window begins where the watch does; its end is of no meaning."""
    end_date: date | None = None
    """The last day whose scenes count; None for no end."""
    announced_as: tuple[str, ...] = ()
    """Collections of the messages, where those who announce scenes call them otherwise than those who are searched."""
    unit_cost: float | None = None
    """US dollars that one unit is expected to cost, where the request says how much a build may."""

    @property
    def collections(self) -> tuple[str, ...]:
        """Collections of messages that concern it."""
        return self.announced_as or self.request.collections

    @property
    def units_a_build(self) -> int | None:
        """How many units cost no more than a build may, at least one; None for any number."""
        if self.request.max_cost is None or not self.unit_cost:
            return None
        return max(1, int(self.request.max_cost / self.unit_cost))

    def covers(self, day: date) -> bool:
        """Whether scenes of a day count."""
        return self.request.start_date <= day and (self.end_date is None or day <= self.end_date)

    def to_json(self) -> dict[str, Any]:
        """As stored; ``from_json`` is the inverse."""
        return {
            "cube_id": self.cube_id,
            "request": self.request.to_json(),
            "end_date": self.end_date.isoformat() if self.end_date else None,
            "announced_as": list(self.announced_as),
            **({"unit_cost": self.unit_cost} if self.unit_cost else {}),
        }

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """The watch that ``to_json`` wrote."""
        end = value["end_date"]
        return cls(
            cube_id=value["cube_id"],
            request=StartRequest.parse(value["request"]),
            end_date=date.fromisoformat(end) if end else None,
            announced_as=tuple(value["announced_as"]),
            unit_cost=value.get("unit_cost"),
        )

    def request_of(self, definition: CubeDefinition, units: Mapping[str, list[str]]) -> StartRequest:
        """The request that builds these units (tiles by period), and, with the option ``units``, no others."""
        periods = sorted(Period.parse(text) for text in units)
        rule = definition.temporal_composition
        counts_days = rule is not None and rule.cycle is not None and rule.cycle.unit == "day"
        # Periods that begin later are the same when the window begins with the first of them: a build of ten years of
        # a large cube for one unit would be refused. Cycles of days are counted from the beginning of the watch.
        start = self.request.start_date if counts_days else max(self.request.start_date, periods[0].start)
        tiles = sorted({tile for of_period in units.values() for tile in of_period})
        window = {"start_date": start.isoformat(), "end_date": max(start, periods[-1].end).isoformat()}
        return StartRequest.parse({**self.request.to_json(), **window, "tiles": tiles})


def start_watch(
    payload: Json,
    *,
    cubes: Cubes,
    grids: Grids,
    builds: Builds,
    arrivals: Arrivals,
    allowed_hosts: tuple[str, ...],
    allowed_buckets: tuple[str, ...],
    now: str,
    tariff: Tariff | None = None,
) -> Watch:
    """Store a watch: the fields of a start request, ``cube_id`` for the cube, ``end_date`` or none, ``announced_as``.

    ``max_cost`` holds for each build it starts: of units that would cost more, some wait for the next.

    What is left out is that of the cube's newest build started by hand; ``tiles`` are those of all its last builds.
    A cube has one watch: another one takes its place.

    Raises:
        InvalidRequest: as for a start request, and for a cube that cannot be watched: names the field.
        NotFound: when there is no such cube.
    """
    form = dict(payload)
    cube_id = form.pop("cube_id", form.pop("datacube", None))
    if not isinstance(cube_id, str) or not _CUBE_ID.fullmatch(cube_id):
        raise InvalidRequest("is required: the id of a cube, such as S2-16D-1", field="cube_id")
    cubes.get(cube_id)
    announced = _announced(form.pop("announced_as", None))
    end = _day(form.pop("end_date", None), "end_date")
    for name in _NOT_OF_A_WATCH:
        if form.get(name) is not None:
            raise InvalidRequest("has no meaning for a watch: leave it out", field=name)
    form = _newest_request(cube_id, form, builds) | {name: value for name, value in form.items() if value is not None}
    if form.get("start_date") is None:
        raise InvalidRequest("is required: the first day whose scenes count", field="start_date")
    request, definition, pixels = check_request(
        form | {"datacube": cube_id, "end_date": form["start_date"]},
        cubes=cubes,
        grids=grids,
        allowed_hosts=allowed_hosts,
        allowed_buckets=allowed_buckets,
    )
    if definition.temporal_composition is None:
        raise InvalidRequest(
            f"{cube_id} has no temporal_composition, so there are no periods to build scene by scene: define a cube"
            " that has one, such as steps of one day",
            field="cube_id",
        )
    if end is not None and end < request.start_date:
        raise InvalidRequest(f"must not be before start_date ({request.start_date}), got {end}", field="end_date")
    estimate = one_unit(request, definition, pixels, tariff)
    refuse_expensive(request.max_cost, estimate, what="one unit")
    watch = Watch(cube_id, request, end, announced, estimate["cost_usd"] if request.max_cost else None)
    arrivals.watch(cube_id, watch.collections, watch.to_json(), now=now)
    return watch


def watch_of(stored: StoredWatch) -> Watch:
    """The watch of a stored row."""
    return Watch.from_json(stored.body)


def watches_by_cube(stored: tuple[StoredWatch, ...]) -> dict[str, list[StoredWatch]]:
    """A cube's rows, one a collection, by cube."""
    found: dict[str, list[StoredWatch]] = {}
    for watch in stored:
        found.setdefault(watch.cube_id, []).append(watch)
    return dict(sorted(found.items()))


def _newest_request(cube_id: str, form: Json, builds: Builds) -> dict[str, Any]:
    """The request of the cube's newest build started by hand, on all tiles of its last builds."""
    before = builds.of_cube(cube_id, limit=_BUILDS_BACK, dry_runs=False)
    plain = next((build.request for build in before if not build.options), {})
    left_out = {"end_date", "datacube", "datacube_version", "max_cost", *_NOT_OF_A_WATCH}
    if {"stac_url", "sources"} & form.keys():
        left_out |= {"stac_url", "sources", "token_secret", "query"}
    known = {name: value for name, value in plain.items() if name not in left_out}
    tiles = sorted({tile for build in before for tile in build.request.get("tiles", ())})
    return known | ({"tiles": tiles} if tiles else {})


def _announced(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    names = value if isinstance(value, list) else []
    if not 1 <= len(names) <= _MOST_ANNOUNCED or not all(
        isinstance(name, str) and _COLLECTION.fullmatch(name) for name in names
    ):
        raise InvalidRequest(
            f"must be a list of 1 to {_MOST_ANNOUNCED} ids of collections, got {shown(value)}", field="announced_as"
        )
    return tuple(dict.fromkeys(names))


def _day(value: object, field: str) -> date | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise InvalidRequest(f"must be a date such as 2026-12-31, got {shown(value)}", field=field)
    day = parse_date(value, field=field)
    if day.year > LAST_YEAR:
        raise InvalidRequest(f"must not be after {LAST_YEAR}, got {day}: leave it out for no end", field=field)
    return day
