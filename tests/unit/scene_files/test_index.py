"""Directories of scenes as STAC Items."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio.warp
from typer.testing import CliRunner

from stratocube.catalog.stac_items import scene_from_item
from stratocube.cli.main import app
from stratocube.cube.geobox import GeoBox
from stratocube.errors import InvalidRequest
from stratocube.pixels.cog import save_as_cog
from stratocube.pixels.sources import open_raster, read_pixels
from stratocube.scene_files.formats import FileFormat, scenes_of_files
from stratocube.scene_files.index import address_below, index_directory
from stratocube.storage.hrefs import gdal_path
from tests.safe_product import NAME, write_safe_zip

GRID = GeoBox("EPSG:32633", 500000, 5200000, 10, 10, width=3, height=2)
LANDSAT: dict[str, Any] = {
    "description": "Landsat, one file a band",
    "tags": ["Landsat"],
    "images": {"pattern": r".*/(L[CET]0\d_\d{6}_\d{8})_.*\.tif"},
    "datetime": {"pattern": r".*/L[CET]0\d_\d{6}_(\d{8})_.*", "format": "%Y%m%d"},
    "bands": {
        "red": {"pattern": r".*_B4\.tif", "nodata": 0, "scale": 2.75e-05, "offset": -0.2},
        "QA": {"pattern": r".*_QA\.tif", "nodata": 1},
    },
}


def raster(path: Path, value: int = 7) -> None:
    path.parent.mkdir(exist_ok=True, parents=True)
    save_as_cog(path, np.full((2, 3), value, dtype=np.uint16), GRID, nodata=0, kind="categorical")


def test_files_are_grouped_by_image_and_images_are_in_order_of_time() -> None:
    paths = [
        "/d/LC08_221069_20210123_B4.tif",
        "/d/LE07_221069_20210107_QA.tif",
        "/d/LC08_221069_20210123_QA.tif",
        "/d/LC08_221069_20210123_B5.tif",
        "/d/readme.txt",
    ]
    found = scenes_of_files(paths, FileFormat.parse(LANDSAT))
    assert [(scene.id, scene.taken.isoformat(), sorted(scene.bands)) for scene in found] == [
        ("LE07_221069_20210107", "2021-01-07T00:00:00+00:00", ["QA"]),
        ("LC08_221069_20210123", "2021-01-23T00:00:00+00:00", ["QA", "red"]),
    ]


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"images": {"pattern": "("}}, "images.pattern", "no regular expression"),
        ({"images": {}}, "images.pattern", "is required"),
        ({"bands": {}}, "bands", "at least 1"),
        ({"bands": {"red": {"pattern": ".*", "band": 0}}}, "bands.red.band", "1 or more"),
        ({"images": {"pattern": ".*tif"}}, "images.pattern", "needs a group"),
        ({"datetime": {"pattern": ".*_(x).*"}}, "datetime.pattern", "does not match"),
        ({"datetime": {"pattern": r".*_(\d{8})_.*", "format": "%Y-%m"}}, "datetime.format", "does not match format"),
        ({"bands": {"red": {"pattern": ".*"}}}, "bands.red.pattern", "has two files"),
    ],
)
def test_a_format_that_is_wrong_is_refused_by_field(changes: dict[str, Any], field: str, says: str) -> None:
    paths = ["/d/LC08_221069_20210123_B4.tif", "/d/LC08_221069_20210123_QA.tif"]
    with pytest.raises(InvalidRequest) as caught:
        scenes_of_files(paths, FileFormat.parse(LANDSAT | changes))
    assert caught.value.field == field
    assert says in caught.value.reason


def test_a_directory_becomes_scenes_that_a_cube_can_read(tmp_path: Path) -> None:
    for name in ("LC08_221069_20210123_B4.tif", "LC08_221069_20210123_QA.tif"):
        raster(tmp_path / "2021" / name)
    (item,) = index_directory(
        tmp_path,
        address=address_below(tmp_path, "s3://landing/ls/"),
        collection="landsat",
        file_format=FileFormat.parse(LANDSAT),
        ending=".tif",
        properties={"platform": "landsat-8"},
    )
    scene = scene_from_item(item)
    assert (scene.id, scene.collection, scene.platform) == ("LC08_221069_20210123", "landsat", "landsat-8")
    red, quality = scene.asset_for("red"), scene.asset_for("QA")
    assert red.href == "s3://landing/ls/2021/LC08_221069_20210123_B4.tif"
    assert (red.nodata, red.scale, red.offset, quality.nodata) == (0, 2.75e-05, -0.2, 1)
    expected = rasterio.warp.transform_bounds("EPSG:32633", "EPSG:4326", 500000, 5199980, 500030, 5200000)
    assert scene.bbox == pytest.approx(expected, abs=1e-7)


def test_bands_of_one_file_keep_their_place(tmp_path: Path) -> None:
    raster(tmp_path / "M_20210101.tif")
    bands = {"evi": {"pattern": ".*tif", "band": 3}, "ndvi": {"pattern": ".*tif", "band": 1}}
    form = LANDSAT | {
        "images": {"pattern": r".*/(M_\d{8})\.tif"},
        "datetime": {"pattern": r".*_(\d{8})\.tif", "format": "%Y%m%d"},
        "bands": bands,
    }
    (item,) = index_directory(
        tmp_path, address=address_below(tmp_path, "s3://b/p"), collection="c", file_format=FileFormat.parse(form)
    )
    scene = scene_from_item(item)
    assert (scene.asset_for("ndvi").band_index, scene.asset_for("evi").band_index) == (1, 3)


def test_a_zipped_safe_product_is_a_scene_whose_bands_can_be_read(tmp_path: Path) -> None:
    red = np.array([[0, 1000, 1500], [2000, 3000, 4000]], dtype=np.uint16)
    path = write_safe_zip(
        tmp_path,
        {"B04_10m": red, "SCL_20m": red.astype(np.uint8)},
        GRID,
        further_images=("GRANULE/X/IMG_DATA/R20m/T33TWM_20230815T095031_B04_20m", "GRANULE/X/TCI_10m"),
    )
    (item,) = index_directory(tmp_path, address=address_below(tmp_path, "s3://b/s2"), collection="s2")
    scene = scene_from_item(item)
    assert scene.id == NAME
    assert (scene.platform, scene.processing_baseline, scene.cloud_cover_percent) == ("sentinel-2a", "05.09", 0.5)
    assert scene.acquisition.frame == "MGRS-33TWM"
    assert (scene.acquisition.strip, scene.acquisition.datatake) == ("20230815T095630", "20230815T095031")
    band, classes = scene.asset_for("B04"), scene.asset_for("SCL")
    assert (band.scale, band.offset, band.nodata, band.common_name) == (0.0001, -0.1, 0, "red")
    assert (classes.scale, classes.offset) == (None, None)
    archive, inner = band.href.split("!")
    assert archive == f"zip+s3://b/s2/{NAME}.zip" and inner.endswith("_B04_10m.jp2")
    with open_raster(f"/vsizip/{{{path}}}/{inner}") as dataset:
        assert read_pixels(dataset).tolist() == red.tolist()


def test_an_unzipped_safe_product_is_the_same_scene(tmp_path: Path) -> None:
    import zipfile

    (tmp_path / "zipped").mkdir()
    path = write_safe_zip(tmp_path / "zipped", {"B04_10m": np.ones((2, 3), np.uint16)}, GRID)
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path / "plain")
    (item,) = index_directory(
        tmp_path / "plain", address=address_below(tmp_path / "plain", "s3://b/s2"), collection="s2"
    )
    href = item["assets"]["B04"]["href"]
    assert href.startswith(f"s3://b/s2/{NAME}.SAFE/GRANULE/") and href.endswith("_B04_10m.jp2")


def test_gdal_is_told_where_an_archive_ends() -> None:
    href = "zip+s3://bucket/a b.zip!X.SAFE/IMG/B04.jp2"
    assert gdal_path(href) == "/vsizip/{/vsis3/bucket/a b.zip}/X.SAFE/IMG/B04.jp2"
    for wrong in ("zip+s3://bucket/a.zip", "zip+s3://bucket/a.zip!../b", "zip+s3://b/{a}.zip!b", "zip+ftp://b/a.zip!b"):
        with pytest.raises(InvalidRequest):
            gdal_path(wrong)


@pytest.mark.parametrize(
    ("content", "says"), [(b"no zip", "no whole zip archive"), (None, "holds no Sentinel-2 SAFE product")]
)
def test_a_directory_without_products_says_so(tmp_path: Path, content: bytes | None, says: str) -> None:
    if content is not None:
        (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(InvalidRequest, match=says):
        list(index_directory(tmp_path, address=address_below(tmp_path, "s3://b"), collection="s2"))


def test_metadata_that_lacks_what_a_scene_needs_is_refused_by_element(tmp_path: Path) -> None:
    (tmp_path / "MTD_MSIL2A.xml").write_text("<a><PRODUCT_URI>x.SAFE</PRODUCT_URI></a>")
    with pytest.raises(InvalidRequest) as caught:
        list(index_directory(tmp_path, address=address_below(tmp_path, "s3://b"), collection="s2"))
    assert caught.value.field == "PROCESSING_BASELINE"


def test_the_command_writes_an_item_collection(tmp_path: Path) -> None:
    raster(tmp_path / "scenes" / "LC08_221069_20210123_B4.tif")
    form = tmp_path / "format.json"
    form.write_text(json.dumps(LANDSAT))
    output = tmp_path / "items.json"
    arguments = ["scenes", "index", str(tmp_path / "scenes"), "--at", "s3://b/p", "--output", str(output)]
    answer = CliRunner().invoke(app, [*arguments, "--format", str(form), "--platform", "landsat-8"])
    assert answer.exit_code == 0, answer.output
    assert answer.output.startswith("1 scenes, 2021-01-23:")
    (item,) = json.loads(output.read_text())["features"]
    assert item["properties"] == {"datetime": "2021-01-23T00:00:00Z", "platform": "landsat-8"}


def test_the_command_explains_what_is_wrong(tmp_path: Path) -> None:
    answer = CliRunner().invoke(app, ["scenes", "index", str(tmp_path / "none"), "--at", "s3://b/p"])
    assert answer.exit_code == 2
    assert "is no directory" in answer.output
    assert "Traceback" not in answer.output
