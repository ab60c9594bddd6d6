"""How a cube's bands, grid and collections are described in STAC."""

from __future__ import annotations

import re
from collections.abc import Iterable

from stratocube.catalog.cube_collection import CollectionInfo, ProviderInfo
from stratocube.catalog.product_bands import BandInfo, BandKind, ClassInfo
from stratocube.catalog.products import CrsInfo
from stratocube.catalog.quality_classes import quality_classes
from stratocube.cube.bands import OBSERVATION_LAYERS, Band, IndexBand, ObservationLayer
from stratocube.cube.definition import CubeDefinition
from stratocube.cube.geobox import GeoBox
from stratocube.pixels.sources import crs_of

_LAYER_KINDS = {
    "CLEAROB": BandKind.COUNT,
    "TOTALOB": BandKind.COUNT,
    "PROVENANCE": BandKind.PROVENANCE,
    "DATASOURCE": BandKind.SOURCE,
}


def crs_info(geobox: GeoBox) -> CrsInfo:
    """The CRS by its code where the grid was defined by one, else by its WKT2 (Albers of Brazil Data Cube has none)."""
    if re.fullmatch(r"EPSG:\d+", geobox.crs, re.IGNORECASE):
        return CrsInfo(code=geobox.crs.upper())
    return CrsInfo(wkt2=crs_of(geobox).to_wkt(version="WKT2_2019"))


def resolution_in_metres(geobox: GeoBox) -> float | None:
    """The pixel size where the grid's unit is the metre, else None."""
    crs = crs_of(geobox)
    unit, factor = crs.linear_units_factor if crs.is_projected else ("", 0.0)
    return geobox.resolution_x if unit and factor == 1.0 else None


def layer_info(definition: CubeDefinition, name: str) -> BandInfo:
    """A band, index or observation layer as STAC describes it."""
    if name in OBSERVATION_LAYERS:
        return _observation_layer(OBSERVATION_LAYERS[name])
    band = definition.band(name)
    mask = definition.mask
    is_quality = name == definition.quality_band
    classes: tuple[ClassInfo, ...] = ()
    if is_quality and mask is not None and not mask.bits:
        classes = quality_classes(
            name, clear=mask.clear, not_clear=mask.not_clear, saturated=mask.saturated, nodata=mask.nodata
        )
    return BandInfo(
        name=name,
        data_type=band.data_type,
        nodata=band.nodata,
        kind=_kind(definition, band),
        common_name=band.common_name,
        description=band.description or "",
        scale=band.scale_factor,
        offset=band.scale_add,
        center_wavelength=band.center_wavelength,
        full_width_half_max=band.full_width_half_max,
        classes=classes,
    )


def collection_info(
    definition: CubeDefinition, geobox: GeoBox, *, identity: bool, sources: Iterable[str]
) -> CollectionInfo:
    """The collection of a cube, or of its identity cube; ``sources`` are the ids of the collections searched."""
    names = [band.name for band in definition.bands]
    if not (identity and definition.parameters.skip_vi_identity):
        names += [index.name for index in definition.indexes]
    if not identity:
        names += [name for name in OBSERVATION_LAYERS if name != "DATASOURCE" or definition.is_combined]
        if definition.composite_function != "LCF":
            names = [name for name in names if name not in {"PROVENANCE", "DATASOURCE", definition.quality_band}]
    rule = definition.temporal_composition
    title = definition.title or definition.name
    made_of = ", ".join(sources)
    return CollectionInfo(
        id=definition.identity_id if identity else definition.id,
        title=f"{title} (per date)" if identity else title,
        description=definition.description or f"{title}: data cube of {made_of}",
        version=str(definition.version),
        bands=tuple(layer_info(definition, name) for name in names),
        grid=definition.grs,
        crs=crs_info(geobox),
        resolution=geobox.resolution_x,
        composite_function="IDT" if identity else definition.composite_function,
        temporal_composition=None if identity or rule is None else rule.to_json(),
        license=str(definition.metadata.get("license", "other")),
        providers=(ProviderInfo("stratocube", ("processor",)),),
        resolution_m=resolution_in_metres(geobox),
        bands_quicklook=definition.bands_quicklook,
    )


def _kind(definition: CubeDefinition, band: Band) -> BandKind:
    if isinstance(band, IndexBand):
        return BandKind.INDEX
    classes = {definition.quality_band, definition.saturation_band}
    return BandKind.QUALITY if band.name in classes else BandKind.SPECTRAL


def _observation_layer(layer: ObservationLayer) -> BandInfo:
    return BandInfo(
        name=layer.name,
        data_type=layer.data_type,
        nodata=layer.nodata,
        kind=_LAYER_KINDS[layer.name],
        description=layer.description,
    )
