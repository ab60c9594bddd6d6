"""Scene identifiers: what they tell and what they do not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratocube.cube.scene_ids import LandsatSceneId, Sentinel2SceneId, landsat_scene_id, sentinel2_scene_id


def test_a_sentinel2_product_identifier_holds_the_baseline() -> None:
    found = sentinel2_scene_id("S2C_MSIL2A_20250621T133201_N0511_R081_T22LGL_20250621T182715.SAFE")
    assert found == Sentinel2SceneId(baseline_major=5, baseline_minor=11)


@pytest.mark.parametrize("text", ["", "S2A_22LGL_20220621_0_L2A", "S2A_MSIL2A_2022", "LC08_L2SP_221069_20210107"])
def test_other_text_is_no_sentinel2_identifier(text: str) -> None:
    assert sentinel2_scene_id(text) is None


@pytest.mark.parametrize(
    ("text", "platform"),
    [
        ("LE07_L2SP_221069_20010107_20200307_02_T1", "Landsat-7"),
        ("LT04_L2SP_221069_19910107_20200307_02_T2", "Landsat-4"),
        ("LC09_L2SR_221069_20220107_20220307_02_RT", "Landsat-9"),
        ("LM02_L1TP_221069_19750107_20200307_02_T1", None),
    ],
)
def test_a_landsat_product_identifier_holds_the_platform(text: str, platform: str | None) -> None:
    assert landsat_scene_id(text) == LandsatSceneId(platform)


@given(st.text(max_size=70))
def test_any_text_gives_an_answer(text: str) -> None:
    assert sentinel2_scene_id(text) is None
    assert landsat_scene_id(text) is None
