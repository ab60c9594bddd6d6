"""stac-fastapi, the STAC API server many archives run, over items in memory, on a free port of this machine.

What is asked, how it is checked and answered, and the pages are stac-fastapi's; only where items come from is ours.
"""

from __future__ import annotations

import datetime as dt
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any
from urllib.parse import urlencode, urljoin

import attr
import uvicorn
from shapely.geometry import shape
from stac_fastapi.api.app import StacApi
from stac_fastapi.api.models import create_get_request_model, create_post_request_model
from stac_fastapi.extensions.pagination import TokenPaginationExtension
from stac_fastapi.extensions.query import QueryExtension
from stac_fastapi.types.config import ApiSettings
from stac_fastapi.types.core import BaseCoreClient
from stac_fastapi.types.errors import NotFoundError

from stratocube.cube.item_query import matches, read_query


@attr.s
class ItemsInMemory(BaseCoreClient):
    """Collections and items of a list, in its order."""

    items: Sequence[dict[str, Any]] = attr.ib(factory=list)

    def post_search(self, search_request: Any, **kwargs: Any) -> Any:
        request = kwargs["request"]
        found = self._found(
            search_request.collections,
            shape(search_request.intersects.model_dump()) if search_request.intersects else None,
            search_request.start_date,
            search_request.end_date,
            search_request.query,
        )
        body = search_request.model_dump(mode="json", exclude_none=True, by_alias=True)
        return self._page(
            found,
            search_request.limit,
            search_request.token,
            lambda token: {"href": str(request.url), "method": "POST", "body": {**body, "token": token}},
        )

    def get_search(self, **kwargs: Any) -> Any:
        request, interval = kwargs["request"], kwargs.get("datetime")
        start, end = interval if isinstance(interval, tuple) else (interval, interval)
        area = kwargs.get("intersects")
        found = self._found(kwargs.get("collections"), shape(area.model_dump()) if area else None, start, end, None)
        given = dict(request.query_params)
        base = str(request.url).partition("?")[0]
        return self._page(
            found,
            kwargs.get("limit"),
            kwargs.get("token"),
            lambda token: {"href": f"{base}?{urlencode({**given, 'token': token})}", "method": "GET"},
        )

    def _found(self, collections: Any, area: Any, start: Any, end: Any, query: Any) -> list[dict[str, Any]]:
        conditions = read_query(query or {})
        return [
            item
            for item, time, place in self._indexed
            if (not collections or item["collection"] in collections)
            and (start is None or time >= start)
            and (end is None or time <= end)
            and (area is None or place.intersects(area))
            and matches(item["properties"], conditions)
        ]

    @cached_property
    def _indexed(self) -> list[tuple[dict[str, Any], dt.datetime, Any]]:
        return [(item, _time(item), shape(item["geometry"])) for item in self.items]

    @staticmethod
    def _page(found: list[dict[str, Any]], limit: int | None, token: str | None, link: Any) -> dict[str, Any]:
        begin = int(token or 0)
        end = begin + (limit or 10)
        links = [{"rel": "next", "type": "application/geo+json", **link(str(end))}] if end < len(found) else []
        return {"type": "FeatureCollection", "features": found[begin:end], "links": links}

    def get_item(self, item_id: str, collection_id: str, **kwargs: Any) -> Any:
        for item in self.items:
            if (item["id"], item["collection"]) == (item_id, collection_id):
                return item
        raise NotFoundError(f"no item {item_id}")

    def all_collections(self, **kwargs: Any) -> Any:
        names = dict.fromkeys(item["collection"] for item in self.items)
        return {"collections": [self._collection(name, kwargs["request"]) for name in names], "links": []}

    def get_collection(self, collection_id: str, **kwargs: Any) -> Any:
        return self._collection(collection_id, kwargs["request"])

    @staticmethod
    def _collection(name: str, request: Any) -> dict[str, Any]:
        return {
            "type": "Collection",
            "stac_version": "1.0.0",
            "id": name,
            "description": name,
            "license": "other",
            "extent": {"spatial": {"bbox": [[-180, -90, 180, 90]]}, "temporal": {"interval": [[None, None]]}},
            "links": [{"rel": "self", "href": urljoin(str(request.base_url), f"collections/{name}")}],
        }

    def item_collection(self, collection_id: str, **kwargs: Any) -> Any:
        found = [item for item in self.items if item["collection"] == collection_id]
        return self._page(found, kwargs.get("limit"), kwargs.get("token"), lambda token: {"href": "", "token": token})


def _time(item: dict[str, Any]) -> dt.datetime:
    return dt.datetime.fromisoformat(item["properties"]["datetime"])


@contextmanager
def stac_fastapi(items: Sequence[dict[str, Any]]) -> Iterator[str]:
    """The address of a server of these items, ended when the block is left."""
    extensions = [TokenPaginationExtension(), QueryExtension()]
    api = StacApi(
        settings=ApiSettings(enable_response_models=False),
        client=ItemsInMemory(items=items, extensions=extensions),
        extensions=extensions,
        search_get_request_model=create_get_request_model(extensions),
        search_post_request_model=create_post_request_model(extensions),
    )
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        server = uvicorn.Server(uvicorn.Config(api.app, log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        try:
            # The socket listens already: who connects before the server runs waits, nobody is refused.
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        finally:
            server.should_exit = True
            thread.join(timeout=10)
