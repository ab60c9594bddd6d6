"""What a cube has published: ``/cubes/{id}/items``, ``/cubes/{id}/tiles``, ``/list-merges``."""

from __future__ import annotations

import math
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response

from stratocube.api.links import Links
from stratocube.api.replies import page
from stratocube.api.requests import Query, path_id
from stratocube.api.services import Services
from stratocube.cube.definition import CubeDefinition
from stratocube.cube.timeline import parse_date
from stratocube.state.items import StoredItem
from stratocube.workflow.cube_items import (
    CountedPage,
    ItemFilter,
    item_page,
    merges_by_date,
    product_collection,
)

ITEMS = 1000
"""Items a page, however many more are asked for."""

TILES = 5000
"""Tiles a page, unless fewer are asked for."""

OUTLINES = 1000
"""Outlines of tiles a page, unless fewer are asked for."""

MOST_TILES = 100
"""Tiles whose items may be asked for at once."""

_MOST_NUMBER = 999_999
_FAILURES = 2000
_DATES = 1000
"""Dates of a tile whose merges are listed."""

_FIRST_MOMENT = "0001"


def add_item_routes(app: APIGatewayRestResolver, services: Services) -> None:
    """Add the routes."""

    def cube(cube_id: str) -> CubeDefinition:
        return CubeDefinition.parse(services.cubes.get(cube_id).definition)

    @app.get("/cubes/<cube_id>/items")
    def list_items(cube_id: str) -> dict[str, Any]:
        query, links = Query(app.current_event), Links(app.current_event)
        definition = cube(path_id(cube_id, "cube"))
        number = query.number("page", most=_MOST_NUMBER) or 1
        size = min(query.number("per_page", most=_MOST_NUMBER) or ITEMS, ITEMS)
        wanted = ItemFilter(
            tiles=query.names("tiles", most=MOST_TILES),
            start=_day(query, "start"),
            end=_day(query, "end", last=True),
            bbox=query.box("bbox"),
        )
        found = item_page(services.items, product_collection(definition), wanted, number=number, size=size)
        srid = services.grids.get(definition.grs).get("srid")
        pages = max(1, math.ceil(found.total / size))
        filters = {name: value for name in ("tiles", "bbox", "start", "end") if (value := query.whole(name))}
        return {
            "items": [_item(item, services.products.bucket, srid) for item in found.items],
            "page": number,
            "per_page": size,
            "total_items": found.total,
            "total_pages": pages,
            "all_counted": found.all_counted,
            "links": _page_links(links, definition.id, found, number=number, size=size, filters=filters),
        }

    @app.get("/cubes/<cube_id>/tiles")
    def list_tiles(cube_id: str) -> Response[str]:
        query, links = Query(app.current_event), Links(app.current_event)
        definition = cube(path_id(cube_id, "cube"))
        tiles, limit, following = chosen_tiles(definition, query, TILES)
        return page(tiles, links, "cubes", definition.id, "tiles", limit=limit, next_after=following)

    @app.get("/cubes/<cube_id>/tiles/geom")
    def list_outlines(cube_id: str) -> Response[str]:
        query, links = Query(app.current_event), Links(app.current_event)
        definition = cube(path_id(cube_id, "cube"))
        tiles, limit, following = chosen_tiles(definition, query, OUTLINES)
        outlines = services.grids.chosen_tiles(definition.grs, tiles)
        features = [
            {
                "type": "Feature",
                "id": tile,
                "geometry": outlines[tile]["footprint"],
                "properties": {"name": tile, "grid": definition.grs},
            }
            for tile in tiles
            if tile in outlines
        ]
        return page(features, links, "cubes", definition.id, "tiles", "geom", limit=limit, next_after=following)

    def chosen_tiles(definition: CubeDefinition, query: Query, most: int) -> tuple[list[str], int, str | None]:
        limit = query.limit(default=most, most=most)
        found = services.items.tiles(product_collection(definition), limit=limit + 1, after=query.text("next"))
        return list(found[:limit]), limit, found[limit - 1] if len(found) > limit else None

    @app.get("/list-merges")
    def list_merges() -> dict[str, Any]:
        query = Query(app.current_event)
        cube_id = query.required("cube_id", "cube_name", "datacube", "cubeId")
        tile = query.required("tile_id", "tile", "tileId")
        start, end = _required_day(query, "start_date", "startDate"), _required_day(query, "end_date", "endDate")
        definition = cube(cube_id)
        newest = next(iter(services.builds.of_cube(cube_id, limit=1, dry_runs=False)), None)
        dates = services.items.page(
            definition.identity_id,
            tile=tile,
            start=f"{start}T00:00:00Z",
            end=f"{end}T23:59:59Z",
            limit=_DATES,
        )
        return merges_by_date(
            definition,
            dates.items,
            services.activities.failures(cube_id, since=_FIRST_MOMENT, limit=_FAILURES),
            tile=tile,
            start=start,
            end=end,
            bucket=services.products.bucket,
            collections=list(newest.request.get("collections", ())) if newest is not None else [],
        )


def _day(query: Query, name: str, *, last: bool = False) -> str | None:
    """A day of the query as a moment: its first one, or its last."""
    value = query.text(name)
    if value is None:
        return None
    day = parse_date(value, field=name).isoformat()
    return f"{day}T23:59:59.999999Z" if last else f"{day}T00:00:00Z"


def _required_day(query: Query, *names: str) -> str:
    return parse_date(query.required(*names), field=names[0]).isoformat()


def _page_links(
    links: Links, cube_id: str, found: CountedPage, *, number: int, size: int, filters: dict[str, str]
) -> list[dict[str, str]]:
    following = [links.link("collection", "cubes", cube_id)]
    if number * size < found.total:
        where = {**filters, "page": str(number + 1), "per_page": str(size)}
        following.append(links.link("next", "cubes", cube_id, "items", query=where))
    return following


def _item(item: StoredItem, bucket: str, srid: int | None) -> dict[str, Any]:
    return {
        "id": item.item_id,
        "name": item.item_id,
        "title": item.item_id,
        "collection_id": item.collection,
        "tile_id": item.tile,
        "cloud_cover": item.cloud_cover,
        "start_date": item.start,
        "end_date": item.end,
        "srid": srid,
        "geom": item.document.get("geometry"),
        "bbox": list(item.bbox),
        "quicklook": f"{bucket}/{item.thumbnail}" if item.thumbnail else None,
        "href": f"s3://{bucket}/{item.key}",
        "_metadata": {
            "identity": item.identity,
            "clear_ratio": item.clear_ratio,
            "empty": item.empty,
            "created": item.created,
            "updated": item.updated,
        },
    }
