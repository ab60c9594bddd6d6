"""The OpenAPI document, made of the contract."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, NotRequired

from typing_extensions import TypedDict

from stratocube import __version__
from stratocube.api.contract import JSON, Answer, FieldError, Operation, Parameter
from stratocube.api.openapi.schemas import Schemas
from stratocube.api.problems import CONTENT_TYPE as PROBLEM
from stratocube.api.requests import MAX_BODY, MAX_ID

VERSION: Final = "3.1.1"
KEY: Final = "apiKey"
"""Name of the security scheme."""

_DESCRIPTION: Final = """\
Earth-observation data cubes on AWS without servers. Requests carry an API key in the header `x-api-key`.

Lists are paged: `limit` entries a page. Where there are more, an array comes with a `Link` header with `rel="next"`, an
object with a link of the relation `next`: follow it as it stands. Errors are problem documents (RFC 9457) that name the
field and the remedy."""

_HEADERS: Final[Mapping[str, Mapping[str, Any]]] = {
    "Link": {"description": 'The next page, where there is one: `<…>; rel="next"` (RFC 8288)', "required": False},
    "Location": {"description": "Where the new thing is", "required": True},
    "Retry-After": {"description": "Seconds after which to try again", "required": False},
}
_ALWAYS: Final[Mapping[int, str]] = {400: "The request is wrong: the problem names the field and the remedy"}
_OF_BODY: Final[Mapping[int, str]] = {
    413: f"The body is larger than {MAX_BODY // 1024} KB",
    415: "The body is not JSON by its `Content-Type`",
}


class Problem(TypedDict):
    """A problem document (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    """What is wrong."""
    errors: list[FieldError]
    """The fields at fault."""
    build_id: NotRequired[str]
    """The build that was recorded, where one was."""
    id: NotRequired[str]
    """Under which the log has the reason of an error that is not yours."""


class Refusal(TypedDict):
    """An answer of the gateway, which speaks for itself."""

    message: str | None


def document(operations: Sequence[Operation], tags: Mapping[str, str]) -> dict[str, Any]:
    """The document, without the server it is served by."""
    shown = [operation for operation in operations if not operation.hidden]
    schemas = Schemas([Problem, Refusal, *(kind for operation in shown for kind in _types(operation))])
    paths: dict[str, Any] = {}
    for operation in shown:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, schemas)
    return {
        "openapi": VERSION,
        "info": {
            "title": "stratocube",
            "version": __version__,
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "tags": [{"name": name, "description": text} for name, text in tags.items()],
        "security": [{KEY: []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                KEY: {
                    "type": "apiKey",
                    "in": "header",
                    "name": "x-api-key",
                    "description": "A key of the stack's usage plan; `stratocube up --json` prints that of an embedded "
                    "stack.",
                }
            },
            "schemas": schemas.definitions(paths),
        },
    }


def _types(operation: Operation) -> list[Any]:
    bodies = [answer.body for answer in operation.answers.values()]
    kinds = [*bodies, operation.request, *(parameter.type for parameter in operation.query)]
    return [kind for kind in kinds if kind is not None]


def _operation(operation: Operation, schemas: Schemas) -> dict[str, Any]:
    names = re.findall(r"{([^}]+)}", operation.path)
    parameters = [_path_parameter(name, operation.path_examples.get(name)) for name in names]
    parameters += [found for parameter in operation.query for found in _query_parameters(parameter, schemas)]
    return {
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        **({"description": operation.description} if operation.description else {}),
        **({"security": []} if operation.public else {}),
        **({"parameters": parameters} if parameters else {}),
        **({"requestBody": _body(operation, schemas)} if operation.request is not None else {}),
        "responses": _responses(operation, schemas),
    }


def _path_parameter(name: str, example: str | None) -> dict[str, Any]:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "schema": {"type": "string", "minLength": 1, "maxLength": MAX_ID},
        **({"example": example} if example else {}),
    }


def _query_parameters(parameter: Parameter, schemas: Schemas) -> list[dict[str, Any]]:
    """The parameter and its other names. Of several names that one must be given no single one is required."""
    schema = schemas.of(parameter.type)
    if parameter.default is not None:
        schema["default"] = parameter.default
    first = {
        "name": parameter.name,
        "in": "query",
        "required": parameter.required and not parameter.aliases,
        "description": parameter.description + (" Required." if parameter.required and parameter.aliases else ""),
        "schema": schema,
        **({"example": parameter.example} if parameter.example is not None else {}),
    }
    others = [
        {
            "name": name,
            "in": "query",
            "required": False,
            "deprecated": True,
            "description": f"Another name of `{parameter.name}`.",
            "schema": schema,
        }
        for name in parameter.aliases
    ]
    return [first, *others]


def _body(operation: Operation, schemas: Schemas) -> dict[str, Any]:
    examples = {name: {"value": value} for name, value in operation.request_examples.items()}
    content = {"schema": schemas.of(operation.request), **({"examples": examples} if examples else {})}
    return {"required": operation.request_required, "content": {JSON: content}}


def _responses(operation: Operation, schemas: Schemas) -> dict[str, Any]:
    found = {status: _answer(status, answer, schemas) for status, answer in operation.answers.items()}
    problems = {**_ALWAYS, **({404: "There is no such thing"} if "{" in operation.path else {})}
    problems |= _OF_BODY if operation.request is not None else {}
    for status, reason in {**problems, **operation.problems}.items():
        headers = {"Retry-After": _header("Retry-After")} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}
        found[status] = _content(reason, PROBLEM, schemas.of(Problem), headers)
    refusals = {} if operation.public else {403: "There is no API key, or it is not one of this stack"}
    for status, reason in {**refusals, 429: "Too many requests"}.items():
        headers = {"Retry-After": _header("Retry-After")} if status == HTTPStatus.TOO_MANY_REQUESTS else {}
        if status not in found:
            found[status] = _content(reason, JSON, schemas.of(Refusal), headers)
    return {str(status): found[status] for status in sorted(found)}


def _answer(status: int, answer: Answer, schemas: Schemas) -> dict[str, Any]:
    headers: dict[str, Any] = {name: _header(name) for name in answer.headers}
    if answer.body is None:
        return {"description": answer.description, **({"headers": headers} if headers else {})}
    schema = schemas.of(answer.body)
    if answer.many:
        schema = {"type": "array", "items": schema}
    found = _content(answer.description, answer.media_type, schema, headers)
    if answer.example is not None:
        found["content"][answer.media_type]["example"] = answer.example
    return found


def _content(description: str, media_type: str, schema: Any, headers: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "description": description,
        **({"headers": dict(headers)} if headers else {}),
        "content": {media_type: {"schema": schema}},
    }


def _header(name: str) -> dict[str, Any]:
    return {**_HEADERS[name], "schema": {"type": "string"}}
