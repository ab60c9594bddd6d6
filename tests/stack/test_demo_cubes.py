"""The demo's cubes on the embedded stack, checked from the outside and against an independent computation."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import odc.stac
import pystac
import pytest
import rasterio
from numpy.testing import assert_array_equal
from rio_cogeo import cog_validate

from stratocube.local.products import mirror
from stratocube.local.progress import BuildProgress
from tests.stack import independent
from tests.stack.conftest import DEMO, Application

TILES = ("000000", "000001")
MERGES = 2 * 5 * 5  # tiles, dates, bands


@pytest.fixture(scope="module")
def builds(app: Application) -> dict[str, BuildProgress]:
    """The LCF cube, then the MED cube over the same dates."""
    done = {}
    for name in ("lcf", "med"):
        app.stack.call("POST", "/cubes", app.example(f"cube_{name}"))
        done[name] = app.build(app.example(f"start_{name}"))
    return done


@pytest.fixture(scope="module")
def products(app: Application, builds: dict[str, BuildProgress], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cube bucket, copied to disk."""
    folder = tmp_path_factory.mktemp("products")
    mirror(app.stack.client("s3"), app.cubes, folder)
    return folder


@pytest.fixture(scope="module", params=TILES)
def tile(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def around(products: Path, tile: str) -> list[independent.Stack]:
    """The tile's dates by the independent computation: exactly, and with the scenes moved by the tolerance."""
    item = _item(products, "s2-1m-lcf", tile)
    west, _, east, _ = item.bbox or []
    target, middle = _target(_file(item, "B04")), (west + east) / 2
    return [
        independent.observe(
            _definition("lcf"), DEMO / "scenes", target, middle, "2023-08-01", "2023-08-31", moved=moved
        )
        for moved in independent.AROUND
    ]


@pytest.fixture(scope="module")
def observed(products: Path, around: list[independent.Stack], tile: str) -> independent.Stack:
    """The tile's dates with the pixels that were published of them."""
    days = {
        day: {band: _pixels(_item(products, "s2", tile, day.replace("-", "/")), band) for band in bands}
        for day, bands in around[0].days.items()
    }
    return replace(around[0], days=days)


def _definition(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DEMO / f"cube_{name}.json").read_text())
    return found


def _item(products: Path, cube: str, tile: str, day: str = "2023/08/01") -> pystac.Item:
    folder = products / cube / "v1" / tile[:3] / tile[3:] / day
    (path,) = folder.glob("*.json")
    return pystac.Item.from_file(path)


def _file(item: pystac.Item, band: str) -> str:
    href = item.assets[band].get_absolute_href()
    assert href is not None
    return href


def _pixels(item: pystac.Item, band: str) -> Any:
    with rasterio.open(_file(item, band)) as dataset:
        return dataset.read(1)


def _target(path: str) -> independent.Target:
    with rasterio.open(path) as dataset:
        return independent.Target(dataset.crs, dataset.transform, dataset.shape)


def test_both_builds_succeed_and_the_second_reuses_every_merge(builds: dict[str, BuildProgress]) -> None:
    assert [build.status for build in builds.values()] == ["SUCCEEDED", "SUCCEEDED"]
    lcf, med = builds["lcf"].steps, builds["med"].steps
    assert (lcf["merge"].built, lcf["merge"].reused) == (MERGES, 0)
    assert (med["merge"].built, med["merge"].reused) == (0, MERGES)
    assert (lcf["blend"].built, med["blend"].built) == (10, 8)
    assert (med["publish_dates"].built, med["publish_dates"].reused) == (0, 10)


@pytest.mark.parametrize("band", ["B02", "B03", "B04", "B08", "SCL"])
def test_every_pixel_of_the_least_cloud_first_composite_is_the_independent_one(
    products: Path, observed: independent.Stack, tile: str, band: str
) -> None:
    assert_array_equal(_pixels(_item(products, "s2-1m-lcf", tile), band), independent.composite(observed, band))


@pytest.mark.parametrize("band", ["B02", "B03", "B04", "B08"])
def test_every_pixel_of_the_median_is_the_independent_one(
    products: Path, observed: independent.Stack, tile: str, band: str
) -> None:
    want = independent.composite(replace(observed, definition=_definition("med")), band)
    assert_array_equal(_pixels(_item(products, "s2-1m-med", tile), band), want)


def test_the_observation_layers_are_the_independent_ones(
    products: Path, observed: independent.Stack, tile: str
) -> None:
    item = _item(products, "s2-1m-lcf", tile)
    for layer, want in independent.layers(observed).items():
        assert_array_equal(_pixels(item, layer), want, err_msg=layer)


def test_every_merge_is_the_independent_one(observed: independent.Stack, around: list[independent.Stack]) -> None:
    """As far as coordinates are exact."""
    for day, bands in observed.days.items():
        for band, found in bands.items():
            wants = np.stack([stack.days[day][band] for stack in around])
            assert found.dtype == wants.dtype
            good = independent.within(found, wants, observed.band(band)["nodata"], picked=band == "SCL")
            assert good.all(), f"{day} {band}: {found[~good]} is none of {wants[:, ~good]}"
            assert np.abs(found.astype(float) - wants[0]).mean() < 1, f"{day} {band}"


def test_the_composite_is_free_of_cloud(products: Path, tile: str) -> None:
    quality = _pixels(_item(products, "s2-1m-lcf", tile), "SCL")
    assert np.isin(quality, _definition("lcf")["parameters"]["mask"]["clear_data"]).mean() > 0.999


def test_indexes_follow_from_the_composite(products: Path, tile: str) -> None:
    item = _item(products, "s2-1m-lcf", tile)
    nir, red = (_pixels(item, band).astype("float32") for band in ("B08", "B04"))
    want = np.trunc(np.float32(10000) * ((nir - red) / (nir + red)))
    assert np.abs(_pixels(item, "NDVI") - want).max() <= 1


def test_every_raster_is_a_valid_cog_on_the_grid_of_its_tile(products: Path, tile: str) -> None:
    item = _item(products, "s2-1m-lcf", tile)
    for path in products.rglob("*.tif"):
        valid, errors, warnings = cog_validate(path, strict=True)
        assert valid, (path, errors, warnings)
    for band in item.assets:
        if band == "thumbnail":
            continue
        with rasterio.open(_file(item, band)) as dataset:
            assert list(dataset.transform)[:6] == item.properties["proj:transform"]
            assert list(dataset.shape) == item.properties["proj:shape"]
            assert dataset.crs == rasterio.crs.CRS.from_wkt(item.properties["proj:wkt2"])
            assert dataset.nodata == item.assets[band].extra_fields["raster:bands"][0]["nodata"]


def test_items_load_in_odc_stac_pixel_for_pixel(products: Path, tile: str) -> None:
    item = _item(products, "s2-1m-lcf", tile)
    item.make_asset_hrefs_absolute()
    loaded = odc.stac.load([item], bands=["B04", "NDVI", "PROVENANCE"])
    for band in ("B04", "NDVI", "PROVENANCE"):
        assert_array_equal(loaded[band].isel(time=0).values, _pixels(item, band))


def test_items_name_their_collection_inputs_and_files(products: Path, tile: str) -> None:
    item = _item(products, "s2-1m-lcf", tile)
    assert item.collection_id == "S2-1M-LCF-1"
    collection = pystac.Collection.from_file(products / "s2-1m-lcf" / "v1" / "collection.json")
    assert collection.id == item.collection_id
    # its dates, and their scenes
    assert len(item.get_links("derived_from")) == 5 + {"000000": 5, "000001": 10}[tile]
    for asset in item.assets.values():
        path = Path(asset.get_absolute_href() or "")
        assert path.stat().st_size == asset.extra_fields["file:size"]


def test_the_same_build_started_twice_at_once_does_the_work_once(app: Application, builds: Any) -> None:
    app.stack.call("POST", "/cubes", app.example("cube_lcf", datacube="TWICE-1M-LCF", datacube_identity="TWICE"))
    request = app.example("start_lcf", datacube="TWICE-1M-LCF-1", tiles=["000000"])
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(app.build, [request, request])
    assert [first.status, second.status] == ["SUCCEEDED", "SUCCEEDED"]
    for step, parts in {"merge": 25, "publish_dates": 5, "blend": 5, "publish": 1}.items():
        assert first.steps[step].built + second.steps[step].built == parts, step
        assert first.steps[step].done == second.steps[step].done == parts, step


def test_a_finished_build_is_found_under_its_cube(app: Application, builds: dict[str, BuildProgress]) -> None:
    answer = app.stack.call("GET", "/cube-status?cube_id=S2-1M-LCF-1")
    assert (answer["finished"], answer["done"], answer["not_done"], answer["error"]) == (True, 2, 0, 0)
    assert json.dumps(answer).count(builds["lcf"].build_id) >= 1
