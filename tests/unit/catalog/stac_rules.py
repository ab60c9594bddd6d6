"""Is a document valid STAC? By the JSON schemas of the core and of every extension it declares, without a network.

The core's schemas come with pystac; those of the extensions are in ``tests/fixtures/stac-schemas``.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pystac.validation
from jsonschema import Draft7Validator
from pystac.validation.local_validator import LocalValidator
from referencing import Registry
from referencing.jsonschema import DRAFT7

SCHEMAS = Path(__file__).parents[2] / "fixtures" / "stac-schemas"

_PREFIXES = {
    "proj:": "projection",
    "eo:": "eo",
    "raster:": "raster",
    "processing:": "processing",
    "classification:": "classification",
    "file:": "file",
    "cube:": "datacube",
    "grid:": "grid",
    "renders": "render",
}
"""Beginnings of fields, and the extension that must be declared with them."""


def errors_of(document: Mapping[str, Any]) -> list[str]:
    """What is wrong with an item or a collection (JSON)."""
    return [*schema_errors(document), *extension_errors(document)]


def schema_errors(document: Mapping[str, Any]) -> list[str]:
    """What the JSON schemas of STAC 1.1.0 (item or collection) find."""
    return [_told(error) for error in _core(document["type"]).iter_errors(document)]


def extension_errors(document: Mapping[str, Any]) -> list[str]:
    """What the schemas of the declared extensions find, and fields whose extension is not declared."""
    declared = document["stac_extensions"]
    errors = [f"{url}: {_told(error)}" for url in declared for error in _extension(url).iter_errors(document)]
    names = {url.split("/")[3] for url in declared}
    for place, field in _fields(document):
        for prefix, extension in _PREFIXES.items():
            if field.startswith(prefix) and extension not in names:
                errors.append(f"{place}.{field} needs the extension {extension}")
    return errors


@cache
def _core(kind: str) -> Draft7Validator:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        schemas = LocalValidator()
    return schemas.item_validator() if kind == "Feature" else schemas.collection_validator()


@cache
def _extension(url: str) -> Draft7Validator:
    _, _, _, name, version, _ = url.split("/")
    schema = json.loads((SCHEMAS / f"{name}-{version}.json").read_text())
    assert schema["$id"].rstrip("#") == url
    return Draft7Validator(schema, registry=_registry())


@cache
def _registry() -> Registry[Any]:
    # What the extensions refer to: GeoJSON and the core, which pystac brings, and PROJJSON.
    brought = (Path(pystac.validation.__file__).parent / "jsonschemas").rglob("*.json")
    schemas = [json.loads(path.read_text()) for path in sorted([*brought, *SCHEMAS.glob("*.json")])]
    resources = [(schema["$id"], DRAFT7.create_resource(schema)) for schema in schemas if "$id" in schema]
    return Registry().with_resources(resources)


def _told(error: Any) -> str:
    deepest = max(_inner(error), key=lambda one: len(one.absolute_path))
    return f"{deepest.json_path}: {deepest.message[:400]}"


def _inner(error: Any) -> Iterator[Any]:
    yield error
    for one in error.context or ():
        yield from _inner(one)


def _fields(value: Any, place: str = "$") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, entry in value.items():
            yield place, name
            yield from _fields(entry, f"{place}.{name}")
    elif isinstance(value, list):
        for index, entry in enumerate(value):
            yield from _fields(entry, f"{place}[{index}]")
