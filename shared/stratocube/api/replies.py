"""Replies that are more than a body: what was made and where, a page and its next one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response, content_types

from stratocube.api.links import Link, Links
from stratocube.state.build_values import Build


def reply(status: HTTPStatus, body: Any, headers: Mapping[str, str | list[str]] | None = None) -> Response[str]:
    """A JSON reply."""
    return Response(
        status_code=int(status),
        content_type=content_types.APPLICATION_JSON,
        body=json.dumps(body, separators=(",", ":")),
        headers=headers,
    )


def created(body: Any, *, location: str) -> Response[str]:
    """201, and where the new thing is."""
    return reply(HTTPStatus.CREATED, body, {"Location": location})


def page(
    entries: Sequence[Any],
    links: Links,
    *path: str,
    limit: int,
    next_after: str | None,
    filters: Mapping[str, str] | None = None,
) -> Response[str]:
    """A list as cube-builder answers it: a JSON array. A ``Link`` header (RFC 8288) leads to the next page, which has
    the same ``filters``."""
    headers: dict[str, str | list[str]] = {}
    if next_after is not None:
        following = links.url(*path, query={**(filters or {}), "limit": str(limit), "next": next_after})
        headers["Link"] = f'<{following}>; rel="next"'
    return reply(HTTPStatus.OK, list(entries), headers)


def next_links(
    links: Links, *path: str, limit: int, next_after: str | None, filters: Mapping[str, str] | None = None
) -> list[Link]:
    """The link to the next page of a list that is part of an object; none at its end."""
    if next_after is None:
        return []
    return [links.link("next", *path, query={**(filters or {}), "limit": str(limit), "next": next_after})]


def build_links(build: Build, links: Links) -> list[Link]:
    """Where a build, its cube and what failed of it can be read."""
    return [
        links.link("self", "builds", build.build_id),
        links.link("cube", "cubes", build.cube_id),
        links.link("failures", "failures", query={"cube_id": build.cube_id, "since": build.created_at}),
    ]
