"""Scenes arrive: messages become scenes, scenes touch units of watching cubes, and those are marked as due.

Nothing is built here. A unit that is marked twice is marked, so duplicates and disorder do no harm; what starts builds
(:mod:`stratocube.workflow.dispatch`) finds two hundred scenes of one overpass as the few units they touch.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from stratocube.arrivals.notices import notice_of
from stratocube.arrivals.values import LandedObject, Notice, Passed, ProductFolder, SceneItem
from stratocube.catalog.hosts import check_href
from stratocube.catalog.instants import instant_text
from stratocube.catalog.scenes import Scene
from stratocube.catalog.stac_items import collection_of, scene_from_item
from stratocube.clock import iso_time
from stratocube.cube.naming import UnitId
from stratocube.errors import InvalidRequest, SourceMissing
from stratocube.state.arrivals import Arrivals, LandedScene
from stratocube.state.cubes import Cubes
from stratocube.state.grids import Grids
from stratocube.workflow.affected import AffectedUnits
from stratocube.workflow.context import Stack
from stratocube.workflow.watches import Watch, watch_of

RECEIVES: Final = 5
"""How often a message is tried. The queue hands it out once more than that, so that the reason is always told here."""

HEARD_EVERY: Final = timedelta(minutes=10)
"""That a collection is heard of is written down this often at most: a burst is not a thousand writes to one row."""

MAX_ITEM_BYTES: Final = 350_000
"""Of an Item that is kept in the table, whose records hold 400 KB."""

_STAC_ENDING: Final = "_stac.json"

MarkedUnit = tuple[str, UnitId]
"""A cube's id and a unit of it."""


@dataclass(frozen=True)
class Message:
    """A message of the queue."""

    message_id: str
    body: str
    received: int
    """How often it was handed out, this time included."""

    @classmethod
    def of_event(cls, event: Mapping[str, Any]) -> list[Message]:
        """The messages of an event of SQS."""
        return [
            cls(record["messageId"], record["body"], int(record["attributes"]["ApproximateReceiveCount"]))
            for record in event["Records"]
        ]


@dataclass(frozen=True)
class Inbox:
    """What receiving needs beside the stack."""

    stack: Stack
    affected: AffectedUnits
    fetch: Callable[[str], bytes]
    """Bytes of an ``s3://`` href; pays for the request where the stack says so."""
    list_keys: Callable[[str, str], Sequence[str]]
    """Keys of a bucket below a prefix."""
    bury: Callable[[Message, str], None]
    """Puts a message that cannot be worked with where somebody will look, with the reason."""
    settle: timedelta = timedelta(0)
    """How long a unit waits for more scenes before it is built."""


@dataclass(frozen=True)
class Arrival:
    """What a scene was to those who watch."""

    scene_id: str
    collection: str
    fate: str
    """``scenes`` (news to somebody), ``duplicates`` (announced before) or ``unwatched`` (of concern to nobody)."""
    units: tuple[MarkedUnit, ...]
    """The units of watching cubes that it touches."""


@dataclass
class Received:
    """What came of some messages."""

    failures: list[str] = field(default_factory=list)
    """Ids of messages that are to be handed out again."""
    marked: set[MarkedUnit] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)
    """``scenes``, ``duplicates``, ``unwatched``, ``passed``, ``unknown``, ``poison``, ``retried``: messages by fate."""
    reasons: list[str] = field(default_factory=list)
    """Why messages were buried, passed over unknown or are to be tried again."""


def receive(inbox: Inbox, messages: Iterable[Message]) -> Received:
    """Work through messages, each by itself: what is wrong with one keeps no other from being heard.

    A message that is malformed is buried at once; one that fails for another reason is tried again, and buried when it
    was tried :data:`RECEIVES` times.
    """
    done = Received()
    watching = Watching(inbox.stack.arrivals)
    for message in messages:
        try:
            notice = notice_of(message.body)
            if isinstance(notice, Passed):
                done.counts["passed" if notice.known else "unknown"] += 1
                if not notice.known:
                    done.reasons.append(f"{message.message_id} passed over: {notice.reason}")
                continue
            for landed in _scenes_of(inbox, notice):
                arrival = announce(watching, inbox.affected, landed, settle=inbox.settle, moment=inbox.stack.clock())
                done.counts[arrival.fate] += 1
                if arrival.fate == "scenes":
                    done.marked.update(arrival.units)
        # One message must not fail the others of its batch: whatever is wrong with it goes where its reason is kept.
        except Exception as error:
            _failed(inbox, message, error, done)
    return done


def _failed(inbox: Inbox, message: Message, error: Exception, done: Received) -> None:
    reason = f"{type(error).__name__}: {error}"
    if not isinstance(error, InvalidRequest) and message.received < RECEIVES:
        done.failures.append(message.message_id)
        done.counts["retried"] += 1
        done.reasons.append(f"{message.message_id} will be tried again: {reason}")
        return
    try:
        inbox.bury(message, reason)
    # The queue's own dead letters take it in the end, without the reason but for the log.
    except Exception as refusal:
        done.failures.append(message.message_id)
        reason += f" (and it could not be buried: {refusal})"
    done.counts["poison"] += 1
    done.reasons.append(f"{message.message_id} buried: {reason}")


def receive_item(landed: LandedScene, *, arrivals: Arrivals, cubes: Cubes, grids: Grids, moment: datetime) -> Arrival:
    """A scene somebody sends himself: it is kept, and its units are marked, to be built without waiting for others.

    Raises:
        InvalidRequest: as :func:`keep`.
    """
    keep(arrivals, landed)
    return announce(Watching(arrivals), AffectedUnits(cubes, grids), landed, settle=timedelta(0), moment=moment)


class Watching:
    """Who watches what, asked once for all messages of a batch."""

    def __init__(self, arrivals: Arrivals) -> None:
        self.arrivals = arrivals
        self._watches: dict[str, tuple[Watch, ...]] = {}

    def hear(self, collection: str, moment: datetime) -> tuple[Watch, ...]:
        """The watches on a collection, of which something is heard now."""
        if collection not in self._watches:
            stored = self.arrivals.watches(collection)
            for row in stored:
                if row.heard_at is None or row.heard_at < iso_time(moment - HEARD_EVERY):
                    self.arrivals.heard(row, now=iso_time(moment))
            self._watches[collection] = tuple(watch_of(row) for row in stored)
        return self._watches[collection]


def announce(
    watching: Watching,
    affected: AffectedUnits,
    landed: LandedScene,
    *,
    settle: timedelta,
    moment: datetime,
) -> Arrival:
    """Mark the units a scene touches.

    Each scene marks them for itself, also within a burst: a build that begins in the midst of it has seen those scenes
    only that arrived before its search.

    Raises:
        InvalidRequest: the item is malformed, or belongs to no collection.
    """
    scene = _scene(landed)
    arrivals, epoch = watching.arrivals, moment.timestamp()
    watches = watching.hear(scene.collection, moment)
    units = [(watch.cube_id, unit) for watch in watches for unit in affected.of(watch, scene)]
    if not units:
        return Arrival(scene.id, scene.collection, "unwatched", ())
    # Units are marked first: of a scene that is known to have been announced, the units have been marked.
    if arrivals.known(scene.collection, scene.id).announced == scene.version_text:
        return Arrival(scene.id, scene.collection, "duplicates", tuple(units))
    for cube_id, unit in units:
        arrivals.mark(cube_id, str(unit), due_at=iso_time(moment + settle), now_epoch=epoch)
    arrivals.note_announced(scene.collection, scene.id, scene.version_text, now_epoch=epoch)
    return Arrival(scene.id, scene.collection, "scenes", tuple(units))


def keep(arrivals: Arrivals, landed: LandedScene) -> None:
    """Keep a scene that was sent here itself, so that builds find it whatever catalog they search.

    Raises:
        InvalidRequest: the item is malformed, belongs to no collection, or is too large.
    """
    scene = _scene(landed)
    size = len(json.dumps(landed.item))
    if size > MAX_ITEM_BYTES:
        raise InvalidRequest(f"is {size} bytes long, at most {MAX_ITEM_BYTES} can be kept (item {scene.id})")
    arrivals.land(scene.collection, instant_text(scene.datetime), scene.id, landed)


def _scene(landed: LandedScene) -> Scene:
    scene = scene_from_item(landed.item, location=landed.href or None)
    if not scene.collection:
        raise InvalidRequest(f"is missing (item {scene.id})", field="collection")
    return scene


def _scenes_of(inbox: Inbox, notice: Notice) -> Iterator[LandedScene]:
    if isinstance(notice, SceneItem):
        yield LandedScene(notice.item, "")
    elif isinstance(notice, LandedObject):
        _check(inbox, notice.href)
        item = _document(inbox, notice.href)
        if item is not None:
            landed = LandedScene(item, notice.href)
            keep(inbox.stack.arrivals, landed)
            yield landed
    elif isinstance(notice, ProductFolder):
        yield from _of_product(inbox, notice)


def _of_product(inbox: Inbox, folder: ProductFolder) -> Iterator[LandedScene]:
    where = f"s3://{folder.bucket}/{folder.prefix}"
    _check(inbox, where + folder.product_id)
    keys = [key for key in inbox.list_keys(folder.bucket, folder.prefix) if key.endswith(_STAC_ENDING)]
    if not keys:
        raise SourceMissing(where, f"the product has no {_STAC_ENDING} yet")
    for key in sorted(keys):
        href = f"s3://{folder.bucket}/{key}"
        item = _document(inbox, href)
        if item is not None:
            yield LandedScene(item, href)


def _check(inbox: Inbox, href: str) -> None:
    settings = inbox.stack.settings
    check_href(href, settings.allowed_hosts, settings.allowed_buckets, field="object")


def _document(inbox: Inbox, href: str) -> Mapping[str, Any] | None:
    """The STAC Item an object holds; None for JSON that is none, of which a bucket may be full.

    Raises:
        InvalidRequest: it is called JSON and is none, or names a collection but lacks what makes an Item.
    """
    try:
        document = json.loads(inbox.fetch(href))
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(f"{href} is no JSON: {error}", field="object") from None
    if not isinstance(document, Mapping) or document.get("type") != "Feature" or not collection_of(document):
        return None
    return document
