"""``GET /``."""

from __future__ import annotations

from typing import Any, NotRequired

from typing_extensions import TypedDict

from stratocube.api.contract import HTML, Answer, Operation


class RootLink(TypedDict):
    """A route, or a related document."""

    rel: str
    href: str
    """Parameters of the path stand in braces."""
    method: NotRequired[str]
    """Methods it takes."""
    parameters: NotRequired[str]
    """Parameters its query takes."""
    title: NotRequired[str]
    type: NotRequired[str]
    """Media type."""
    templated: NotRequired[bool]
    """Whether the address has parameters in braces."""


class Root(TypedDict):
    """What this is."""

    name: str
    description: str
    version: str
    message: str
    links: list[RootLink]


OPERATIONS = (
    Operation(
        "GET",
        "/",
        id="getRoot",
        tag="root",
        summary="What this is and all routes",
        answers={200: Answer("Name, version, and a link to every route", Root)},
    ),
    Operation(
        "GET",
        "/openapi.json",
        id="getOpenApi",
        tag="root",
        summary="This document",
        answers={200: Answer("An OpenAPI 3.1 document", dict[str, Any])},
        public=True,
    ),
    Operation(
        "GET",
        "/docs",
        id="getDocs",
        tag="root",
        summary="This document as a page to read and to try requests on",
        answers={200: Answer("A page", str, media_type=HTML)},
        public=True,
    ),
    Operation(
        "GET",
        "/docs/{file}",
        id="getDocsFile",
        tag="root",
        summary="A file that the page loads",
        answers={200: Answer("Its text", str, media_type="text/javascript")},
        public=True,
        hidden=True,
    ),
)
