"""Scenes: looking bands up, versions, JSON, and items that are not what they should be."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import Any

import pystac
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stratocube.catalog.assets import SceneAsset
from stratocube.catalog.scenes import Scene
from stratocube.catalog.stac_items import scene_from_item
from stratocube.errors import InvalidRequest

from .recorded import make_item, square


def asset(**fields: Any) -> dict[str, Any]:
    return {"href": "https://scenes.example.org/a.tif", "type": "image/tiff"} | fields


def scene_with(assets: dict[str, Any]) -> Scene:
    return scene_from_item(make_item(assets=assets))


def test_stac_1_1_bands_inherit_from_asset_and_item() -> None:
    scene = scene_from_item(
        make_item(
            stac_version="1.1.0",
            properties={"data_type": "uint16"},
            assets={
                "stack": asset(
                    nodata=0,
                    bands=[
                        {"name": "B04", "eo:common_name": "red", "raster:scale": 0.0001, "raster:offset": -0.1},
                        {"name": "MASK", "nodata": 255, "data_type": "uint8"},
                    ],
                )
            },
        )
    )
    red, mask = scene.asset_for("B04"), scene.asset_for("MASK")
    assert (red.band_index, red.band_count, red.common_name) == (1, 2, "red")
    assert (red.nodata, red.scale, red.offset, red.data_type) == (0, 0.0001, -0.1, "uint16")
    assert (mask.band_index, mask.nodata, mask.scale, mask.data_type) == (2, 255, None, "uint8")


def test_a_null_in_a_band_does_not_hide_what_the_asset_says() -> None:
    scene = scene_with({"red": asset(nodata=0, bands=[{"name": "red", "nodata": None}])})
    assert scene.asset_for("red").nodata == 0


@pytest.mark.parametrize(("written", "meant"), [("nan", math.nan), ("-inf", -math.inf), ("inf", math.inf)])
def test_nodata_may_be_a_word(written: str, meant: float) -> None:
    found = scene_with({"t": asset(**{"raster:bands": [{"nodata": written}]})}).asset_for("t")
    assert found.nodata == meant or (math.isnan(meant) and found.nodata is not None and math.isnan(found.nodata))
    assert found.to_json()["nodata"] == written
    assert SceneAsset.from_json(found.to_json()).to_json() == found.to_json()


def test_files_of_one_band_go_before_files_of_several() -> None:
    scene = scene_with(
        {
            "visual": asset(**{"eo:bands": [{"common_name": n} for n in ("red", "green", "blue")]}),
            "B04": asset(**{"eo:bands": [{"name": "B04", "common_name": "red"}]}),
        }
    )
    assert scene.asset_for("red").key == "B04"
    assert (scene.asset_for("green").key, scene.asset_for("green").band_index) == ("visual", 2)


def test_exact_names_go_before_similar_ones() -> None:
    scene = scene_with({"nir": asset(), "nir08": asset(), "NIR": asset()})
    assert scene.asset_for("NIR", "nir08").key == "NIR"
    assert scene.asset_for("B8A", "nir08").key == "nir08"


def test_a_missing_band_is_reported_with_what_there_is() -> None:
    scene = scene_with({"B04": asset(**{"eo:bands": [{"name": "b4", "common_name": "red"}]}), "SCL": asset()})
    with pytest.raises(InvalidRequest) as error:
        scene.asset_for("B12", "swir22")
    assert error.value.field == "bands.B12"
    assert error.value.reason == (
        "scene S-1 has no asset for 'B12' (common name 'swir22'); it offers B04 (b4, red), SCL."
        " Use one of these as the band's name or common name"
    )


def test_an_ambiguous_band_is_reported_with_the_candidates() -> None:
    rededge = [{"name": "x", "common_name": "rededge"}]
    scene = scene_with({"B05": asset(**{"eo:bands": rededge}), "B06": asset(**{"eo:bands": rededge})})
    with pytest.raises(InvalidRequest, match=r"several assets for this band, B05 \(x, rededge\), B06 \(x, rededge\)"):
        scene.asset_for("edge", "rededge")


def test_the_self_link_says_what_relative_hrefs_mean() -> None:
    item = make_item(
        links=[{"rel": "self", "href": "https://stac.example.org/items/a/item.json?token=x"}],
        assets={"red": asset(href="../files/red.tif?sig=1")},
    )
    scene = scene_from_item(item, location="s3://copy/items.json")
    assert scene.asset_for("red").href == "https://stac.example.org/items/files/red.tif?sig=1"
    item["links"] = [{"rel": "self", "href": "./deeper/item.json"}]
    assert (
        scene_from_item(item, location="s3://copy/items.json").asset_for("red").href == "s3://copy/files/red.tif?sig=1"
    )


def test_a_range_of_dates_starts_the_scene() -> None:
    dates = {"datetime": None, "start_datetime": "2023-08-01", "end_datetime": "2023-08-31"}
    assert scene_from_item(make_item(properties=dates)).datetime == datetime(2023, 8, 1, tzinfo=UTC)


def test_times_of_any_zone_become_utc() -> None:
    scene = scene_from_item(make_item(properties={"datetime": "2023-08-15T21:00:00.5-03:00"}))
    assert scene.to_json()["datetime"] == "2023-08-16T00:00:00.500000Z"


def test_a_missing_geometry_is_the_bbox() -> None:
    scene = scene_from_item(make_item(geometry=None, bbox=[179, -1, 0, -179, 1, 9]))
    assert scene.bbox == (179.0, -1.0, -179.0, 1.0)
    assert scene.geometry["type"] == "MultiPolygon"
    assert Scene.from_json(json.loads(json.dumps(scene.to_json()))) == scene


@pytest.mark.parametrize(("recorded_value", "percent"), [(-1, None), (100.0000001, 100.0), (None, None), (12, 12.0)])
def test_cloud_cover_is_a_percentage_or_unknown(recorded_value: float | None, percent: float | None) -> None:
    scene = scene_from_item(make_item(properties={"eo:cloud_cover": recorded_value}))
    assert scene.cloud_cover_percent == percent


@pytest.mark.parametrize(
    "change",
    [
        {"properties": {"updated": "2023-09-01T00:00:00Z"}},
        {"properties": {"s2:generation_time": "2023-09-01T00:00:00Z"}},
        {"properties": {"s2:processing_baseline": "05.10"}},
        {"properties": {"version": "2"}},
        {"assets": {"red": asset(**{"file:checksum": "1220aa"})}},
    ],
)
def test_whatever_tells_a_new_version_changes_the_version(change: dict[str, Any]) -> None:
    assert scene_from_item(make_item(**change)).version_text != scene_from_item(make_item()).version_text


def test_the_version_is_that_of_the_whole_scene() -> None:
    scene = scene_with({"a": asset(**{"file:checksum": "12aa"}), "b": asset(**{"file:checksum": "12bb"})})
    reordered = scene_with({"b": asset(**{"file:checksum": "12bb"}), "a": asset(**{"file:checksum": "12aa"})})
    assert reordered.version_text == scene.version_text


@pytest.mark.parametrize(
    ("item", "field", "message"),
    [
        ({"id": ""}, "id", "needs an id"),
        ({"type": "Collection"}, "type", "not 'Collection'"),
        ({"properties_": 1}, "properties.datetime", "and so is start_datetime"),
        ({"geometry": None, "bbox": None}, "geometry", "nowhere"),
        ({"geometry": {"type": "Point", "coordinates": [1, 2]}}, "geometry", "Polygon or MultiPolygon"),
        ({"geometry": {"type": "Polygon", "coordinates": [[1, 2]]}}, "geometry", "valid GeoJSON"),
        ({"geometry": {"type": "Polygon"}}, "geometry", "valid GeoJSON"),
        ({"geometry": square(500_000, 5_000_000)}, "geometry", "longitude and latitude"),
        ({"bbox": [1, 2, "x", 4]}, "bbox", "4 or 6 numbers"),
        ({"assets": []}, "assets", "object of assets"),
        ({"assets": {"red": {"type": "image/tiff"}}}, "assets.red.href", "must be an address"),
        ({"assets": {"red": "x"}}, "assets.red", "must be an object"),
        ({"assets": {"red": {"href": "./red.tif"}}}, "assets.red.href", "is relative"),
        ({"assets": {"red": asset(bands={})}}, "assets.red.bands", "list of objects"),
        (
            {"assets": {"red": asset(**{"raster:bands": [{"scale": 0}]})}},
            "assets.red.bands.0.scale",
            "every pixel the same",
        ),
        (
            {"assets": {"red": asset(**{"raster:bands": [{"offset": "1"}]})}},
            "assets.red.bands.0.offset",
            "finite number",
        ),
        (
            {"assets": {"red": asset(**{"raster:bands": [{"nodata": "zero"}]})}},
            "assets.red.bands.0.nodata",
            "'zero'",
        ),
        ({"assets": {"red": asset(**{"eo:bands": [3]})}}, "assets.red.eo:bands", "outside the item's eo:bands"),
    ],
)
def test_a_bad_item_is_refused_with_item_and_field(item: dict[str, Any], field: str, message: str) -> None:
    document = make_item(**{name: value for name, value in item.items() if name != "properties_"})
    if "properties_" in item:
        del document["properties"]["datetime"]
    with pytest.raises(InvalidRequest) as error:
        scene_from_item(document)
    assert error.value.field == field
    assert message in error.value.reason
    assert field == "id" or "S-1" in error.value.reason


@pytest.mark.parametrize(
    ("properties", "field"),
    [
        ({"datetime": "yesterday"}, "properties.datetime"),
        ({"datetime": 20230815}, "properties.datetime"),
        ({"updated": "soon"}, "properties.updated"),
        ({"eo:cloud_cover": "low"}, "properties.eo:cloud_cover"),
        ({"earthsearch:boa_offset_applied": "yes"}, "properties.earthsearch:boa_offset_applied"),
    ],
)
def test_a_bad_property_is_refused_with_its_name(properties: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequest) as error:
        scene_from_item(make_item(properties=properties))
    assert error.value.field == field


def test_a_file_pystac_read_knows_its_place(tmp_path: Any) -> None:
    path = tmp_path / "item.json"
    path.write_text(json.dumps(make_item(assets={"red": asset(href="./red.tif")})))
    scene = scene_from_item(pystac.Item.from_file(str(path)))
    assert scene.asset_for("red").href == str(tmp_path / "red.tif")


def test_json_of_a_scene_without_a_field_is_refused() -> None:
    document = scene_from_item(make_item()).to_json()
    del document["version_text"]
    with pytest.raises(InvalidRequest, match="version_text: is missing"):
        Scene.from_json(document)
    with pytest.raises(InvalidRequest, match="href: is missing"):
        SceneAsset.from_json({"key": "red"})


numbers = st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**40), 2**40)
words = st.none() | st.text(min_size=1, max_size=8)
assets = st.builds(
    SceneAsset,
    key=st.text(min_size=1, max_size=8),
    href=st.just("s3://b/k"),
    band_index=st.integers(1, 9),
    band_count=st.integers(1, 9),
    band_name=words,
    common_name=words,
    nodata=numbers | st.sampled_from([math.inf, -math.inf]),
    scale=numbers,
    offset=numbers,
    data_type=words,
    media_type=words,
    roles=st.lists(st.text(min_size=1, max_size=5), max_size=3).map(tuple),
    checksum=words,
    alternate_hrefs=st.dictionaries(st.text(min_size=1, max_size=5), st.just("s3://c/k"), max_size=2).map(
        lambda places: tuple(places.items())
    ),
)


@settings(deadline=None)
@given(assets)
def test_an_asset_survives_json_text(one: SceneAsset) -> None:
    assert SceneAsset.from_json(json.loads(json.dumps(one.to_json(), allow_nan=False))) == one
