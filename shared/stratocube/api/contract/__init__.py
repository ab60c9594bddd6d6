"""What the REST API promises: every route with its parameters, its request, its replies.

One module a room (``cubes``, ``builds`` …) beside the module of its routes, in it ``OPERATIONS``; ``rooms.py`` has the
list of rooms. Everything said of the API is made of it: the OpenAPI document, ``GET /``, which query parameters a
route takes (any other one is answered with 400), which methods a path has (405).

How a room is added, all of it light to import (``GET /`` and every request with a query read the contract):

1. Write ``contract/<room>.py`` with one :class:`Operation` a route. Paths name their parameters ``{cube_id}`` where the
   route says ``<cube_id>``.
2. ``request`` is the pydantic model that the route parses with (its bounds and descriptions get into the document).
   Where the route takes fields beside the model's, give ``Extended(Model, More)``.
3. Replies are ``TypedDict`` classes (of ``typing_extensions``), never pydantic models: those cost milliseconds each to
   define. A docstring below a field is its description; ``NotRequired[...]`` marks what may be missing. Nothing else
   may be in a reply: the document closes objects, and the tests hold real replies against it. A TypedDict that ends in
   ``Open`` stays open (STAC documents).
4. ``answers`` lists what the route itself answers when all is well, by status, ``problems`` the statuses of problem
   documents it may answer with, with the reason. What every route has is added to them: 400 (a parameter it does not
   know), 403 (no key) and 429 (too many requests), 404 of ids in the path, 413 and 415 of a body.
5. Add the room to ``rooms.py``. ``tests/unit/api/test_api_contract.py`` holds routes and contract against each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from typing_extensions import TypedDict

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]

JSON: Final = "application/json"
HTML: Final = "text/html"


@dataclass(frozen=True)
class Parameter:
    """A parameter of the query."""

    name: str
    description: str
    type: Any = str
    """A type as pydantic reads it: ``str``, ``Literal["a", "b"]``, ``Annotated[int, Field(ge=1, le=100)]``."""
    required: bool = False
    default: Any = None
    """What its absence means, for the document."""
    example: Any = None
    aliases: tuple[str, ...] = ()
    """Other names it is taken under, for clients of cube-builder."""


@dataclass(frozen=True)
class Answer:
    """A reply when all is well."""

    description: str
    body: Any = None
    """A type as pydantic reads it, as a rule a TypedDict or a list of one, or :class:`Extended`; None for no body."""
    many: bool = False
    """Whether the body is a list of it: for :class:`Extended`, which is no type."""
    headers: tuple[Literal["Link", "Location", "Retry-After"], ...] = ()
    """Headers it may have."""
    example: Any = None
    media_type: str = JSON


@dataclass(frozen=True)
class Extended:
    """The fields of a model and those of a TypedDict, in one object. Those of the TypedDict take precedence."""

    model: Any
    more: Any
    name: str
    """Under which the document knows it."""
    optional: tuple[str, ...] = ()
    """Fields the model requires, and the whole does not."""
    without: tuple[str, ...] = ()
    """Fields of the model that are not in the whole."""


@dataclass(frozen=True)
class Operation:
    """A route, as the document and the tests know it."""

    method: Method
    path: str
    id: str
    """``operationId``: a verb and what it is done to, in camelCase."""
    tag: str
    """The room, for the page."""
    summary: str
    """One line, without a full stop."""
    answers: Mapping[int, Answer]
    description: str = ""
    query: tuple[Parameter, ...] = ()
    request: Any = None
    """What the body must be; None for a route without a body."""
    request_required: bool = True
    request_examples: Mapping[str, Any] = field(default_factory=dict)
    """Bodies that work, by name."""
    path_examples: Mapping[str, str] = field(default_factory=dict)
    problems: Mapping[int, str] = field(default_factory=dict)
    """When it answers with a problem document, by status."""
    public: bool = False
    """Whether it needs no API key (``Auth: { ApiKeyRequired: false }`` in the template)."""
    hidden: bool = False
    """Whether neither the document nor ``GET /`` speaks of it: files that a page loads."""

    @property
    def query_names(self) -> frozenset[str]:
        """All names its query may hold."""
        return frozenset(name for parameter in self.query for name in (parameter.name, *parameter.aliases))


class Link(TypedDict):
    """Where something related is."""

    rel: str
    href: str
    """An address that can be followed as it stands."""


class FieldError(TypedDict):
    """What is wrong with one field."""

    field: str
    """Its path in the body (`bands.2.nodata`), or the name of the parameter."""
    message: str
    """What is wrong, and the remedy."""
