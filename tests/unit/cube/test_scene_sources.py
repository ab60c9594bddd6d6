"""Sources of scenes in definitions and requests."""

from __future__ import annotations

from typing import Any

import pytest

from stratocube.cube.definition import CubeDefinition
from stratocube.cube.parameters import Parameters
from stratocube.cube.requests import StartRequest
from stratocube.errors import InvalidRequest
from tests.unit.workflow.small_build import CUBE_FORM, START

API = "https://stac.example.org/v1"
OTHER = "https://other.example.org/stac"


def cube(**parameters: Any) -> CubeDefinition:
    return CubeDefinition.parse(CUBE_FORM | {"parameters": CUBE_FORM["parameters"] | parameters})


def resolved(definition: CubeDefinition, **request: Any) -> list[tuple[str, str | None]]:
    sources = StartRequest.parse(START | request).resolve(definition).parameters.scene_sources
    return [(source.stac_url, source.token_secret) for source in sources]


def test_one_address_is_one_source() -> None:
    assert resolved(cube(stac_url=API, token_secret="bdc")) == [(API, "bdc")]  # noqa: S106 - a secret's name


def test_sources_are_searched_in_their_order() -> None:
    assert resolved(cube(sources=[{"stac_url": OTHER}, {"stac_url": API, "token_secret": "t"}])) == [
        (OTHER, None),
        (API, "t"),
    ]


def test_a_request_replaces_where_the_cube_searches_and_never_takes_its_token_elsewhere() -> None:
    own = cube(stac_url=API, token_secret="bdc")  # noqa: S106 - a secret's name
    assert resolved(own, stac_url=OTHER) == [(OTHER, None)]
    assert resolved(own, stac_url=API) == [(API, "bdc")]
    assert resolved(own, sources=[{"stac_url": OTHER}]) == [(OTHER, None)]
    assert resolved(cube(sources=[{"stac_url": OTHER}]), stac_url=API) == [(API, None)]


@pytest.mark.parametrize(
    ("parameters", "field", "says"),
    [
        ({"stac_url": API, "sources": [{"stac_url": API}]}, "", "stands for stac_url"),
        ({"sources": []}, "sources", "at least 1"),
        ({"sources": [{}]}, "sources.0.stac_url", "is required"),
        ({"sources": [{"stac_url": "ftp://x/y"}]}, "sources.0.stac_url", "must begin with https"),
        ({"sources": [{"stac_url": API, "token": "abc"}]}, "sources.0.token", "Secrets Manager"),
        (
            {"sources": [{"stac_url": "s3://b/i.json", "token_secret": "t"}]},
            "sources.0",
            "token_secret is for STAC APIs",
        ),
        ({"stac_url": "https://x.org/items.json", "token_secret": "t"}, "", "token_secret is for STAC APIs"),
        ({"query": {"eo:cloud_cover": {"below": 5}}}, "query", "query.eo:cloud_cover.below is no operator"),
        ({"query": {"eo:cloud_cover": 5}}, "query", "must be an object"),
        ({"query": {f"p{n}": {"eq": 1} for n in range(33)}}, "query", "at most 32"),
        ({"processing_baselines": ["5.9"]}, "processing_baselines.0", "form"),
        ({"mixed_baselines": "ignore"}, "mixed_baselines", "must be one of"),
    ],
)
def test_what_is_wrong_is_named(parameters: dict[str, Any], field: str, says: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        Parameters.parse(parameters)
    assert (caught.value.field or "") == field
    assert says in caught.value.reason


def test_a_collection_that_no_source_has_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="s2 is in none of the sources") as caught:
        resolved(cube(sources=[{"stac_url": API, "collections": ["landsat"]}]))
    assert caught.value.field == "collections.0"


def test_json_and_back() -> None:
    given = {
        "sources": [{"stac_url": API, "collections": ["a", "b"], "query": {"platform": {"in": ["x", "y"]}}}],
        "query": {"eo:cloud_cover": {"lte": 60}},
        "processing_baselines": ["05.09"],
        "mixed_baselines": "refuse",
    }
    assert Parameters.parse(given).to_json() == given
