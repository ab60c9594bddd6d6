"""JSON Schemas of requests and replies, made by pydantic from the types themselves.

What pydantic leaves out is added: docstrings below fields are their descriptions. What it adds and nobody reads is
left out: titles, and defaults that are null.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterable, Mapping
from functools import cache
from itertools import pairwise
from typing import Any, Final, Literal

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from stratocube.api.contract import Extended

REFERENCE: Final = "#/components/schemas/{model}"

_BOUNDS: Final = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}
"""pydantic writes bounds as its own where a validator stands between them and the number."""

_OPEN: Final = "Open"


class Schemas:
    """The schemas of some types, and the definitions these refer to."""

    def __init__(self, types: Iterable[Any]) -> None:
        wanted: dict[int, Any] = {}
        for kind in types:
            for part in (kind.model, kind.more) if isinstance(kind, Extended) else (kind,):
                wanted[id(part)] = part
        mode: Literal["validation"] = "validation"
        adapters = [(key, mode, TypeAdapter(kind)) for key, kind in wanted.items()]
        found, definitions = TypeAdapter.json_schemas(
            adapters,
            ref_template=REFERENCE,
            schema_generator=_Generator,
        )
        self._schemas = {key: _tidy(schema) for (key, _), schema in found.items()}
        self._definitions: dict[str, Any] = {
            name: _tidy(schema) for name, schema in definitions.get("$defs", {}).items()
        }

    def of(self, kind: Any) -> dict[str, Any]:
        """The schema of one of the types: a reference where it has a name."""
        if isinstance(kind, Extended):
            if kind.name not in self._definitions:
                self._definitions[kind.name] = self._extended(kind)
            return {"$ref": REFERENCE.format(model=kind.name)}
        return dict(self._schemas[id(kind)])

    def definitions(self, root: Any) -> dict[str, Any]:
        """The definitions that ``root`` refers to, directly or not, by name."""
        needed: set[str] = set()
        ahead = _references(root)
        while ahead:
            needed |= ahead
            ahead = {name for found in ahead for name in _references(self._definitions[found])} - needed
        return {name: self._definitions[name] for name in sorted(needed)}

    def _extended(self, kind: Extended) -> dict[str, Any]:
        model, more = (self._object(part) for part in (kind.model, kind.more))
        left_out = {*more["properties"], *kind.without}
        properties = {name: schema for name, schema in model["properties"].items() if name not in left_out}
        required = [name for name in model.get("required", []) if name in properties and name not in kind.optional]
        required += more.get("required", [])
        return {**model, "properties": properties | more["properties"], "required": required}

    def _object(self, kind: Any) -> dict[str, Any]:
        schema = self._schemas[id(kind)]
        reference = schema.get("$ref")
        found: dict[str, Any] = self._definitions[reference.rpartition("/")[2]] if reference else schema
        return found


class _Generator(GenerateJsonSchema):
    """pydantic's, with descriptions of fields; replies are closed."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        return _described(super().model_schema(schema), schema["cls"])

    def typed_dict_schema(self, schema: core_schema.TypedDictSchema) -> JsonSchemaValue:
        cls = schema.get("cls")
        found = super().typed_dict_schema(schema)
        if cls is None:
            return found
        found["additionalProperties"] = cls.__name__.endswith(_OPEN)
        return _described(found, cls)


def _described(schema: JsonSchemaValue, cls: type) -> JsonSchemaValue:
    for name, text in _field_docstrings(cls).items():
        if name in schema.get("properties", {}):
            schema["properties"][name].setdefault("description", text)
    return schema


@cache
def _field_docstrings(cls: type) -> Mapping[str, str]:
    """The texts below the fields of a class and of those it extends."""
    found: dict[str, str] = {}
    # bases of a TypedDict are no bases of the class that comes of it
    for base in getattr(cls, "__orig_bases__", cls.__bases__):
        if isinstance(base, type) and base.__module__.startswith("stratocube."):
            found |= _field_docstrings(base)
    tree = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
    body = tree.body if isinstance(tree, ast.ClassDef) else []
    for field, text in pairwise(body):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(text, ast.Expr):
            value = text.value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                found[field.target.id] = inspect.cleandoc(value.value)
    return found


def _tidy(schema: Any) -> Any:
    """The schema with OpenAPI's words for bounds, descriptions in Markdown, and without what says nothing."""
    if isinstance(schema, list):
        return [_tidy(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    tidy: dict[str, Any] = {}
    bounds: Mapping[str, str] = _BOUNDS if schema.get("type") in ("integer", "number") else {}
    for name, value in schema.items():
        if name == "default" and value is None:
            continue
        if name == "title" and isinstance(value, str):
            continue
        if name == "description" and isinstance(value, str):
            tidy[name] = markdown(value)
        elif name in ("properties", "$defs", "patternProperties"):
            tidy[name] = {key: _tidy(member) for key, member in value.items()}
        elif name in ("default", "examples", "const", "enum"):
            tidy[name] = value
        else:
            tidy[bounds.get(name, name)] = _tidy(value)
    return _even(tidy)


def _even(schema: dict[str, Any]) -> dict[str, Any]:
    """A list of so many entries of one kind in plainer words than a list of kinds, one an entry."""
    kinds = schema.get("prefixItems", [])
    if len(kinds) < 2 or any(kind != kinds[0] for kind in kinds) or schema.get("maxItems") != len(kinds):
        return schema
    return {**{name: value for name, value in schema.items() if name != "prefixItems"}, "items": kinds[0]}


def markdown(docstring: str) -> str:
    """A docstring as the page shows it: code in single backticks, names in place of roles, no doctests."""
    text = docstring.partition(">>>")[0]
    text = re.sub(r":[a-z]+:`~?(?:[\w.]+\.)?(\w+)`", r"`\1`", text)
    return text.replace("``", "`").strip()


def _references(schema: Any) -> set[str]:
    if isinstance(schema, list):
        return {name for entry in schema for name in _references(entry)}
    if not isinstance(schema, dict):
        return set()
    found = {name for value in schema.values() for name in _references(value)}
    reference = schema.get("$ref")
    return found | {reference.rpartition("/")[2]} if isinstance(reference, str) else found
