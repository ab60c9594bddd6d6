"""The tables' records, as pynamodb models without a table: :mod:`stratocube.state.tables` binds them late.

Keys and indexes are those of ``infra/template.yaml``; ``docs/architecture.md`` lists the questions they answer.
"""

from __future__ import annotations

from typing import Any

from pynamodb.attributes import BooleanAttribute, JSONAttribute, ListAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import Model


class CubeRecord(Model):
    """A cube's definition. All cubes share one partition: there are few, and a list is then one query."""

    kind = UnicodeAttribute(hash_key=True)
    cube_id = UnicodeAttribute(range_key=True)
    definition = JSONAttribute()
    created_at = UnicodeAttribute()


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

    by_cube = BuildsOfCube()


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
