"""The STAC API of this stack's own products: ``/stac`` and what is below it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Final

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response

from stratocube.api.links import Links
from stratocube.api.requests import Query, json_body, path_id
from stratocube.api.services import Services
from stratocube.api.stac_search import search_of_body, search_of_query, token_of
from stratocube.catalog.published import published_collection, published_item
from stratocube.clock import iso_time
from stratocube.errors import NotFound, SourceMissing
from stratocube.state.items import StoredCollection, StoredItem
from stratocube.workflow.item_deletion import delete_item
from stratocube.workflow.item_search import Found, search_items

GEOJSON: Final = "application/geo+json"
JSON: Final = "application/json"
CONFORMS_TO: Final = (
    "https://api.stacspec.org/v1.0.0/core",
    "https://api.stacspec.org/v1.0.0/collections",
    "https://api.stacspec.org/v1.0.0/ogcapi-features",
    "https://api.stacspec.org/v1.0.0/item-search",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson",
)
COLLECTIONS_PAGE: Final = 100
_READS_AT_ONCE: Final = 8
_SEARCH: Final = ("bbox", "datetime", "ids", "collections", "intersects", "limit")


def add_stac_routes(app: APIGatewayRestResolver, services: Services) -> None:
    """Add the routes."""
    _add_collections(app, services)
    _add_items(app, services)
    _add_search(app, services)


def _add_collections(app: APIGatewayRestResolver, services: Services) -> None:
    @app.get("/stac")
    def landing() -> dict[str, Any]:
        return _landing(Links(app.current_event))

    @app.get("/stac/conformance")
    def conformance() -> dict[str, Any]:
        return {"conformsTo": list(CONFORMS_TO)}

    @app.get("/stac/collections")
    def collections() -> dict[str, Any]:
        query, links = Query(app.current_event), Links(app.current_event)
        limit = query.limit(default=COLLECTIONS_PAGE, most=COLLECTIONS_PAGE)
        stored = services.items.collections(limit=limit + 1, after=query.text("token"))
        with ThreadPoolExecutor(_READS_AT_ONCE) as pool:
            read = list(pool.map(lambda one: _collection(services, one, links), stored[:limit]))
        more = {"limit": str(limit), "token": stored[limit - 1].collection} if len(stored) > limit else None
        return {
            "collections": [one for one in read if one is not None],
            "links": [
                _link(links, "self", JSON, "stac", "collections"),
                _link(links, "root", JSON, "stac"),
                *([_link(links, "next", JSON, "stac", "collections", query=more)] if more else ()),
            ],
        }

    @app.get("/stac/collections/<collection_id>")
    def collection(collection_id: str) -> dict[str, Any]:
        stored = services.items.collection(path_id(collection_id, "collection"))
        found = _collection(services, stored, Links(app.current_event))
        if found is None:
            raise NotFound(f"{services.products.href(stored.key)} was deleted: the next build of the cube writes it")
        return found


def _add_items(app: APIGatewayRestResolver, services: Services) -> None:
    @app.get("/stac/collections/<collection_id>/items")
    def items(collection_id: str) -> Response[str]:
        query, links = Query(app.current_event), Links(app.current_event)
        stored = services.items.collection(path_id(collection_id, "collection"))
        search, limit = search_of_query(query)
        token = token_of(query.whole("token"))
        # pystac-client names the collection once more; one that names another asks for what is not here
        here = search.collections is None or stored.collection in search.collections
        only = replace(search, collections=(stored.collection,) if here else ())
        found = search_items(services.items, only, limit=limit, token=token)
        path = ("stac", "collections", stored.collection, "items")
        asked = _asked(query, *_SEARCH)
        next_link = _link(links, "next", GEOJSON, *path, query=asked | {"token": found.token or ""})
        own = links.url(*path, query=asked | ({"token": token} if token else {}) or None)
        return _page(services, found, links, own, next_link, _link(links, "collection", JSON, *path[:-1]))

    @app.get("/stac/collections/<collection_id>/items/<item_id>")
    def item(collection_id: str, item_id: str) -> Response[str]:
        stored = services.items.get(path_id(collection_id, "collection"), path_id(item_id, "item"))
        return _geojson(_feature(services, stored, Links(app.current_event)))

    @app.delete("/stac/collections/<collection_id>/items/<item_id>")
    def delete(collection_id: str, item_id: str) -> dict[str, Any]:
        deleted = delete_item(
            services.item_index,
            path_id(collection_id, "collection"),
            path_id(item_id, "item"),
            builds=services.builds,
            unsettled=services.unsettled,
            cubes=services.cubes,
        )
        return {
            "collection": deleted.collection,
            "id": deleted.item_id,
            "deleted_files": deleted.files,
            "kept_files": deleted.kept,
        }


def _add_search(app: APIGatewayRestResolver, services: Services) -> None:
    path = ("stac", "search")

    @app.get("/stac/search")
    def get_search() -> Response[str]:
        query, links = Query(app.current_event), Links(app.current_event)
        search, limit = search_of_query(query)
        token = token_of(query.whole("token"))
        found = search_items(services.items, search, limit=limit, token=token)
        asked = _asked(query, *_SEARCH)
        next_link = _link(links, "next", GEOJSON, *path, query=asked | {"token": found.token or ""})
        own = links.url(*path, query=asked | ({"token": token} if token else {}) or None)
        return _page(services, found, links, own, {**next_link, "method": "GET"})

    @app.post("/stac/search")
    def post_search() -> Response[str]:
        body, links = json_body(app.current_event), Links(app.current_event)
        search, limit = search_of_body(body)
        found = search_items(services.items, search, limit=limit, token=token_of(body.get("token")))
        following = {"method": "POST", "body": {**body, "token": found.token}, "merge": False}
        next_link = _link(links, "next", GEOJSON, *path) | following
        return _page(services, found, links, links.url(*path), next_link)


def _page(
    services: Services, found: Found, links: Links, own: str, next_link: Mapping[str, Any], *more: Mapping[str, Any]
) -> Response[str]:
    """An ItemCollection; it has the link to the next page if there is one."""
    features = [_feature(services, item, links) for item in found.items]
    return _geojson(
        {
            "type": "FeatureCollection",
            "features": features,
            "numberReturned": len(features),
            "timeStamp": iso_time(services.now()),
            "links": [
                {"rel": "self", "href": own, "type": GEOJSON},
                _link(links, "root", JSON, "stac"),
                *more,
                *([next_link] if found.token is not None else ()),
            ],
        }
    )


def _landing(links: Links) -> dict[str, Any]:
    search = _link(links, "search", GEOJSON, "stac", "search")
    return {
        "type": "Catalog",
        "stac_version": "1.1.0",
        "id": "stratocube",
        "title": "Data cubes of this stack",
        "description": "Items that stratocube published: composites of a period, and the dates they are made of.",
        "conformsTo": list(CONFORMS_TO),
        "links": [
            _link(links, "self", JSON, "stac"),
            _link(links, "root", JSON, "stac"),
            _link(links, "conformance", JSON, "stac", "conformance"),
            _link(links, "data", JSON, "stac", "collections"),
            {**search, "method": "GET"},
            {**search, "method": "POST"},
            _link(links, "service-desc", JSON, "openapi.json"),
            _link(links, "service-doc", "text/html", "docs"),
        ],
    }


def _collection(services: Services, stored: StoredCollection, links: Links) -> dict[str, Any] | None:
    """A collection as it is in S3; None where somebody has deleted it there."""
    try:
        document = services.products.read_json(stored.key)
    except SourceMissing:
        return None
    path = ("stac", "collections", stored.collection)
    own = [
        _link(links, "self", JSON, *path),
        _link(links, "root", JSON, "stac"),
        _link(links, "parent", JSON, "stac"),
        _link(links, "items", GEOJSON, *path, "items"),
    ]
    return published_collection(document, key=stored.key, href=services.products.href, links=own)


def _feature(services: Services, item: StoredItem, links: Links) -> dict[str, Any]:
    collection = ("stac", "collections", item.collection)
    own = [
        _link(links, "self", GEOJSON, *collection, "items", item.item_id),
        _link(links, "root", JSON, "stac"),
        _link(links, "parent", JSON, *collection),
        _link(links, "collection", JSON, *collection),
    ]
    return published_item(item.document, key=item.key, href=services.products.href, links=own)


def _link(
    links: Links, rel: str, media_type: str, *path: str, query: Mapping[str, str] | None = None
) -> dict[str, Any]:
    return {**links.link(rel, *path, query=query), "type": media_type}


def _asked(query: Query, *names: str) -> dict[str, str]:
    return {name: value for name in names if (value := query.whole(name))}


def _geojson(body: Mapping[str, Any]) -> Response[str]:
    return Response(int(HTTPStatus.OK), GEOJSON, json.dumps(body, separators=(",", ":")))
