"""A scene item that is malformed fails its unit with the item and the field named."""

from __future__ import annotations

import pytest

from stratocube.errors import InvalidRequest
from stratocube.state.status import Step, UnitStatus
from stratocube.workflow.context import Stack
from stratocube.workflow.finish import fail_unit
from tests.unit.workflow.small_build import BUILD, UNIT, scene, searched


def test_a_unit_that_failed_over_an_item_says_which_and_why(stack: Stack) -> None:
    bad = scene("s3://landing/red.tif", "s3://landing/scl.tif", item_id="S2-BAD")
    bad["properties"]["datetime"] = "yesterday"
    with pytest.raises(InvalidRequest, match="S2-BAD") as caught:
        searched(stack, bad)
    assert caught.value.field == "properties.datetime"
    fail_unit(stack, BUILD, UNIT, Step.SEARCH.value, {"Error": "States.TaskFailed", "Cause": "x"})
    (unit,) = stack.builds.units(BUILD)
    assert unit.status is UnitStatus.FAILED
    assert "properties.datetime" in (unit.cause or "")
    assert "S2-BAD" in (unit.cause or "")
