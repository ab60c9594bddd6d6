"""What one step writes for the next reads back as it was."""

from __future__ import annotations

import json
from datetime import date

from stratocube.workflow.tasks import DateStack, MergeTask, SceneRef, SourceAsset, StoredFile, UnitStack

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
    assert back.on(date(2023, 8, 10)) == ENTRY


def test_where_the_item_was_read_does_not_count_for_the_pixels() -> None:
    moved = SourceAsset(**{**SOURCE.__dict__, "item_href": "https://elsewhere"})
    assert moved.identifying() == SOURCE.identifying()
