"""The offset of Sentinel-2 is applied exactly once, whatever the archive, the baseline and what items say of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratocube.catalog.assets import SceneAsset
from stratocube.catalog.provider_choice import band_of_scene, provider_of
from stratocube.catalog.provider_files import providers
from stratocube.catalog.radiometry import Radiometry, radiometry_of
from stratocube.catalog.scenes import Scene
from stratocube.catalog.stac_items import scene_from_item
from stratocube.cube.bands import Band
from stratocube.cube.radiometry import RadiometryRule
from stratocube.errors import InvalidRequest
from stratocube.pixels.scaling import rescale
from stratocube.workflow.sources import applied
from tests.unit.catalog.recorded import recorded

# Whether the pixels of an archive hold the offset of baseline 04.00 and later.
ARCHIVES = {
    "earth-search-sentinel-2-l2a": False,
    "earth-search-sentinel-2-c1-l2a": True,
    "sentinel-s2-l2a-jp2": True,
    "planetary-computer-sentinel-2-l2a": True,
    "bdc-sentinel-2-l2a": True,
}
BASELINES = ("00.01", "02.12", "03.01", "04.00", "05.00", "05.09", "05.10", "05.11")


def scene(baseline: str, *, offset: float | None = None, scale: float | None = None, key: str = "B04") -> Scene:
    """A scene whose item says these of its red band."""
    asset = SceneAsset(key, f"https://files.example.org/{key}.tif", band_name=key, scale=scale, offset=offset)
    return Scene(
        id="S2A_X",
        collection="s2",
        datetime=datetime(2022, 2, 26, tzinfo=UTC),
        platform="sentinel-2a",
        bbox=(0, 0, 1, 1),
        geometry={},
        assets=(asset,),
        version_text="",
        processing_baseline=baseline,
    )


def known(archive: str, one: Scene, *rules: RadiometryRule) -> Radiometry:
    provider = providers()[archive]
    return radiometry_of(provider, one, band_of_scene(provider, one, one.assets[0].key, None), "B04", rules)


def key_of(archive: str) -> str:
    return providers()[archive].sensors[0].bands["red"].assets[0]


def taken(numbers: np.ndarray, one: Radiometry, band: Band) -> np.ndarray:
    """What a merge makes of stored numbers."""
    scale, offset = applied(one, band)
    if scale is None:
        return numbers
    cube_scale = band.scale_factor if band.scale_factor is not None else 1.0
    return rescale(numbers, scale, cube_scale, (offset or 0.0) - band.scale_offset, "int16")


SCALED = Band(name="B04", data_type="int16", nodata=-9999, scale=0.0001)
UNSCALED = Band(name="B04", data_type="int16", nodata=-9999)


@given(
    archive=st.sampled_from(sorted(ARCHIVES)),
    baseline=st.sampled_from(BASELINES),
    says=st.sampled_from([None, 0.0, -0.1]),
    says_scale=st.sampled_from([None, 0.0001]),
    flag=st.sampled_from([None, True, False]),
    band=st.sampled_from([SCALED, UNSCALED]),
    overruled=st.sampled_from([None, 0.0, -0.1]),
    reflectance=st.lists(st.integers(-500, 9000), min_size=1, max_size=5),
)
def test_the_offset_is_applied_exactly_once(
    archive: str,
    baseline: str,
    says: float | None,
    says_scale: float | None,
    flag: bool | None,
    band: Band,
    overruled: float | None,
    reflectance: list[int],
) -> None:
    one = replace(scene(baseline, offset=says, scale=says_scale, key=key_of(archive)), boa_offset_applied=flag)
    held = ARCHIVES[archive] and baseline >= "04.00"
    rules = []
    if overruled is not None:
        # Who overrules knows better than the archive's file: the pixels are as the rule says.
        rules = [RadiometryRule(baselines=(baseline,), offset=overruled)]
        held = overruled != 0
    truth = np.array(reflectance)
    stored = (truth + (1000 if held else 0)).astype(np.int32)
    assert taken(stored, known(archive, one, *rules), band).tolist() == truth.tolist()


@pytest.mark.parametrize("name", ["earth_search_v1", "earth_search_v1_relative"])
def test_earth_searchs_items_are_not_believed_about_the_offset(name: str) -> None:
    one = scene_from_item(recorded(name), location="s3://x/item.json")
    provider = providers()["earth-search-sentinel-2-l2a"]
    found = (
        band_of_scene(provider, one, "B02", "blue")
        if name.endswith("relative")
        else band_of_scene(provider, one, "B04", "red")
    )
    assert found.asset.offset == -0.1
    assert radiometry_of(provider, one, found, "x") == Radiometry(0.0001, 0.0, 0.0, "removed by archive", -1000.0)


def test_the_jp2_files_of_the_same_item_hold_it() -> None:
    item = recorded("earth_search_v1_before_04")
    item["properties"]["s2:processing_baseline"] = "05.00"
    one = scene_from_item(item)
    provider = providers()["earth-search-sentinel-2-l2a"]
    found = band_of_scene(provider, one, "red-jp2", None)
    assert found.asset.href.startswith("s3://sentinel-s2-l2a/")
    assert radiometry_of(provider, one, found, "x").offset == pytest.approx(-0.1)


def test_collection_1_that_earth_search_v2_lists_under_the_old_name_holds_it() -> None:
    one = scene_from_item(recorded("earth_search_c1") | {"collection": "sentinel-2-l2a"})
    provider = provider_of(one, {"earth-search.aws.element84.com"}, {})
    assert provider.name == "earth-search-sentinel-2-l2a"
    known = radiometry_of(provider, one, band_of_scene(provider, one, "B04", "red"), "B04")
    assert (known.offset, known.state) == (pytest.approx(-0.1), "in pixels")


def test_layers_that_are_no_reflectance_have_no_offset() -> None:
    one = scene("05.09", key="AOT")
    assert known("planetary-computer-sentinel-2-l2a", one) == Radiometry(None, None, None, "none")


def test_a_baseline_is_read_from_the_product_name_too() -> None:
    one = replace(scene("", key="B04"), id="S2A_MSIL2A_20220621T133201_N0400_R081_T22LGL_20220621T182715")
    assert known("bdc-sentinel-2-l2a", one).offset == pytest.approx(-0.1)


def test_without_a_baseline_the_item_is_believed_and_if_it_says_nothing_the_scene_is_refused() -> None:
    said = known("planetary-computer-sentinel-2-l2a", scene("", offset=-0.1))
    assert (said.offset, said.state) == (-0.1, "as the item says")
    with pytest.raises(InvalidRequest, match=r'"scenes": \["S2A_X"\], "offset": 0') as caught:
        known("planetary-computer-sentinel-2-l2a", scene(""))
    assert caught.value.field == "parameters.radiometry"
    rule = RadiometryRule(scenes=("S2A_*",), offset=-0.1)
    assert known("planetary-computer-sentinel-2-l2a", scene(""), rule).offset == -0.1


def test_a_plain_item_collection_is_believed() -> None:
    plain = "item-collection"
    assert known(plain, scene("05.09", offset=-0.1, scale=0.0001)).shift == -1000
    assert known(plain, scene("03.01", offset=0, scale=0.0001)).shift == 0
    out_already = replace(scene("05.09", offset=-0.1, scale=0.0001), boa_offset_applied=True)
    assert known(plain, out_already).shift == 0
    assert known(plain, scene("05.09")) == Radiometry(None, None, None, "none")


def test_landsats_offset_is_no_changing_one() -> None:
    one = replace(scene("", key="red"), platform="landsat-8", id="LC08_X")
    landsat = known("usgs-landsat-c2-l2", one)
    assert (landsat.scale, landsat.offset, landsat.shift) == (0.0000275, -0.2, 0)
    assert applied(landsat, UNSCALED) == (None, None)
    # FACTS: digital numbers 0 to 65535 are -2000 to 16022 in ten-thousandths.
    assert taken(np.array([0, 7273, 65535], dtype=np.uint16), landsat, SCALED).tolist() == [-2000, 0, 16022]


@pytest.mark.parametrize(
    ("rule", "applies"),
    [
        ({"offset": 0}, True),
        ({"offset": 0, "collections": ["s2"]}, True),
        ({"offset": 0, "collections": ["other"]}, False),
        ({"offset": 0, "scenes": ["S2A_*"]}, True),
        ({"offset": 0, "scenes": ["S2B_*", "S2C_*"]}, False),
        ({"offset": 0, "baselines": ["04.*"]}, True),
        ({"offset": 0, "baselines": ["05.*"]}, False),
        ({"offset": 0, "bands": ["B04"]}, True),
        ({"offset": 0, "bands": ["B08"]}, False),
    ],
)
def test_a_rule_speaks_of_what_it_names(rule: dict[str, object], applies: bool) -> None:
    one = known("planetary-computer-sentinel-2-l2a", scene("04.00"), RadiometryRule.parse(rule))
    assert (one.offset == 0) is applies
    assert (one.state == "as the definition says") is applies


def test_the_first_rule_that_applies_decides() -> None:
    rules = RadiometryRule(scenes=("S2A_X",), offset=-0.05), RadiometryRule(offset=0)
    assert known("planetary-computer-sentinel-2-l2a", scene("04.00"), *rules).offset == -0.05


@pytest.mark.parametrize(
    ("rule", "field"),
    [({}, "offset"), ({"scale": 0}, "scale"), ({"offset": 0, "scenes": ["a b"]}, "scenes.0"), ({"offst": 0}, "offst")],
)
def test_a_rule_that_says_nothing_or_something_else_is_refused(rule: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        RadiometryRule.parse(rule)
    assert caught.value.field == field
