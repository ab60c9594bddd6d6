"""docs/api.md: every route of the REST API, from its OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from stratocube.api.contract import rooms
from stratocube.api.openapi.document import document

_HEAD = """\
<!-- Made by `python -m docs.site_tools.pages`: change stratocube.api.contract instead. -->

# REST API

A stack serves this as a document for programs, `GET /openapi.json`, and as a page to try requests on, `GET /docs`;
neither needs a key. All else does, in the header `x-api-key`.

Every route may answer 400 (a field or parameter is wrong), 403 (no key, or not one of this stack) and 429 (too many
requests), those that take a body 413 (larger than 64 KB) and 415 (not JSON) as well. What is wrong is a problem
document (RFC 9457, `application/problem+json`) that names the field and the remedy:

```text
{"type": "about:blank", "title": "Bad Request", "status": 400, "detail": "…",
 "errors": [{"field": "resolution", "message": "must be greater than 0, got -10"}]}
```

"""
_MAX_DEPTH = 6
_EVERYWHERE = {"400", "403", "413", "415", "429"}
"""Statuses that the head of the page explains."""


def api_page() -> str:
    """The page's text."""
    openapi = document(rooms.OPERATIONS, rooms.TAGS)
    parts = [_HEAD]
    for tag, description in rooms.TAGS.items():
        parts.append(f"## {tag.capitalize()}\n\n{description}\n\n")
        for method, path, operation in _operations(openapi, tag):
            parts.append(_operation(openapi, method, path, operation))
    return "".join(parts).rstrip() + "\n"


def _operations(openapi: Mapping[str, Any], tag: str) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for path, methods in openapi["paths"].items():
        for method, operation in methods.items():
            if tag in operation.get("tags", ()):
                yield method.upper(), path, operation


def _operation(openapi: Mapping[str, Any], method: str, path: str, operation: Mapping[str, Any]) -> str:
    lines = [f"### `{method} {path}`\n\n", f"{_line(operation.get('summary', ''))}\n\n"]
    if operation.get("description"):
        lines.append(f"{operation['description'].strip()}\n\n")
    if operation.get("parameters"):
        lines.append("| parameter | in | type | |\n| --- | --- | --- | --- |\n")
        lines += [_parameter(openapi, parameter) for parameter in operation["parameters"]]
        lines.append("\n")
    if "requestBody" in operation:
        (media,) = operation["requestBody"]["content"].values()
        lines.append(_fields(openapi, media["schema"], "field of the request"))
    lines.append("| answers | |\n| --- | --- |\n")
    for status, answer in sorted(operation["responses"].items()):
        if status not in _EVERYWHERE:
            lines.append(f"| {status} | {_line(answer['description'])} |\n")
    return "".join([*lines, "\n"])


def _parameter(openapi: Mapping[str, Any], given: Mapping[str, Any]) -> str:
    parameter = _resolved(openapi, given)
    needed = " Required." if parameter.get("required") and parameter["in"] != "path" else ""
    said = _line(parameter.get("description", ""))
    return f"| `{parameter['name']}` | {parameter['in']} | {_type(openapi, parameter['schema'])} | {said}{needed} |\n"


def _fields(openapi: Mapping[str, Any], given: Mapping[str, Any], heading: str) -> str:
    schema = _resolved(openapi, given)
    fields = schema.get("properties", {})
    if not fields:
        return ""
    required = set(schema.get("required", ()))
    rows = [
        f"| `{name}`{' (required)' if name in required else ''} | {_type(openapi, field)} | "
        f"{_line(field.get('description', _resolved(openapi, field).get('description', '')))} |\n"
        for name, field in fields.items()
    ]
    return f"| {heading} | type | |\n| --- | --- | --- |\n" + "".join(rows) + "\n"


def _type(openapi: Mapping[str, Any], given: Mapping[str, Any], depth: int = 0) -> str:
    schema = _resolved(openapi, given)
    if depth > _MAX_DEPTH:
        return "…"
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            kinds = [_type(openapi, each, depth + 1) for each in schema[choice] if each.get("type") != "null"]
            return " or ".join(dict.fromkeys(kinds))
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    kind = schema.get("type", "any")
    if isinstance(kind, list):
        kind = " or ".join(each for each in kind if each != "null")
    if kind == "array":
        return f"list of {_type(openapi, schema.get('items', {}), depth + 1)}"
    return f"{kind}{_bounds(schema)}"


def _bounds(schema: Mapping[str, Any]) -> str:
    named = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    found = [f"{sign} {schema[name]}" for name, sign in named.items() if name in schema]
    return f" ({', '.join(found)})" if found else ""


def _resolved(openapi: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in schema:
        found: Any = openapi
        for step in schema["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        schema = {**found, **{name: value for name, value in schema.items() if name != "$ref"}}
    return schema


def _line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
