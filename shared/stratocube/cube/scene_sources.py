"""Where scenes are searched: a STAC API or a static ItemCollection, and which of its scenes are wanted."""

from __future__ import annotations

from typing import Annotated, Any, Final, Self
from urllib.parse import parse_qsl, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, field_validator, model_validator

from stratocube.cube import json_forms
from stratocube.cube.item_query import read_query
from stratocube.cube.schema import SourceName, StrictModel, Text, plain_json, refuse, shown
from stratocube.errors import InvalidRequest

MAX_SOURCES: Final = 8
MAX_COLLECTIONS: Final = 16
MAX_CONDITIONS: Final = 32

_SECRET_WORDS: Final = ("token", "key", "secret", "password", "sig", "signature", "credential")
_ITEM_COLLECTION_SUFFIXES: Final = (".json", ".geojson")


def _refuse_token(value: object) -> None:
    # web clients send an empty token when they have none
    if value in (None, ""):
        return
    raise refuse(
        "token",
        "must not be sent as a plain value: put it into AWS Secrets Manager and give the secret's name as token_secret",
    )


def check_source_url(text: str) -> str:
    """A STAC API's root, or the href of a static ItemCollection (``s3://bucket/key.json`` or https).

    Which hosts and buckets may be read is the stack's allow-list, checked where it is read.

    Raises a validation error for another scheme, and for a URL that carries a credential.
    """
    if not text.isprintable() or any(sign in text for sign in " \\<>\"'"):
        raise refuse("url", "must be a URL without spaces, quotes and control characters")
    try:
        parts = urlsplit(text)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        raise refuse("url", f"is no URL: {shown(text)}") from None
    if parts.scheme not in {"https", "http", "s3"} or not host:
        raise refuse("url", f"must begin with https:// or s3://bucket/, got {shown(text)}")
    if parts.username is not None or parts.password is not None:
        raise refuse("credential", "must not hold a user or password: give a token's secret name as token_secret")
    for name, _ in parse_qsl(parts.query, keep_blank_values=True):
        if any(word in name.lower() for word in _SECRET_WORDS):
            raise refuse("credential", "must not hold a credential in its query: give its secret name as token_secret")
    if parts.scheme == "s3" and not parts.path.lower().endswith(_ITEM_COLLECTION_SUFFIXES):
        raise refuse("url", "must name a JSON object when it is on S3, such as s3://bucket/items.json")
    return text


def is_item_collection(url: str) -> bool:
    """Whether a checked source URL is a static ItemCollection, and not the root of a STAC API."""
    return urlsplit(url).path.lower().endswith(_ITEM_COLLECTION_SUFFIXES)


def refuse_idle_token(url: str | None, token_secret: str | None) -> None:
    """See that a token has an API to be sent to: raises a validation error for that of an ItemCollection."""
    if url is not None and token_secret is not None and is_item_collection(url):
        raise refuse(
            "token",
            "token_secret is for STAC APIs: an item collection is read by https, or from a bucket with the stack's "
            "own role. Leave it out",
        )


def _checked_query(value: object) -> dict[str, Any]:
    try:
        conditions = read_query(plain_json(value))
    except InvalidRequest as error:
        raise refuse("query", f"{error.field} {error.reason}") from None
    if len(conditions) > MAX_CONDITIONS:
        raise refuse("size", f"holds {len(conditions)} conditions, at most {MAX_CONDITIONS} are allowed")
    return plain_json(value)


RefusedToken = Annotated[None, BeforeValidator(_refuse_token)]
"""A field that exists so that its misuse is explained: tokens are given by the name of a secret."""

SourceUrl = Annotated[Text, AfterValidator(check_source_url)]
Query = Annotated[dict[str, Any], BeforeValidator(_checked_query), WithJsonSchema(json_forms.QUERY)]
"""Conditions on properties as the query extension of STAC APIs writes them; all must hold."""


class SceneSource(StrictModel):
    """One archive among the ``sources`` of a cube or a start request."""

    stac_url: SourceUrl
    """Root of a STAC API, or the href of a static ItemCollection."""
    collections: tuple[SourceName, ...] | None = Field(default=None, min_length=1, max_length=MAX_COLLECTIONS)
    """Which of the request's collections it has; all of them when left out."""
    token: RefusedToken = None
    token_secret: SourceName | None = None
    """Name of the secret with the token of the API."""
    query: Query | None = None
    """Which of its scenes to use, beside the ``query`` for all sources."""

    @field_validator("collections")
    @classmethod
    def _without_repeats(cls, values: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return None if values is None else tuple(dict.fromkeys(values))

    @model_validator(mode="after")
    def _token_is_used(self) -> Self:
        refuse_idle_token(self.stac_url, self.token_secret)
        return self

    def serves(self, collections: tuple[str, ...]) -> tuple[str, ...]:
        """Which of these collections it is searched for."""
        return tuple(name for name in collections if self.collections is None or name in self.collections)
