"""Which scenes a unit uses, out of several sources, and what is told of the others."""

from __future__ import annotations

from typing import Any

import pytest

from stratocube.errors import InvalidRequest
from stratocube.storage.keys import BuildKeys
from stratocube.workflow.context import Stack
from stratocube.workflow.scenes import scene_properties
from stratocube.workflow.search import search_unit
from stratocube.workflow.tasks import MergeTask
from tests.unit.workflow.small_build import BUILD, UNIT, collection, planned, scene

STRIP = "S2A_OPER_MSI_L2A_DS_VGS4_20230816T130213_S20230815T095155_N05.09"
HERE = "s3://landing/items.json"
THERE = "s3://landing/others.json"


def sentinel(item_id: str, day: str = "2023-08-15", baseline: str = "05.09", **properties: Any) -> dict[str, Any]:
    """A scene of MGRS tile 33TWM."""
    item = scene("s3://landing/red.tif", "s3://landing/scl.tif", item_id=item_id, day=day)
    item["properties"] |= {"grid:code": "MGRS-33TWM", "s2:processing_baseline": baseline} | properties
    return item


def searched(stack: Stack, here: list[Any], there: list[Any] | None = None, **request: Any) -> list[str]:
    """The scenes Search uses for the red band, in order of dates; ``there`` is a second source."""
    for key, items in (("items.json", here), ("others.json", there or [])):
        stack.work.s3.put_object(Bucket="landing", Key=key, Body=collection(*items))
    planned(stack, **({"stac_url": HERE} if "sources" not in request else {}), **request)
    tasks = map(MergeTask.from_json, stack.work.read_json(search_unit(stack, BUILD, UNIT)["merges"]["key"]))
    return [source.scene_id for task in tasks if task.band == "B04" for source in task.sources]


def told(stack: Stack) -> dict[str, Any]:
    return dict(stack.work.read_json(BuildKeys(BUILD).scenes(UNIT)))


def test_a_copy_is_left_out_and_the_product_says_so(stack: Stack) -> None:
    old = sentinel("S2A_33TWM_20230815_0_L2A", baseline="04.00", **{"s2:datastrip_id": STRIP})
    new = sentinel("S2A_33TWM_20230815_1_L2A", **{"s2:datastrip_id": STRIP})
    assert searched(stack, [old, new]) == ["S2A_33TWM_20230815_1_L2A"]
    unused = [
        {
            "id": "S2A_33TWM_20230815_0_L2A",
            "collection": "s2",
            "reason": "an older processing of S2A_33TWM_20230815_1_L2A",
        }
    ]
    assert told(stack) == {"dropped": unused, "notes": []}
    assert scene_properties(stack, BUILD, UNIT) == {
        "stratocube:scenes_unused": unused,
        "stratocube:scenes_unused_count": 1,
    }


def test_a_product_of_all_scenes_found_says_nothing_of_them(stack: Stack) -> None:
    assert searched(stack, [sentinel("a"), sentinel("b", day="2023-08-20")]) == ["a", "b"]
    assert scene_properties(stack, BUILD, UNIT) == {}


def test_scenes_of_two_sources_come_together(stack: Stack) -> None:
    sources = [{"stac_url": HERE}, {"stac_url": THERE, "query": {"eo:cloud_cover": {"lt": 50}}}]
    clear = sentinel("b", day="2023-08-20", **{"eo:cloud_cover": 10})
    cloudy = sentinel("c", day="2023-08-25", **{"eo:cloud_cover": 90})
    assert searched(stack, [sentinel("a")], [clear, cloudy], sources=sources) == ["a", "b"]


def test_a_scene_of_two_sources_is_used_from_the_first(stack: Stack) -> None:
    sources = [{"stac_url": HERE}, {"stac_url": THERE}]
    assert searched(stack, [sentinel("a")], [sentinel("a")], sources=sources) == ["a"]
    assert told(stack)["dropped"] == [{"id": "a", "collection": "s2", "reason": f"used from a source before {THERE}"}]


def test_a_source_is_searched_for_its_collections_alone(stack: Stack) -> None:
    sources = [{"stac_url": HERE}, {"stac_url": THERE, "collections": ["another"]}]
    assert searched(stack, [sentinel("a")], [sentinel("b")], sources=sources) == ["a"]


def test_a_query_holds_for_every_source_and_its_own_goes_before(stack: Stack) -> None:
    sources = [{"stac_url": HERE}, {"stac_url": THERE, "query": {"eo:cloud_cover": {"lt": 95}}}]
    items = [[sentinel(name, **{"eo:cloud_cover": 90})] for name in "ab"]
    assert searched(stack, *items, sources=sources, query={"eo:cloud_cover": {"lt": 50}}) == ["b"]


def test_scenes_of_baselines_that_are_not_listed_are_left_out(stack: Stack) -> None:
    items = [sentinel("old", baseline="02.14"), sentinel("new", day="2023-08-20")]
    assert searched(stack, items, processing_baselines=["05.09", "05.10"]) == ["new"]
    assert told(stack)["dropped"] == [
        {"id": "old", "collection": "s2", "reason": "of processing baseline 02.14, the cube takes 05.09, 05.10"}
    ]


def test_a_mix_of_baselines_is_told(stack: Stack) -> None:
    items = [sentinel("a", baseline="02.14"), *(sentinel(f"b{day}", day=f"2023-08-{day}") for day in (20, 25))]
    assert searched(stack, items) == ["a", "b20", "b25"]
    assert scene_properties(stack, BUILD, UNIT) == {
        "stratocube:notes": ["made of scenes of processing baselines 02.14 (1 scene), 05.09 (2 scenes)"]
    }


def test_a_mix_of_baselines_is_refused_where_the_request_says_so(stack: Stack) -> None:
    items = [sentinel("a", baseline="02.14"), sentinel("b", day="2023-08-20")]
    with pytest.raises(InvalidRequest, match=r"02\.14 \(1 scene\), 05\.09 \(1 scene\)") as caught:
        searched(stack, items, mixed_baselines="refuse")
    assert caught.value.field == "parameters.mixed_baselines"
