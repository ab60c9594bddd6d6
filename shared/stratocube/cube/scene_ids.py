"""What the identifier of a scene tells: mission, processing baseline, platform."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SENTINEL2 = re.compile(
    r"S2[A-Z]_MSIL(?:1C|2A)_\d{8}T\d{6}_N(?P<major>\d{2})(?P<minor>\d{2})_R\d{3}_T\d{2}[A-Z]{3}_\d{8}T\d{6}(?:\.SAFE)?"
)
_LANDSAT = re.compile(r"L(?P<sensor>[A-Z])(?P<number>\d{2})_L[0-9A-Z]{3}_\d{6}_\d{8}_\d{8}_\d{2}_(?:RT|T1|T2)")
_SURFACE_REFLECTANCE_PLATFORMS = {4, 5, 7, 8, 9}


@dataclass(frozen=True)
class Sentinel2SceneId:
    """A Sentinel-2 product identifier (compact naming, since December 2016)."""

    baseline_major: int
    """4 of processing baseline 04.00."""
    baseline_minor: int


@dataclass(frozen=True)
class LandsatSceneId:
    """A Landsat Collection product identifier."""

    platform: str | None
    """``Landsat-8``; None for a satellite without surface reflectance (Landsat 1 to 3)."""


def sentinel2_scene_id(scene_id: str) -> Sentinel2SceneId | None:
    """What a product identifier says, ``S2A_MSIL2A_20220621T133201_N0400_R081_T22LGL_20220621T182715`` for example.

    None for everything else, and so for the short identifiers of some archives (``S2A_22LGL_20220621_0_L2A``), which
    do not hold a baseline.

    >>> sentinel2_scene_id("S2A_MSIL2A_20220621T133201_N0400_R081_T22LGL_20220621T182715")
    Sentinel2SceneId(baseline_major=4, baseline_minor=0)
    """
    match = _SENTINEL2.fullmatch(scene_id)
    return Sentinel2SceneId(int(match["major"]), int(match["minor"])) if match else None


def landsat_scene_id(scene_id: str) -> LandsatSceneId | None:
    """What a product identifier says, ``LC08_L2SP_221069_20210107_20210307_02_T1`` for example; None for another.

    >>> landsat_scene_id("LC08_L2SP_221069_20210107_20210307_02_T1")
    LandsatSceneId(platform='Landsat-8')
    """
    match = _LANDSAT.fullmatch(scene_id)
    if not match:
        return None
    number = int(match["number"])
    return LandsatSceneId(f"Landsat-{number}" if number in _SURFACE_REFLECTANCE_PLATFORMS else None)
