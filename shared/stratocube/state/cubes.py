"""Cube definitions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pynamodb.exceptions import DoesNotExist, PutError

from stratocube.errors import Conflict, NotFound
from stratocube.state.models import CubeRecord
from stratocube.state.tables import CONDITION_FAILED, bind

_KIND = "CUBE"
_VERSIONS_PAGE = 100


@dataclass(frozen=True)
class StoredCube:
    """A cube as it is stored: its definition as JSON, as it was accepted."""

    cube_id: str
    definition: Mapping[str, Any]
    created_at: str
    """ISO 8601, UTC."""
    updated_at: str | None = None
    """When it was changed last; None when it never was."""


@dataclass(frozen=True)
class CubePage:
    """Some cubes in order of id; ``next_after`` continues the list, None at its end."""

    cubes: tuple[StoredCube, ...]
    next_after: str | None


class Cubes:
    """The table of cubes."""

    def __init__(self, table_name: str, *, region: str) -> None:
        self._records = bind(CubeRecord, table_name, region=region)

    def create(self, cube_id: str, definition: Mapping[str, Any], *, now: str) -> StoredCube:
        """Store a new cube.

        Raises:
            Conflict: when a cube of this id exists.
        """
        record = self._records(_KIND, cube_id, definition=dict(definition), created_at=now)
        try:
            record.save(condition=self._records.cube_id.does_not_exist())
        except PutError as error:
            if error.cause_response_code != CONDITION_FAILED:
                raise
            raise Conflict(
                f"cube {cube_id} exists already: give it another name or the next version, or use it as it is"
            ) from error
        return _stored(record)

    def change(self, cube: StoredCube, definition: Mapping[str, Any], *, now: str) -> StoredCube:
        """Store another definition of a cube, in place of that of ``cube``.

        Raises:
            Conflict: when the cube was changed since ``cube`` was read.
        """
        model = self._records
        record = model(_KIND, cube.cube_id, definition=dict(definition), created_at=cube.created_at, updated_at=now)
        unchanged = model.updated_at == cube.updated_at if cube.updated_at else model.updated_at.does_not_exist()
        try:
            record.save(condition=model.cube_id.exists() & unchanged)
        except PutError as error:
            if error.cause_response_code != CONDITION_FAILED:
                raise
            raise Conflict(
                f"cube {cube.cube_id} was changed at the same time: read it, and send the change again"
            ) from error
        return _stored(record)

    def get(self, cube_id: str) -> StoredCube:
        """The cube of an id.

        Raises:
            NotFound: when there is none.
        """
        try:
            return _stored(self._records.get(_KIND, cube_id, consistent_read=True))
        except DoesNotExist as error:
            raise NotFound(f"there is no cube {cube_id}: GET /cubes lists the cubes there are") from error

    def page(self, *, limit: int, after: str | None = None) -> CubePage:
        """Up to ``limit`` cubes whose id comes after ``after``."""
        condition = self._records.cube_id > after if after else None
        found = list(self._records.query(_KIND, condition, limit=limit + 1))
        cubes = tuple(_stored(record) for record in found[:limit])
        return CubePage(cubes, cubes[-1].cube_id if len(found) > limit else None)

    def versions(self, name: str) -> dict[int, StoredCube]:
        """The cubes of a name, by version. Ids sort as text, so those of one name follow each other."""
        version_of = re.compile(re.escape(name) + r"-([0-9]+)")
        prefix = f"{name}-"
        found: dict[int, StoredCube] = {}
        after: str | None = prefix
        while after is not None:
            page = self.page(limit=_VERSIONS_PAGE, after=after)
            for stored in page.cubes:
                match = version_of.fullmatch(stored.cube_id)
                if match:
                    found[int(match[1])] = stored
            after = page.next_after if page.next_after and page.next_after.startswith(prefix) else None
        return found


def _stored(record: CubeRecord) -> StoredCube:
    return StoredCube(record.cube_id, record.definition, record.created_at, record.updated_at)
