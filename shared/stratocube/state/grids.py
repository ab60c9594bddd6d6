"""Grids and their tiles, as JSON of the cube model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pynamodb.exceptions import DoesNotExist, PutError

from stratocube.errors import Conflict, NotFound
from stratocube.state.models import GridRecord
from stratocube.state.tables import CONDITION_FAILED, bind

_GRID = "GRID"

Json = Mapping[str, Any]


def _tiles_of(grid: str) -> str:
    return f"TILES#{grid}"


class Grids:
    """The table of grids."""

    def __init__(self, table_name: str, *, region: str) -> None:
        self._records = bind(GridRecord, table_name, region=region)

    def create(self, name: str, grid: Json, tiles: Mapping[str, Json]) -> None:
        """Store a grid with its tiles (id → body). The grid is written last, so a grid that is seen is whole.

        Raises:
            Conflict: when a grid of this name exists.
        """
        if self._find(name) is not None:
            raise Conflict(_exists(name))
        with self._records.batch_write() as batch:
            for tile_id, body in tiles.items():
                batch.save(self._records(_tiles_of(name), tile_id, body=dict(body)))
        record = self._records(_GRID, name, body=dict(grid))
        try:
            record.save(condition=self._records.name.does_not_exist())
        except PutError as error:
            if error.cause_response_code != CONDITION_FAILED:
                raise
            raise Conflict(_exists(name)) from error

    def get(self, name: str) -> Json:
        """The grid of a name.

        Raises:
            NotFound: when there is none.
        """
        record = self._find(name)
        if record is None:
            raise NotFound(f"there is no grid {name}: GET /grids lists the grids there are")
        body: Json = record.body
        return body

    def names(self) -> tuple[str, ...]:
        """Every grid's name, in order."""
        return tuple(record.name for record in self._records.query(_GRID, attributes_to_get=["name"]))

    def page(self, *, limit: int, after: str | None = None) -> tuple[tuple[Json, ...], str | None]:
        """Up to ``limit`` grids whose name comes after ``after``, and the name to continue behind, None at the end."""
        condition = self._records.name > after if after else None
        found = list(self._records.query(_GRID, condition, limit=limit + 1))
        return tuple(record.body for record in found[:limit]), found[limit - 1].name if len(found) > limit else None

    def tiles(self, name: str, *, limit: int | None = None, after: str | None = None) -> tuple[Json, ...]:
        """Tiles of a grid in order of id, up to ``limit`` of those after the id ``after``."""
        condition = self._records.name > after if after else None
        return tuple(record.body for record in self._records.query(_tiles_of(name), condition, limit=limit))

    def chosen_tiles(self, name: str, tile_ids: Iterable[str]) -> dict[str, Json]:
        """The tiles of these ids that exist, by id."""
        keys = [(_tiles_of(name), tile_id) for tile_id in dict.fromkeys(tile_ids)]
        return {record.name: record.body for record in self._records.batch_get(keys)}

    def _find(self, name: str) -> GridRecord | None:
        try:
            return self._records.get(_GRID, name, consistent_read=True)
        except DoesNotExist:
            return None


def _exists(name: str) -> str:
    return f"grid {name} exists already: choose another name, or use it as it is"
