"""Buckets: ``/list-buckets``, ``/create-bucket``."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response

from stratocube.api.links import Links
from stratocube.api.replies import page, reply
from stratocube.api.requests import Query, json_body
from stratocube.api.services import Services
from stratocube.clock import iso_time
from stratocube.state.buckets import MadeBucket
from stratocube.workflow.bucket_requests import BucketRequest

PAGE = 100
"""Buckets a page, unless fewer are asked for."""


def add_bucket_routes(app: APIGatewayRestResolver, services: Services) -> None:
    """Add the routes."""

    @app.get("/list-buckets")
    def list_buckets() -> Response[str]:
        query, links = Query(app.current_event), Links(app.current_event)
        limit, after = query.limit(default=PAGE, most=PAGE), query.text("next")
        made, following = services.buckets.noted.page(limit=limit, after=after)
        # the one products are written to leads the first page
        own = [] if after else [_own(services.products.bucket)]
        entries = [*own, *(_bucket(bucket) for bucket in made if bucket.made)]
        return page(entries, links, "list-buckets", limit=limit, next_after=following)

    @app.post("/create-bucket")
    def create_bucket() -> Response[str]:
        wanted = BucketRequest.parse(json_body(app.current_event))
        made = services.buckets.make(wanted.name, requester_pays=wanted.requester_pay, now=iso_time(services.now()))
        return reply(HTTPStatus.CREATED, _bucket(made))


def _own(name: str) -> dict[str, Any]:
    return {"name": name, "requester_pay": False, "products": True, "created_at": None}


def _bucket(bucket: MadeBucket) -> dict[str, Any]:
    return {
        "name": bucket.name,
        "requester_pay": bucket.requester_pays,
        "products": False,
        "created_at": bucket.created_at,
    }
