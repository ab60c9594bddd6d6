"""Which look at the ground a scene is, however often and wherever its archive processed it.

One acquisition may come as several items: a reprocessed copy beside the first one, or the two halves of a split at
the border of two datastrips. Archives number both alike (``_0_``, ``_1_``), so what tells them apart is read from the
item: where (the frame of the satellite's own grid), when the strip began, how complete the frame is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stratocube.cube.scene_ids import sentinel2_scene_id

_MGRS = re.compile(r"(?:MGRS-)?T?0?(?P<zone>\d{1,2})(?P<rest>[C-X][A-Z]{2})")
_MGRS_IN_ID = re.compile(r"_T?(?P<zone>\d{1,2})(?P<rest>[C-X][A-Z]{2})_")
_STRIP_START = re.compile(r"_S(\d{8}T\d{6})")
_DATATAKE_START = re.compile(r"GS2[A-Z]_(\d{8}T\d{6})_|S2[A-Z]_MSIL\w\w_(\d{8}T\d{6})_")
_LANDSAT = re.compile(
    r"L[A-Z]\d{2}_L\w{3}_(?P<frame>\d{6})_(?P<day>\d{8})_(?P<processed>\d{8})_\d{2}_(?P<tier>RT|T1|T2)"
)
_BASELINE = re.compile(r"(\d{2})\.(\d{2})")

_OUTSIDE_BASELINE = 90
"""Baselines from here up (99.99) are of processing outside the archive's own line: they are newer than none."""


@dataclass(frozen=True)
class Acquisition:
    """Where and when a scene was looked at. Empty text: the item does not say."""

    frame: str = ""
    """Place in the satellite's own tiling: ``MGRS-33TWN``, ``WRS2-221069``."""
    datatake: str = ""
    """Sentinel-2: when the sensor was switched on for this pass, ``20220226T095029``."""
    strip: str = ""
    """Sentinel-2: when the datastrip begins; the two halves of a split differ in it, copies do not."""
    is_whole: bool = False
    """Every pixel of the frame holds data, by the item's own words."""
    processing: tuple[int, ...] = ()
    """Sorts copies, the newer processing last: Sentinel-2 baseline, or Landsat (tier above RT, day of processing)."""

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Acquisition:
        """The inverse of ``dataclasses.asdict``, also after JSON made lists of the tuples."""
        return cls(**{**value, "processing": tuple(value.get("processing", ()))})


def acquisition_of(item_id: str, properties: Mapping[str, Any]) -> Acquisition:
    """What the properties of a STAC Item, and failing them its id, say of its acquisition.

    >>> acquisition_of("S2B_33TWN_20220226_1_L2A", {"s2:processing_baseline": "05.10"})
    Acquisition(frame='MGRS-33TWN', datatake='', strip='', is_whole=False, processing=(5, 10))
    >>> acquisition_of("LC08_L2SP_221069_20210107_20210307_02_T1", {})
    Acquisition(frame='WRS2-221069', datatake='', strip='', is_whole=False, processing=(1, 20210307))
    """
    landsat = _landsat_id(item_id, properties)
    if landsat:
        return Acquisition(
            frame=f"WRS2-{landsat['frame']}",
            processing=(int(landsat["tier"] != "RT"), int(landsat["processed"])),
        )
    return Acquisition(
        frame=_mgrs_frame(item_id, properties),
        datatake=_datatake(item_id, properties),
        strip=_found(_STRIP_START, properties.get("s2:datastrip_id")),
        is_whole=_is_zero(properties.get("s2:nodata_pixel_percentage")),
        processing=baseline_order(properties.get("s2:processing_baseline")) or _baseline_in(item_id),
    )


def baseline_order(baseline: object) -> tuple[int, ...]:
    """A Sentinel-2 processing baseline (``05.09``) as numbers that sort; empty for none and for foreign ones."""
    match = _BASELINE.fullmatch(baseline) if isinstance(baseline, str) else None
    if match is None or int(match[1]) >= _OUTSIDE_BASELINE:
        return ()
    return int(match[1]), int(match[2])


def _baseline_in(item_id: str) -> tuple[int, ...]:
    # INPE's items say it in the product's name alone.
    parsed = sentinel2_scene_id(item_id)
    return baseline_order(f"{parsed.baseline_major:02}.{parsed.baseline_minor:02}") if parsed else ()


def _landsat_id(item_id: str, properties: Mapping[str, Any]) -> re.Match[str] | None:
    for name in (item_id, properties.get("landsat:product_id"), properties.get("landsat:scene_id")):
        match = _LANDSAT.match(name) if isinstance(name, str) else None
        if match:
            return match
    return None


def _mgrs_frame(item_id: str, properties: Mapping[str, Any]) -> str:
    for name in ("grid:code", "s2:mgrs_tile", "tileId"):
        value = properties.get(name)
        match = _MGRS.fullmatch(value) if isinstance(value, str) else None
        if match:
            return _mgrs(match)
    match = _MGRS_IN_ID.search(f"_{item_id}_")
    return _mgrs(match) if match else ""


def _mgrs(match: re.Match[str]) -> str:
    return f"MGRS-{int(match['zone']):02d}{match['rest']}"


def _datatake(item_id: str, properties: Mapping[str, Any]) -> str:
    for text in (properties.get("s2:datatake_id"), properties.get("s2:product_uri"), item_id):
        match = _DATATAKE_START.search(text) if isinstance(text, str) else None
        if match:
            return match[1] or match[2]
    return ""


def _found(pattern: re.Pattern[str], text: object) -> str:
    match = pattern.search(text) if isinstance(text, str) else None
    return match[1] if match else ""


def _is_zero(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == 0
