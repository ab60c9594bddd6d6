"""Files of items: fetched by whoever may, by a signed link of the API or out of the bucket."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import typer

from stratocube.cli.session import aws_of
from stratocube.client.api import ApiClient, ApiError
from stratocube.storage.hrefs import split_s3

_WEB = ("http://", "https://")


def asset_content(context: typer.Context, client: ApiClient, item: Mapping[str, Any], key: str) -> bytes:
    """The bytes of an item's asset: by a signed link of the API, or of an API without them out of the bucket.

    Raises:
        ApiError, Unreachable: the link, or what it leads to, cannot be had.
        typer.Exit: it is in a bucket, and the stack is known by its URL alone.
    """
    href = str(item["assets"][key]["href"])
    if not href.startswith(_WEB):
        path = "/".join(quote(part, safe="") for part in (str(item["collection"]), str(item["id"]), key))
        try:
            href = str(client.call("GET", f"/assets/{path}")["href"])
        except ApiError as error:
            if error.status != HTTPStatus.NOT_FOUND or not href.startswith("s3://"):
                raise
    if href.startswith("s3://"):
        bucket, name = split_s3(href)
        body: bytes = aws_of(context).client("s3").get_object(Bucket=bucket, Key=name)["Body"].read()
        return body
    return client.fetch(href)
