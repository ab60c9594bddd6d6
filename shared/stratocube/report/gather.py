"""Asks the REST API for all a report tells."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from stratocube.client.api import ApiClient, ApiError
from stratocube.client.catalog import Catalog, Span, days_of, tile_of_item
from stratocube.report.values import BuildReport, Product, ReportTile, ReportUnit, moment, step_spans, tile_of

Picture = Callable[[Mapping[str, Any], str], bytes]
"""The bytes of an asset of an item, by its name."""

MAX_UNITS: Final = 2_000
"""Units that are shown one by one; a page with more of them helps nobody."""
MAX_TIMED: Final = 120
"""Units whose steps are asked for."""
MAX_PICTURES: Final = 60
_TILES_A_REQUEST: Final = 100
_FAILURES_FIRST: Final = {"FAILED": 0, "CANCELLED": 1, "RUNNING": 2, "PLANNED": 3, "SUCCEEDED": 4}


def gather(client: ApiClient, build_id: str, *, picture: Picture) -> BuildReport:
    """Everything of a build.

    Raises:
        ApiError, Unreachable: when the API answers with an error, or not at all.
    """
    build = client.call("GET", f"/builds/{_quoted(build_id)}")
    cube = client.call("GET", f"/cubes/{_quoted(build['cube_id'])}")
    units, notes = _units(client, build), []
    total = int(build["units"]["total"])
    if total > len(units):
        notes.append(f"{len(units)} of {total} units are shown: first those that failed.")
    items = _items(client, build["cube_id"], units)
    shown: list[ReportUnit] = []
    pictures = 0
    for position, unit in enumerate(units):
        activities = _activities(client, build_id, unit["unit_id"]) if position < MAX_TIMED else ()
        item = items.get((unit["tile"], unit["start"], unit["end"])) if unit["status"] == "SUCCEEDED" else None
        wanted = item is not None and pictures < MAX_PICTURES
        product = None if item is None else _product(item, picture if wanted else None)
        pictures += product is not None and product.picture is not None
        shown.append(_unit(unit, activities, product))
    if len(units) > MAX_TIMED:
        notes.append(f"Steps of the first {MAX_TIMED} units are in the timeline.")
    if sum(unit.product is not None for unit in shown) > pictures == MAX_PICTURES:
        notes.append(f"{MAX_PICTURES} pictures are shown.")
    grid = str(cube["grs"])
    tiles, crs = _tiles(client, grid, sorted({unit.tile for unit in shown}))
    return BuildReport(
        build_id=build["build_id"],
        cube_id=build["cube_id"],
        status=build["status"],
        grid=grid,
        crs=crs,
        created_at=moment(build["created_at"]) or _never(),
        started_at=moment(build["started_at"]),
        finished_at=moment(build["finished_at"]),
        cause=build["cause"],
        units=tuple(sorted(shown, key=lambda unit: (unit.tile, unit.start))),
        tiles=tiles,
        steps=build["steps"],
        costs=build.get("costs") or {},
        unit_counts=build["units"],
        notes=tuple(notes),
    )


def _units(client: ApiClient, build: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The units, failed ones first where not all of them are shown."""
    path = f"/builds/{_quoted(build['build_id'])}/units"
    if int(build["units"]["total"]) <= MAX_UNITS:
        return list(_pages(client, path, {}))
    found: list[dict[str, Any]] = []
    for status in _FAILURES_FIRST:
        for unit in _pages(client, path, {"status": status}):
            if len(found) == MAX_UNITS:
                return found
            found.append(unit)
    return found


def _pages(client: ApiClient, path: str, query: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    following: str | None = None
    while True:
        page = client.call("GET", path, query={**query, "next": following})
        yield from page["units"]
        following = page.get("next")
        if following is None:
            return


def _activities(client: ApiClient, build_id: str, unit_id: str) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = client.call("GET", f"/builds/{_quoted(build_id)}/units/{_quoted(unit_id)}")[
        "activities"
    ]
    return found


def _items(
    client: ApiClient, cube_id: str, units: list[dict[str, Any]]
) -> dict[tuple[str, str, str], Mapping[str, Any]]:
    """Published composites of the build's units, by tile and period."""
    if not units:
        return {}
    first, last = min(unit["start"] for unit in units), max(unit["end"] for unit in units)
    wanted = {(unit["tile"], unit["start"], unit["end"]) for unit in units}
    found: dict[tuple[str, str, str], Mapping[str, Any]] = {}
    try:
        for item in Catalog(client).items(cube_id, span=Span(date.fromisoformat(first), date.fromisoformat(last))):
            key = (tile_of_item(item), *days_of(item))
            if key in wanted:
                found[key] = item
                if len(found) == len(wanted):
                    break
    except ApiError as error:
        # a cube of which nothing was published has no collection
        if error.status != HTTPStatus.NOT_FOUND:
            raise
    return found


def _product(item: Mapping[str, Any], picture: Picture | None) -> Product:
    properties, assets = item["properties"], item["assets"]
    name = next((key for key, asset in assets.items() if "thumbnail" in (asset.get("roles") or ())), None)
    content = None if picture is None or name is None else picture(item, name)
    dates = properties.get("stratocube:dates") or properties.get("stratocube:date_count")
    return Product(
        item_id=str(item["id"]),
        cloud_cover=properties.get("eo:cloud_cover"),
        clear=properties.get("stratocube:efficacy"),
        dates=len(dates) if isinstance(dates, list) else dates,
        flags=tuple(properties.get("stratocube:flags") or ()),
        picture=content,
        picture_type="image/png" if name is None else str(assets[name].get("type") or "image/png"),
    )


def _unit(unit: Mapping[str, Any], activities: Any, product: Product | None) -> ReportUnit:
    return ReportUnit(
        unit_id=unit["unit_id"],
        tile=unit["tile"],
        start=unit["start"],
        end=unit["end"],
        status=unit["status"],
        failed_step=unit["failed_step"],
        cause=unit["cause"],
        started_at=moment(unit["started_at"]),
        ended_at=moment(unit["ended_at"]),
        steps=step_spans(activities),
        product=product,
    )


def _tiles(client: ApiClient, grid: str, names: list[str]) -> tuple[tuple[ReportTile, ...], str]:
    found: list[ReportTile] = []
    crs = ""
    for position in range(0, len(names), _TILES_A_REQUEST):
        some = ",".join(names[position : position + _TILES_A_REQUEST])
        answer = client.call("GET", f"/grids/{_quoted(grid)}", query={"tiles": some})
        crs = str(answer.get("crs") or "")
        found.extend(tile_of(tile) for tile in answer["tiles"])
    return tuple(found), crs


def _quoted(text: str) -> str:
    return quote(text, safe="")


def _never() -> Any:
    return moment("1970-01-01T00:00:00")
