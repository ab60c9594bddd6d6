"""The preparation of the blend under the reference's function names: the steps in the order of the pipeline."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rasterio

from stratocube.cube.mask import QualityMask, parse_mask
from stratocube.pixels.histogram import match_histogram_with_merges
from stratocube.pixels.postprocess import bands_to_check, post_processing_quality
from stratocube.pixels.ranking import (
    DATASOURCE,
    BlendTask,
    DateScore,
    RankedDate,
    blend_tasks,
    matching_order,
    matching_reference,
    rank_dates,
    spectral_bands,
    temporal_priority_timeline,
)
from stratocube.pixels.sources import read_raster
from stratocube.pixels.statistics import compute_data_set_stats
from tests.conformance.adapters import Adapter

Merges = Mapping[tuple[str, str], Mapping[str, Any]]
Statistics = Mapping[str, tuple[float, float]]  # by date: efficacy, cloud ratio


def _prepare_blend(given: dict[str, Any], root: Path) -> Mapping[str, Any]:
    """The steps of the preparation, in the order of the pipeline."""
    merges = {(merge["date"], merge["band"]): merge for merge in reversed(given["merges"])}  # the first of a pair stays
    mask = parse_mask(given["mask"]) if given["mask"] else None
    before = _pixels_of(merges, root)
    statistics = _post_process(given, merges, mask, root)
    scores = _scores(given, merges, statistics)
    if given["options"].get("histogram_matching"):
        _match_histograms(given, merges, mask, scores, root)
    ranked = rank_dates(scores, reference_day=given["options"].get("reference_day"))
    sources = [merge for merge in merges.values() if merge.get("datasource")]
    tasks = blend_tasks(
        list(given["bands"]),
        function=given["composite_function"],
        quality_band=given["quality_band"],
        saturated_band=mask.saturated_band if mask else None,
        datasource_for=[given["quality_band"]] if sources else (),
    )
    after = _pixels_of(merges, root)
    changed = {name: pixels for name, pixels in after.items() if not np.array_equal(pixels, before[name])}
    return {
        "blend_tasks": [_task(task, ranked, statistics, merges, sources) for task in tasks],
        "next": "all blend tasks in parallel, then one publish task" if tasks else "one publish task only",
        "changed_files": changed,
    }


def _pixels_of(merges: Merges, root: Path) -> dict[str, np.ndarray]:
    files = {f"{date}_{band}": merge["file"] for (date, band), merge in merges.items() if "file" in merge}
    return {name: read_raster(str(root / path)).data for name, path in files.items()}


def _post_process(given: Mapping[str, Any], merges: Merges, mask: QualityMask | None, root: Path) -> Statistics:
    """Correct the quality files of new merges; efficacy and cloud ratio of every date afterwards."""
    name, statistics = given["quality_band"], {}
    for (date, band), merge in merges.items():
        if band != name or mask is None:
            continue
        statistics[date] = merge["efficacy"], merge["cloud_ratio"]
        if merge["reused"] or given["options"].get("no_post_process") or "file" not in merge:
            continue
        bands = bands_to_check(list(given["bands"]), quality_band=name, also_skip=[mask.saturated_band or name])
        path = root / merge["file"]
        nodata = {band: definition["nodata"] for band, definition in given["bands"].items()}
        quality = post_processing_quality(
            str(path),
            {band: str(root / merges[date, band]["file"]) for band in bands},
            quality_nodata=nodata[name],
            nodata_by_band=nodata,
        )
        with rasterio.open(path, "r+") as raster:
            raster.write(quality, 1)
        statistics[date] = compute_data_set_stats(str(path), mask)
    return statistics


def _scores(given: Mapping[str, Any], merges: Merges, statistics: Statistics) -> list[DateScore]:
    resolutions = {date: merge["resolution"] for (date, _), merge in merges.items()}
    return [
        DateScore(dt.date.fromisoformat(date), statistics.get(date, (0.0, 100.0))[0], resolution)
        for date, resolution in resolutions.items()
    ]


def _match_histograms(
    given: Mapping[str, Any], merges: Merges, mask: QualityMask | None, scores: Sequence[DateScore], root: Path
) -> None:
    quality, saturated = given["quality_band"], mask.saturated_band if mask else None
    files = {key: str(root / merge["file"]) for key, merge in merges.items()}
    reference = matching_reference(scores).isoformat()
    for date in matching_order(scores):
        for band in spectral_bands(list(given["bands"]), quality_band=quality, saturated_band=saturated):
            match_histogram_with_merges(
                files[date.isoformat(), band],
                files[date.isoformat(), quality],
                files[reference, band],
                files[reference, quality],
            )


def _task(
    task: BlendTask,
    ranked: Sequence[RankedDate],
    statistics: Statistics,
    merges: Merges,
    sources: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    scenes = {
        place.date.isoformat(): {
            "efficacy": place.weight,
            "cloud_ratio": statistics[place.date.isoformat()][1],
            "resolution": merges[place.date.isoformat(), task.band]["resolution"],
            "inputs": list(task.inputs),
        }
        for place in ranked
    }
    platforms = {"platforms": sources[0]["platforms"]} if DATASOURCE in task.inputs else {}
    return {
        "band": task.band,
        "composite_function": task.function,
        "build_observation_layers": task.observation_layers,
        "scenes": scenes,
        "rank_in_blend": [place.date.isoformat() for place in ranked],
        **platforms,
    }


def _temporal_priority_timeline(given: dict[str, Any], root: Path) -> Mapping[str, Any]:
    dates = [dt.date.fromisoformat(date) for date in given["timeline"]]
    return {"timeline": [date.isoformat() for date in temporal_priority_timeline(given["day_of_year"], dates)]}


ADAPTERS: dict[str, Adapter] = {
    "prepare_blend": _prepare_blend,
    "temporal_priority_timeline": _temporal_priority_timeline,
}
