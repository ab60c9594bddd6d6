"""The claims a build holds: found by naming all work of its units, for claims lie under the identity of the work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from stratocube.cube.naming import UnitId
from stratocube.state.activities import Activities
from stratocube.storage.keys import BuildKeys
from stratocube.storage.objects import ObjectStore
from stratocube.workflow.build_plan import BuildPlan, UnitPlan
from stratocube.workflow.products import (
    blend_activity_id,
    composite_activity_id,
    date_activity_id,
    post_process_activity_id,
    unit_blends,
)
from stratocube.workflow.tasks import DateTask, UnitStack


def release_claims(
    work: ObjectStore, activities: Activities, build_id: str, unit_ids: Iterable[str], *, now: str
) -> int:
    """Take this build's claims on the work of these units from their holders; how many there were.

    A claim that has ended, or that another build holds, stays as it is.
    """
    ids = (activity_id for unit_id in unit_ids for activity_id in _activity_ids(work, build_id, unit_id))
    claimed = activities.claimed_by(build_id, ids)
    return sum(
        activities.release(activity_id, build_id=build_id, holder=holder, now=now)
        for activity_id, holder in claimed.items()
    )


def _activity_ids(work: ObjectStore, build_id: str, unit_id: str) -> Iterator[str]:
    """Everything a unit's steps may have claimed so far: what has not been listed cannot have been begun."""
    keys, unit_of = BuildKeys(build_id), UnitId.parse(unit_id)
    of_tile, dates = _read(work, keys.tile(unit_of.tile)), _read(work, keys.dates(unit_id))
    if of_tile is None or dates is None:
        return
    unit = UnitPlan(BuildPlan.from_json(of_tile), unit_of)
    for task in map(DateTask.from_json, dates):
        yield from task.merges.values()
        yield post_process_activity_id(unit, task.merges)
    stack = _read(work, keys.stack(unit_id))
    if stack is None:
        return
    ranked = UnitStack.from_json(stack).dates
    yield from (date_activity_id(unit, entry) for entry in ranked)
    blends = {blend.band: blend_activity_id(unit, blend, ranked) for blend in unit_blends(unit)}
    yield from blends.values()
    yield composite_activity_id(unit, blends)


def _read(work: ObjectStore, key: str) -> Any:
    """A file of the build, None while it is not written. One that may not be read is an error: claims would stay."""
    found = work.read_versioned_json(key)
    return None if found is None else found[0]
