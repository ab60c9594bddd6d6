"""What one step writes for the next reads back as it was."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

import pytest

from stratocube.cube.identity import identity
from stratocube.workflow.events import merge_task_of
from stratocube.workflow.tasks import DateStack, DateTask, MergeTask, SceneRef, SourceAsset, StoredFile, UnitStack

SOURCE = SourceAsset(
    scene_id="S2B_33TWM_20230810_0_L2A",
    collection="s2",
    href="s3://landing/B04.tif",
    version="05.09",
    dataset="sentinel-2b",
    nodata=0.0,
    scale=0.0001,
    offset=None,
    file_band=1,
    acquired="2023-08-10T09:57:57Z",
    platform="sentinel-2b",
    item_href="",
)
TASK = MergeTask("b1", "000000_2023-08-01_2023-08-31", date(2023, 8, 10), "B04", "a" * 64, "k.tif", (SOURCE,), ("s2a",))
ENTRY = DateStack(
    date=date(2023, 8, 10),
    efficacy=12.5,
    cloud_ratio=3.25,
    scenes=(SceneRef("S2B", "s2", "sentinel-2b", "2023-08-10T09:57:57Z", "https://x/y"),),
    merges={"B04": StoredFile("k.tif", 12, "1220ab")},
    activity_ids={"B04": "a" * 64},
    datasets=(),
)


def test_a_merge_task_survives_json() -> None:
    assert MergeTask.from_json(json.loads(json.dumps(TASK.to_json()))) == TASK
    assert TASK.part == "2023-08-10#B04"


def test_a_units_stack_survives_json_in_its_order() -> None:
    later = DateStack(**{**ENTRY.__dict__, "date": date(2023, 8, 20)})
    stack = UnitStack((later, ENTRY))
    back = UnitStack.from_json(json.loads(json.dumps(stack.to_json())))
    assert back == stack


def test_a_blend_gets_its_inputs_of_a_date_and_no_scenes() -> None:
    quality = StoredFile("q.tif", 3, "1220cd")
    both = replace(ENTRY, merges={**ENTRY.merges, "SCL": quality}, activity_ids={"B04": "a" * 64, "SCL": "b" * 64})
    assert both.with_only(("SCL", "DATASOURCE")) == replace(
        both, scenes=(), merges={"SCL": quality}, activity_ids={"SCL": "b" * 64}
    )


def test_a_date_task_survives_json() -> None:
    task = DateTask("b1", "000000_2023-08-01_2023-08-31", date(2023, 8, 10), {"B04": "a" * 64})
    assert DateTask.from_json(json.loads(json.dumps(task.to_json()))) == task


def test_where_the_item_was_read_does_not_count_for_the_pixels() -> None:
    moved = SourceAsset(**{**SOURCE.__dict__, "item_href": "https://elsewhere"})
    assert moved.identifying() == SOURCE.identifying()


@pytest.mark.parametrize("nodata", [float("nan"), float("inf"), float("-inf"), -9999.0, None])
def test_any_nodata_a_scene_may_have_survives_json_that_everybody_reads(nodata: float | None) -> None:
    task = replace(TASK, sources=(replace(SOURCE, nodata=nodata),))
    text = json.dumps(task.to_json(), allow_nan=False)
    for back in (MergeTask.from_json(json.loads(text)), merge_task_of(json.loads(text))):
        assert back.sources[0].nodata == pytest.approx(nodata, abs=0, nan_ok=True)
        assert identity("merge", back.sources[0].identifying()) == identity("merge", task.sources[0].identifying())
