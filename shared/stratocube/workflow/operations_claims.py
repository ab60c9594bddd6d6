"""The claims a build holds: found by naming all work of its units, for claims lie under the identity of the work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stratocube.cube.naming import UnitId
from stratocube.errors import SourceMissing
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
    try:
        unit = UnitPlan(BuildPlan.from_json(work.read_json(keys.tile(unit_of.tile))), unit_of)
        dates = [DateTask.from_json(task) for task in work.read_json(keys.dates(unit_id))]
    except SourceMissing:
        return
    for task in dates:
        yield from task.merges.values()
        yield post_process_activity_id(unit, task.merges)
    try:
        ranked = UnitStack.from_json(work.read_json(keys.stack(unit_id))).dates
    except SourceMissing:
        return
    yield from (date_activity_id(unit, entry) for entry in ranked)
    blends = {blend.band: blend_activity_id(unit, blend, ranked) for blend in unit_blends(unit)}
    yield from blends.values()
    yield composite_activity_id(unit, blends)
