"""What the values of well-known quality bands mean, for legends: no mask is decided by this.

Sources: Sentinel-2 Level-2A product specification (scene classification, with its colours); Fmask 4; Brazil Data
Cube's CBERS CMASK.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType
from typing import Final

from stratocube.catalog.product_bands import ClassInfo

SCL: Final = (
    ClassInfo(0, "no_data", "no data", "000000", nodata=True),
    ClassInfo(1, "saturated_or_defective", "saturated or defective", "FF0000"),
    ClassInfo(2, "dark_area", "dark area or topographic shadow", "2F2F2F"),
    ClassInfo(3, "cloud_shadow", "cloud shadow", "643200"),
    ClassInfo(4, "vegetation", "vegetation", "00A000"),
    ClassInfo(5, "not_vegetated", "bare soil, rock, built-up land", "FFE65A"),
    ClassInfo(6, "water", "water", "0000FF"),
    ClassInfo(7, "unclassified", "unclassified", "808080"),
    ClassInfo(8, "cloud_medium_probability", "cloud, medium probability", "C0C0C0"),
    ClassInfo(9, "cloud_high_probability", "cloud, high probability", "FFFFFF"),
    ClassInfo(10, "thin_cirrus", "thin cirrus", "64C8FF"),
    ClassInfo(11, "snow_or_ice", "snow or ice", "FF96FF"),
)
"""Sentinel-2 scene classification."""

FMASK4: Final = (
    ClassInfo(0, "clear_land", "clear land", "1A9850"),
    ClassInfo(1, "clear_water", "clear water", "0000FF"),
    ClassInfo(2, "cloud_shadow", "cloud shadow", "643200"),
    ClassInfo(3, "snow", "snow", "FF96FF"),
    ClassInfo(4, "cloud", "cloud", "FFFFFF"),
    ClassInfo(255, "no_data", "no data", "000000", nodata=True),
)

CMASK: Final = (
    ClassInfo(0, "no_data", "no data", "000000", nodata=True),
    ClassInfo(127, "clear", "clear", "1A9850"),
    ClassInfo(255, "cloud", "cloud", "FFFFFF"),
)
"""CBERS-4 and 4A of Brazil Data Cube."""

_COLOURS: Final = MappingProxyType({"clear": "1A9850", "not_clear": "C0C0C0", "saturated": "FF0000"})

_BY_BAND_NAME: Final = MappingProxyType({"SCL": SCL, "FMASK": FMASK4, "FMASK4": FMASK4, "CMASK": CMASK})


def quality_classes(
    band_name: str, *, clear: Iterable[int], not_clear: Iterable[int], saturated: Iterable[int], nodata: int
) -> tuple[ClassInfo, ...]:
    """The classes of a quality band whose mask lists pixel values (not bits).

    A band with a well-known name has its well-known classes, provided that the mask agrees on nodata and lists no
    value they do not have; else the classes are what the mask says: ``clear_4``, ``not_clear_8``, …
    """
    meanings = {"clear": [*clear], "not_clear": [*not_clear], "saturated": [*saturated]}
    listed = {value for values in meanings.values() for value in values}
    known = _BY_BAND_NAME.get(band_name.upper(), ())
    values = {one.value for one in known}
    if listed <= values and any(one.nodata and one.value == nodata for one in known):
        return known
    from_mask = {nodata: ClassInfo(nodata, "no_data", "not observed", "000000", nodata=True)}
    for meaning, members in meanings.items():
        for value in members:
            told = ClassInfo(value, f"{meaning}_{value}", meaning.replace("_", " "), _COLOURS[meaning])
            from_mask.setdefault(value, told)
    return tuple(from_mask[value] for value in sorted(from_mask))
