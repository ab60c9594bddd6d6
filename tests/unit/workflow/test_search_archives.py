"""Search and Merge with several archives, baselines and sensors: what each scene's numbers become, and who is who."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from stratocube.cube.grid_creation import create_grids
from stratocube.cube.requests import GridRequest
from stratocube.errors import InvalidRequest
from stratocube.storage.keys import BuildKeys
from stratocube.workflow.build_plan import UnitPlan, write_plan
from stratocube.workflow.context import Stack
from stratocube.workflow.dates import date_stacks, merged_dates
from stratocube.workflow.merge import _address, merge_date
from stratocube.workflow.prepare_blend import prepare_unit
from stratocube.workflow.radiometry_facts import radiometry_properties
from stratocube.workflow.search import search_unit
from stratocube.workflow.tasks import MergeTask, UnitStack
from tests.unit.storage.web import Web, serving
from tests.unit.workflow.small_build import (
    BUILD,
    CUBE,
    CUBE_FORM,
    GRID,
    INVOCATION,
    UNIT,
    allowing,
    collection,
    pixels,
    planned,
    raster,
    scene,
)


@pytest.fixture
def web() -> Iterator[Web]:
    with serving(Web(files={"/scl.tif": raster(4, "uint8")})) as running:
        yield running


def cube(stack: Stack, **changes: Any) -> None:
    """Put the grid and the small cube, changed, into the tables."""
    ((grid, tiles),) = create_grids(GridRequest.parse(GRID))
    stack.grids.create(grid.name, grid.to_json(), {tile.id: tile.to_json() for tile in tiles})
    parameters = CUBE_FORM["parameters"] | changes.pop("parameters", {})
    stack.cubes.create(CUBE, {**deepcopy(CUBE_FORM), **changes, "parameters": parameters}, now="t")


def merges(stack: Stack, *items: Any, **request: Any) -> list[MergeTask]:
    """The merge tasks of the red band that Search makes of these items, by date."""
    stack.work.s3.put_object(Bucket="landing", Key="items.json", Body=collection(*items))
    planned(stack, stac_url="s3://landing/items.json", **request)
    answer = search_unit(stack, BUILD, UNIT)
    tasks = [MergeTask.from_json(task) for task in stack.work.read_json(answer["merges"]["key"])]
    return sorted((task for task in tasks if task.band != "SCL"), key=lambda task: task.date)


def sentinel2(web: Web, value: int, item_id: str, day: str, **says: Any) -> dict[str, Any]:
    """A scene whose red band holds one number, and whose item says this of it."""
    web.files[f"/{item_id}.tif"] = raster(value, "uint16")
    item = scene(web.url(f"/{item_id}.tif"), web.url("/scl.tif"), item_id, day)
    item["assets"]["red"]["raster:bands"] = [{"nodata": 0, **{k: v for k, v in says.items() if k != "baseline"}}]
    item["properties"]["s2:processing_baseline"] = says.get("baseline", "03.01")
    return item


def values(stack: Stack, task: MergeTask) -> list[int]:
    return np.unique(pixels(stack.products.read(task.key))).tolist()


def before_and_after(web: Web) -> list[dict[str, Any]]:
    """The same ground before baseline 04.00 and after it."""
    return [
        sentinel2(web, 700, "S2A_BEFORE", "2023-08-05", baseline="03.01", scale=0.0001, offset=0),
        sentinel2(web, 1700, "S2A_AFTER", "2023-08-15", baseline="04.00", scale=0.0001, offset=-0.1),
    ]


@pytest.mark.parametrize("scale", [None, 0.0001])
def test_scenes_before_and_after_baseline_04_are_alike_in_a_cube(stack: Stack, web: Web, scale: float | None) -> None:
    stack = allowing(stack, web.host)
    bands = deepcopy(CUBE_FORM["bands"])
    bands[0] |= {"scale": scale} if scale else {}
    cube(stack, bands=bands)
    tasks = merges(stack, *before_and_after(web))
    for task in tasks:
        merge_date(stack, INVOCATION, task)
    assert [values(stack, task) for task in tasks] == [[700], [700]]
    kept = stack.activities.finished(tasks[1].activity_id)
    assert kept is not None
    applied = {"scale": 0.0001, "offset": -0.1} if scale else {"scale": 1.0, "offset": -1000.0}
    assert kept.result["radiometry"] == [{"scene": "S2A_AFTER", **applied, "state": "as the item says"}]


def test_a_scene_before_baseline_04_has_the_identity_it_always_had(stack: Stack, web: Web) -> None:
    stack = allowing(stack, web.host)
    (task,) = merges(stack, before_and_after(web)[0])
    (source,) = task.sources
    assert (source.scale, source.offset, source.offset_state) == (None, None, "none")
    assert set(source.identifying()) == {"scene", "version", "href", "file_band", "nodata", "scale", "offset"}


def test_a_definition_overrules_the_item_and_the_product_tells(stack: Stack, web: Web) -> None:
    stack = allowing(stack, web.host)
    cube(stack, parameters={"radiometry": [{"scenes": ["S2A_AFTER"], "offset": 0}]})
    items = before_and_after(web)
    tasks = merges(stack, *items)
    assert [task.sources[0].offset_state for task in tasks] == ["none", "as the definition says"]
    for task in tasks:
        merge_date(stack, INVOCATION, task)
    assert [values(stack, task) for task in tasks] == [[700], [1700]]


def test_a_request_may_overrule_too_and_makes_other_merges_of_it(stack: Stack, web: Web) -> None:
    stack = allowing(stack, web.host)
    after = before_and_after(web)[1]
    (believed,) = merges(stack, after)
    rule = {"baselines": ["04.00"], "offset": 0}
    unit = UnitPlan.load(stack, BUILD, UNIT)
    changed = replace(
        unit.plan, definition=unit.plan.definition.with_parameters({"radiometry": [rule]}), build_id=BUILD
    )
    write_plan(stack, changed)
    answer = search_unit(stack, BUILD, UNIT)
    (overruled,) = [
        task for task in map(MergeTask.from_json, stack.work.read_json(answer["merges"]["key"])) if task.band == "B04"
    ]
    assert believed.activity_id != overruled.activity_id
    assert overruled.sources[0].offset is None


def test_values_that_contradict_the_item_are_a_warning_on_the_activity_and_the_product(stack: Stack, web: Web) -> None:
    stack = allowing(stack, web.host)
    # Said to hold the offset, but the darkest pixels are far below 1000: it is out already, and is taken out again.
    item = sentinel2(web, 300, "S2A_WRONG", "2023-08-15", baseline="04.00", scale=0.0001, offset=-0.1)
    stack.work.s3.put_object(Bucket="landing", Key="items.json", Body=collection(item))
    planned(stack, stac_url="s3://landing/items.json")
    answer = search_unit(stack, BUILD, UNIT)
    for task in map(MergeTask.from_json, stack.work.read_json(answer["merges"]["key"])):
        merge_date(stack, INVOCATION, task)
        if task.band == "B04":
            assert values(stack, task) == [-700]  # as the item says: a doubt changes no pixel
            kept = stack.activities.finished(task.activity_id)
            assert kept is not None
            (warning,) = kept.result["warnings"]
            assert warning.startswith("S2A_WRONG B04: the darkest pixels are 300, so the offset of -1000 seems")
    unit = UnitPlan.load(stack, BUILD, UNIT)
    dates = date_stacks(stack, merged_dates(stack, unit))
    properties = radiometry_properties(dates)
    assert properties["stratocube:radiometry_warnings"] == [warning]
    assert properties["stratocube:radiometry"] == [
        {
            "collection": "s2",
            "provider": "item-collection",
            "baseline": "04.00",
            "changing_offset": "as the item says",
            "scale": 1.0,
            "offset": -1000.0,
            "bands": ["B04"],
            "scenes": ["S2A_WRONG"],
            "scene_count": 1,
        },
        {
            "collection": "s2",
            "provider": "item-collection",
            "baseline": "04.00",
            "changing_offset": "none",
            "scale": None,
            "offset": None,
            "bands": ["SCL"],
            "scenes": ["S2A_WRONG"],
            "scene_count": 1,
        },
    ]


def test_a_scene_as_its_item_says_has_no_warning(stack: Stack, web: Web) -> None:
    stack = allowing(stack, web.host)
    tasks = merges(stack, before_and_after(web)[1])
    merge_date(stack, INVOCATION, tasks[0])
    kept = stack.activities.finished(tasks[0].activity_id)
    assert kept is not None
    assert "warnings" not in kept.result


# -- where files are read ----------------------------------------------------------------------------------------------


def usgs(item_id: str, platform: str, day: str, folder: str = "https://landsatlook.usgs.gov/data") -> dict[str, Any]:
    base = f"{folder}/collection02/level-2/{item_id}"
    item = scene(f"{base}_SR_B3.TIF", f"{base}_QA_PIXEL.TIF", item_id, day)
    item["collection"] = "landsat-c2l2-sr"
    item["properties"]["platform"] = platform
    item["assets"] = {
        "red": {"href": f"{base}_SR_B3.TIF"},
        "nir08": {"href": f"{base}_SR_B4.TIF"},
        "qa_pixel": {"href": f"{base}_QA_PIXEL.TIF"},
    }
    return item


LANDSAT: dict[str, Any] = {
    "bands": [
        {"name": "red", "common_name": "red", "data_type": "int16", "nodata": -9999, "scale": 0.0001},
        {"name": "SCL", "common_name": "quality", "data_type": "uint16", "nodata": 1},
    ],
    "bands_quicklook": [],
    "is_combined": True,
    "parameters": {"mask": {"clear_data": [6], "not_clear_data": [3], "nodata": 1, "bits": True}},
}
QUALITY = {"name": "QA_PIXEL", "common_name": "quality", "data_type": "uint16", "nodata": 1}


def landsat(stack: Stack, *items: Any, red: dict[str, Any] | None = None, **changes: Any) -> list[MergeTask]:
    form = deepcopy(LANDSAT) | {"quality_band": "QA_PIXEL"} | changes
    form["bands"] = [form["bands"][0] | (red or {}), QUALITY]
    cube(stack, **form)
    stack = allowing(stack, "landsatlook.usgs.gov")
    tasks = merges(stack, *items, collections=["landsat-c2l2-sr"])
    return [task for task in tasks if task.band != "QA_PIXEL"]


def test_files_are_read_from_the_bucket_where_the_stack_may_and_pays(stack: Stack) -> None:
    settings = replace(stack.settings, allowed_buckets=("landing", "usgs-landsat"))
    (task,) = landsat(replace(stack, settings=settings), usgs("LT05_X", "LANDSAT_5", "2023-08-15"))
    (source,) = task.sources
    assert source.href == "https://landsatlook.usgs.gov/data/collection02/level-2/LT05_X_SR_B3.TIF"
    assert source.read_href == "s3://usgs-landsat/collection02/level-2/LT05_X_SR_B3.TIF"
    assert source.identifying()["href"] == source.href
    assert _address(stack, source) == source.href
    paying = replace(stack, environment={**stack.environment, "AWS_REQUEST_PAYER": "requester"})
    assert _address(paying, source) == source.read_href


def test_files_are_read_by_https_where_the_stack_may_not_read_the_bucket(stack: Stack) -> None:
    (task,) = landsat(stack, usgs("LT05_X", "LANDSAT_5", "2023-08-15"))
    assert (task.sources[0].read_href, task.sources[0].nodata) == ("", 0)
    assert (task.sources[0].scale, task.sources[0].offset) == (0.0000275, -0.2)


# -- several sensors --------------------------------------------------------------------------------------------------


def test_datasource_counts_the_same_in_every_unit_whatever_scenes_it_has(stack: Stack) -> None:
    (task,) = landsat(
        stack, usgs("LC08_X", "LANDSAT_8", "2023-08-15"), metadata={"platforms": ["landsat-7", "landsat-5"]}
    )
    # Those the definition does not list come after it, in the order of the archive's file.
    assert task.datasets == ("landsat-7", "landsat-5", "landsat-8")


def test_datasource_counts_those_the_definition_lists_although_none_of_them_is_there(stack: Stack) -> None:
    (task,) = landsat(
        stack,
        usgs("LT05_X", "LANDSAT_5", "2023-08-15"),
        metadata={"platforms": ["LANDSAT_5", "Landsat-7", "landsat 8"]},
    )
    assert task.datasets == ("landsat-5", "landsat-7", "landsat-8")


def test_a_platform_nobody_lists_is_refused_in_a_combined_cube(stack: Stack, web: Web) -> None:
    stack = allowing(stack, web.host)
    cube(stack, is_combined=True)
    item = scene(web.url("/red.tif"), web.url("/scl.tif"))
    item["properties"]["platform"] = "kite-1"
    with pytest.raises(InvalidRequest, match="is of kite-1") as caught:
        merges(stack, item)
    assert caught.value.field == "metadata.platforms"


def test_scenes_with_gaps_come_last_in_a_mosaic_of_several_sensors(stack: Stack) -> None:
    gaps, whole = usgs("LE07_X", "LANDSAT_7", "2023-08-15"), usgs("LC09_X", "LANDSAT_9", "2023-08-15")
    gaps["properties"]["datetime"] = "2023-08-15T09:00:00Z"
    # Beside each other, so that neither takes the other's place.
    for item, west in ((gaps, 14.0), (whole, 14.98)):
        ring = [[west, 45.8], [west + 1, 45.8], [west + 1, 46.2], [west, 46.2], [west, 45.8]]
        item["geometry"]["coordinates"], item["bbox"] = [ring], [west, 45.8, west + 1, 46.2]
    (task,) = landsat(stack, gaps, whole)
    assert [source.scene_id for source in task.sources] == ["LC09_X", "LE07_X"]


def test_a_band_number_that_is_another_band_on_another_satellite_needs_a_common_name(stack: Stack) -> None:
    items = usgs("LT05_X", "LANDSAT_5", "2023-08-10"), usgs("LC08_X", "LANDSAT_8", "2023-08-15")
    with pytest.raises(InvalidRequest, match="B4 is nir08 on landsat-5 and red on landsat-8") as caught:
        landsat(stack, *items, red={"name": "B4", "common_name": None}, is_combined=False)
    assert caught.value.field == "bands.B4.common_name"


def test_a_common_name_finds_the_band_on_every_satellite(stack: Stack) -> None:
    items = usgs("LT05_X", "LANDSAT_5", "2023-08-10"), usgs("LC08_X", "LANDSAT_8", "2023-08-15")
    tasks = landsat(stack, *items, red={"name": "sr_band4"})
    assert [task.sources[0].href.rpartition("_")[2] for task in tasks] == ["B3.TIF", "B3.TIF"]


@pytest.mark.parametrize("combined", [True, False])
def test_dates_of_landsat_7_without_its_corrector_rank_last_in_combined_cubes(
    stack: Stack, web: Web, combined: bool
) -> None:
    stack = allowing(stack, web.host)
    cube(stack, is_combined=combined)
    web.files |= {"/red.tif": raster(7), "/half.tif": raster(4, "uint8"), "/cloud.tif": raster(9, "uint8")}
    gaps = scene(web.url("/red.tif"), web.url("/scl.tif"), "LE07_X", "2023-08-20")
    cloudy = scene(web.url("/red.tif"), web.url("/cloud.tif"), "LC08_X", "2023-08-10")
    gaps["properties"]["platform"], cloudy["properties"]["platform"] = "landsat-7", "landsat-8"
    stack.work.s3.put_object(Bucket="landing", Key="items.json", Body=collection(gaps, cloudy))
    planned(stack, stac_url="s3://landing/items.json")
    answer = search_unit(stack, BUILD, UNIT)
    for task in map(MergeTask.from_json, stack.work.read_json(answer["merges"]["key"])):
        merge_date(stack, INVOCATION, task)
    prepare_unit(stack, BUILD, UNIT)
    ranked = UnitStack.from_json(stack.work.read_json(BuildKeys(BUILD).stack(UNIT)))
    days = [entry.date.day for entry in ranked.dates]
    # The clearer one is of Landsat 7: it goes first unless several sensors are combined.
    assert days == ([10, 20] if combined else [20, 10])
