"""STAC Items of composites and of dates."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pystac
import pytest
from pystac.extensions.classification import ClassificationExtension
from pystac.extensions.eo import EOExtension
from pystac.extensions.file import FileExtension
from pystac.extensions.projection import ProjectionExtension
from pystac.extensions.raster import RasterExtension

from stratocube.catalog.product_bands import BandInfo, ClassInfo
from stratocube.catalog.products import (
    BandFile,
    CrsInfo,
    InputItem,
    Picture,
    ProductInfo,
    composite_item,
    identity_item,
)
from stratocube.catalog.stac_items import scene_from_item
from stratocube.errors import InvalidRequest

from .made import CHECKSUM, RED, make_product
from .recorded import square
from .stac_rules import errors_of, extension_errors, schema_errors

ALBERS = 'PROJCRS["BDC",BASEGEOGCRS["GRS80"]]'


def make_composite(product: ProductInfo | None = None, **changes: Any) -> dict[str, Any]:
    details: dict[str, Any] = {
        "start": date(2023, 8, 1),
        "end": date(2023, 8, 31),
        "composite_function": "LCF",
        "dates": [date(2023, 8, 15), date(2023, 8, 13)],
    }
    return composite_item(product or make_product(), **(details | changes))


def make_identity(product: ProductInfo | None = None) -> dict[str, Any]:
    zone = timezone(timedelta(hours=2))
    times = [datetime(2023, 8, 15, 11, 58, 11, tzinfo=zone), datetime(2023, 8, 15, 9, 57, 57, 246000, tzinfo=UTC)]
    return identity_item(product or make_product(), day=date(2023, 8, 15), acquired=times)


@pytest.mark.parametrize(
    "item",
    [
        make_composite(),
        make_composite(dates=[]),
        make_identity(),
        make_identity(make_product(crs=CrsInfo(wkt2=ALBERS), resolution_m=None, platforms=("a", "b"), sources=("x",))),
        make_identity(make_product(efficacy_percent=None, cloud_ratio_percent=None, pictures=(), inputs=())),
    ],
)
def test_items_are_valid_by_core_schema_and_rules_of_extensions(item: dict[str, Any]) -> None:
    assert schema_errors(item) == []
    assert extension_errors(item) == []
    json.dumps(item, allow_nan=False)


def test_a_composite_says_when_where_and_of_what() -> None:
    item = make_composite()
    assert {name: item[name] for name in ("type", "stac_version", "id", "collection", "bbox", "geometry")} == {
        "type": "Feature",
        "stac_version": "1.1.0",
        "id": "S2-1M_V1_011009_20230801",
        "collection": "S2-1M-1",
        "bbox": [15.0, 46.0, 15.5, 46.5],
        "geometry": square(15, 46, 0.5),
    }
    assert item["properties"] == {
        "datetime": "2023-08-01T00:00:00Z",
        "start_datetime": "2023-08-01T00:00:00Z",
        "end_datetime": "2023-08-31T23:59:59Z",
        "created": "2023-09-02T08:30:00Z",
        "updated": "2023-09-02T08:30:00Z",
        "platform": "sentinel-2a",
        "gsd": 120.0,
        "proj:code": "EPSG:32633",
        "proj:shape": [3, 4],
        "proj:transform": [120.0, 0.0, 500000.0, 0.0, -120.0, 5100000.0],
        "proj:bbox": [500000.0, 5099640.0, 500480.0, 5100000.0],
        "eo:cloud_cover": 16.5,
        "bdc:tiles": ["011009"],
        "grid:code": "SLOVENIA-011009",
        "processing:lineage": "LCF composite of 2 dates, 2023-08-01 to 2023-08-31, on tile 011009 of SLOVENIA",
        "stratocube:flags": [],
        "processing:software": {"stratocube": "0.1.0"},
        "stratocube:grid": "SLOVENIA",
        "stratocube:identity": "5f2b" * 16,
        "stratocube:efficacy": 83.25,
        "stratocube:cloud_ratio": 16.5,
        "stratocube:composite_function": "LCF",
        "stratocube:dates": ["2023-08-15", "2023-08-13"],
        "stratocube:date_count": 2,
        "stratocube:empty": False,
    }


def test_a_band_is_described_for_readers_of_both_stac_versions() -> None:
    assert make_composite()["assets"]["B04"] == {
        "href": "./S2-1M_V1_011009_20230801_B04.tif",
        "type": "image/tiff; application=geotiff; profile=cloud-optimized",
        "roles": ["data"],
        "title": "red reflectance",
        "file:size": 1000,
        "file:checksum": CHECKSUM,
        "bands": [
            {
                "name": "B04",
                "description": "red reflectance",
                "nodata": -9999,
                "data_type": "int16",
                "eo:common_name": "red",
                "eo:center_wavelength": 0.6646,
                "eo:full_width_half_max": 0.038,
                "raster:scale": 0.0001,
                "raster:offset": 0.0,
                "raster:spatial_resolution": 120.0,
            }
        ],
        "eo:bands": [
            {
                "name": "B04",
                "description": "red reflectance",
                "common_name": "red",
                "center_wavelength": 0.6646,
                "full_width_half_max": 0.038,
            }
        ],
        "raster:bands": [
            {"nodata": -9999, "data_type": "int16", "scale": 0.0001, "offset": 0.0, "spatial_resolution": 120.0}
        ],
    }


def test_statistics_and_unit_of_a_band_stand_where_each_reader_looks() -> None:
    statistics = {"valid_percent": 98.5, "minimum": 12, "maximum": 9000, "mean": 512.25, "stddev": 80.5}
    red = BandFile(replace(RED, unit="1"), "./red.tif", 10, CHECKSUM, statistics)
    item = make_composite(make_product(files=(red,)))
    assert errors_of(item) == []
    asset = item["assets"]["B04"]
    for described in (asset["bands"][0], asset["raster:bands"][0]):
        assert (described["statistics"], described["unit"]) == (statistics, "1")


def test_a_grid_without_a_code_is_told_in_two_languages() -> None:
    proj4 = "+proj=aea +lat_0=-12 +lon_0=-54 +lat_1=-2 +lat_2=-22 +x_0=5000000 +y_0=10000000 +ellps=GRS80 +units=m"
    properties = make_composite(make_product(crs=CrsInfo(wkt2=ALBERS, proj4=proj4), grid="BDC_SM"))["properties"]
    assert properties["proj:code"] is None
    assert (properties["proj:wkt2"], properties["stratocube:proj4"]) == (ALBERS, proj4)
    assert properties["grid:code"] == "BDCSM-011009"


def test_a_colour_picture_describes_its_three_bands() -> None:
    picture = Picture(
        "./rgb.tif",
        9,
        CHECKSUM,
        (3, 4),
        key="visual",
        media_type="image/tiff; application=geotiff; profile=cloud-optimized",
        roles=("visual", "overview"),
        title="Red, green and blue",
        band_names=("B04", "B03", "B02"),
    )
    item = make_composite(make_product(pictures=(picture,)))
    assert errors_of(item) == []
    asset = item["assets"]["visual"]
    assert [(band["name"], band["eo:common_name"]) for band in asset["bands"]] == [
        ("red", "red"),
        ("green", "green"),
        ("blue", "blue"),
    ]
    assert asset["bands"][1]["description"] == "green for the eye, of B03"
    assert (asset["title"], asset["roles"]) == ("Red, green and blue", ["visual", "overview"])


def test_what_is_doubtful_is_said() -> None:
    product = make_product(flags=("mostly_cloud",), quicklook_facts={"valid_percent": 99.0})
    properties = make_composite(product)["properties"]
    assert (properties["stratocube:flags"], properties["stratocube:quicklook"]) == (
        ["mostly_cloud"],
        {"valid_percent": 99.0},
    )


def test_the_quality_band_has_classes_and_its_role() -> None:
    quality = make_composite()["assets"]["SCL"]
    assert quality["roles"] == ["data", "quality"]
    assert [one["value"] for one in quality["classification:classes"]] == list(range(12))
    assert quality["classification:classes"][0] == {
        "value": 0,
        "name": "no_data",
        "description": "no data",
        "color_hint": "000000",
        "nodata": True,
    }


def test_links_are_relative_and_inputs_are_named() -> None:
    assert make_composite()["links"] == [
        {
            "rel": "collection",
            "href": "../../../../../../collection.json",
            "type": "application/json",
            "title": "S2-1M-1",
        },
        {"rel": "parent", "href": "../../../../../../collection.json", "type": "application/json", "title": "S2-1M-1"},
        {
            "rel": "derived_from",
            "href": "https://stac.example.org/items/S2A_33TWM_20230815_0_L2A",
            "type": "application/geo+json",
            "title": "S2A_33TWM_20230815_0_L2A",
        },
    ]


def test_a_picture_has_a_grid_of_its_own() -> None:
    assert make_composite()["assets"]["thumbnail"] == {
        "href": "./S2-1M_V1_011009_20230801.png",
        "type": "image/png",
        "roles": ["thumbnail", "overview"],
        "file:size": 500,
        "file:checksum": CHECKSUM,
        "proj:shape": [3, 2],
        "proj:transform": [240.0, 0.0, 500000.0, 0.0, -120.0, 5100000.0],
    }


def test_an_empty_period_says_so() -> None:
    properties = make_composite(dates=[])["properties"]
    assert (properties["stratocube:empty"], properties["stratocube:date_count"]) == (True, 0)


def test_an_identity_item_has_the_times_of_its_scenes() -> None:
    properties = make_identity()["properties"]
    assert {
        name: properties[name] for name in ("datetime", "start_datetime", "end_datetime", "stratocube:solar_day")
    } == {
        "datetime": "2023-08-15T09:57:57.246000Z",
        "start_datetime": "2023-08-15T09:57:57.246000Z",
        "end_datetime": "2023-08-15T09:58:11Z",
        "stratocube:solar_day": "2023-08-15",
    }
    assert "stratocube:composite_function" not in properties


def test_a_grid_without_code_is_given_by_wkt() -> None:
    properties = make_identity(make_product(crs=CrsInfo(wkt2=ALBERS)))["properties"]
    assert properties["proj:code"] is None
    assert properties["proj:wkt2"] == ALBERS


def test_several_platforms_are_listed_and_sources_keep_their_order() -> None:
    item = make_composite(make_product(platforms=("landsat-8", "landsat-9"), sources=("z", "a")))
    assert "platform" not in item["properties"]
    assert item["properties"]["stratocube:platforms"] == ["landsat-8", "landsat-9"]
    assert item["properties"]["stratocube:sources"] == ["z", "a"]


@pytest.mark.parametrize(
    ("common_name", "in_eo_bands", "in_bands"),
    [
        ("red", "red", "red"),
        ("rededge071", "rededge", "rededge071"),
        ("quality", None, None),
        (None, None, None),
    ],
)
def test_common_names_are_those_each_version_knows(
    common_name: str | None, in_eo_bands: str | None, in_bands: str | None
) -> None:
    described = BandInfo("B", "int16", 0, common_name=common_name).to_stac()
    assert described["eo:bands"][0].get("common_name") == in_eo_bands
    assert described["bands"][0].get("eo:common_name") == in_bands


def test_nan_nodata_is_written_as_text() -> None:
    described = BandInfo("T", "float32", float("nan")).to_stac()
    assert described["bands"] == [{"name": "T", "nodata": "nan", "data_type": "float32"}]


def test_pystac_reads_what_we_write_and_writes_it_again() -> None:
    document = make_composite()
    item = pystac.Item.from_dict(document)
    assert item.to_dict(include_self_link=False, transform_hrefs=False) == document
    red, quality = item.assets["B04"], item.assets["SCL"]
    assert [band.common_name for band in EOExtension.ext(red).bands or []] == ["red"]
    assert [(b.nodata, b.scale, b.offset) for b in RasterExtension.ext(red).bands or []] == [(-9999, 0.0001, 0.0)]
    assert FileExtension.ext(red).checksum == CHECKSUM
    assert ProjectionExtension.ext(item).epsg == 32633
    assert len(ClassificationExtension.ext(quality).classes or []) == 12


def test_a_composite_is_a_scene_for_another_cube() -> None:
    scene = scene_from_item(make_composite(), location="s3://cubes/s2-1m/v1/item.json")
    red = scene.asset_for("B04")
    assert red.href == "s3://cubes/s2-1m/v1/S2-1M_V1_011009_20230801_B04.tif"
    assert (red.nodata, red.scale, red.data_type, red.checksum) == (-9999, 0.0001, "int16", CHECKSUM)
    assert [asset.key for asset in scene.assets] == ["B04", "NDVI", "SCL", "CLEAROB"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: BandFile(RED, "s3://b/k.tif", 1, CHECKSUM), "B04.href: must be relative"),
        (lambda: BandFile(RED, "/k.tif", 1, CHECKSUM), "B04.href: must be relative"),
        (lambda: BandFile(RED, "./k.tif", -1, CHECKSUM), "B04.size_bytes: must not be negative"),
        (lambda: BandFile(RED, "./k.tif", 1, "SHA"), "B04.checksum: must be a multihash"),
        (lambda: Picture("https://x.org/p.png", 1, CHECKSUM, (1, 1)), "thumbnail.href: must be relative"),
        (lambda: InputItem("S-1", ""), "inputs.S-1.href: must say where"),
        (CrsInfo, "crs: a CRS needs a code"),
        (lambda: CrsInfo("32633"), "crs.code: must be AUTHORITY:CODE"),
        (lambda: ClassInfo(1, "no data"), "classes.name"),
        (lambda: ClassInfo(1, "a", color_hint="#ff0000"), "classes.color_hint"),
        (lambda: make_composite(end=date(2023, 7, 1)), "end: 2023-07-01 is before"),
        (lambda: identity_item(make_product(), day=date(2023, 8, 15), acquired=[]), "acquired: an identity item"),
        (
            lambda: identity_item(make_product(), day=date(2023, 8, 15), acquired=[datetime(2023, 8, 15)]),  # noqa: DTZ001  naive on purpose
            "acquired: must have a time zone",
        ),
        (lambda: make_identity(make_product(files=())), "files: a product needs"),
        (lambda: make_identity(make_product(files=make_product().files * 2)), "files: B04 is there twice"),
        (lambda: make_identity(make_product(efficacy_percent=101)), "efficacy_percent: must be within 0 and 100"),
        (
            lambda: make_identity(make_product(extra_properties={"bdc:tiles": []})),
            "extra_properties.bdc:tiles: is written by stratocube itself",
        ),
    ],
)
def test_values_that_would_make_a_wrong_item_are_refused(make: Any, message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        make()


def test_further_properties_are_taken_as_they_are() -> None:
    item = make_identity(replace(make_product(), extra_properties={"bdc:note": 1}))
    assert item["properties"]["bdc:note"] == 1
