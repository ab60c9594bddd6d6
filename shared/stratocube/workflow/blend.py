"""Blend: a unit's merges of one band become its composite, with the observation layers where they are due."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from typing import Any

from stratocube.cube.bands import Band
from stratocube.cube.layers import DATASOURCE, OBSERVATION_LAYERS
from stratocube.errors import InvalidRequest
from stratocube.pixels.blend import Observation
from stratocube.pixels.blend_cogs import BlendedCogs, blend_cogs
from stratocube.pixels.cog import CogWriter
from stratocube.pixels.ranking import BlendTask
from stratocube.state.activities import Work
from stratocube.state.status import Outcome, Step
from stratocube.storage.gdal import gdal_environment, threads_for
from stratocube.storage.hrefs import gdal_path
from stratocube.storage.keys import BuildKeys
from stratocube.workflow.build_plan import UnitPlan
from stratocube.workflow.composition import composition_report
from stratocube.workflow.context import Invocation, Stack
from stratocube.workflow.described import file_meaning
from stratocube.workflow.files import provenance, put_written
from stratocube.workflow.matching import matched_bands
from stratocube.workflow.perform import Task, failure_recorded, perform
from stratocube.workflow.products import blend_activity_id, blend_key, composite_item_id, unit_blends
from stratocube.workflow.tasks import DateStack, UnitStack, datasets_of


def load_stack(stack: Stack, build_id: str, unit_id: str) -> UnitStack:
    """The unit's dates as PrepareBlend ranked them."""
    return UnitStack.from_json(stack.work.read_json(BuildKeys(build_id).stack(unit_id)))


def blend_band(stack: Stack, invocation: Invocation, build_id: str, unit_id: str, band_name: str) -> Outcome:
    """Make the composite of one band of a unit, unless it is there or being made.

    The result kept with the activity: the stored files by name (the band and the observation layers made with it),
    and with the layers efficacy, cloud ratio and composition of the composite.

    Raises:
        SourceMissing, TransientRead: a merge cannot be read.
    """
    with failure_recorded(stack, build_id, unit_id, Step.BLEND, band_name):
        unit = UnitPlan.load(stack, build_id, unit_id)
        blends = {found.band: found for found in unit_blends(unit)}
        if band_name not in blends:
            raise InvalidRequest(f"{band_name} is not blended in this build: {', '.join(blends)} are", field="band")
        wanted = blends[band_name]
        dates = UnitStack.from_json(stack.work.read_json(BuildKeys(build_id).band(unit_id, band_name))).dates
    work = Work(
        activity_id=blend_activity_id(unit, wanted, dates),
        step=Step.BLEND,
        cube_id=unit.plan.definition.id,
        subject=f"{unit.unit} {band_name}",
    )
    return perform(
        stack,
        invocation,
        Task(work, build_id, unit_id, band_name, force=unit.plan.request.force),
        lambda: _make(stack, unit, wanted, dates, work.activity_id),
        intact=lambda result: all(stack.products.exists(stored["key"]) for stored in result["files"].values()),
    )


def _make(
    stack: Stack, unit: UnitPlan, wanted: BlendTask, dates: tuple[DateStack, ...], activity_id: str
) -> Mapping[str, Any]:
    with gdal_environment(stack.environment), matched_bands(stack, unit, wanted, dates) as matched:
        made = _blended(stack, unit, wanted, dates, matched, activity_id)
        # One after the other: what is written is let go.
        files = {
            name: asdict(put_written(stack, blend_key(unit, name, activity_id), cog))
            for name, cog in _named(made, wanted).items()
        }
    if made.layers is None:
        return {"files": files}
    return {
        "files": files,
        "efficacy": made.layers.efficacy,
        "cloud_ratio": made.layers.cloud_ratio,
        "composition": composition_report(made.layers.composition, made.dates, datasets_of(dates)),
    }


def _named(made: BlendedCogs, wanted: BlendTask) -> dict[str, CogWriter]:
    """The COGs by the names of their bands."""
    return {wanted.band if name == wanted.function else name: cog for name, cog in made.cogs.items()}


def _blended(
    stack: Stack,
    unit: UnitPlan,
    wanted: BlendTask,
    dates: tuple[DateStack, ...],
    matched: Mapping[date, str],
    activity_id: str,
) -> BlendedCogs:
    definition = unit.plan.definition
    band, mask = definition.band(wanted.band), definition.mask
    if mask is None:
        raise InvalidRequest("is required to composite", field="parameters.mask")
    sources = datasets_of(dates)
    tags = provenance(collection=definition.id, item=composite_item_id(unit), identity=activity_id, inputs=len(dates))
    return blend_cogs(
        [_observation(stack, unit, wanted, entry, matched) for entry in dates],
        functions=[wanted.function],
        mask=mask,
        data_type=band.data_type,
        nodata=band.nodata,
        layers=wanted.observation_layers,
        meaning=file_meaning(definition, band.name, tags=tags),
        layer_meanings={
            name: file_meaning(definition, name, sources=sources, tags=tags) for name in OBSERVATION_LAYERS
        },
        valid_range=_valid_range(unit, band),
        sources=sources,
        reference_day=definition.parameters.reference_day,
        period_start=unit.unit.period.start,
        geobox=unit.geobox,
        threads=threads_for(stack.environment),
    )


def _observation(
    stack: Stack, unit: UnitPlan, wanted: BlendTask, entry: DateStack, matched: Mapping[date, str]
) -> Observation:
    definition = unit.plan.definition

    def path(name: str) -> str:
        return gdal_path(stack.products.href(entry.merges[name].key))

    return Observation(
        date=entry.date,
        band=matched.get(entry.date) or path(wanted.band),
        quality=path(definition.quality_band or wanted.band),
        efficacy=entry.efficacy,
        resolution=unit.geobox.resolution_x,
        saturation=path(definition.saturation_band) if definition.saturation_band else None,
        datasource=path(DATASOURCE.name) if DATASOURCE.name in wanted.inputs and entry.datasets else None,
    )


def _valid_range(unit: UnitPlan, band: Band) -> tuple[float, float] | None:
    limits = (band.min_value, band.max_value)
    if not unit.plan.definition.parameters.apply_valid_range or band.name == unit.plan.definition.quality_band:
        return None
    if limits[0] is None or limits[1] is None:
        raise InvalidRequest(f"needs min_value and max_value of band {band.name}", field="parameters.apply_valid_range")
    return limits[0], limits[1]
