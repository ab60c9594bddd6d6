"""The tables' records, as pynamodb models without a table: :mod:`stratocube.state.tables` binds them late.

Keys and indexes are those of ``infra/template.yaml``; ``docs/architecture.md`` lists the questions they answer.
"""

from __future__ import annotations

from typing import Any

from pynamodb.attributes import (
    BinaryAttribute,
    BooleanAttribute,
    JSONAttribute,
    ListAttribute,
    NumberAttribute,
    UnicodeAttribute,
)
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.models import Model


class CubeRecord(Model):
    """A cube's definition (partition ``CUBE``), or a bucket made for products (partition ``BUCKET``). All cubes share
    one partition: there are few, and a list is then one query."""

    kind = UnicodeAttribute(hash_key=True)
    cube_id = UnicodeAttribute(range_key=True)
    definition = JSONAttribute()
    created_at = UnicodeAttribute()
    updated_at = UnicodeAttribute(null=True)


class GridRecord(Model):
    """A grid (partition ``GRID``) or a tile of one (partition ``TILES#<grid>``)."""

    partition = UnicodeAttribute(hash_key=True)
    name = UnicodeAttribute(range_key=True)
    body = JSONAttribute()


class BuildsOfCube(GlobalSecondaryIndex[Any]):  # type: ignore[no-untyped-call]  # pynamodb's hook is untyped
    """Build headers of a cube by time. Units and steps carry no ``created_at``, so only headers are in it."""

    class Meta:
        index_name = "by_cube"
        projection = AllProjection()

    cube_id = UnicodeAttribute(hash_key=True)
    created_at = UnicodeAttribute(range_key=True)


UNSETTLED = "BUILD"
"""Says of a header that the build is open, or was closed but a moment ago."""


class UnsettledBuilds(GlobalSecondaryIndex[Any]):  # type: ignore[no-untyped-call]  # as above
    """Headers of builds that are not settled by time: sparse, settled ones carry no ``unsettled``."""

    class Meta:
        index_name = "unsettled"
        projection = KeysOnlyProjection()

    unsettled = UnicodeAttribute(hash_key=True)
    created_at = UnicodeAttribute(range_key=True)


class BuildRecord(Model):
    """A build's header (``BUILD``), one of its units (``UNIT#…``) or one finished step (``DONE#…``)."""

    build_id = UnicodeAttribute(hash_key=True)
    record = UnicodeAttribute(range_key=True)
    status = UnicodeAttribute(null=True)
    cause = UnicodeAttribute(null=True)

    # header
    cube_id = UnicodeAttribute(null=True)
    created_at = UnicodeAttribute(null=True)
    started_at = UnicodeAttribute(null=True)
    finished_at = UnicodeAttribute(null=True)
    request = JSONAttribute(null=True)
    summary = JSONAttribute(null=True)
    options = JSONAttribute(null=True)
    dry_run = BooleanAttribute(null=True)
    planned = JSONAttribute(null=True)
    retried_by: ListAttribute[Any] = ListAttribute(null=True)
    unsettled = UnicodeAttribute(null=True)
    estimate = JSONAttribute(null=True)

    # unit
    tile = UnicodeAttribute(null=True)
    start = UnicodeAttribute(null=True)
    end = UnicodeAttribute(null=True)
    totals = JSONAttribute(null=True)
    failed_step = UnicodeAttribute(null=True)
    ended_at = UnicodeAttribute(null=True)
    staleness = JSONAttribute(null=True)
    steps = JSONAttribute(null=True)

    # finished step
    outcome = UnicodeAttribute(null=True)
    seconds = NumberAttribute(null=True)
    activity_id = UnicodeAttribute(null=True)
    calls = NumberAttribute(null=True)
    gb_seconds = NumberAttribute(null=True)
    puts = NumberAttribute(null=True)
    gets = NumberAttribute(null=True)

    by_cube = BuildsOfCube()
    by_settling = UnsettledBuilds()


class FailuresOfCube(GlobalSecondaryIndex[Any]):  # type: ignore[no-untyped-call]  # as above
    """Failed activities of a cube by time. Only failed ones carry these attributes."""

    class Meta:
        index_name = "failures"
        projection = AllProjection()

    failed_cube_id = UnicodeAttribute(hash_key=True)
    failed_at = UnicodeAttribute(range_key=True)


class ActivityRecord(Model):
    """A piece of work under its content identity: who holds it, or what came of it."""

    activity_id = UnicodeAttribute(hash_key=True)
    step = UnicodeAttribute()
    cube_id = UnicodeAttribute()
    subject = UnicodeAttribute()
    status = UnicodeAttribute()
    build_id = UnicodeAttribute()
    holder = UnicodeAttribute()
    claim_expires_at = NumberAttribute()
    updated_at = UnicodeAttribute()
    result = JSONAttribute(null=True)
    cause = UnicodeAttribute(null=True)
    error_type = UnicodeAttribute(null=True)
    failed_cube_id = UnicodeAttribute(null=True)
    failed_at = UnicodeAttribute(null=True)

    failures = FailuresOfCube()


class DueUnits(GlobalSecondaryIndex[Any]):  # type: ignore[no-untyped-call]  # as above
    """Units scenes arrived for, by when they are to be looked at. Only those that are due carry these attributes."""

    class Meta:
        index_name = "due"
        projection = AllProjection()

    due = UnicodeAttribute(hash_key=True)
    due_at = UnicodeAttribute(range_key=True)


class ArrivalRecord(Model):
    """A watch (partition ``WATCH``), a unit scenes arrived for (``ARRIVED#<cube>``), what is known of a scene
    (``SEEN#<collection>``), or a scene that was sent here itself (``SCENES#<collection>``)."""

    partition = UnicodeAttribute(hash_key=True)
    name = UnicodeAttribute(range_key=True)
    cube_id = UnicodeAttribute(null=True)
    body = JSONAttribute(null=True)
    expires_at = NumberAttribute(null=True)

    # watch
    active = BooleanAttribute(null=True)
    created_at = UnicodeAttribute(null=True)
    heard_at = UnicodeAttribute(null=True)
    reconciled_at = UnicodeAttribute(null=True)

    # unit
    unit_id = UnicodeAttribute(null=True)
    arrived = NumberAttribute(null=True)
    dispatched = NumberAttribute(null=True)
    attempts = NumberAttribute(null=True)
    build_id = UnicodeAttribute(null=True)
    due = UnicodeAttribute(null=True)
    due_at = UnicodeAttribute(null=True)

    # what is known of a scene
    announced = UnicodeAttribute(null=True)
    indexed = UnicodeAttribute(null=True)

    # a scene
    href = UnicodeAttribute(null=True)

    by_due = DueUnits()


class ItemsById(GlobalSecondaryIndex[Any]):  # type: ignore[no-untyped-call]  # as above
    """Published items of a collection by id. Only items carry ``item_id``."""

    class Meta:
        index_name = "by_id"
        projection = KeysOnlyProjection()

    partition = UnicodeAttribute(hash_key=True)
    item_id = UnicodeAttribute(range_key=True)


class ItemsByStart(GlobalSecondaryIndex[Any]):  # type: ignore[no-untyped-call]  # as above
    """Published items of a collection by time. Only items carry ``since``."""

    class Meta:
        index_name = "by_start"
        projection = AllProjection()

    partition = UnicodeAttribute(hash_key=True)
    since = UnicodeAttribute(range_key=True)


class ItemRecord(Model):
    """A published item (partition ``ITEMS#<collection>``, name ``<tile>#<start>#<item>``), a tile of a collection that
    has items (``TILES#<collection>``), or a collection that has (``COLLECTIONS``)."""

    partition = UnicodeAttribute(hash_key=True)
    name = UnicodeAttribute(range_key=True)
    bbox = JSONAttribute(null=True)

    # item
    item_id = UnicodeAttribute(null=True)
    since = UnicodeAttribute(null=True)
    facts = JSONAttribute(null=True)
    document = BinaryAttribute(legacy_encoding=False, null=True)
    told = UnicodeAttribute(null=True)
    retired = BooleanAttribute(null=True)

    # collection
    key = UnicodeAttribute(null=True)
    longest = NumberAttribute(null=True)

    by_id = ItemsById()
    by_start = ItemsByStart()
