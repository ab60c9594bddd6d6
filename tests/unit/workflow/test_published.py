"""When a product counts as published: the same work, and the same bytes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from stratocube.workflow.context import Stack
from stratocube.workflow.publish import _is_published
from stratocube.workflow.tasks import StoredFile

KEY = "small/v1/000/000/2023/08/15/S.json"
RED = StoredFile("red.tif", 10, "1220aa", {"valid_percent": 100})


def product(**changes: Any) -> Any:
    return SimpleNamespace(**{"item_key": KEY, "identity": "i1", "rasters": {"B04": RED}} | changes)


@pytest.fixture
def published(stack: Stack) -> Stack:
    item = {
        "properties": {"stratocube:identity": "i1"},
        "assets": {"B04": {"file:checksum": "1220aa"}, "thumbnail": {}},
    }
    stack.products.put_json(KEY, item)
    return stack


def test_the_same_work_with_the_same_files_is_published(published: Stack) -> None:
    assert _is_published(published, product())


def test_nothing_other_work_or_other_bytes_are_not(published: Stack) -> None:
    made_again = StoredFile("red.tif", 12, "1220bb")
    assert not _is_published(published, product(item_key="elsewhere.json"))
    assert not _is_published(published, product(identity="i2"))
    assert not _is_published(published, product(rasters={"B04": made_again}))
    assert not _is_published(published, product(rasters={"B04": RED, "B08": RED}))


def test_where_a_file_is_kept_without_what_is_in_it() -> None:
    assert RED.address() == {"key": "red.tif", "size": 10, "checksum": "1220aa"}
    assert StoredFile.from_json(RED.address()) == StoredFile("red.tif", 10, "1220aa")
