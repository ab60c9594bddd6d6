"""Content identities: equal inputs and parameters give the same text, on every machine and in every process.

An identity says whether a product is there already (design decision D5). It holds what determines the content and
nothing else: a merge belongs to an identity cube, so cubes that name the same one and warp the same scenes in the same
way share it; a blend and an item belong to one cube.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from numbers import Integral, Real
from typing import Any, Final

from stratocube.cube.bands import Band
from stratocube.cube.definition import CubeDefinition
from stratocube.cube.geobox import GeoBox
from stratocube.cube.timeline import Period

_FORMAT: Final = 1
"""Part of every identity. Raise it when what is hashed changes: everything is then built anew."""


def identity(kind: str, parts: Mapping[str, Any]) -> str:
    """SHA-256 (64 hex digits) of a kind and its parts.

    The order of mappings and sets does not count, the order of lists does. Numbers count by value (10, 10.0 and
    ``Decimal("10")`` are one), dates and periods by their text.

    Raises:
        TypeError: for a part that has no canonical form (an object, a number that is not finite).

    >>> one, other = {"nodata": 0, "bands": {"B04", "B08"}}, {"bands": {"B08", "B04"}, "nodata": 0.0}
    >>> identity("scene", one) == identity("scene", other)
    True
    """
    canonical = _canonical({"format": _FORMAT, "kind": kind, "parts": parts})
    text = json.dumps(canonical, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def merge_identity(
    definition: CubeDefinition,
    geobox: GeoBox,
    band: str,
    day: date,
    sources: Sequence[Mapping[str, Any]],
    *,
    code_version: str,
) -> str:
    """Identity of one date and band on a tile.

    ``sources`` are the scenes' rasters in mosaic order, which decides who wins where they overlap: of each what tells
    it and its version apart (scene id, version, href without signature) and how it is read (nodata, scale, offset).
    ``code_version`` names the algorithm. The mask counts for the quality band only, whose statistics it makes; timeline
    and composite function of the cube do not count, nor its name beside that of its identity cube (whose folder the
    merge is in).
    """
    described = definition.band(band)
    return identity(
        "merge",
        {
            "collection": definition.identity_id,
            "geobox": asdict(geobox),
            "band": band,
            "values": _values(described),
            "resampling": definition.resampling(band),
            "combined": definition.is_combined,
            "mask": _mask(definition) if band == definition.quality_band else None,
            "block_size": definition.parameters.block_size,
            "date": day,
            "sources": list(sources),
            "code": code_version,
        },
    )


def blend_identity(
    definition: CubeDefinition,
    geobox: GeoBox,
    band: str,
    period: Period,
    inputs: Mapping[str, str],
    *,
    layers: bool,
    code_version: str,
) -> str:
    """Identity of the composite of one band, tile and period.

    ``inputs`` are the identities of all merges that have a say, by a name that is theirs alone (``2023-08-10/B04``):
    those of the band, of the quality and saturation band, and of the bands the quality was post-processed with. Their
    order does not count: dates are ranked by what is in them. ``layers``: the observation layers are made with it.
    """
    parameters = definition.parameters
    return identity(
        "blend",
        {
            "cube": definition.id,
            "geobox": asdict(geobox),
            "band": band,
            "values": _values(definition.band(band)),
            "function": definition.composite_function,
            "quality_band": definition.quality_band,
            "mask": _mask(definition),
            "combined": definition.is_combined,
            "reference_day": parameters.reference_day,
            "histogram_matching": parameters.histogram_matching,
            "no_post_process": parameters.no_post_process,
            "apply_valid_range": parameters.apply_valid_range,
            "block_size": parameters.block_size,
            "period": period,
            "inputs": dict(inputs),
            "layers": layers,
            "code": code_version,
        },
    )


def publish_identity(
    definition: CubeDefinition,
    item_id: str,
    collection: str,
    inputs: Mapping[str, str],
    *,
    code_version: str,
) -> str:
    """Identity of a published item with its indexes and pictures.

    ``inputs`` are the identities of its rasters by asset name. ``collection`` is the cube's id, or that of its
    identity cube for a per-date item.
    """
    parameters = definition.parameters
    return identity(
        "publish",
        {
            "item": item_id,
            "collection": collection,
            "bands": [_published(band) for band in definition.bands],
            "indexes": [
                _published(index) | {"expression": index.metadata.expression.value} for index in definition.indexes
            ],
            "skip_vi_identity": parameters.skip_vi_identity,
            "quicklook": list(definition.bands_quicklook),
            "channel_limits": parameters.channel_limits,
            "with_rgb": parameters.with_rgb,
            "quality_band": definition.quality_band,
            "mask": _mask(definition),
            "metadata": definition.metadata,
            "block_size": parameters.block_size,
            "inputs": dict(inputs),
            "code": code_version,
        },
    )


def _values(band: Band) -> dict[str, Any]:
    """What decides how values of a band are written."""
    return {
        "data_type": band.data_type,
        "nodata": band.nodata,
        "min_value": band.min_value,
        "max_value": band.max_value,
        "scale": band.scale_factor,
        "offset": band.scale_offset,
    }


def _published(band: Band) -> dict[str, Any]:
    """What an item says of a band."""
    return _values(band) | {
        "name": band.name,
        "common_name": band.common_name,
        "description": band.description,
        "center_wavelength": band.center_wavelength,
        "full_width_half_max": band.full_width_half_max,
    }


def _mask(definition: CubeDefinition) -> dict[str, Any] | None:
    """The mask with its lists as sets: ``[4, 5]`` and ``[5, 4]`` mean the same."""
    if definition.mask is None:
        return None
    mapping = definition.mask.to_mapping()
    lists = {"clear_data", "not_clear_data", "saturated_data"}
    return {key: frozenset(value) if key in lists else value for key, value in mapping.items()}


def _canonical(value: object) -> object:
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, (Integral, Real, Decimal)):
        return _number(value)
    if isinstance(value, (date, Period)):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _canonical(item) for key, item in value.items()}
    if isinstance(value, AbstractSet):
        return sorted((_canonical(item) for item in value), key=_sort_key)
    if isinstance(value, Iterable) and not isinstance(value, (bytes, bytearray)):
        return [_canonical(item) for item in value]
    raise TypeError(f"{type(value).__name__} has no canonical form")


def _number(value: Integral | Real | Decimal) -> int | float:
    if isinstance(value, Integral):
        return int(value)
    number = float(value)
    if not math.isfinite(number):
        raise TypeError(f"{number} has no canonical form")
    # whole numbers lose their point, and zero its sign
    return int(number) if number == int(number) else number


def _sort_key(value: object) -> str:
    return json.dumps(value, sort_keys=True)
