"""Links of a reply: absolute addresses of the API as the caller reached it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from aws_lambda_powertools.utilities.data_classes.common import BaseProxyEvent

Link = dict[str, str]


class Links:
    """Makes links below the root of the API.

    The root is where the request came in: its host, and what API Gateway cut off its path (the stage, or the base
    path of a custom domain). A client can follow a link as it stands, behind any of them.
    """

    def __init__(self, event: BaseProxyEvent) -> None:
        context: Mapping[str, Any] = event.get("requestContext") or {}
        self._root = _root(event, context)

    def url(self, *path: str, query: Mapping[str, str] | None = None) -> str:
        """The address of a path given segment by segment, with a query."""
        address = "/".join([self._root, *(quote(segment, safe="") for segment in path)])
        return f"{address}?{urlencode(query)}" if query else address

    def link(self, rel: str, *path: str, query: Mapping[str, str] | None = None) -> Link:
        """A link of this relation."""
        return {"rel": rel, "href": self.url(*path, query=query)}


def _root(event: BaseProxyEvent, context: Mapping[str, Any]) -> str:
    stage = context.get("stage") or ""
    if context.get("domainName"):
        # API Gateway, which speaks https only
        return f"https://{context['domainName']}{_prefix(event.path, context.get('path') or event.path, stage)}"
    host = event.headers.get("Host") or "localhost"
    if ".execute-api." in host:
        return f"http://{host}/{stage}"
    # An emulator reached by its bare address: the API is below the path LocalStack gave that, ministack has it too.
    return f"http://{host}/_aws/execute-api/{context.get('apiId')}/{stage}"


def _prefix(route: str, requested: str, stage: str) -> str:
    route, requested = route.rstrip("/"), requested.rstrip("/")
    if requested.endswith(route):
        return requested.removesuffix(route)
    # the two differ in their percent escapes
    return f"/{stage}" if stage and requested.startswith(f"/{stage}/") else ""
