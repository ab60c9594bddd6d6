"""Preparation of the blend: corrections that speak about rasters, statistics and ranks instead of output fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tests.conformance.cases import Case
from tests.conformance.compare import Difference, compare_mapping
from tests.conformance.expectations import Expectation
from tests.conformance.tolerances import Tolerance

_ABOUT_OTHER_FIELDS = frozenset(
    {
        "unchanged_files",
        "changed_quality",
        "efficacy_after",
        "cloud_ratio_after",
        "rank",
        "observation_layers_built_once",
    }
)


def check_prepare_blend(
    case: Case, expectation: Expectation, actual: Mapping[str, Any], allowed: Tolerance
) -> Difference:
    """Compare blend tasks and changed rasters.

    ``unchanged_files`` and ``changed_quality`` correct ``changed_files``; ``rank`` corrects every task's
    rank. A date whose quality the preparation changed has the statistics of the changed raster (PB-3), also
    in cases which record the stale ones because they are about something else; the ranks follow from the
    statistics.
    """
    corrected = expectation.corrected
    fields = {name: value for name, value in (expectation.fields or {}).items() if name not in _ABOUT_OTHER_FIELDS}
    tasks = actual.get("blend_tasks", [])
    if corrected.get("observation_layers_built_once"):
        built = [task["band"] for task in tasks if task["build_observation_layers"]]
        if len(built) != 1:
            return f"blend_tasks: {len(built)} of them build the observation layers"
    if "changed_files" in fields:
        fields["changed_files"] = _changed_files(case, fields["changed_files"], corrected)
        extra = sorted(set(actual.get("changed_files", {})) - set(fields["changed_files"]))
        if extra:
            return f"changed_files: {extra[0]} must not change"
    if "blend_tasks" in fields and all("scenes" in task for task in fields["blend_tasks"]):
        statistics = _statistics_after(case, fields.get("changed_files", {}), corrected)
        fields["blend_tasks"] = [_restated(task, statistics, corrected.get("rank")) for task in fields["blend_tasks"]]
    return compare_mapping("", actual, fields, allowed)


def _changed_files(case: Case, recorded: Mapping[str, Any], corrected: Mapping[str, Any]) -> dict[str, Any]:
    untouched = set(corrected.get("unchanged_files", ()))
    changed = {name: value for name, value in recorded.items() if name not in untouched}
    if "changed_quality" in corrected:
        quality_band = case.input["quality_band"]
        for merge in case.input["merges"]:
            if merge["band"] == quality_band and not merge["reused"]:
                changed[f"{merge['date']}_{quality_band}"] = corrected["changed_quality"]
    return changed


def _statistics_after(
    case: Case, changed: Mapping[str, np.ndarray], corrected: Mapping[str, Any]
) -> dict[str, tuple[float, float]]:
    """Efficacy and cloud ratio of every date whose quality changed."""
    quality_band, mask = case.input["quality_band"], case.input["mask"]
    after = {}
    for name, quality in changed.items():
        date, _, band = name.partition("_")
        if band != quality_band:
            continue
        if "efficacy_after" in corrected:
            after[date] = corrected["efficacy_after"], corrected["cloud_ratio_after"]
            continue
        clear = np.count_nonzero(np.isin(quality, mask["clear_data"]))
        not_clear = np.count_nonzero(np.isin(quality, mask["not_clear_data"]))
        observed = clear + not_clear
        cloud_ratio = round(100 * not_clear / observed, 2) if observed else 100.0
        after[date] = round(100 * clear / quality.size, 2), cloud_ratio
    return after


def _restated(
    task: Mapping[str, Any], statistics: Mapping[str, tuple[float, float]], rank: list[str] | None
) -> dict[str, Any]:
    """The recorded task with the statistics of changed rasters, and the rank that follows from them."""
    scenes = {date: dict(scene) for date, scene in task["scenes"].items()}
    for date, (efficacy, cloud_ratio) in statistics.items():
        scenes[date] |= {"efficacy": efficacy, "cloud_ratio": cloud_ratio}
    if rank is None and statistics:
        rank = sorted(
            scenes,
            key=lambda date: (scenes[date]["efficacy"] / scenes[date]["resolution"], date),
            reverse=True,
        )
    return {**task, "scenes": scenes, "rank_in_blend": task["rank_in_blend"] if rank is None else rank}
