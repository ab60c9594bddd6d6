"""What each piece of work is: its content identity, and the keys of what it writes.

An identity holds everything the pixels depend on and nothing else (DESIGN D5). A change to an algorithm that changes
pixels raises its number here, and everything made before counts as different. A change to what a file says about its
pixels (tags, statistics, colours) does not: what was made before stays true, and gets the new words when it is made
again. Then its checksum changes under the same key, so publishing compares checksums beside identities. What items and
pictures say is the work of publishing, so its number rises with them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Final

from stratocube.cube.bands import Band
from stratocube.cube.definition import CubeDefinition
from stratocube.cube.identity import blend_identity, identity, merge_identity, publish_identity
from stratocube.cube.naming import band_file, item_folder
from stratocube.pixels.ranking import BlendTask, blend_tasks
from stratocube.storage.keys import asset_key, item_key
from stratocube.workflow.build_plan import UnitPlan
from stratocube.workflow.tasks import DateStack, SourceAsset

if TYPE_CHECKING:  # search and plan name products and read no raster: they go without GDAL
    from stratocube.pixels.cog import Kind

MERGE_ALGORITHM: Final = "3"
POST_PROCESS_ALGORITHM: Final = "1"
BLEND_ALGORITHM: Final = "1"
COMBINED: Final = "gaps-last"
"""Part of the algorithm of blends of combined cubes: their dates of scenes with gaps rank last."""
PUBLISH_ALGORITHM: Final = "4"


def band_kind(definition: CubeDefinition, band: Band) -> Kind:
    """Whether a band holds classes or bits (never averaged) or measurements."""
    classes = {definition.quality_band, definition.saturation_band}
    return "categorical" if band.name in classes else "continuous"


def merge_activity_id(
    unit: UnitPlan, day: date, band: Band, sources: Iterable[SourceAsset], datasets: tuple[str, ...]
) -> str:
    """Identity of a merge. Cubes that name the same identity cube share it, whatever they composite."""
    definition = unit.plan.definition
    tells_source = definition.is_combined and band.name == definition.quality_band
    return merge_identity(
        definition,
        unit.geobox,
        band.name,
        day,
        [source.identifying() | ({"datasets": datasets} if tells_source else {}) for source in sources],
        code_version=MERGE_ALGORITHM,
    )


def unit_blends(unit: UnitPlan) -> list[BlendTask]:
    """The bands a unit's composite is made of, and what each needs."""
    definition = unit.plan.definition
    names = [band.name for band in unit.plan.bands]
    return blend_tasks(
        names,
        function=definition.composite_function,
        quality_band=definition.quality_band,
        saturated_band=definition.saturation_band,
        # Read only where the mask depends on the sensor, or the observation layers are made.
        datasource_for=names if definition.is_combined else (),
    )


def blend_activity_id(unit: UnitPlan, blend: BlendTask, dates: Iterable[DateStack]) -> str:
    """Identity of a composite of one band."""
    inputs = {f"{entry.date.isoformat()}/{name}": entry.activity_ids[name] for entry in dates for name in blend.inputs}
    return blend_identity(
        unit.plan.definition,
        unit.geobox,
        blend.band,
        unit.unit.period,
        inputs,
        layers=blend.observation_layers,
        code_version=f"{BLEND_ALGORITHM} {COMBINED}" if unit.plan.definition.is_combined else BLEND_ALGORITHM,
    )


def composite_activity_id(unit: UnitPlan, blend_ids: Mapping[str, str]) -> str:
    """Identity of a published composite, from the identities of its blends by band."""
    definition = unit.plan.definition
    return publish_identity(
        definition, composite_item_id(unit), definition.id, blend_ids, code_version=PUBLISH_ALGORITHM
    )


def date_activity_id(unit: UnitPlan, entry: DateStack) -> str:
    """Identity of a published date."""
    definition = unit.plan.definition
    return publish_identity(
        definition,
        date_item_id(unit, entry.date),
        definition.identity_id,
        entry.activity_ids,
        code_version=PUBLISH_ALGORITHM,
    )


def post_process_activity_id(unit: UnitPlan, activity_ids: Mapping[str, str]) -> str:
    """Identity of the quality of a date, made nodata where a band has none; from the identities of its merges."""
    return identity(
        "post_process",
        {
            "collection": unit.plan.definition.identity_id,
            "merges": dict(activity_ids),
            "code": POST_PROCESS_ALGORITHM,
        },
    )


def date_file_key(unit: UnitPlan, day: date, name: str, activity_id: str) -> str:
    """Key of a date's COG of one band or layer."""
    return asset_key(date_folder(unit, day), activity_id, band_file(date_item_id(unit, day), name))


def blend_key(unit: UnitPlan, name: str, activity_id: str) -> str:
    """Key of a composite's COG of one band or layer."""
    return asset_key(composite_folder(unit), activity_id, band_file(composite_item_id(unit), name))


def date_item_id(unit: UnitPlan, day: date) -> str:
    """Id of the identity item of a date."""
    return unit.plan.definition.identity_item_id(unit.unit.tile, day)


def composite_item_id(unit: UnitPlan) -> str:
    """Id of the unit's composite."""
    return unit.plan.definition.composite_item_id(unit.unit.tile, unit.unit.period)


def date_folder(unit: UnitPlan, day: date) -> str:
    """Folder of a date's files."""
    definition = unit.plan.definition
    return item_folder(definition.identity_name, definition.version, unit.unit.tile, day)


def composite_folder(unit: UnitPlan) -> str:
    """Folder of the composite's files."""
    definition = unit.plan.definition
    return item_folder(definition.name, definition.version, unit.unit.tile, unit.unit.period.start)


def date_item_key(unit: UnitPlan, day: date) -> str:
    """Key of a date's STAC item."""
    return item_key(date_folder(unit, day), date_item_id(unit, day))


def composite_item_key(unit: UnitPlan) -> str:
    """Key of the composite's STAC item."""
    return item_key(composite_folder(unit), composite_item_id(unit))


def collection_root(name: str, version: int) -> str:
    """Folder of a cube, above its tiles: the collection is in it."""
    return f"{name.lower()}/v{version}"
