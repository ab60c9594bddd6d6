"""Items of every provider map to the right bands, nodata, scale, mask and address."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from stratocube.catalog.provider_choice import band_of_scene, provider_of
from stratocube.catalog.provider_files import providers
from stratocube.catalog.radiometry import Radiometry, baseline_of, radiometry_of
from stratocube.catalog.scenes import Scene
from stratocube.catalog.stac_items import scene_from_item
from stratocube.errors import InvalidRequest
from tests.unit.catalog import archives
from tests.unit.catalog.recorded import make_item, recorded

EARTH_SEARCH = "earth-search.aws.element84.com"
USGS = "landsatlook.usgs.gov"
PLANETARY = "planetarycomputer.microsoft.com"
INPE = "data.inpe.br"
CMR = "cmr.earthdata.nasa.gov"

S2 = (0.0001, 0.0)
S2_SHIFTED = (0.0001, -0.1)
LANDSAT = (0.0000275, -0.2)

ITEMS: dict[str, tuple[dict[str, Any], str, str]] = {
    "earth search": (recorded("earth_search_v1"), EARTH_SEARCH, "earth-search-sentinel-2-l2a"),
    "earth search, v0": (recorded("earth_search_v0"), EARTH_SEARCH, "earth-search-sentinel-2-l2a"),
    "earth search, 03.01": (recorded("earth_search_v1_before_04"), EARTH_SEARCH, "earth-search-sentinel-2-l2a"),
    "earth search, collection 1": (recorded("earth_search_c1"), EARTH_SEARCH, "earth-search-sentinel-2-c1-l2a"),
    "earth search, landsat": (archives.EARTH_SEARCH_LANDSAT, EARTH_SEARCH, "earth-search-landsat-c2-l2"),
    "jp2": (recorded("sentinel_jp2_antimeridian"), "", "sentinel-s2-l2a-jp2"),
    "planetary computer": (recorded("planetary_computer"), PLANETARY, "planetary-computer-sentinel-2-l2a"),
    "planetary computer, landsat 5": (recorded("landsat_5_c2_l2"), PLANETARY, "planetary-computer-landsat-c2-l2"),
    "usgs": (recorded("usgs_1_0_0"), USGS, "usgs-landsat-c2-l2"),
    "usgs, landsat 7": (recorded("usgs_landsat_7"), USGS, "usgs-landsat-c2-l2"),
    "usgs, beta 2": (recorded("usgs_1_0_0_beta_2"), "", "usgs-landsat-c2-l2"),
    "usgs, 0.7": (recorded("usgs_0_7_0"), USGS, "usgs-landsat-c2-l2"),
    "bdc": (archives.BDC_S2, INPE, "bdc-sentinel-2-l2a"),
    "bdc, landsat": (archives.BDC_LANDSAT, INPE, "bdc-landsat"),
    "bdc, cbers": (archives.BDC_CBERS, INPE, "bdc-cbers-wfi"),
    "bdc, modis": (archives.MOD13Q1, INPE, "modis-13q1"),
    "hls, s30": (archives.HLS_S30, CMR, "hls-v2"),
    "hls, l30": (archives.HLS_L30, CMR, "hls-v2"),
    "modis": (recorded("modis_09q1"), PLANETARY, "modis-09q1"),
    "static": (recorded("slovenia_items")["features"][0], "", "item-collection"),
    "dea": (recorded("dea"), "", "item-collection"),
}


def scene_of(name: str) -> Scene:
    return scene_from_item(ITEMS[name][0], location="s3://archive/scenes/item.json")


@pytest.mark.parametrize("name", ITEMS)
def test_the_provider_is_known_by_host_and_collection_or_by_where_the_files_lie(name: str) -> None:
    _, host, wanted = ITEMS[name]
    assert provider_of(scene_of(name), {host} if host else set(), {}).name == wanted


@pytest.mark.parametrize(
    ("name", "bands", "asset", "nodata", "scale_offset", "platform"),
    [
        ("earth search", ["red", "B04", "b4"], "red", 0, S2, "sentinel-2b"),
        ("earth search", ["SCL", "scl"], "scl", 0, None, "sentinel-2b"),
        ("earth search, v0", ["red", "B04"], "B04", 0, S2, "sentinel-2a"),
        ("earth search, v0", ["nir08", "B8A"], "B8A", 0, S2, "sentinel-2a"),
        ("earth search, v0", ["SCL"], "SCL", 0, None, "sentinel-2a"),
        ("earth search, 03.01", ["red", "B04"], "red", 0, S2, "sentinel-2a"),
        ("earth search, collection 1", ["red", "B04"], "red", 0, S2_SHIFTED, "sentinel-2b"),
        ("earth search, collection 1", ["rededge2", "B06"], "rededge2", 0, S2_SHIFTED, "sentinel-2b"),
        ("jp2", ["red", "B04"], "red", 0, S2_SHIFTED, "sentinel-2a"),
        ("planetary computer", ["red", "B04"], "B04", 0, S2, "sentinel-2b"),
        ("planetary computer", ["SCL"], "SCL", 0, None, "sentinel-2b"),
        ("planetary computer, landsat 5", ["red", "B3", "SR_B3", "sr_band3"], "red", 0, LANDSAT, "landsat-5"),
        ("planetary computer, landsat 5", ["nir", "nir08", "B4", "sr_band4"], "nir08", 0, LANDSAT, "landsat-5"),
        ("planetary computer, landsat 5", ["lwir", "lwir11"], "lwir", 0, (0.00341802, 149.0), "landsat-5"),
        ("planetary computer, landsat 5", ["QA_PIXEL"], "qa_pixel", 1, None, "landsat-5"),
        ("usgs", ["blue", "B2", "SR_B2", "sr_band2"], "blue", 0, LANDSAT, "landsat-8"),
        ("usgs", ["nir", "nir08", "B5"], "nir08", 0, LANDSAT, "landsat-8"),
        ("usgs", ["QA_PIXEL", "qa_pixel"], "qa_pixel", 1, None, "landsat-8"),
        ("usgs, landsat 7", ["red", "B3"], "red", 0, LANDSAT, "landsat-7"),
        ("usgs, landsat 7", ["nir", "B4"], "nir08", 0, LANDSAT, "landsat-7"),
        ("usgs, beta 2", ["blue", "SR_B2"], "SR_B2.TIF", 0, LANDSAT, "landsat-8"),
        ("usgs, 0.7", ["blue", "sr_band2"], "SR_B2.TIF", 0, LANDSAT, "landsat-8"),
        ("usgs, 0.7", ["QA_PIXEL"], "QA_PIXEL.TIF", 1, None, "landsat-8"),
        ("earth search, landsat", ["red", "sr_band4"], "red", 0, LANDSAT, "landsat-8"),
        ("bdc", ["red", "B04"], "B04", 0, S2_SHIFTED, "sentinel-2a"),
        ("bdc", ["B8A", "nir08"], "B8A", 0, S2_SHIFTED, "sentinel-2a"),
        ("bdc, landsat", ["red", "sr_band4"], "red", 0, LANDSAT, "landsat-9"),
        ("bdc, cbers", ["red", "BAND15"], "BAND15", -9999, S2, "cbers-4a"),
        ("bdc, cbers", ["CMASK"], "CMASK", 0, None, "cbers-4a"),
        ("bdc, modis", ["NDVI"], "NDVI", -3000, (0.0001, None), "terra"),
        ("bdc, modis", ["nir", "B02"], "NIR_reflectance", -1000, S2, "terra"),
        ("hls, s30", ["red", "B04"], "B04", -9999, S2, "sentinel-2"),
        ("hls, s30", ["nir08", "B8A"], "B8A", -9999, S2, "sentinel-2"),
        ("hls, s30", ["rededge1", "B05"], "B05", -9999, S2, "sentinel-2"),
        ("hls, l30", ["nir", "nir08", "B05"], "B05", -9999, S2, "landsat"),
        ("hls, l30", ["Fmask"], "Fmask", 255, None, "landsat"),
        ("modis", ["red", "B1", "sur_refl_b01"], "sur_refl_b01", -28672, S2, "terra"),
        ("static", ["blue"], "blue", 0, S2, "sentinel-2b"),
    ],
)
def test_bands_have_the_right_asset_nodata_scale_and_offset(
    name: str,
    bands: list[str],
    asset: str,
    nodata: float,
    scale_offset: tuple[float, float | None] | None,
    platform: str,
) -> None:
    scene = scene_of(name)
    provider = providers()[ITEMS[name][2]]
    assert provider.platform(scene.id, scene.platform) == platform
    for band in bands:
        found = band_of_scene(provider, scene, band, None)
        assert found.asset.key == asset
        if found.sensor is not None and found.sensor.bands:
            said = found.asset.nodata if found.asset.nodata is not None else found.band and found.band.nodata
            assert (said if said is not None else found.sensor.nodata) == nodata
        if scale_offset is not None:
            known = radiometry_of(provider, scene, found, band)
            assert (known.scale, known.offset) == pytest.approx(scale_offset)


@pytest.mark.parametrize(("band", "asset"), [("B06", "rededge2"), ("B07", "rededge3")])
def test_a_common_name_of_several_bands_does_not_stand_against_the_name(band: str, asset: str) -> None:
    provider = providers()["earth-search-sentinel-2-c1-l2a"]
    assert band_of_scene(provider, scene_of("earth search, collection 1"), band, "rededge").asset.key == asset


def test_a_name_decides_against_a_common_name_where_it_means_one_band_on_all_satellites() -> None:
    provider = providers()["bdc-sentinel-2-l2a"]
    assert band_of_scene(provider, scene_of("bdc"), "B8A", "red").asset.key == "B8A"


def test_the_common_name_decides_where_a_number_means_other_bands_on_other_satellites() -> None:
    provider = providers()["usgs-landsat-c2-l2"]
    # B4 is red on Landsat 8 and near infrared on Landsat 7.
    assert band_of_scene(provider, scene_of("usgs, landsat 7"), "B4", "red").asset.key == "red"
    assert band_of_scene(provider, scene_of("usgs, landsat 7"), "B4", None).asset.key == "nir08"


def test_in_a_combined_cube_the_common_name_decides() -> None:
    provider = providers()["hls-v2"]
    assert band_of_scene(provider, scene_of("hls, s30"), "B05", "nir08", combined=True).asset.key == "B8A"
    assert band_of_scene(provider, scene_of("hls, l30"), "B05", "nir08", combined=True).asset.key == "B05"


def test_a_band_the_archive_has_and_the_item_lacks_is_named() -> None:
    with pytest.raises(InvalidRequest, match="earth-search-sentinel-2-l2a has green as green") as caught:
        band_of_scene(providers()["earth-search-sentinel-2-l2a"], scene_of("earth search, 03.01"), "B03", "green")
    assert caught.value.field == "bands.B03"


def test_files_are_read_from_s3_where_the_archive_has_them_there() -> None:
    def nearer(name: str, band: str) -> str | None:
        provider, scene = providers()[ITEMS[name][2]], scene_of(name)
        return provider.nearer(band_of_scene(provider, scene, band, None).asset.href)

    folder = "33/T/WN/2022/2/S2B_33TWN_20220226_0_L2A"
    assert nearer("earth search", "red") == f"s3://sentinel-cogs/sentinel-s2-l2a-cogs/{folder}/B04.tif"
    usgs = nearer("usgs", "blue") or ""
    assert usgs.startswith("s3://usgs-landsat/collection02/level-2/standard/oli-tirs/2020/028/030/")
    assert usgs == dict(scene_of("usgs").asset_for("blue").alternate_hrefs)["s3"]
    assert (nearer("hls, l30", "red") or "").startswith("s3://lp-prod-protected/HLSL30.020/")
    assert nearer("static", "blue") is None
    assert providers()["usgs-landsat-c2-l2"].requester_pays == ("usgs-landsat",)


def test_a_named_provider_speaks_for_copies_of_its_scenes() -> None:
    scene = scene_of("static")
    named = {scene.collection: "earth-search-sentinel-2-l2a"}
    assert provider_of(scene, set(), named).name == "earth-search-sentinel-2-l2a"
    assert provider_of(replace(scene, collection="other"), set(), named).name == "item-collection"


def test_the_self_link_of_an_item_in_a_static_collection_is_not_believed() -> None:
    copied = replace(scene_of("earth search"), assets=scene_of("static").assets)
    assert EARTH_SEARCH in copied.item_href
    assert provider_of(copied, set(), {}).name == "item-collection"


def test_an_item_says_by_its_self_link_which_of_two_apis_it_is_from() -> None:
    both = {EARTH_SEARCH, PLANETARY}
    assert provider_of(scene_of("earth search"), both, {}).name == "earth-search-sentinel-2-l2a"
    assert provider_of(scene_of("planetary computer"), both, {}).name == "planetary-computer-sentinel-2-l2a"


@pytest.mark.parametrize(
    ("scene_id", "platform"),
    [
        ("S2A_33TWN_20210629_0_L2A", "sentinel-2a"),
        ("S2B_T38XNF_20250422T091553_L2A", "sentinel-2b"),
        ("S2C_MSIL2A_20250330T100051_N0511_R122_T33UWP_20250330T145914", "sentinel-2c"),
        ("LT04_L2SP_002026_19830110_02_T1", "landsat-4"),
        ("LT05_L2SP_010067_19860424_20200918_02_T2", "landsat-5"),
        ("LE07_L2SP_044033_20210329_20210424_02_T1_SR", "landsat-7"),
        ("LC08_L2SP_001062_20201031_20201106_02_T2_SR", "landsat-8"),
        ("LC09_L2SP_010065_20220129_02_T1", "landsat-9"),
        ("LM01_L1GS_001010_19720908_02_T2", ""),
        ("something else", ""),
    ],
)
def test_ids_of_sentinel_2_a_to_c_and_landsat_4_to_9_tell_the_platform(scene_id: str, platform: str) -> None:
    assert providers()["item-collection"].platform(scene_id, "") == platform


def test_the_baseline_is_the_items_or_that_of_its_product_name() -> None:
    assert baseline_of(scene_of("earth search")) == "04.00"
    assert baseline_of(scene_of("bdc")) == "04.00"
    assert baseline_of(scene_of("usgs")) == ""


def test_a_new_archives_items_are_believed() -> None:
    item = make_item(
        assets={"red": {"href": "https://x.example.org/r.tif", "raster:bands": [{"scale": 2, "offset": 3}]}}
    )
    scene = replace(scene_from_item(item), platform="new-1")
    provider = provider_of(scene, {"x.example.org"}, {})
    found = band_of_scene(provider, scene, "red", None)
    assert radiometry_of(provider, scene, found, "red") == Radiometry(2, 3, 3, "none")
