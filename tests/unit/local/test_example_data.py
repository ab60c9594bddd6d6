"""The demo's requests and scenes are what they say they are."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.warp import transform_bounds

from stratocube.cube.definition import CubeDefinition
from stratocube.cube.grid_creation import create_grids
from stratocube.cube.requests import GridRequest, StartRequest

DEMO = Path(__file__).parents[3] / "examples" / "demo"
SCENES = DEMO / "scenes"
ITEMS: list[dict[str, Any]] = json.loads((SCENES / "items.json").read_text())["features"]


def _request(name: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads((DEMO / name).read_text().replace("LANDING_BUCKET", "landing-bucket"))
    return body


def test_the_grid_has_two_tiles_of_256_pixels() -> None:
    ((grid, tiles),) = create_grids(GridRequest.parse(_request("grid.json")))
    assert grid.name == "SLOVENIA_DEMO"
    assert {tile.id: tile.bounds for tile in tiles} == {
        "000000": (-15360.0, 0.0, 15360.0, 30720.0),
        "000001": (-15360.0, -30720.0, 15360.0, 0.0),
    }


@pytest.mark.parametrize("name", ["lcf", "med"])
def test_requests_are_accepted_and_fit_together(name: str) -> None:
    cube = CubeDefinition.parse(_request(f"cube_{name}.json"))
    start = StartRequest.parse(_request(f"start_{name}.json"))
    assert (cube.id, start.cube_id) == (f"S2-1M-{name.upper()}-1",) * 2
    assert [str(unit) for unit in start.units(start.resolve(cube))] == [
        "000000_2023-08-01_2023-08-31",
        "000001_2023-08-01_2023-08-31",
    ]


def test_both_cubes_share_their_merges() -> None:
    lcf, med = (CubeDefinition.parse(_request(f"cube_{name}.json")) for name in ("lcf", "med"))
    assert lcf.identity_id == med.identity_id == "S2-1"
    own = {"datacube", "title", "description", "composite_function"}
    assert {key: value for key, value in lcf.to_json().items() if key not in own} == {
        key: value for key, value in med.to_json().items() if key not in own
    }


def test_there_are_two_scenes_of_each_of_five_dates_and_they_are_light() -> None:
    days = sorted((item["properties"]["datetime"][:10], item["id"][4:9]) for item in ITEMS)
    assert days == [(f"2023-08-{day}", tile) for day in (10, 13, 15, 18, 20) for tile in ("33TWL", "33TWM")]
    assert sum(path.stat().st_size for path in SCENES.rglob("*")) < 6_000_000


@pytest.mark.parametrize("item", ITEMS, ids=[item["id"] for item in ITEMS])
def test_an_item_describes_its_files(item: dict[str, Any]) -> None:
    properties = item["properties"]
    for key, asset in item["assets"].items():
        path = SCENES / asset["href"]
        content = path.read_bytes()
        assert len(content) == asset["file:size"]
        assert "1220" + hashlib.sha256(content).hexdigest() == asset["file:checksum"]
        with rasterio.open(path) as dataset:
            assert list(dataset.shape) == asset["proj:shape"] == properties["proj:shape"]
            assert list(dataset.transform)[:6] == asset["proj:transform"] == properties["proj:transform"]
            assert list(dataset.bounds) == properties["proj:bbox"]
            assert dataset.crs.to_epsg() == properties["proj:epsg"]
            band = asset["raster:bands"][0]
            assert (dataset.dtypes[0], dataset.nodata) == (band["data_type"], band["nodata"])
            pixels = dataset.read(1)
            bounds = transform_bounds(dataset.crs, "EPSG:4326", *dataset.bounds)
        assert round(100 * float((pixels != 0).mean()), 3) == band["statistics"]["valid_percent"]
        # the footprint lies inside the file, to the rounding of its coordinates
        assert all(inner >= outer - 1e-3 for inner, outer in zip(item["bbox"][:2], bounds[:2], strict=True))
        assert all(inner <= outer + 1e-3 for inner, outer in zip(item["bbox"][2:], bounds[2:], strict=True))
        if key == "scl":
            cloudy = np.isin(pixels, (8, 9, 10)).sum() / (pixels != 0).sum()
            assert round(100 * float(cloudy), 4) == properties["eo:cloud_cover"]


def test_the_collection_covers_the_items() -> None:
    collection = json.loads((SCENES / "collection.json").read_text())
    west, south, east, north = collection["extent"]["spatial"]["bbox"][0]
    assert {item["collection"] for item in ITEMS} == {collection["id"]}
    for item in ITEMS:
        left, bottom, right, top = item["bbox"]
        assert west <= left < right <= east
        assert south <= bottom < top <= north
