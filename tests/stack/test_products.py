"""What a build publishes, read by software that is not ours: every item, every collection, every raster."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import odc.stac
import pystac
import pytest
import rasterio
from numpy.testing import assert_array_equal
from PIL import Image
from pystac.extensions.classification import ClassificationExtension
from pystac.extensions.raster import RasterExtension
from rasterio.warp import transform
from rio_cogeo.cogeo import cog_validate
from rio_tiler.io import Reader

from stratocube.local.products import mirror
from tests.stack.conftest import Application
from tests.unit.catalog.stac_rules import errors_of

pytestmark = pytest.mark.slow

ORANGE = (230, 159, 0)


@pytest.fixture(scope="module")
def products(app: Application, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cube with a picture in true colour, and that of its dates, copied to disk."""
    cube = app.example("cube_lcf", datacube="LOOK-1M-LCF", datacube_identity="LOOK")
    cube["parameters"]["with_rgb"] = True
    app.stack.call("POST", "/cubes", cube)
    done = app.build(app.example("start_lcf", datacube="LOOK-1M-LCF-1"))
    assert done.status == "SUCCEEDED"
    folder = tmp_path_factory.mktemp("products")
    mirror(app.stack.client("s3"), app.cubes, folder)
    return folder


def documents(products: Path, kind: str) -> list[tuple[Path, dict[str, Any]]]:
    found = [(path, json.loads(path.read_text())) for path in sorted(products.glob("look*/**/*.json"))]
    chosen = [(path, document) for path, document in found if document["type"] == kind]
    assert chosen, kind
    return chosen


def rasters(products: Path) -> list[tuple[str, Path, dict[str, Any], dict[str, Any]]]:
    """Name, file, asset and properties of each raster of each item."""
    return [
        (name, path.parent / asset["href"], asset, item["properties"])
        for path, item in documents(products, "Feature")
        for name, asset in item["assets"].items()
        if asset["type"].startswith("image/tiff")
    ]


def composite(products: Path, tile: str = "000001") -> tuple[Path, dict[str, Any]]:
    ((path, item),) = [
        (path, item)
        for path, item in documents(products, "Feature")
        if item["collection"] == "LOOK-1M-LCF-1" and item["properties"]["bdc:tiles"] == [tile]
    ]
    return path, item


def test_every_document_is_valid_by_the_schemas_of_core_and_extensions(products: Path) -> None:
    assert len(documents(products, "Collection")) == 2
    assert len(documents(products, "Feature")) == 2 + 10
    for kind in ("Collection", "Feature"):
        for path, document in documents(products, kind):
            assert errors_of(document) == [], path


def test_every_file_has_the_size_and_checksum_of_its_item(products: Path) -> None:
    for path, item in documents(products, "Feature"):
        for asset in item["assets"].values():
            body = (path.parent / asset["href"]).read_bytes()
            assert len(body) == asset["file:size"]
            assert "1220" + hashlib.sha256(body).hexdigest() == asset["file:checksum"]


def test_every_raster_is_a_cog_that_says_what_its_item_says(products: Path) -> None:
    for name, file, asset, properties in rasters(products):
        assert cog_validate(str(file), strict=True, quiet=True) == (True, [], []), file
        told = asset["raster:bands"][0]
        with rasterio.open(file) as raster:
            assert list(raster.shape) == properties["proj:shape"]
            assert list(raster.transform)[:6] == properties["proj:transform"]
            assert raster.crs == rasterio.crs.CRS.from_wkt(properties["proj:wkt2"])
            assert (raster.dtypes[0], raster.nodata) == (told["data_type"], told["nodata"])
            assert (raster.scales[0], raster.offsets[0]) == (told.get("scale", 1), told.get("offset", 0))
            assert (raster.units[0] or "") == told.get("unit", "")
            assert {"STRATOCUBE_IDENTITY", "STRATOCUBE_INPUTS", "TIFFTAG_SOFTWARE"} <= raster.tags().keys()
            if name == "visual":
                continue
            assert raster.descriptions == (name,)
            statistics = {
                key.removeprefix("STATISTICS_").lower(): float(text)
                for key, text in raster.tags(1).items()
                if key.startswith("STATISTICS_")
            }
            assert statistics == told["statistics"] == asset["bands"][0]["statistics"], file


def test_rio_tiler_reads_every_raster_and_finds_the_same_statistics(products: Path) -> None:
    for name, file, asset, properties in rasters(products):
        with Reader(str(file)) as reader:
            assert reader.preview(max_size=64).data.shape[0] == len(asset["bands"])
            if name == "visual":
                continue
            told = asset["raster:bands"][0]["statistics"]
            found = next(iter(reader.statistics(max_size=None).values()))
            if found.valid_percent:
                assert (found.min, found.max) == (told["minimum"], told["maximum"]), file
                assert found.mean == pytest.approx(told["mean"], rel=1e-6)
            x, y = properties["proj:transform"][2] + 100, properties["proj:transform"][5] - 100
            (longitude,), (latitude,) = transform(reader.dataset.crs, "EPSG:4326", [x], [y])[:2]
            assert reader.point(longitude, latitude).array.data[0] == reader.dataset.read(1)[0, 0]


def test_masks_have_a_colour_table_and_no_value_between_classes(products: Path) -> None:
    masks = [(file, asset) for name, file, asset, _ in rasters(products) if name == "SCL"]
    assert len(masks) == 12
    for file, asset in masks:
        with rasterio.open(file) as raster:
            table = raster.colormap(1)
            for one in asset["classification:classes"]:
                assert "{:02X}{:02X}{:02X}".format(*table[one["value"]]) == one["color_hint"]
        with rasterio.open(file) as raster:
            values = set(np.unique(raster.read(1)))
            assert set(np.unique(raster.read(1, out_shape=(64, 64)))) <= values


def test_odc_stac_loads_the_pixels_of_the_files(products: Path) -> None:
    for tile in ("000000", "000001"):
        path, document = composite(products, tile)
        item = pystac.Item.from_file(path)
        item.make_asset_hrefs_absolute()
        names = [name for name in document["assets"] if name not in {"thumbnail", "visual"}]
        loaded = odc.stac.load([item], bands=names)
        for name in names:
            with rasterio.open(path.parent / document["assets"][name]["href"]) as raster:
                assert_array_equal(loaded[name].isel(time=0).values, raster.read(1))


def test_two_tiles_load_as_one_picture_by_a_common_name(products: Path) -> None:
    items = []
    for tile in ("000000", "000001"):
        items.append(pystac.Item.from_file(composite(products, tile)[0]))
        items[-1].make_asset_hrefs_absolute()
    loaded = odc.stac.load(items, bands=["red"], groupby="time")["red"].isel(time=0).values
    parts = []
    for item in items:
        with rasterio.open(item.assets["B04"].href) as raster:
            parts.append((raster.bounds.top, raster.read(1)))
    assert_array_equal(loaded, np.concatenate([pixels for _, pixels in sorted(parts, key=lambda part: -part[0])]))


def test_pystac_knows_what_the_bands_and_classes_are(products: Path) -> None:
    item = pystac.Item.from_file(composite(products)[0])
    (band,) = RasterExtension.ext(item.assets["B04"]).bands or []
    assert (band.scale, band.unit, band.nodata) == (0.0001, "1", 0)
    assert band.statistics is not None
    assert band.statistics.maximum is not None
    classes = ClassificationExtension.ext(item.assets["SCL"]).classes or []
    assert [one.value for one in classes] == list(range(12))


def test_a_composite_is_linked_to_its_dates_and_scenes_and_collections_to_each_other(products: Path) -> None:
    path, item = composite(products)
    derived = [link["href"] for link in item["links"] if link["rel"] == "derived_from"]
    of_dates = [path.parent / href for href in derived if not href.startswith("s3:") and "/look/" in href]
    dates = [json.loads(one.read_text())["properties"]["stratocube:solar_day"] for one in of_dates]
    assert dates == item["properties"]["stratocube:dates"]
    assert len(derived) == 5 + 10
    for name, relation, other in (("look", "related", "LOOK-1M-LCF-1"), ("look-1m-lcf", "derived_from", "LOOK-1")):
        folder = products / name / "v1"
        links = json.loads((folder / "collection.json").read_text())["links"]
        (href,) = [link["href"] for link in links if link["rel"] == relation]
        assert json.loads((folder / href).read_text())["id"] == other


def test_cloudy_dates_are_flagged_and_framed_and_clear_products_are_not(products: Path) -> None:
    for path, item in documents(products, "Feature"):
        properties, picture = item["properties"], item["assets"]["thumbnail"]
        cloudy = properties["eo:cloud_cover"] >= 50
        assert properties["stratocube:flags"] == (["mostly_cloud"] if cloudy else []), path
        with Image.open(path.parent / picture["href"]) as png:
            corner = png.convert("RGB").getpixel((2, 2))
            assert (corner == ORANGE) is cloudy
            assert [png.height, png.width] == picture["proj:shape"]


def test_a_cloudless_picture_is_neither_black_nor_white(products: Path) -> None:
    path, item = composite(products)
    assert item["assets"]["visual"]["roles"] == ["visual", "overview"]
    with rasterio.open(path.parent / item["assets"]["visual"]["href"]) as picture:
        pixels = picture.read()
        assert picture.nodata == 0
    assert pixels.min() >= 1  # nothing is missing here
    assert 40 < np.median(pixels) < 140
    assert np.mean(pixels == 255) < 0.02


def test_renders_name_what_the_items_have(products: Path) -> None:
    for _, collection in documents(products, "Collection"):
        for render in collection["renders"].values():
            assert set(render["assets"]) <= collection["item_assets"].keys()
    assert {"picture", "ndvi", "scl", "clearob", "provenance"} <= collection["renders"].keys()
