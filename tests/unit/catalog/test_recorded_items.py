"""Items of public catalogues, as recorded, become scenes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pystac
import pytest

from stratocube.catalog.acquisitions import Acquisition
from stratocube.catalog.assets import SceneAsset
from stratocube.catalog.scenes import Scene
from stratocube.catalog.stac_items import scene_from_item

from .recorded import item_of_bdc_record, recorded

ITEMS = (
    "earth_search_v0",
    "earth_search_v1",
    "earth_search_v1_relative",
    "sentinel_jp2_antimeridian",
    "planetary_computer",
    "usgs_1_0_0",
    "usgs_1_0_0_beta_2",
    "usgs_0_7_0",
    "dea",
)


def scene_of(name: str) -> Scene:
    return scene_from_item(recorded(name), location="s3://archive/scenes/item.json")


@pytest.mark.parametrize("name", ITEMS)
def test_every_recorded_item_survives_json(name: str) -> None:
    scene = scene_of(name)
    assert Scene.from_json(json.loads(json.dumps(scene.to_json(), allow_nan=False))) == scene


def test_earth_search_v1_item_is_read_completely() -> None:
    scene = scene_of("earth_search_v1")
    folder = "https://sentinel-cogs.s3.us-west-2.amazonaws.com/sentinel-s2-l2a-cogs/33/T/WN/2022/2/"
    assert replace(scene, geometry={}, assets=()) == Scene(
        id="S2B_33TWN_20220226_0_L2A",
        collection="sentinel-2-l2a",
        datetime=datetime(2022, 2, 26, 9, 57, 32, 883000, tzinfo=UTC),
        platform="sentinel-2b",
        bbox=scene.bbox,
        geometry={},
        assets=(),
        version_text="updated=2022-11-06T13:00:43.033000Z;generated=2022-02-26T13:02:13Z;baseline=04.00",
        cloud_cover_percent=75.198358,
        updated=datetime(2022, 11, 6, 13, 0, 43, 33000, tzinfo=UTC),
        generated=datetime(2022, 2, 26, 13, 2, 13, tzinfo=UTC),
        processing_baseline="04.00",
        boa_offset_applied=False,
        item_href=(
            "https://earth-search.aws.element84.com/v1/collections/sentinel-2-l2a/items/S2B_33TWN_20220226_0_L2A"
        ),
        acquisition=Acquisition(
            frame="MGRS-33TWN", datatake="20220226T095029", strip="20220226T095155", processing=(4, 0)
        ),
    )
    assert scene.asset_for("B04", "red") == SceneAsset(
        key="red",
        href=f"{folder}S2B_33TWN_20220226_0_L2A/B04.tif",
        band_name="red",
        common_name="red",
        nodata=0,
        scale=0.0001,
        offset=-0.1,
        data_type="uint16",
        media_type="image/tiff; application=geotiff; profile=cloud-optimized",
        roles=("data", "reflectance"),
    )


def test_thumbnails_and_documents_are_no_assets_of_a_scene() -> None:
    assert [a.key for a in scene_of("earth_search_v0").assets if a.band_index == 1] == [
        "overview",
        "visual",
        "B04",
        "B08",
        "B8A",
        "SCL",
    ]
    assert [a.key for a in scene_of("planetary_computer").assets if a.band_index == 1] == ["B04", "SCL", "visual"]
    assert [a.key for a in scene_of("dea").assets] == ["nbart_red", "oa_fmask"]
    assert [a.key for a in scene_of("usgs_1_0_0").assets] == ["blue", "nir08", "qa_pixel"]


@pytest.mark.parametrize(
    ("name", "band_name", "common_name", "key"),
    [
        ("earth_search_v1", "B04", "red", "red"),
        ("earth_search_v1", "SCL", "quality", "scl"),
        ("earth_search_v1", "B8A", "nir08", "nir08"),
        ("earth_search_v1", "rededge2", None, "rededge2"),
        ("earth_search_v0", "B04", "red", "B04"),
        ("earth_search_v0", "SCL", None, "SCL"),
        ("sentinel_jp2_antimeridian", "B04", "red", "red"),
        ("planetary_computer", "red", "red", "B04"),
        ("usgs_1_0_0", "B2", None, "blue"),
        ("usgs_1_0_0", "QA_PIXEL", None, "qa_pixel"),
        ("usgs_1_0_0_beta_2", "SR_B2", None, "SR_B2.TIF"),
        ("usgs_1_0_0_beta_2", "B3", "green", "SR_B3.TIF"),
        ("usgs_0_7_0", "blue", None, "SR_B2.TIF"),
        ("usgs_0_7_0", "qa_pixel", None, "QA_PIXEL.TIF"),
        ("dea", "nbart_red", "red", "nbart_red"),
        ("dea", "oa_fmask", None, "oa_fmask"),
    ],
)
def test_bands_are_found_however_the_archive_names_them(
    name: str, band_name: str, common_name: str | None, key: str
) -> None:
    assert scene_of(name).asset_for(band_name, common_name).key == key


def test_relative_hrefs_are_resolved_against_the_document() -> None:
    scene = scene_of("earth_search_v1_relative")
    assert scene.asset_for("blue").href == "s3://archive/scenes/B02.tif"
    assert scene.asset_for("coastal").href.startswith("https://sentinel-cogs.s3.us-west-2.amazonaws.com/")
    assert scene.boa_offset_applied is True


def test_old_items_say_little_and_nothing_is_made_up() -> None:
    scene = scene_of("usgs_0_7_0")
    assert (scene.datetime, scene.platform, scene.version_text, scene.updated) == (
        datetime(2020, 10, 31, tzinfo=UTC),
        "landsat-8",
        "",
        None,
    )
    quality = scene.asset_for("QA_PIXEL")
    assert (quality.nodata, quality.scale, quality.offset, quality.data_type) == (None, None, None, None)


def test_landsat_files_have_a_second_place_in_their_bucket() -> None:
    blue = scene_of("usgs_1_0_0").asset_for("blue")
    assert blue.href.startswith("https://landsatlook.usgs.gov/data/")
    assert dict(blue.alternate_hrefs)["s3"].startswith("s3://usgs-landsat/collection02/level-2/standard/oli-tirs/2020/")
    assert blue.checksum is not None
    assert blue.checksum.startswith("1340")


def test_item_without_collection_is_known_by_its_odc_product() -> None:
    assert scene_of("dea").collection == "ga_ls8c_ard_3"


def test_footprint_at_the_antimeridian_is_kept_as_recorded() -> None:
    scene = scene_of("sentinel_jp2_antimeridian")
    assert scene.geometry["type"] == "MultiPolygon"
    assert scene.bbox == (-180.0, 67.46099994481892, 180.0, 68.49813373282021)


def test_brazil_data_cube_writes_pixel_facts_into_its_bands() -> None:
    scene = scene_from_item(item_of_bdc_record(recorded("bdc_record")))
    ndvi = scene.asset_for("NDVI")
    assert (ndvi.nodata, ndvi.scale, ndvi.offset, ndvi.data_type) == (-9999.0, 0.0001, None, "int16")
    assert scene.asset_for("B02", "blue").checksum == (
        "12204b702ef183842bf1ba9bbb44b7753774abe553fee946d2fed2f9c47a8f41437e"
    )
    assert scene.datetime == datetime(2022, 1, 1, tzinfo=UTC)
    assert scene.bbox == (-56.483111, -14.347017, -55.484621, -13.399905)
    assert scene.version_text.startswith("checksums=")


@pytest.mark.parametrize("name", ["earth_search_v1", "planetary_computer", "usgs_1_0_0"])
def test_pystac_items_give_the_same_scene_as_their_json(name: str) -> None:
    plain = scene_of(name)
    assert scene_from_item(pystac.Item.from_dict(recorded(name), migrate=False)) == plain


def test_the_demo_collection_has_two_scenes_a_date_with_versions_by_checksum() -> None:
    items = recorded("slovenia_items")["features"]
    scenes = [scene_from_item(item, location="s3://scenes/slovenia/items.json") for item in items]
    assert [(s.datetime.date().isoformat(), s.id[4:9]) for s in scenes] == [
        ("2023-08-13", "33TWM"),
        ("2023-08-13", "33TWL"),
        ("2023-08-15", "33TWM"),
        ("2023-08-15", "33TWL"),
    ]
    first = scenes[0].asset_for("B02", "blue")
    assert first.href == "s3://scenes/slovenia/S2B_33TWM_20230813_0_L2A/S2B_33TWM_20230813_0_L2A_B02.tif"
    assert scenes[0].item_href == "s3://scenes/slovenia/items.json"
    assert len({scene.version_text for scene in scenes}) == 4
