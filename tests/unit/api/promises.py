"""Holds replies against the document: status, media type, headers and body are what the contract promises."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import jsonschema_rs

from stratocube.api.contract.rooms import OPERATIONS, TAGS
from stratocube.api.openapi.document import document

_SERVER_ERROR = 500


class PromiseBroken(AssertionError):
    """A reply that the document does not allow."""


@cache
def promised() -> dict[str, Any]:
    """The document."""
    made: dict[str, Any] = json.loads(json.dumps(document(OPERATIONS, TAGS)))
    return made


def check_reply(method: str, path: str, status: int, headers: Mapping[str, str], body: Any) -> None:
    """See that a reply of an operation of the document is one it promises. Others, and 500, promise nothing.

    Raises:
        PromiseBroken: saying what differs.
    """
    template = _template(path.partition("?")[0])
    operation = promised()["paths"].get(template, {}).get(method.lower())
    if operation is None or status == _SERVER_ERROR:
        return
    where = f"{method} {template} {status}"
    response = operation["responses"].get(str(status))
    if response is None:
        raise PromiseBroken(f"{where}: documented are {', '.join(operation['responses'])}")
    missing = [
        name for name, header in response.get("headers", {}).items() if header["required"] and name not in headers
    ]
    if missing:
        raise PromiseBroken(f"{where}: the header {missing[0]} is missing")
    media_type = headers.get("Content-Type", "").partition(";")[0]
    if media_type not in response.get("content", {"": None}):
        raise PromiseBroken(f"{where}: is {media_type}, documented is {', '.join(response.get('content', {}))}")
    if body is not None and media_type.endswith("json"):
        errors = [
            f"{'.'.join(map(str, error.instance_path))}: {error.message[:300]}"
            for error in _validator(template, method.lower(), str(status), media_type).iter_errors(body)
        ]
        if errors:
            raise PromiseBroken(f"{where}: {'; '.join(errors[:3])}")


@cache
def _validator(template: str, method: str, status: str, media_type: str) -> Any:
    schema = promised()["paths"][template][method]["responses"][status]["content"][media_type]["schema"]
    return jsonschema_rs.Draft202012Validator({**schema, "components": promised()["components"]})


def _template(path: str) -> str | None:
    """The path of the document that a path is of: the one with the fewest parameters."""
    path = path.rstrip("/") or "/"
    found = [name for name, pattern in _patterns().items() if pattern.fullmatch(path)]
    return min(found, key=lambda name: name.count("{"), default=None)


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    return {name: re.compile(re.sub(r"\\{[^}]+\\}", "[^/]+", re.escape(name))) for name in promised()["paths"]}
