"""What real items of archives say of their acquisition."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import pytest

from stratocube.catalog.acquisitions import Acquisition, acquisition_of, baseline_order


def test_a_sentinel_2_item_of_earth_search_tells_frame_pass_strip_and_baseline() -> None:
    properties = {
        "grid:code": "MGRS-33TWN",
        "s2:datatake_id": "GS2B_20220226T095029_025988_N04.00",
        "s2:datastrip_id": "S2B_OPER_MSI_L2A_DS_VGS4_20220226T130213_S20220226T095155_N04.00",
        "s2:processing_baseline": "04.00",
        "s2:nodata_pixel_percentage": 33.967116,
    }
    assert acquisition_of("S2B_33TWN_20220226_0_L2A", properties) == Acquisition(
        frame="MGRS-33TWN", datatake="20220226T095029", strip="20220226T095155", is_whole=False, processing=(4, 0)
    )


@pytest.mark.parametrize(
    ("item_id", "properties", "frame"),
    [
        ("S2B_MSIL2A_20190629T212529_R043_T06VVN_20201006T080531", {}, "MGRS-06VVN"),
        ("S2A_T01WCR_20230602T000611_L2A", {}, "MGRS-01WCR"),
        ("S2A_1WCR_20230602_0_L2A", {}, "MGRS-01WCR"),
        ("S2C_28QCH_20250714_0_L2A", {}, "MGRS-28QCH"),
        ("anything", {"s2:mgrs_tile": "06VVN"}, "MGRS-06VVN"),
        ("anything", {"grid:code": "MGRS-1WCR"}, "MGRS-01WCR"),
        ("LE07_L2SP_044033_20210329_20210424_02_T1_SR", {}, "WRS2-044033"),
        ("LC09_L2SP_001062_20221031_20221106_02_RT", {}, "WRS2-001062"),
        ("CBERS_4_AWFI_20200808_201_137_L4", {}, ""),
        ("anything", {"grid:code": "WRS2-044033", "s2:mgrs_tile": 6}, ""),
    ],
)
def test_the_frame_is_found_in_properties_or_id(item_id: str, properties: dict[str, Any], frame: str) -> None:
    assert acquisition_of(item_id, properties).frame == frame


def test_landsat_in_real_time_is_older_than_any_other_tier() -> None:
    early = acquisition_of("LC08_L2SP_001062_20201031_20201130_02_RT", {})
    late = acquisition_of("LC08_L2SP_001062_20201031_20201106_02_T2", {})
    assert early.processing < late.processing


@pytest.mark.parametrize(
    ("baseline", "order"), [("05.09", (5, 9)), ("00.01", (0, 1)), ("99.99", ()), ("5.9", ()), (None, ()), (5.09, ())]
)
def test_baselines_sort_as_numbers(baseline: object, order: tuple[int, ...]) -> None:
    assert baseline_order(baseline) == order


def test_a_baseline_is_read_from_the_product_name_where_no_property_says_it() -> None:
    name = "S2A_MSIL2A_20220621T133201_N0400_R081_T22LGL_20220621T182715"
    assert acquisition_of(name, {}).processing == (4, 0)
    assert acquisition_of(name, {"s2:processing_baseline": "05.10"}).processing == (5, 10)


def test_json_and_back() -> None:
    told = Acquisition("MGRS-33TWN", "20220226T095029", "20220226T095155", is_whole=True, processing=(4, 0))
    assert Acquisition.from_json(json.loads(json.dumps(asdict(told)))) == told
    assert Acquisition.from_json({}) == Acquisition()
