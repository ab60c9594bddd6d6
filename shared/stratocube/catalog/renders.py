"""How the bands of a cube are best looked at, for tile servers and maps: the render extension of STAC.

Numbers are the stored ones, as titiler and others take them. Colour maps are named as matplotlib and rio-tiler do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from stratocube.catalog.product_bands import BandInfo, BandKind

DEFAULT_LIMITS: Final = (0.0, 3000.0)
"""Reflectance in ten-thousandths that fills a screen: land is rarely brighter than 0.3, clouds may be white."""

DEFAULT_GAMMA: Final = 1.6
"""With these limits: forest reflects 0.03 in the visible, and would be all but black."""

_INDEX_RANGE: Final = (-0.2, 1.0)
"""Physical: below are clouds and water, which need no detail."""
_DAYS: Final = (1, 366)
_MOST_OBSERVATIONS: Final = 20
_PICTURE: Final = 3


def renders(
    bands: Sequence[BandInfo], picture: Sequence[str], limits: Sequence[tuple[float, float]] = ()
) -> dict[str, dict[str, Any]]:
    """The ``renders`` of a collection of these bands: its picture, its indexes, its classes and its counts.

    ``picture`` names the bands of red, green and blue; ``limits`` are black and full of each, in stored numbers.
    """
    by_name = {band.name: band for band in bands}
    found: dict[str, dict[str, Any]] = {}
    if len(picture) == _PICTURE and set(picture) <= by_name.keys():
        ranges = list(limits) or [stored_limits(by_name[name]) for name in picture]
        found["picture"] = {
            "title": "Red, green and blue: " + ", ".join(picture),
            "assets": list(picture),
            "rescale": [list(one) for one in ranges],
            "resampling": "average",
        } | ({} if limits else {"color_formula": f"gamma RGB {DEFAULT_GAMMA:g}"})
    for band in bands:
        drawn = _drawn(band)
        if drawn is not None:
            found[band.name.lower()] = {"title": band.description or band.name, "assets": [band.name], **drawn}
    return found


def stored_limits(band: BandInfo) -> tuple[float, float]:
    """Black and full of a band of reflectance, in stored numbers: 0 and 0.3 by its scale, without one 0 and 3000."""
    if band.scale is None or band.scale <= 0 or band.unit != "1":
        return DEFAULT_LIMITS
    offset = band.offset or 0.0
    low, high = ((value - offset) / band.scale for value in (0.0, 0.3))
    return round(low, 6), round(high, 6)


def _drawn(band: BandInfo) -> dict[str, Any] | None:
    if band.colors:
        return {"colormap": {str(value): f"#{color}" for value, color in band.colors.items()}, "resampling": "nearest"}
    if band.kind is BandKind.INDEX:
        low, high = _INDEX_RANGE
        scale, offset = band.scale or 1.0, band.offset or 0.0
        rescale = sorted((round((low - offset) / scale, 6), round((high - offset) / scale, 6)))
        return {"rescale": [rescale], "colormap_name": "rdylgn", "resampling": "average"}
    if band.kind is BandKind.COUNT:
        return {"rescale": [[0, _MOST_OBSERVATIONS]], "colormap_name": "viridis", "resampling": "nearest"}
    if band.kind is BandKind.PROVENANCE and band.name == "PROVENANCE":
        return {"rescale": [list(_DAYS)], "colormap_name": "turbo", "resampling": "nearest"}
    return None
