"""A collection's items as stac-geoparquet, read by software that is not ours."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pyarrow.parquet  # type: ignore[import-untyped]  # has no stubs
import pytest
import stac_geoparquet.arrow

from stratocube.errors import NotFound
from stratocube.workflow.context import Stack
from stratocube.workflow.item_geoparquet import Written, write_geoparquet
from stratocube.workflow.item_index import ItemIndex
from tests.unit.workflow.small_build import CUBE
from tests.unit.workflow.test_item_index import ROOT, delete, document, index, key_of, publish

__all__ = ["index"]


def of_year(item: dict[str, Any], year: int) -> dict[str, Any]:
    """The item, in another year."""
    text = dict(item["properties"])
    for name in ("datetime", "start_datetime", "end_datetime"):
        text[name] = str(year) + text[name][4:]
    return {**item, "id": item["id"].replace("_2023", f"_{year}"), "properties": text}


def read(index: ItemIndex, year: str) -> list[dict[str, Any]]:
    table = pyarrow.parquet.read_table(BytesIO(index.products.read(f"{ROOT}/items/{year}.parquet")))
    return list(stac_geoparquet.arrow.stac_table_to_items(table))


def changed(written: tuple[Written, ...]) -> list[tuple[str, int]]:
    return [(one.year, one.items) for one in written if one.changed]


def test_every_year_has_a_file_and_only_those_that_changed_are_written_again(stack: Stack, index: ItemIndex) -> None:
    first, second, third = document("0801"), document("0901"), of_year(document("0801"), 2024)
    for item in (first, second, third):
        publish(index, item)

    assert changed(write_geoparquet(index.products, index.items, CUBE)) == [("2023", 2), ("2024", 1)]
    assert changed(write_geoparquet(index.products, index.items, CUBE)) == []

    items = read(index, "2023")
    assert [item["id"] for item in items] == [first["id"], second["id"]]
    folder = key_of(first).rpartition("/")[0]
    assert items[0]["assets"]["B04"]["href"] == f"s3://cubes/{folder}/i1/{first['id']}_B04.tif"
    assert items[0]["properties"]["eo:cloud_cover"] == 20.0
    assert [round(degree) for degree in items[0]["bbox"]] == [14, 45, 15, 46]

    delete(stack, index, third["id"])
    publish(index, document("0901", identity="i2"))

    assert changed(write_geoparquet(index.products, index.items, CUBE)) == [("2023", 2)]
    assert sorted(index.products.keys(f"{ROOT}/items/")) == [f"{ROOT}/items/2023.parquet", f"{ROOT}/items/index.json"]
    assert list(index.products.read_json(f"{ROOT}/items/index.json")["years"]) == ["2023"]
    assert read(index, "2023")[1]["properties"]["stratocube:identity"] == "i2"


def test_a_collection_without_items_has_no_files(index: ItemIndex) -> None:
    with pytest.raises(NotFound):
        write_geoparquet(index.products, index.items, CUBE)
