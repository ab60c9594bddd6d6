"""JSON of documents against what the API takes and gives, by its own OpenAPI document."""

from __future__ import annotations

import functools
import json
import re
from typing import Any

import jsonschema

from stratocube.api.contract import rooms
from stratocube.api.openapi.document import document
from stratocube.cube.definition import CubeDefinition
from stratocube.cube.requests import GridRequest, StartRequest
from stratocube.cube.schema import StrictModel
from stratocube.scene_files.formats import FileFormat
from tests.docs.blocks import REPOSITORY

_NAMED = re.compile(r"^(?P<part>part of )?(?P<method>[A-Z]+) (?P<path>/\S*) (?P<what>request|\d{3})$")
_PARSED: dict[str, tuple[type[StrictModel], str]] = {
    "/cubes": (CubeDefinition, "examples/demo/cube_lcf.json"),
    "/create-grids": (GridRequest, "examples/demo/grid.json"),
    "/start": (StartRequest, "examples/cubes/start-sentinel-2.json"),
}
"""What parses the request of a path, and a request that is right."""


def check_json(text: str, note: str) -> None:
    """Hold a block against what its comment names.

    ``METHOD /path request`` is a whole request, ``part of …`` some of its fields, ``METHOD /path 200`` an answer, of
    which documents may show a part.

    Raises:
        jsonschema.ValidationError, InvalidRequest, ValueError: it is something else.
    """
    if note == "scene format":
        FileFormat.parse(json.loads(text))
        return
    if note == "trust":
        _check_trust(json.loads(text))
        return
    found = _NAMED.match(note)
    if found is None:
        raise ValueError(f"{note!r} names no request and no answer")
    fragment = found["part"] is not None
    value = json.loads("{" + text + "}" if fragment else text)
    whole = found["what"] == "request" and not fragment
    schema = _schema(found["method"], found["path"], found["what"], complete=whole)
    jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker()).validate(value)
    if found["what"] == "request" and found["path"] in _PARSED:
        # Some rules are in no schema. A part is held against them within a request that is right without it.
        model, example = _PARSED[found["path"]]
        model.parse(_within(json.loads((REPOSITORY / example).read_text()), value) if fragment else value)


def _within(whole: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """The request with a part of it as the document has it."""
    both = {name: _within(whole[name], value) for name, value in part.items() if isinstance(whole.get(name), dict)}
    return {**whole, **part, **both}


def _schema(method: str, path: str, what: str, *, complete: bool) -> dict[str, Any]:
    openapi = _document()
    operation = openapi["paths"][path][method.lower()]
    holder = operation["requestBody"] if what == "request" else operation["responses"][what]
    (media,) = holder["content"].values()
    schema = {**media["schema"], "components": openapi["components"]}
    relaxed: dict[str, Any] = schema if complete else _without_required(schema)
    return relaxed


@functools.cache
def _document() -> dict[str, Any]:
    return document(rooms.OPERATIONS, rooms.TAGS)


def _without_required(schema: Any) -> Any:
    """The schema for a part of the whole: what is shown must be right, the rest may be missing."""
    if isinstance(schema, dict):
        return {
            name: _without_required(value)
            for name, value in schema.items()
            if not (name == "required" and isinstance(value, list))
        }
    return [_without_required(value) for value in schema] if isinstance(schema, list) else schema


def _check_trust(policy: dict[str, Any]) -> None:
    """A role's trust policy that lets in one repository's environment, and nobody else."""
    (statement,) = policy["Statement"]
    conditions = statement["Condition"]["StringEquals"]
    subject = conditions["token.actions.githubusercontent.com:sub"]
    if statement["Action"] != "sts:AssumeRoleWithWebIdentity" or "*" in subject or ":environment:" not in subject:
        raise ValueError("the role could be taken by others")
