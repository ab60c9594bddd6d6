"""The quality mask of a cube: what the values or bits of the quality band mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from stratocube.cube.expressions import NO_FUNCTIONS, Expression, parse_expression
from stratocube.errors import InvalidRequest

CONFIDENCE_VARIABLES: Final = ("cloud", "cloud_shadow", "snow", "cirrus")
"""The variables of confidence rules: bit pairs 8-9, 10-11, 12-13, 14-15 of Landsat Collection 2 QA_PIXEL."""

CONFIDENCE_LEVELS: Final[Mapping[str, int]] = MappingProxyType(
    {"NO_CONFIDENCE": 0, "LOW": 1, "MEDIUM": 2, "RESERVED": 2, "HIGH": 3}
)
"""The levels a rule may compare with. Only cloud has a medium level; in the other pairs 2 is reserved."""

CIRRUS_BIT: Final = 2
"""Bit of QA_PIXEL that only OLI sensors (Landsat 8 and 9) set on purpose."""

DEFAULT_SATURATED_BITS: Final = (1, 7)
"""First and last bit of the saturation band that count, as Landsat Collection 1 and cube-builder have them.
For all reflective bands of Landsat 8-9 in Collection 2, where bit n is band n + 1, a mask says [0, 6].
"""

_KEYS: Final = (
    "clear_data",
    "not_clear_data",
    "saturated_data",
    "nodata",
    "bits",
    "confidence",
    "saturated_band",
    "saturated_bits",
    "buffers",
)
_BUFFER_KEYS: Final = ("values", "dilate_m", "erode_m")
_MOST_BUFFERED: Final = 64
"""Values (or bits) of all buffers together: as many as there are bits, and more than any classification has."""
LONGEST_M: Final = 100_000
HIGHEST_BIT: Final = 63
"""Of the widest integer raster."""


@dataclass(frozen=True)
class ConfidenceRules:
    """When the confidence bits beside the quality flags make a pixel not clear. A rule left out is None."""

    cloud: Expression | None = None
    cloud_shadow: Expression | None = None
    snow: Expression | None = None
    cirrus: Expression | None = None
    """Counts at OLI pixels only: other sensors have no cirrus confidence."""
    oli: bool | None = None
    """True: all scenes are of an OLI sensor; False: none is; None: the platform of each pixel decides."""

    def rules(self) -> dict[str, Expression]:
        """The rules that are given, by variable name, in the order cloud, cloud_shadow, snow, cirrus."""
        found = {name: getattr(self, name) for name in CONFIDENCE_VARIABLES}
        return {name: rule for name, rule in found.items() if rule is not None}


@dataclass(frozen=True)
class MaskBuffer:
    """How some classes (or bits) of the quality are cleaned, then widened, before anything else looks at them.

    Lengths are in metres between the centres of pixels, in any direction: the structuring elements are disks.
    """

    values: tuple[int, ...]
    """Pixel values, or bit positions with ``bits``; where the margins of two of them overlap, the first one wins."""
    dilate_m: float = 0.0
    """Margin: pixels within this distance of such a pixel are not clear either."""
    erode_m: float = 0.0
    """Parts of the class into which a disk of this radius does not fit are specks, and belong to their surroundings.
    What is left has its full size again before ``dilate_m`` is counted from its edge."""

    def to_mapping(self) -> dict[str, Any]:
        """The JSON form."""
        return {"values": list(self.values), "dilate_m": self.dilate_m, "erode_m": self.erode_m}


@dataclass(frozen=True)
class QualityMask:
    """What the values of a quality band mean. Make one with :func:`parse_mask`.

    With ``bits`` the lists hold bit positions (0 is the lowest bit), otherwise pixel values.
    """

    nodata: int
    """The pixel value (also with ``bits``) that means: not observed."""
    clear: tuple[int, ...] = ()
    not_clear: tuple[int, ...] = ()
    saturated: tuple[int, ...] = ()
    bits: bool = False
    confidence: ConfidenceRules | None = None
    """Only with ``bits``."""
    saturated_band: str | None = None
    """Name of a band of bits (Landsat QA_RADSAT): where one of ``saturated_bits`` is set, it is saturated."""
    saturated_bits: tuple[int, int] = DEFAULT_SATURATED_BITS
    """First and last bit, both included."""
    buffers: tuple[MaskBuffer, ...] = ()
    """Applied when the quality of a date is merged, see :mod:`stratocube.pixels.mask_buffers`."""

    def to_mapping(self) -> dict[str, Any]:
        """The JSON form: ``parse_mask(mask.to_mapping()) == mask``."""
        mapping: dict[str, Any] = {
            "clear_data": list(self.clear),
            "not_clear_data": list(self.not_clear),
            "saturated_data": list(self.saturated),
            "nodata": self.nodata,
            "bits": self.bits,
        }
        if self.saturated_band is not None:
            mapping["saturated_band"] = self.saturated_band
        if self.saturated_bits != DEFAULT_SATURATED_BITS:
            mapping["saturated_bits"] = list(self.saturated_bits)
        if self.confidence is not None:
            confidence: dict[str, Any] = {name: rule.text for name, rule in self.confidence.rules().items()}
            if self.confidence.oli is not None:
                confidence["oli"] = self.confidence.oli
            mapping["confidence"] = confidence
        if self.buffers:
            mapping["buffers"] = [buffer.to_mapping() for buffer in self.buffers]
        return mapping


def parse_mask(mapping: Mapping[str, Any], *, field: str = "mask") -> QualityMask:
    """Read the mask of a cube definition.

    Keys: ``nodata`` (required), ``clear_data``, ``not_clear_data``, ``saturated_data`` (lists of whole
    numbers, empty when left out), ``bits`` (false), ``confidence`` (rules by variable, and ``oli`` or
    ``landsat_8``), ``saturated_band`` (band name), ``saturated_bits`` (``[first, last]``), ``buffers`` (a list of
    ``{"values": [8, 9], "dilate_m": 120, "erode_m": 20}``, see :class:`MaskBuffer`).

    Raises :class:`InvalidRequest` naming the key for a missing nodata, a value of the wrong type, an unknown
    key (dropping it would change what the user asked for), a value that is clear and not clear at once, and a buffer
    of a value that is not one of ``not_clear_data`` or ``saturated_data``.

    >>> mask = parse_mask({"clear_data": [0, 1], "not_clear_data": [2, 3, 4], "nodata": 255})
    >>> mask.clear, mask.bits
    ((0, 1), False)
    """
    if not isinstance(mapping, Mapping):
        raise InvalidRequest(f"a mask is an object with the keys {', '.join(_KEYS)}", field=field)
    for key in mapping:
        if key not in _KEYS:
            raise InvalidRequest(f"unknown key; a mask has {', '.join(_KEYS)}", field=f"{field}.{key}")
    if mapping.get("nodata") is None:
        raise InvalidRequest("is required: the quality value that means 'not observed'", field=f"{field}.nodata")
    bits = _flag(mapping.get("bits"), default=False, field=f"{field}.bits")
    mask = QualityMask(
        nodata=_whole(mapping["nodata"], field=f"{field}.nodata"),
        clear=_numbers(mapping, "clear_data", bits=bits, field=field),
        not_clear=_numbers(mapping, "not_clear_data", bits=bits, field=field),
        saturated=_numbers(mapping, "saturated_data", bits=bits, field=field),
        bits=bits,
        confidence=_confidence(mapping.get("confidence"), field=f"{field}.confidence"),
        saturated_band=_band(mapping.get("saturated_band"), field=f"{field}.saturated_band"),
        saturated_bits=_bit_range(mapping.get("saturated_bits"), field=f"{field}.saturated_bits"),
        buffers=_buffers(mapping.get("buffers"), field=f"{field}.buffers"),
    )
    if mask.confidence is not None and not bits:
        raise InvalidRequest("rules read confidence bits; set bits to true", field=f"{field}.confidence")
    excluded = {*mask.not_clear} if bits else {*mask.not_clear, mask.nodata}
    both = sorted(excluded & {*mask.clear})
    if both:
        raise InvalidRequest(f"{both} cannot be clear and not clear or nodata at once", field=f"{field}.clear_data")
    _check_buffers(mask, field=f"{field}.buffers")
    return mask


def parse_rule(variable: str, text: str, *, field: str) -> Expression:
    """Check one confidence rule; ``variable`` names the rule (for the message).

    A rule reads at least one of :data:`CONFIDENCE_VARIABLES` (not necessarily its own), compares with
    :data:`CONFIDENCE_LEVELS` or numbers and calls no functions. Raises :class:`InvalidRequest`.

    >>> parse_rule("cloud", "cloud >= MEDIUM", field="confidence.cloud").names >= {"cloud"}
    True
    """
    names = (*CONFIDENCE_VARIABLES, *CONFIDENCE_LEVELS)
    rule = parse_expression(text, allowed_names=names, functions=NO_FUNCTIONS, field=field)
    if rule.kind != "truth" or rule.names.isdisjoint(CONFIDENCE_VARIABLES):
        raise InvalidRequest(f"must be a comparison such as {variable} >= MEDIUM, got {text!r}", field=field)
    return rule


def _confidence(value: object, *, field: str) -> ConfidenceRules | None:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise InvalidRequest("is an object of rules such as {'cloud': 'cloud >= MEDIUM'}", field=field)
    flags = ("oli", "landsat_8")
    rules: dict[str, Expression | None] = dict.fromkeys(CONFIDENCE_VARIABLES)
    for key, text in value.items():
        if key in CONFIDENCE_VARIABLES:
            if text is not None:
                rules[key] = parse_rule(key, text, field=f"{field}.{key}")
        elif key not in flags:
            known = ", ".join((*CONFIDENCE_VARIABLES, *flags))
            raise InvalidRequest(f"unknown key; rules are {known}", field=f"{field}.{key}")
    given = [value[key] for key in flags if value.get(key) is not None]
    oli = _flag(given[0], default=True, field=f"{field}.oli") if given else None
    confidence = ConfidenceRules(rules["cloud"], rules["cloud_shadow"], rules["snow"], rules["cirrus"], oli)
    return None if confidence == ConfidenceRules() else confidence


def _buffers(value: object, *, field: str) -> tuple[MaskBuffer, ...]:
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        raise InvalidRequest(f"is a list of objects with the keys {', '.join(_BUFFER_KEYS)}", field=field)
    return tuple(_buffer(entry, field=f"{field}.{place}") for place, entry in enumerate(value))


def _buffer(value: object, *, field: str) -> MaskBuffer:
    if not isinstance(value, Mapping):
        raise InvalidRequest(f"is an object with the keys {', '.join(_BUFFER_KEYS)}", field=field)
    for key in value:
        if key not in _BUFFER_KEYS:
            raise InvalidRequest(f"unknown key; a buffer has {', '.join(_BUFFER_KEYS)}", field=f"{field}.{key}")
    values = _numbers(value, "values", bits=False, field=field)
    if not values:
        raise InvalidRequest("is required: the classes (or bits) to clean or widen", field=f"{field}.values")
    buffer = MaskBuffer(
        values,
        _metres(value.get("dilate_m"), field=f"{field}.dilate_m"),
        _metres(value.get("erode_m"), field=f"{field}.erode_m"),
    )
    if not buffer.dilate_m and not buffer.erode_m:
        raise InvalidRequest("does nothing: give dilate_m, erode_m or both", field=field)
    return buffer


def _check_buffers(mask: QualityMask, *, field: str) -> None:
    excluding = {*mask.not_clear, *mask.saturated}
    seen: set[int] = set()
    for place, buffer in enumerate(mask.buffers):
        where = f"{field}.{place}.values"
        for number in buffer.values:
            if number not in excluding:
                raise InvalidRequest(
                    f"{number} is in neither not_clear_data nor saturated_data: list it there, or leave it out "
                    "(a margin of it would not be left out of composites)",
                    field=where,
                )
            if not mask.bits and number == mask.nodata:
                raise InvalidRequest(f"{number} is nodata: what was not observed has no margin", field=where)
            if number in seen:
                raise InvalidRequest(f"{number} is there twice: it can have one buffer only", field=where)
            seen.add(number)
    if len(seen) > _MOST_BUFFERED:
        raise InvalidRequest(f"hold {len(seen)} values, at most {_MOST_BUFFERED}", field=field)


def _metres(value: object, *, field: str) -> float:
    if value is None:
        return 0.0
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LONGEST_M:
        raise InvalidRequest(f"must be a length in metres from 0 to {LONGEST_M:,}", field=field)
    return float(value)


def _numbers(mapping: Mapping[str, Any], key: str, *, bits: bool, field: str) -> tuple[int, ...]:
    values = mapping.get(key)
    if values is None:
        return ()
    where = f"{field}.{key}"
    if not isinstance(values, list | tuple):
        raise InvalidRequest(f"is a list of whole numbers, got {values!r}", field=where)
    numbers = tuple(_whole(value, field=where) for value in values)
    if bits:
        for number in numbers:
            _check_bit(number, field=where)
    return numbers


def _whole(value: object, *, field: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
        raise InvalidRequest(f"must be a whole number, got {value!r}", field=field)
    return int(value)


def _flag(value: object, *, default: bool, field: str) -> bool:
    if value is None:
        return default
    if not isinstance(value, bool):
        raise InvalidRequest(f"must be true or false, got {value!r}", field=field)
    return value


def _band(value: object, *, field: str) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not value:
        raise InvalidRequest(f"must be the name of a band, got {value!r}", field=field)
    return value


def _bit_range(value: object, *, field: str) -> tuple[int, int]:
    if value is None:
        return DEFAULT_SATURATED_BITS
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise InvalidRequest(f"must be [first bit, last bit], got {value!r}", field=field)
    first, last = (_whole(bit, field=field) for bit in value)
    _check_bit(first, field=field)
    _check_bit(last, field=field)
    if last < first:
        raise InvalidRequest(f"the last bit {last} lies below the first bit {first}", field=field)
    return first, last


def _check_bit(bit: int, *, field: str) -> None:
    if not 0 <= bit <= HIGHEST_BIT:
        raise InvalidRequest(f"bit positions run from 0 to {HIGHEST_BIT}, got {bit}", field=field)
