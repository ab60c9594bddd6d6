"""The layers of a cube's products, as STAC describes them, from the cube's definition."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from stratocube.catalog.product_bands import BandInfo, BandKind, ClassInfo
from stratocube.catalog.quality_classes import quality_classes
from stratocube.cube.bands import Band, IndexBand
from stratocube.cube.definition import CubeDefinition
from stratocube.cube.layers import DATASOURCE, PROVENANCE, PROVENANCE_YEAR, ObservationLayer
from stratocube.cube.mask import QualityMask

_SOURCE_COLOURS: Final = ("E69F00", "56B4E9", "009E73", "F0E442", "0072B2", "D55E00", "CC79A7", "999999")
"""Told apart also by who sees colours differently (Okabe and Ito, 2008)."""

_REFLECTIVE: Final = frozenset(
    (
        *("coastal", "blue", "green", "yellow", "red", "pan", "cirrus", "nir", "nir08", "nir09", "swir16", "swir22"),
        *("rededge", "rededge071", "rededge075", "rededge078", "green05"),
    )
)
"""Common names of bands whose physical value is a reflectance."""


def band_info(definition: CubeDefinition, name: str) -> BandInfo:
    """A band or index of a cube.

    The quality band has classes where the mask lists values; of a mask of bits it has none. Raises InvalidRequest for a
    name the cube does not have.
    """
    band = definition.band(name)
    return _band_info(band, _kind(band, definition), definition.mask)


def observation_band(layer: ObservationLayer, sources: Sequence[str] = ()) -> BandInfo:
    """A layer beside a composite. ``sources`` are what the values 0, 1, … of DATASOURCE stand for."""
    kind = BandKind.COUNT
    classes: tuple[ClassInfo, ...] = ()
    if layer in {PROVENANCE, PROVENANCE_YEAR}:
        kind = BandKind.PROVENANCE
    elif layer == DATASOURCE:
        kind, classes = BandKind.SOURCE, _source_classes(sources, layer.nodata)
    return BandInfo(
        name=layer.name,
        data_type=layer.data_type,
        nodata=layer.nodata,
        kind=kind,
        description=layer.description,
        classes=classes,
    )


def _kind(band: Band, definition: CubeDefinition) -> BandKind:
    if band.name in {definition.quality_band, definition.saturation_band}:
        return BandKind.QUALITY
    return BandKind.INDEX if isinstance(band, IndexBand) else BandKind.SPECTRAL


def _band_info(band: Band, kind: BandKind, mask: QualityMask | None) -> BandInfo:
    classes: tuple[ClassInfo, ...] = ()
    is_saturation = mask is not None and band.name == mask.saturated_band
    if kind is BandKind.QUALITY and mask is not None and not mask.bits and not is_saturation:
        classes = quality_classes(
            band.name, clear=mask.clear, not_clear=mask.not_clear, saturated=mask.saturated, nodata=mask.nodata
        )
    return BandInfo(
        name=band.name,
        data_type=band.data_type,
        nodata=band.nodata,
        kind=kind,
        common_name=band.common_name,
        description=band.description or "",
        scale=band.scale_factor,
        offset=band.scale_offset if band.scale_factor is not None else None,
        center_wavelength=band.center_wavelength,
        full_width_half_max=band.full_width_half_max,
        classes=classes,
        unit=_unit(band, kind),
    )


def _source_classes(sources: Sequence[str], nodata: int) -> tuple[ClassInfo, ...]:
    if not sources:
        return ()
    named = [
        ClassInfo(value, re.sub(r"[^0-9A-Za-z_-]+", "_", source), source, _SOURCE_COLOURS[value % len(_SOURCE_COLOURS)])
        for value, source in enumerate(sources)
    ]
    return (*named, ClassInfo(nodata, "no_data", "no observation", "000000", nodata=True))


def _unit(band: Band, kind: BandKind) -> str:
    """What the definition says (``metadata.unit``); indexes and scaled reflectance are numbers without dimension."""
    metadata = (band.metadata.model_extra if isinstance(band, IndexBand) else band.metadata) or {}
    told = metadata.get("unit")
    if isinstance(told, str):
        return told
    reflective = (band.common_name or "").lower() in _REFLECTIVE
    scaled = kind is BandKind.SPECTRAL and reflective and band.scale_factor is not None
    return "1" if scaled or kind is BandKind.INDEX else ""
