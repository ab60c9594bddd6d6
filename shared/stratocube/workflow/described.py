"""How a cube's bands, grid and collections are described in STAC."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from stratocube.catalog.cube_bands import band_info, observation_band
from stratocube.catalog.cube_collection import CollectionInfo, ProviderInfo
from stratocube.catalog.product_bands import BandInfo, BandKind
from stratocube.catalog.products import CrsInfo
from stratocube.cube.definition import CubeDefinition
from stratocube.cube.geobox import GeoBox
from stratocube.cube.layers import DATASOURCE, OBSERVATION_LAYERS, PROVENANCE, PROVENANCE_YEAR
from stratocube.pixels.cog_profile import Meaning
from stratocube.pixels.sources import crs_of

DEFAULT_BLOCK: Final = 512
_NO_TAGS: Final[Mapping[str, str]] = MappingProxyType({})

Related = tuple[tuple[str, str, str], ...]


def crs_info(geobox: GeoBox) -> CrsInfo:
    """The CRS by its code where the grid was defined by one, else by its WKT2 (Albers of Brazil Data Cube has none)."""
    crs = crs_of(geobox)
    proj4 = crs.to_proj4() or None
    if re.fullmatch(r"EPSG:\d+", geobox.crs, re.IGNORECASE):
        return CrsInfo(code=geobox.crs.upper(), proj4=proj4)
    return CrsInfo(wkt2=crs.to_wkt(version="WKT2_2019"), proj4=proj4)


def resolution_in_metres(geobox: GeoBox) -> float | None:
    """The pixel size where the grid's unit is the metre, else None."""
    crs = crs_of(geobox)
    unit, factor = crs.linear_units_factor if crs.is_projected else ("", 0.0)
    return geobox.resolution_x if unit and factor == 1.0 else None


def layer_info(definition: CubeDefinition, name: str, sources: Sequence[str] = ()) -> BandInfo:
    """A band, index or observation layer as STAC describes it; ``sources`` are what the values of DATASOURCE mean."""
    if name in OBSERVATION_LAYERS:
        return observation_band(OBSERVATION_LAYERS[name], sources)
    return band_info(definition, name)


def file_meaning(
    definition: CubeDefinition, name: str, *, sources: Sequence[str] = (), tags: Mapping[str, str] = _NO_TAGS
) -> Meaning:
    """What the file of a band, index or observation layer says of its numbers: what STAC says of them, from one source.

    ``sources`` are what the values of DATASOURCE mean, ``tags`` go to the file.
    """
    info = layer_info(definition, name, sources)
    measured = info.kind in {BandKind.SPECTRAL, BandKind.INDEX}
    return Meaning(
        kind="continuous" if measured else "categorical",
        description=info.name,
        scale=info.scale,
        offset=info.offset,
        unit=info.unit,
        block_size=definition.parameters.block_size or DEFAULT_BLOCK,
        long_name=info.description,
        colors=info.colors,
        tags=tags,
    )


def collection_info(
    definition: CubeDefinition, geobox: GeoBox, *, identity: bool, sources: Iterable[str], related: Related = ()
) -> CollectionInfo:
    """The collection of a cube, or of its identity cube; ``sources`` are the ids of the collections searched, and
    ``related`` (relation, id, href) of those that belong with it."""
    names = [band.name for band in definition.bands]
    if not (identity and definition.parameters.skip_vi_identity):
        names += [index.name for index in definition.indexes]
    layers = (DATASOURCE.name,) if identity else tuple(OBSERVATION_LAYERS)
    names += [name for name in layers if name != DATASOURCE.name or definition.is_combined]
    if not identity and definition.composite_function != "LCF":
        of_one_date = {PROVENANCE.name, PROVENANCE_YEAR.name, DATASOURCE.name}
        classes = {definition.quality_band, definition.saturation_band}
        names = [name for name in names if name not in of_one_date | classes]
    rule = definition.temporal_composition
    title = definition.title or definition.name
    made_of = ", ".join(sources)
    # Cubes share their identity collection, so it says nothing of one of them.
    per_date = f"Scenes of {made_of} by date, warped to the grid {definition.grs} and mosaicked, not composited"
    return CollectionInfo(
        id=definition.identity_id if identity else definition.id,
        title=f"{title} (per date)" if identity else title,
        description=per_date if identity else definition.description or f"{title}: data cube of {made_of}",
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
        related=related,
        channel_limits=definition.parameters.channel_limits or (),
    )
