"""Publish: indexes, quicklook and the STAC item of a composite or of one date. The item is written last: the commit."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from stratocube import __version__
from stratocube.catalog.products import (
    BandFile,
    InputItem,
    ProductInfo,
    composite_item,
    identity_item,
)
from stratocube.cube.naming import band_file
from stratocube.pixels.indexes import band_index_of_files
from stratocube.state.activities import Work
from stratocube.state.status import Outcome, Step
from stratocube.storage.gdal import gdal_environment
from stratocube.storage.hrefs import gdal_path
from stratocube.storage.keys import BuildKeys, asset_key, collection_key
from stratocube.workflow.blend import load_stack
from stratocube.workflow.build_plan import UnitPlan
from stratocube.workflow.commit import commit_item
from stratocube.workflow.composition import composition_properties, provenance_year
from stratocube.workflow.context import Invocation, Stack
from stratocube.workflow.described import crs_info, file_meaning, layer_info, resolution_in_metres
from stratocube.workflow.files import href_from, provenance, put_cog
from stratocube.workflow.perform import DoneOver, Task, confirm_claim, failure_recorded, perform
from stratocube.workflow.pictures import Looked, Seen, look
from stratocube.workflow.products import (
    blend_activity_id,
    collection_root,
    composite_activity_id,
    composite_folder,
    composite_item_id,
    composite_item_key,
    date_activity_id,
    date_folder,
    date_item_id,
    date_item_key,
    unit_blends,
)
from stratocube.workflow.radiometry_facts import radiometry_properties
from stratocube.workflow.scenes import scene_properties
from stratocube.workflow.staleness import input_properties
from stratocube.workflow.tasks import DateStack, SceneRef, StoredFile, UnitStack, datasets_of

_IDENTITY = "stratocube:identity"
_CHANNELS = 3
"""Bands of a picture."""


@dataclass(frozen=True)
class _Product:
    """One item to publish and where its files go."""

    unit: UnitPlan
    item_id: str
    item_key: str
    folder: str
    collection_id: str
    collection: str
    """Key of the collection."""
    identity: str
    rasters: Mapping[str, StoredFile]
    """What is there already: the merges or the blends."""
    scenes: tuple[SceneRef, ...]
    efficacy: float | None
    cloud_ratio: float | None
    datasets: tuple[str, ...]
    """What the values 0, 1, … of DATASOURCE stand for."""
    facts: Mapping[str, Any]
    """Further properties of the item."""
    date_items: Mapping[str, str] = field(default_factory=dict)
    """Keys of the items of the dates that a composite is made of, by their ids."""


def publish_date(stack: Stack, invocation: Invocation, build_id: str, unit_id: str, day: str) -> Outcome:
    """Publish the identity item of one date, unless it is there or being published.

    Raises:
        SourceMissing, TransientRead: a merge cannot be read.
    """
    with failure_recorded(stack, build_id, unit_id, Step.PUBLISH_DATES, day):
        unit = UnitPlan.load(stack, build_id, unit_id)
        entry = DateStack.from_json(stack.work.read_json(BuildKeys(build_id).date(unit_id, day)))
    definition = unit.plan.definition
    product = _Product(
        unit=unit,
        item_id=date_item_id(unit, entry.date),
        item_key=date_item_key(unit, entry.date),
        folder=date_folder(unit, entry.date),
        collection_id=definition.identity_id,
        collection=collection_key(collection_root(definition.identity_name, definition.version)),
        identity=date_activity_id(unit, entry),
        rasters=entry.merges,
        scenes=entry.scenes,
        efficacy=entry.efficacy,
        cloud_ratio=entry.cloud_ratio,
        datasets=entry.datasets,
        facts=radiometry_properties([entry]),
    )
    work = Work(product.identity, Step.PUBLISH_DATES, definition.id, f"{unit.unit.tile} {day}")
    task = Task(work, build_id, unit_id, day, force=unit.plan.request.force)
    indexes = not definition.parameters.skip_vi_identity
    outcome = perform(
        stack,
        invocation,
        task,
        lambda: _Publishing(stack, invocation, task, product).publish(lambda info: _date_item(info, entry), indexes),
        intact=lambda _: _is_published(stack, product),
    )
    if outcome is not Outcome.BUSY:
        _make_findable(stack, product)
    return outcome


def publish_composite(stack: Stack, invocation: Invocation, build_id: str, unit_id: str) -> Outcome:
    """Publish the unit's composite, unless it is there or being published; then the unit has succeeded.

    A cube of identity products (IDT) has no composite: its unit has succeeded with its dates.

    Raises:
        SourceMissing, TransientRead: a blend cannot be read.
    """
    unit = UnitPlan.load(stack, build_id, unit_id)
    outcome = Outcome.BUILT
    if unit.plan.definition.composite_function != "IDT":
        found = load_stack(stack, build_id, unit_id)
        try:
            product = _composite(stack, unit, found)
        except DoneOver:
            return Outcome.BUSY
        work = Work(product.identity, Step.PUBLISH, unit.plan.definition.id, str(unit.unit))
        task = Task(work, build_id, unit_id, "", force=unit.plan.request.force)
        publishing = _Publishing(stack, invocation, task, product)
        outcome = perform(
            stack,
            invocation,
            task,
            lambda: publishing.publish(lambda info: _composite_item(info, unit, found), indexes=True),
            intact=lambda _: _is_published(stack, product),
        )
        if outcome is not Outcome.BUSY:
            _make_findable(stack, product)
    if outcome is not Outcome.BUSY:
        stack.builds.unit_succeeded(build_id, unit_id, now=stack.now())
    return outcome


def _composite(stack: Stack, unit: UnitPlan, found: UnitStack) -> _Product:
    definition = unit.plan.definition
    blend_ids = {blend.band: blend_activity_id(unit, blend, found.dates) for blend in unit_blends(unit)}
    results = stack.activities.all_finished(blend_ids.values())
    missing = [band for band, activity_id in blend_ids.items() if activity_id not in results]
    if missing:
        raise DoneOver(f"the blend of {missing[0]} is not done: another build is doing it over")
    files: dict[str, StoredFile] = {}
    layers: Mapping[str, Any] = {}
    for activity_id in blend_ids.values():
        result = results[activity_id].result
        files |= {name: StoredFile.from_json(stored) for name, stored in result["files"].items()}
        layers = result if "efficacy" in result else layers
    return _Product(
        unit=unit,
        item_id=composite_item_id(unit),
        item_key=composite_item_key(unit),
        folder=composite_folder(unit),
        collection_id=definition.id,
        collection=collection_key(collection_root(definition.name, definition.version)),
        identity=composite_activity_id(unit, blend_ids),
        rasters=files,
        scenes=tuple(dict.fromkeys(scene for entry in found.dates for scene in entry.scenes)),
        efficacy=layers.get("efficacy"),
        cloud_ratio=layers.get("cloud_ratio"),
        datasets=datasets_of(found.dates),
        facts=input_properties(stack, unit)
        | scene_properties(stack, unit.plan.build_id, str(unit.unit))
        | radiometry_properties(found.dates)
        | composition_properties(layers.get("composition"))
        | provenance_year(files, [entry.date for entry in found.dates]),
        date_items={date_item_id(unit, entry.date): date_item_key(unit, entry.date) for entry in found.dates},
    )


def _make_findable(stack: Stack, product: _Product) -> None:
    """Index the item and tell of it, whoever published it: what he did not get to is done now."""
    if stack.settings.items_table:
        root = posixpath.dirname(product.collection)
        stack.item_index.publish(product.item_key, root=root, cube_id=product.unit.plan.definition.id)


def _is_published(stack: Stack, product: _Product) -> bool:
    """Whether the item in place is this product: another build may have published other inputs since.

    Its files are looked at as well: one that was lost and made again may say other things of the same pixels.
    """
    found = stack.products.read_versioned_json(product.item_key)
    if found is None:
        return False
    item, _ = found
    told = {name: asset.get("file:checksum") for name, asset in item["assets"].items()}
    same_files = all(told.get(name) == stored.checksum for name, stored in product.rasters.items())
    return same_files and bool(item["properties"].get(_IDENTITY) == product.identity)


@dataclass(frozen=True)
class _Publishing:
    """The publication of one product by one invocation, which holds the claim on it."""

    stack: Stack
    invocation: Invocation
    task: Task
    product: _Product

    def publish(self, item: Callable[[ProductInfo], dict[str, Any]], indexes: bool) -> Mapping[str, Any]:
        """Make what is still missing, then write the item, if the claim is held to that moment."""
        stack, product = self.stack, self.product
        with gdal_environment(stack.environment):
            files = dict(product.rasters) | (_indexes(stack, product) if indexes else {})
            seen = look(
                stack,
                Looked(product.unit, product.folder, product.item_id, product.identity, product.cloud_ratio),
                files,
                tags=_provenance(product, inputs=_CHANNELS),
            )
        document = item(_info(stack, product, files, seen))
        commit_item(stack, product.item_key, document, confirm=lambda: confirm_claim(stack, self.invocation, self.task))
        return {"item": product.item_key, "files": {name: stored.address() for name, stored in files.items()}}


def _indexes(stack: Stack, product: _Product) -> dict[str, StoredFile]:
    """The index bands that can be made of the bands this build has."""
    definition = product.unit.plan.definition
    made: dict[str, StoredFile] = {}
    for index in definition.indexes:
        expression = index.expression
        if not expression.names <= product.rasters.keys():
            continue
        data = band_index_of_files(
            expression,
            {name: gdal_path(stack.products.href(product.rasters[name].key)) for name in expression.names},
            nodata_by_band={name: definition.band(name).nodata for name in expression.names},
            data_type=index.data_type,
            nodata=index.nodata,
            minimum=index.min_value,
            maximum=index.max_value,
        )
        made[index.name] = put_cog(
            stack,
            asset_key(product.folder, product.identity, band_file(product.item_id, index.name)),
            data,
            product.unit.geobox,
            nodata=index.nodata,
            meaning=file_meaning(definition, index.name, tags=_provenance(product, inputs=len(expression.names))),
        )
    return made


def _provenance(product: _Product, *, inputs: int) -> Mapping[str, str]:
    return provenance(collection=product.collection_id, item=product.item_id, identity=product.identity, inputs=inputs)


def _info(stack: Stack, product: _Product, files: Mapping[str, StoredFile], seen: Seen) -> ProductInfo:
    unit = product.unit
    definition = unit.plan.definition
    platforms = tuple(sorted({scene.platform for scene in product.scenes if scene.platform}))
    return ProductInfo(
        collection_id=product.collection_id,
        item_id=product.item_id,
        collection_href=href_from(product.collection, product.folder),
        grid=definition.grs,
        tile=unit.unit.tile,
        geobox=unit.geobox,
        crs=crs_info(unit.geobox),
        footprint=unit.tile.footprint,
        bbox=unit.tile.bbox,
        files=tuple(
            BandFile(
                layer_info(definition, name, product.datasets),
                href_from(stored.key, product.folder),
                stored.size,
                stored.checksum,
                stored.statistics,
            )
            for name, stored in files.items()
        ),
        identity=product.identity,
        software_version=__version__,
        created=stack.clock(),
        pictures=seen.pictures,
        inputs=_inputs(product),
        sources=tuple(sorted({scene.collection for scene in product.scenes})),
        platforms=platforms,
        resolution_m=resolution_in_metres(unit.geobox),
        efficacy_percent=product.efficacy,
        cloud_ratio_percent=product.cloud_ratio,
        flags=seen.check.flags if seen.check else (),
        quicklook_facts=seen.check.facts() if seen.check else None,
        extra_properties=product.facts,
    )


def _inputs(product: _Product) -> tuple[InputItem, ...]:
    """What the product was made of: the items of its dates, best first, and the scenes."""
    dates = [InputItem(item_id, href_from(key, product.folder)) for item_id, key in product.date_items.items()]
    scenes = [InputItem(scene.scene_id, scene.item_href) for scene in product.scenes if scene.item_href]
    return (*dates, *scenes)


def _date_item(info: ProductInfo, entry: DateStack) -> dict[str, Any]:
    return identity_item(
        info, day=entry.date, acquired=[datetime.fromisoformat(scene.acquired) for scene in entry.scenes]
    )


def _composite_item(info: ProductInfo, unit: UnitPlan, found: UnitStack) -> dict[str, Any]:
    return composite_item(
        info,
        start=unit.unit.period.start,
        end=unit.unit.period.end,
        composite_function=unit.plan.definition.composite_function,
        dates=[entry.date for entry in found.dates],
    )
