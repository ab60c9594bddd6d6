"""Buckets that were made on request: kept in the table of cubes, so that listing them needs no right to list others."""

from __future__ import annotations

from dataclasses import dataclass

from pynamodb.exceptions import DoesNotExist

from stratocube.state.models import CubeRecord
from stratocube.state.tables import bind

_KIND = "BUCKET"


@dataclass(frozen=True)
class MadeBucket:
    """A bucket that was asked for."""

    name: str
    requester_pays: bool
    created_at: str
    """ISO 8601, UTC."""
    made: bool = False
    """Whether all of it is in place; what was interrupted is taken up by the next request of the name."""


class Buckets:
    """The buckets of the table of cubes."""

    def __init__(self, table_name: str, *, region: str) -> None:
        self._records = bind(CubeRecord, table_name, region=region)

    def find(self, name: str) -> MadeBucket | None:
        """The bucket of a name."""
        try:
            return _bucket(self._records.get(_KIND, name, consistent_read=True))
        except DoesNotExist:
            return None

    def save(self, bucket: MadeBucket) -> None:
        """Note a bucket as it is now."""
        said = {"requester_pays": bucket.requester_pays, "made": bucket.made}
        self._records(_KIND, bucket.name, definition=said, created_at=bucket.created_at).save()

    def page(self, *, limit: int, after: str | None = None) -> tuple[tuple[MadeBucket, ...], str | None]:
        """Up to ``limit`` buckets with a name after ``after``, and the name to continue behind, None at the end."""
        condition = self._records.cube_id > after if after else None
        found = list(self._records.query(_KIND, condition, limit=limit + 1))
        buckets = tuple(_bucket(record) for record in found[:limit])
        return buckets, buckets[-1].name if len(found) > limit else None


def _bucket(record: CubeRecord) -> MadeBucket:
    said = record.definition
    return MadeBucket(record.cube_id, bool(said["requester_pays"]), record.created_at, bool(said["made"]))
