"""How the numbers of scenes were taken, as products tell it: what was applied to which bands of which scenes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from stratocube.workflow.tasks import DateStack, Json, MergeTask, SourceAsset

MOST_LISTED = 100
"""Scenes and warnings that an item names; the number of all of them stands beside."""


def treatments(tasks: Iterable[MergeTask]) -> tuple[Json, ...]:
    """How the scenes of these merges were taken: one entry for all that were taken alike.

    ``scale`` and ``offset`` are what was applied on the way into the cube, None where the numbers were kept;
    ``changing_offset`` is what became of the one that only some scenes have.
    """
    grouped: dict[tuple[Any, ...], dict[str, dict[str, None]]] = {}
    for task in tasks:
        for source in task.sources:
            lists = grouped.setdefault(_treatment(source), {"bands": {}, "scenes": {}})
            lists["bands"][task.band] = None
            lists["scenes"][source.scene_id] = None
    return tuple(
        {
            "collection": collection,
            "provider": provider,
            "baseline": baseline or None,
            "changing_offset": state,
            "scale": scale,
            "offset": offset,
            "bands": list(lists["bands"]),
            "scenes": list(lists["scenes"]),
        }
        for (collection, provider, baseline, state, scale, offset), lists in grouped.items()
    )


def radiometry_properties(dates: Iterable[DateStack]) -> Json:
    """The properties of an item that tell how the numbers of its scenes were taken, and what is doubtful about it."""
    entries = list(dates)
    taken: dict[tuple[Any, ...], Json] = {}
    for treatment in (treatment for entry in entries for treatment in entry.radiometry):
        key = tuple(tuple(value) if isinstance(value, list) else value for value in _without_scenes(treatment).values())
        known = taken.setdefault(key, {**_without_scenes(treatment), "scenes": []})
        known["scenes"] += [scene for scene in treatment["scenes"] if scene not in known["scenes"]]
    warnings = list(dict.fromkeys(warning for entry in entries for warning in entry.warnings))
    listed = [
        {**treatment, "scene_count": len(treatment["scenes"]), "scenes": treatment["scenes"][:MOST_LISTED]}
        for treatment in taken.values()
    ]
    properties: Json = {"stratocube:radiometry": listed} if listed else {}
    if warnings:
        properties |= {
            "stratocube:radiometry_warnings": warnings[:MOST_LISTED],
            "stratocube:radiometry_warning_count": len(warnings),
        }
    return properties


def _treatment(source: SourceAsset) -> tuple[Any, ...]:
    return (
        source.collection,
        source.provider,
        source.baseline,
        source.offset_state,
        source.scale,
        source.offset,
    )


def _without_scenes(treatment: Mapping[str, Any]) -> Json:
    return {name: value for name, value in treatment.items() if name != "scenes"}
