"""Merge: all scenes of one date, warped and mosaicked on the tile, one band, as a COG."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stratocube.catalog.hosts import check_href
from stratocube.cube.bands import Band
from stratocube.cube.layers import DATASOURCE
from stratocube.errors import InvalidRequest
from stratocube.pixels.confidence import OliFlag
from stratocube.pixels.dark_end import contradiction, read_dark_end
from stratocube.pixels.mask_buffers import buffer_margin, buffered_merge
from stratocube.pixels.merge import Merge, merge
from stratocube.pixels.sensors import oli_pixels, sources_without_oli
from stratocube.pixels.sources import SourceRaster, is_nodata
from stratocube.pixels.statistics import qa_statistics
from stratocube.state.activities import Work
from stratocube.state.status import Outcome, Step
from stratocube.storage.addresses import final_address
from stratocube.storage.gdal import gdal_environment, threads_for
from stratocube.storage.hrefs import gdal_path
from stratocube.storage.retrying import read_patiently
from stratocube.workflow.build_plan import UnitPlan
from stratocube.workflow.context import Invocation, Stack
from stratocube.workflow.described import file_meaning
from stratocube.workflow.files import provenance, put_cog
from stratocube.workflow.perform import Task, failure_recorded, perform
from stratocube.workflow.products import band_kind, date_file_key, date_item_id, merge_activity_id
from stratocube.workflow.tasks import MergeTask, SourceAsset, StoredFile


def merge_date(stack: Stack, invocation: Invocation, task: MergeTask) -> Outcome:
    """Make the merge of a task, unless it is there or being made.

    The result kept with the activity: the stored file, which pixels are valid (count and fingerprint), and of the
    quality band efficacy and cloud ratio, DATASOURCE where several sources are combined, how the scenes' numbers were
    taken, and warnings where the values speak against that.

    Raises:
        InvalidRequest: the task is not the one its identity says; a scene's raster is, or a redirect of it leads, where
            this stack may not read.
        SourceMissing: a scene's raster is not there; nothing is written.
        TransientRead: a scene's raster cannot be read now, also when tried again; nothing is written.
    """
    with failure_recorded(stack, task.build_id, task.unit_id, Step.MERGE, task.part):
        unit = UnitPlan.load(stack, task.build_id, task.unit_id)
    definition = unit.plan.definition
    work = Work(
        activity_id=task.activity_id,
        step=Step.MERGE,
        cube_id=definition.id,
        subject=f"{unit.unit.tile} {task.date.isoformat()} {task.band}",
    )
    return perform(
        stack,
        invocation,
        Task(work, task.build_id, task.unit_id, task.part, force=unit.plan.request.force),
        lambda: _make(stack, invocation, unit, task),
        intact=lambda result: stack.products.exists(result["file"]["key"]),
    )


def _check_identity(unit: UnitPlan, task: MergeTask) -> None:
    """See that a task is the one it says it is: what is made of it is found by this identity ever after."""
    band = unit.plan.definition.band(task.band)
    if task.activity_id != merge_activity_id(unit, task.date, band, task.sources, task.datasets):
        raise InvalidRequest(
            "is not the identity of this merge: the task was changed, or the code since Search made it; retry the unit",
            field="activity_id",
        )
    if task.key != date_file_key(unit, task.date, task.band, task.activity_id):
        raise InvalidRequest("is not where this merge goes", field="key")


def _make(stack: Stack, invocation: Invocation, unit: UnitPlan, task: MergeTask) -> Mapping[str, Any]:
    _check_identity(unit, task)
    band = unit.plan.definition.band(task.band)
    with gdal_environment(stack.environment):
        merged = read_patiently(
            lambda: _merged(stack, unit, band, task), stack.patience, seconds_left=invocation.remaining_seconds
        )
        stored = put_cog(
            stack,
            task.key,
            merged.data,
            unit.geobox,
            nodata=band.nodata,
            meaning=file_meaning(unit.plan.definition, band.name, tags=_provenance(unit, task)),
        )
        datasource = _put_datasource(stack, unit, task, merged)
        dark_ends = read_patiently(
            lambda: _dark_ends(stack, task), stack.patience, seconds_left=invocation.remaining_seconds
        )
    return {
        "file": asdict(stored),
        **_validity(merged),
        **_statistics(unit, band, task, merged),
        **_radiometry(task, dark_ends),
        **({"datasource": asdict(datasource), "datasets": list(task.datasets)} if datasource else {}),
    }


def _merged(stack: Stack, unit: UnitPlan, band: Band, task: MergeTask) -> Merge:
    definition = unit.plan.definition
    mask = definition.mask if band.name == definition.quality_band else None
    margin = 0 if mask is None else buffer_margin(mask, unit.geobox)
    merged = merge(
        [_raster(stack, source) for source in task.sources],
        unit.geobox,
        data_type=band.data_type,
        nodata=band.nodata,
        kind=band_kind(definition, band),
        resampling=definition.resampling(band.name),
        overlap="first" if definition.is_combined else "last",
        # A band without scale keeps the numbers of its source, so an offset to take out is given in stored units.
        scale=1.0 if band.scale_factor is None else band.scale_factor,
        offset=0.0 if band.scale_factor is None else band.scale_offset,
        datasource=task.datasets if definition.is_combined and band.name == definition.quality_band else None,
        margin=margin,
        threads=threads_for(stack.environment),
    )
    return merged if mask is None or not mask.buffers else buffered_merge(merged, mask, margin)


def _put_datasource(stack: Stack, unit: UnitPlan, task: MergeTask, merged: Merge) -> StoredFile | None:
    if merged.datasource is None:
        return None
    return put_cog(
        stack,
        date_file_key(unit, task.date, DATASOURCE.name, task.activity_id),
        merged.datasource,
        unit.geobox,
        nodata=DATASOURCE.nodata,
        meaning=file_meaning(
            unit.plan.definition, DATASOURCE.name, sources=task.datasets, tags=_provenance(unit, task)
        ),
    )


def _provenance(unit: UnitPlan, task: MergeTask) -> Mapping[str, str]:
    return provenance(
        collection=unit.plan.definition.identity_id,
        item=date_item_id(unit, task.date),
        identity=task.activity_id,
        inputs=len(task.sources),
    )


def _validity(merged: Merge) -> Mapping[str, Any]:
    """Which pixels hold an observation: their number, and a fingerprint by which two merges can be compared unread."""
    valid = ~is_nodata(merged.data, merged.nodata)
    return {
        "valid_pixels": int(np.count_nonzero(valid)),
        "valid_fingerprint": hashlib.sha256(np.packbits(valid).tobytes()).hexdigest(),
    }


def _raster(stack: Stack, source: SourceAsset) -> SourceRaster:
    allowed = partial(
        check_href, allowed_hosts=stack.settings.allowed_hosts, allowed_buckets=stack.settings.allowed_buckets
    )
    return SourceRaster(
        href=source.href,
        path=gdal_path(final_address(_address(stack, source), allowed)),
        nodata=source.nodata,
        dataset=source.dataset,
        scale=source.scale,
        offset=source.offset,
        band=source.file_band,
    )


def _address(stack: Stack, source: SourceAsset) -> str:
    """Where a scene's raster is read: the nearer place, unless that costs and the stack does not pay."""
    pays = stack.environment.get("AWS_REQUEST_PAYER") == "requester"
    return source.read_href if source.read_href and (pays or not source.reader_pays) else source.href


def _dark_ends(stack: Stack, task: MergeTask) -> Mapping[str, float]:
    """The dark end of the numbers of the scenes that may hold an offset, by scene."""
    looked_at = [source for source in task.sources if source.may_hold is not None]
    found = {source.scene_id: read_dark_end(_raster(stack, source)) for source in looked_at}
    return {scene_id: dark for scene_id, dark in found.items() if dark is not None}


def _radiometry(task: MergeTask, dark_ends: Mapping[str, float]) -> Mapping[str, Any]:
    """How the numbers of the scenes were taken, and where their values speak against it."""
    warnings = []
    for source in task.sources:
        if source.may_hold is not None and source.scene_id in dark_ends:
            doubt = contradiction(dark_ends[source.scene_id], source.may_hold, removed=bool(source.offset))
            warnings += [f"{source.scene_id} {task.band}: {doubt}"] if doubt else []
    treated = [
        {"scene": source.scene_id, "scale": source.scale, "offset": source.offset, "state": source.offset_state}
        for source in task.sources
        if source.scale is not None or source.offset_state != "none"
    ]
    return {**({"radiometry": treated} if treated else {}), **({"warnings": warnings} if warnings else {})}


def _statistics(unit: UnitPlan, band: Band, task: MergeTask, merged: Merge) -> Mapping[str, Any]:
    definition = unit.plan.definition
    if band.name != definition.quality_band or definition.mask is None:
        return {}
    found = qa_statistics(merged.data, definition.mask, oli=oli_flag(merged.datasource, task.datasets))
    return {"efficacy": found.efficacy, "cloud_ratio": found.cloud_ratio}


def oli_flag(datasource: NDArray[np.uint8] | None, datasets: tuple[str, ...]) -> OliFlag:
    """Where a date is of an OLI sensor, by its DATASOURCE: everywhere when it has none."""
    return True if datasource is None else oli_pixels(datasource, sources_without_oli(datasets))
