"""Scenes that arrive: which cubes watch for them, which units they touch, what is known of them.

A unit's row counts its arrivals, and which of them its last build has begun with::

      arrived 3, dispatched 2, due_at …  ──take──►  dispatched 3, build B, due_at + a look  ──settle──►  no longer due
                 ▲                                             │
                 └────────────── an arrival while B runs ──────┘

Every arrow is one conditional write on ``arrived`` and ``build_id``: an arrival that comes in between is never lost,
and of two who dispatch at a time one takes the unit. Rows that are due are found by the index ``due``, which is sparse.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pynamodb.exceptions import DoesNotExist, UpdateError

from stratocube.state.models import ArrivalRecord
from stratocube.state.tables import CONDITION_FAILED, bind

_WATCH = "WATCH"
_ARRIVED = "ARRIVED#"
_SEEN = "SEEN#"
_SCENES = "SCENES#"
_DUE = "DUE"

SECONDS_KEPT = 400 * 86_400
"""How long rows of units and scenes are kept after the last arrival: DynamoDB removes them by itself."""


@dataclass(frozen=True)
class StoredWatch:
    """A cube's watch on one collection, as it is stored."""

    cube_id: str
    collection: str
    body: Mapping[str, Any]
    created_at: str
    heard_at: str | None
    """When the last scene of the collection was announced."""
    reconciled_at: str | None
    """When its source was last searched for scenes nobody announced."""


@dataclass(frozen=True)
class ArrivedUnit:
    """A unit that scenes arrived for."""

    cube_id: str
    unit_id: str
    arrived: int
    """How often."""
    dispatched: int
    """How many of these arrivals its last build had before it."""
    attempts: int
    """Builds begun since the last arrival."""
    build_id: str | None
    """The last build it was given to."""
    due_at: str | None
    """When it is to be looked at; None when there is nothing to do."""

    @property
    def pending(self) -> bool:
        """Whether something arrived that no build has begun with."""
        return self.arrived > self.dispatched


@dataclass(frozen=True)
class KnownScene:
    """Versions of a scene that were announced and that were found in the index."""

    announced: str | None = None
    indexed: str | None = None


@dataclass(frozen=True)
class LandedScene:
    """A scene that was sent here itself: its STAC Item, and where that lies."""

    item: Mapping[str, Any]
    href: str
    """Empty for one sent to the API."""


class Arrivals:
    """The table of arrivals."""

    def __init__(self, table_name: str, *, region: str) -> None:
        self._records = bind(ArrivalRecord, table_name, region=region)

    # -- watches

    def watch(self, cube_id: str, collections: Collection[str], body: Mapping[str, Any], *, now: str) -> None:
        """Store a cube's watch on these collections, and end what it watched beyond them."""
        before = {watch.collection for watch in self.watches() if watch.cube_id == cube_id}
        model = self._records
        for collection in collections:
            model(_WATCH, _watch_name(collection, cube_id)).update(
                actions=[
                    model.cube_id.set(cube_id),
                    model.body.set(dict(body)),
                    model.active.set(True),
                    model.created_at.set(now),
                ]
            )
        for collection in before - set(collections):
            self._end_watch(collection, cube_id)

    def unwatch(self, cube_id: str) -> bool:
        """End a cube's watch; whether it had one."""
        found = [watch.collection for watch in self.watches() if watch.cube_id == cube_id]
        for collection in found:
            self._end_watch(collection, cube_id)
        return bool(found)

    def watches(self, collection: str | None = None) -> tuple[StoredWatch, ...]:
        """The watches on a collection, or all of them, by collection and cube."""
        model = self._records
        of_collection = model.name.startswith(f"{collection}#") if collection is not None else None
        found = model.query(_WATCH, of_collection, filter_condition=model.active == True, consistent_read=True)  # noqa: E712 - pynamodb's way to write a condition
        return tuple(
            StoredWatch(
                cube_id=record.cube_id,
                collection=record.name.removesuffix(f"#{record.cube_id}"),
                body=record.body,
                created_at=record.created_at,
                heard_at=record.heard_at,
                reconciled_at=record.reconciled_at,
            )
            for record in found
        )

    def heard(self, watch: StoredWatch, *, now: str) -> None:
        """Note that a scene of the watch's collection was announced."""
        self._note(watch, self._records.heard_at.set(now))

    def reconciled(self, watch: StoredWatch, *, now: str) -> None:
        """Note that the watch's source was searched."""
        self._note(watch, self._records.reconciled_at.set(now))

    def _note(self, watch: StoredWatch, action: Any) -> None:
        record = self._records(_WATCH, _watch_name(watch.collection, watch.cube_id))
        _update(record, [action], self._records.active.exists())

    def _end_watch(self, collection: str, cube_id: str) -> None:
        self._records(_WATCH, _watch_name(collection, cube_id)).update(actions=[self._records.active.set(False)])

    # -- units

    def mark(self, cube_id: str, unit_id: str, *, due_at: str, now_epoch: float) -> None:
        """Count an arrival. The unit becomes due at ``due_at``; one that is due before stays so."""
        model = self._records
        model(_ARRIVED + cube_id, unit_id).update(
            actions=[
                model.arrived.add(1),
                model.cube_id.set(cube_id),
                model.unit_id.set(unit_id),
                model.attempts.set(0),
                model.due.set(_DUE),
                model.due_at.set(model.due_at | due_at),
                model.expires_at.set(int(now_epoch) + SECONDS_KEPT),
            ]
        )

    def due(self, now: str, *, limit: int) -> tuple[ArrivedUnit, ...]:
        """Units that are to be looked at now, the longest waiting first. An index answers: it may be a moment old."""
        model = self._records
        return tuple(_unit(record) for record in model.by_due.query(_DUE, model.due_at <= now, limit=limit))

    def units(self, cube_id: str, *, limit: int) -> tuple[ArrivedUnit, ...]:
        """Units of a cube that scenes arrived for, by id."""
        return tuple(
            _unit(record) for record in self._records.query(_ARRIVED + cube_id, consistent_read=True, limit=limit)
        )

    def take(self, unit: ArrivedUnit, build_id: str, *, look_at: str) -> bool:
        """Give a unit to a build, and come back to it at ``look_at``; False when it is not as it was read any more."""
        model = self._records
        return self._change(
            unit,
            [
                model.build_id.set(build_id),
                model.dispatched.set(unit.arrived),
                model.attempts.set(unit.attempts + 1),
                model.due_at.set(look_at),
            ],
        )

    def settle(self, unit: ArrivedUnit) -> bool:
        """There is nothing more to do for a unit; False when something arrived since it was read."""
        return self._change(unit, [self._records.due.remove(), self._records.due_at.remove()])

    def postpone(self, unit: ArrivedUnit, due_at: str) -> None:
        """Look at a unit again later."""
        self._change(unit, [self._records.due_at.set(due_at)], arrivals=False)

    def _change(self, unit: ArrivedUnit, actions: list[Any], *, arrivals: bool = True) -> bool:
        model = self._records
        same = model.build_id == unit.build_id if unit.build_id else model.build_id.does_not_exist()
        if arrivals:
            same &= model.arrived == unit.arrived
        return _update(model(_ARRIVED + unit.cube_id, unit.unit_id), actions, same & model.due.exists())

    # -- scenes

    def known(self, collection: str, scene_id: str) -> KnownScene:
        """What is known of a scene."""
        try:
            record = self._records.get(_SEEN + collection, scene_id, consistent_read=True)
        except DoesNotExist:
            return KnownScene()
        return KnownScene(record.announced, record.indexed)

    def all_known(self, collection: str, scene_ids: Collection[str]) -> dict[str, KnownScene]:
        """What is known of scenes, by id; without those nothing is known of."""
        keys = [(_SEEN + collection, scene_id) for scene_id in dict.fromkeys(scene_ids)]
        return {
            record.name: KnownScene(record.announced, record.indexed)
            for record in self._records.batch_get(keys, consistent_read=True)
        }

    def note_announced(self, collection: str, scene_id: str, version: str, *, now_epoch: float) -> None:
        """Note that a version of a scene was announced, and that its units were marked."""
        self._note_scene(collection, scene_id, self._records.announced.set(version), now_epoch)

    def note_indexed(self, collection: str, scene_id: str, version: str, *, now_epoch: float) -> None:
        """Note that a version of a scene was found in the index, and that its units were marked."""
        self._note_scene(collection, scene_id, self._records.indexed.set(version), now_epoch)

    def _note_scene(self, collection: str, scene_id: str, action: Any, now_epoch: float) -> None:
        model = self._records
        model(_SEEN + collection, scene_id).update(
            actions=[action, model.expires_at.set(int(now_epoch) + SECONDS_KEPT)]
        )

    def land(self, collection: str, moment: str, scene_id: str, scene: LandedScene) -> None:
        """Keep a scene that was sent here itself. ``moment`` is when it was acquired (ISO 8601, UTC)."""
        self._records(_SCENES + collection, f"{moment}#{scene_id}", body=dict(scene.item), href=scene.href).save()

    def landed(self, collection: str, start: str, end: str) -> Iterator[LandedScene]:
        """Scenes that were sent here themselves, acquired from ``start`` to before ``end`` (ISO 8601, UTC)."""
        model = self._records
        for record in model.query(_SCENES + collection, model.name.between(start, end), consistent_read=True):
            yield LandedScene(record.body, record.href or "")


def _watch_name(collection: str, cube_id: str) -> str:
    return f"{collection}#{cube_id}"


def _unit(record: ArrivalRecord) -> ArrivedUnit:
    return ArrivedUnit(
        cube_id=record.cube_id,
        unit_id=record.unit_id,
        arrived=int(record.arrived),
        dispatched=int(record.dispatched or 0),
        attempts=int(record.attempts or 0),
        build_id=record.build_id,
        due_at=record.due_at,
    )


def _update(record: ArrivalRecord, actions: list[Any], condition: Any) -> bool:
    """Update a record of which ``condition`` holds; whether it did."""
    try:
        record.update(actions=actions, condition=condition)
    except UpdateError as error:
        if error.cause_response_code != CONDITION_FAILED:
            raise
        return False
    return True
