"""Many records are written in batches, and again when the table takes only some."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pynamodb.connection.table import TableConnection
from pynamodb.exceptions import PutError

from stratocube.state.batches import BATCH, put_all
from stratocube.state.builds import Builds
from stratocube.state.models import GridRecord
from stratocube.state.tables import bind
from tests.unit.state.conftest import REGION

Units = list[tuple[str, str, str, str]]


def units(count: int) -> Units:
    return [(f"{n:06d}_2023-08-01_2023-08-31", f"{n:06d}", "2023-08-01", "2023-08-31") for n in range(count)]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many records each BatchWriteItem carried."""
    sizes: list[int] = []
    original = TableConnection.batch_write_item

    def counting(self: TableConnection, **arguments: Any) -> Any:
        sizes.append(len(arguments["put_items"]))
        return original(self, **arguments)

    monkeypatch.setattr(TableConnection, "batch_write_item", counting)
    return sizes


def test_units_go_25_a_request(tables: dict[str, str], sent: list[int]) -> None:
    builds = Builds(tables["builds_table"], region=REGION)
    builds.add_units("b1", units(2 * BATCH + 3))
    assert sent == [25, 25, 3]
    assert [unit.unit_id for unit in builds.units("b1")] == [unit for unit, *_ in units(2 * BATCH + 3)]


def test_no_more_than_a_batch_is_held(tables: dict[str, str], sent: list[int]) -> None:
    ahead: list[int] = []

    def made() -> Iterator[tuple[str, str, str, str]]:
        for position, unit in enumerate(units(4 * BATCH)):
            ahead.append(position - sum(sent))
            yield unit

    Builds(tables["builds_table"], region=REGION).add_units("b1", made())
    assert max(ahead) <= BATCH


@pytest.fixture
def throttled(monkeypatch: pytest.MonkeyPatch, tables: dict[str, str]) -> Any:
    """Lets DynamoDB leave over everything but the first record of a request, ``times`` times."""

    def throttle(times: int) -> None:
        remaining = [times]
        original = TableConnection.batch_write_item

        def some_left(self: TableConnection, **arguments: Any) -> Any:
            if remaining[0] == 0:
                return original(self, **arguments)
            remaining[0] -= 1
            first, *rest = arguments["put_items"]
            original(self, put_items=[first], delete_items=[])
            left = [{"PutRequest": {"Item": dict(item)}} for item in rest]
            return {"UnprocessedItems": {self.table_name: left} if left else {}}

        monkeypatch.setattr(TableConnection, "batch_write_item", some_left)

    return throttle


def grid_records(table: str, count: int) -> tuple[Any, list[Any]]:
    model = bind(GridRecord, table, region=REGION)
    return model, [model("GRID", f"g{n}", body={}) for n in range(count)]


def test_what_the_table_leaves_over_is_sent_again_after_pauses_that_grow(
    tables: dict[str, str], throttled: Any
) -> None:
    model, records = grid_records(tables["grids_table"], 20)
    throttled(15)
    pauses: list[float] = []
    put_all(model, records, pause=pauses.append)
    assert {record.name for record in model.query("GRID")} == {f"g{n}" for n in range(20)}
    assert pauses
    assert all(0.1 * 2**n <= pause <= 0.2 * 2**n for n, pause in enumerate(pauses))


def test_a_table_that_never_takes_them_is_an_error(tables: dict[str, str], throttled: Any) -> None:
    model, records = grid_records(tables["grids_table"], 25)
    # pynamodb asks six times a round: 25 records are never through, for every round begins anew
    throttled(10_000)
    with pytest.raises(PutError):
        put_all(model, records, pause=lambda _: None)


def test_a_table_that_is_not_there_is_an_error_at_once(tables: dict[str, str]) -> None:
    model, records = grid_records("nothing-of-the-kind", 3)
    pauses: list[float] = []
    with pytest.raises(Exception, match="ResourceNotFoundException"):
        put_all(model, records, pause=pauses.append)
    assert pauses == []
