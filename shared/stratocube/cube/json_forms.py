"""JSON Schemas of what is parsed by hand: temporal compositions, masks, queries.

For the document of the API, which pydantic makes of the models; what a value must be beyond this the parsers say
(:mod:`stratocube.cube.timeline`, :mod:`stratocube.cube.mask`, :mod:`stratocube.cube.item_query`).
"""

from __future__ import annotations

from typing import Any, Final

from stratocube.cube.item_query import OPERATORS
from stratocube.cube.mask import CONFIDENCE_VARIABLES, HIGHEST_BIT, LONGEST_M
from stratocube.cube.timeline import MAX_STEP, SCHEMAS, UNITS

_UNIT: Final = {"type": "string", "enum": list(UNITS)}
_STEP: Final = {"type": "integer", "minimum": 1, "maximum": MAX_STEP}
_INTERVALS: Final = {
    "description": "Parts of the year in place of steps, such as seasons: `12-21_03-20`.",
    "type": ["array", "null"],
    "items": {"type": "string", "pattern": r"^\d{2}-\d{2}_\d{2}-\d{2}$"},
}

TEMPORAL_COMPOSITION: Final[dict[str, Any]] = {
    "description": "The rule that cuts time into periods.",
    "type": ["object", "null"],
    "additionalProperties": False,
    "required": ["schema", "unit", "step"],
    "properties": {
        "schema": {
            "description": "`Continuous`: periods follow each other from the start of the request. `Cyclic`: they "
            "begin anew with each cycle.",
            "type": "string",
            "enum": list(SCHEMAS),
        },
        "unit": _UNIT,
        "step": _STEP,
        "cycle": {
            "description": "How often a cyclic timeline starts over.",
            "type": ["object", "null"],
            "additionalProperties": False,
            "required": ["unit", "step"],
            "properties": {"unit": _UNIT, "step": _STEP, "intervals": _INTERVALS},
        },
        "intervals": _INTERVALS,
    },
}

_NUMBERS: Final = {"type": ["array", "null"], "items": {"type": "integer"}}
_METRES: Final = {"type": ["number", "null"], "minimum": 0, "maximum": LONGEST_M}
_BIT: Final = {"type": "integer", "minimum": 0, "maximum": HIGHEST_BIT}

MASK: Final[dict[str, Any]] = {
    "description": "What the values of the quality band mean, or its bits.",
    "type": "object",
    "additionalProperties": False,
    "required": ["nodata"],
    "properties": {
        "clear_data": _NUMBERS,
        "not_clear_data": _NUMBERS,
        "saturated_data": _NUMBERS,
        "nodata": {"type": "integer", "description": "The value that means: not observed."},
        "bits": {"type": ["boolean", "null"], "description": "The lists hold bit positions in place of values."},
        "confidence": {
            "description": 'When confidence bits make a pixel not clear: `{"cloud": "cloud >= MEDIUM"}`.',
            "type": ["object", "null"],
            "additionalProperties": False,
            "properties": {
                **{name: {"type": ["string", "null"]} for name in CONFIDENCE_VARIABLES},
                "oli": {"type": ["boolean", "null"]},
                "landsat_8": {"type": ["boolean", "null"]},
            },
        },
        "saturated_band": {"type": ["string", "null"], "minLength": 1, "description": "A band of saturation bits."},
        "saturated_bits": {
            "description": "Its first and its last bit.",
            "type": ["array", "null"],
            "items": _BIT,
            "minItems": 2,
            "maxItems": 2,
        },
        "buffers": {
            "description": "Classes (or bits) to clean of specks, and to widen.",
            "type": ["array", "null"],
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["values"],
                "properties": {
                    "values": {"type": "array", "items": {"type": "integer"}, "minItems": 1},
                    "dilate_m": _METRES,
                    "erode_m": _METRES,
                },
            },
        },
    },
}

QUERY: Final[dict[str, Any]] = {
    "description": "Conditions on properties of scenes; all must hold.",
    "type": "object",
    "additionalProperties": {
        "type": "object",
        "minProperties": 1,
        "additionalProperties": False,
        "properties": {name: ({"type": "array"} if name == "in" else {}) for name in OPERATORS},
    },
    "examples": [{"eo:cloud_cover": {"lt": 60}}],
}
