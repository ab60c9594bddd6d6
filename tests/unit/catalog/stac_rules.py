"""Is a document valid STAC? The core by its JSON schema, extensions by what their schemas demand, in our words.

pystac carries the schemas of STAC 1.1.0; those of the extensions are not at hand offline. What their schemas check of
the fields we write is restated here: which fields of a prefix exist where, and of what kind their values are.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from jsonschema import Draft7Validator  # type: ignore[import-untyped]  # no stubs among our dependencies
from pystac.validation.local_validator import LocalValidator

from stratocube.catalog.product_bands import CLASSIFICATION, DATACUBE, EO, FILE, PROCESSING, PROJECTION, RASTER, VERSION

Check = Callable[[Any], bool]

_COMMON_NAMES = {
    *("coastal", "blue", "green", "red", "rededge", "yellow", "pan", "nir", "nir08", "nir09", "cirrus"),
    *("swir16", "swir22", "lwir", "lwir11", "lwir12"),
}
_DATA_TYPES = {
    *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float16", "float32", "float64"),
}


def schema_errors(document: Mapping[str, Any]) -> list[str]:
    """What the JSON schemas of STAC 1.1.0 (item or collection) find."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        schemas = LocalValidator()
    validator: Draft7Validator = (
        schemas.item_validator() if document["type"] == "Feature" else schemas.collection_validator()
    )
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(document)]


def number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def numbers(*counts: int) -> Check:
    return lambda value: isinstance(value, list) and len(value) in counts and all(map(number, value))


def text(pattern: str) -> Check:
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


def whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def list_of(check: Check) -> Check:
    return lambda value: isinstance(value, list) and len(value) > 0 and all(map(check, value))


def fields(required: dict[str, Check], optional: dict[str, Check]) -> Check:
    """An object with exactly these fields."""
    known = required | optional
    return lambda value: (
        isinstance(value, dict)
        and required.keys() <= value.keys() <= known.keys()
        and all(known[name](entry) for name, entry in value.items())
    )


def nodata(value: Any) -> bool:
    return number(value) or value in {"nan", "inf", "-inf"}


_EO_BAND = fields(
    {"name": text(".+")},
    {
        "common_name": _COMMON_NAMES.__contains__,
        "description": text(".+"),
        "center_wavelength": lambda value: number(value) and value > 0,
        "full_width_half_max": lambda value: number(value) and value > 0,
    },
)
_RASTER_BAND = fields(
    {},
    {
        "nodata": nodata,
        "data_type": _DATA_TYPES.__contains__,
        "scale": number,
        "offset": number,
        "spatial_resolution": number,
    },
)
_CLASS = fields(
    {"value": lambda value: isinstance(value, int), "name": text(r"[0-9A-Za-z_-]+")},
    {"description": text(".+"), "color_hint": text("[0-9A-Fa-f]{6}"), "nodata": lambda value: value is True},
)

# Fields by the extension that must be declared, for item properties and for assets (and item_assets).
_PROPERTIES: dict[str, tuple[str, Check]] = {
    "proj:code": (PROJECTION, lambda value: value is None or text(r"\w+:\w+")(value)),
    "proj:wkt2": (PROJECTION, text(r"(?s)(PROJ|GEOG|BOUND|GEOD)CRS\[.+")),
    "proj:shape": (PROJECTION, lambda value: numbers(2)(value) and all(map(whole, value))),
    "proj:transform": (PROJECTION, numbers(6, 9)),
    "proj:bbox": (PROJECTION, numbers(4, 6)),
    "eo:cloud_cover": (EO, lambda value: number(value) and 0 <= value <= 100),
    "processing:software": (PROCESSING, lambda value: all(isinstance(v, str) for v in value.values())),
}
_ASSET: dict[str, tuple[str, Check]] = {
    "proj:shape": _PROPERTIES["proj:shape"],
    "proj:transform": _PROPERTIES["proj:transform"],
    "eo:bands": (EO, list_of(_EO_BAND)),
    "raster:bands": (RASTER, list_of(_RASTER_BAND)),
    "classification:classes": (CLASSIFICATION, list_of(_CLASS)),
    "file:size": (FILE, whole),
    "file:checksum": (FILE, text("[a-f0-9]+")),
}
_COLLECTION: dict[str, tuple[str, Check]] = {
    "cube:dimensions": (DATACUBE, lambda value: all(_dimension(one) for one in value.values())),
    "version": (VERSION, text(".+")),
}
_EXTENSION_PREFIXES = ("proj:", "eo:", "raster:", "processing:", "classification:", "file:", "cube:")


def _dimension(value: Any) -> bool:
    if value["type"] == "spatial":
        return (
            value["axis"] in {"x", "y"}
            and numbers(2)(value["extent"])
            and isinstance(value["reference_system"], str | int)
            and number(value["step"])
        )
    if value["type"] == "temporal":
        step = value["step"]
        return len(value["extent"]) == 2 and (step is None or text(r"P\d+[DMY]")(step)) and "axis" not in value
    return list_of(text(".+"))(value["values"]) and "axis" not in value


def extension_errors(document: Mapping[str, Any]) -> list[str]:
    """What breaks a rule of the extensions."""
    declared = set(document["stac_extensions"])
    errors: list[str] = []

    def check(place: str, owner: Mapping[str, Any], rules: dict[str, tuple[str, Check]]) -> None:
        for name, value in owner.items():
            extension, is_right = rules.get(name, ("", None))
            if is_right is None:
                if name.startswith(_EXTENSION_PREFIXES):
                    errors.append(f"{place}.{name} does not exist")
            elif extension not in declared:
                errors.append(f"{place}.{name} is not declared")
            elif not is_right(value):
                errors.append(f"{place}.{name} is wrong: {value!r}")

    check("properties", document.get("properties", {}), _PROPERTIES)
    for part in ("assets", "item_assets"):
        for key, asset in document.get(part, {}).items():
            check(f"{part}.{key}", asset, _ASSET)
    if document["type"] == "Collection":
        check("collection", document, _COLLECTION)
    return errors
