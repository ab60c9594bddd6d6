"""Filtering items at hand by properties."""

from __future__ import annotations

from typing import Any

import pytest

from stratocube.cube.item_query import matches, read_query
from stratocube.errors import InvalidRequest

PROPERTIES = {"eo:cloud_cover": 12.5, "bdc:tiles": ["011009"], "platform": "landsat-8", "level": None}


@pytest.mark.parametrize(
    ("query", "met"),
    [
        ({}, True),
        ({"eo:cloud_cover": {"lt": 60}}, True),
        ({"properties.eo:cloud_cover": {"lte": 12.5, "gte": 12.5}}, True),
        ({"eo:cloud_cover": {"gt": 12.5}}, False),
        ({"eo:cloud_cover": {"lt": 60}, "platform": {"eq": "landsat-9"}}, False),
        ({"platform": {"neq": "landsat-9"}}, True),
        ({"platform": {"in": ["landsat-8", "landsat-9"]}}, True),
        ({"platform": {"startsWith": "landsat", "endsWith": "8", "contains": "-"}}, True),
        ({"bdc:tiles": {"eq": "011009"}}, True),
        ({"bdc:tiles": {"in": ["011010"]}}, False),
        ({"bdc:tiles": {"contains": "011009"}}, True),
        ({"missing": {"neq": 1}}, False),
        ({"level": {"lt": 1}}, False),
        ({"platform": {"lt": 1}}, False),
    ],
)
def test_all_conditions_must_hold(query: dict[str, Any], met: bool) -> None:
    assert matches(PROPERTIES, read_query(query)) is met


def test_an_item_without_properties_meets_no_condition() -> None:
    assert not matches(None, read_query({"a": {"eq": 1}}))


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"eo:cloud_cover": 60}, "query.eo:cloud_cover: must be an object"),
        ({"eo:cloud_cover": {}}, "query.eo:cloud_cover: must be an object"),
        ({"eo:cloud_cover": {"below": 60}}, "query.eo:cloud_cover.below: is no operator"),
        ({"platform": {"in": "landsat-8"}}, "query.platform.in: must be a list"),
    ],
)
def test_a_query_nobody_understands_is_refused(query: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        read_query(query)
