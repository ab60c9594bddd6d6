"""The smallest build: one tile of 64 x 64 pixels, one month, a red and a quality band, scenes where a test says."""

from __future__ import annotations

import json
from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
import rasterio
from affine import Affine

from stratocube.cube.grid_creation import create_grids
from stratocube.cube.requests import GridRequest
from stratocube.storage.retrying import Patience
from stratocube.workflow.context import Invocation, Stack
from stratocube.workflow.plan import plan_build
from stratocube.workflow.search import search_unit
from stratocube.workflow.tasks import MergeTask

BUILD = "b1"
TILE = "000000"
UNIT = f"{TILE}_2023-08-01_2023-08-31"
CUBE = "SMALL-1M-LCF-1"
CRS = "+proj=laea +lat_0=46 +lon_0=15 +ellps=GRS80 +units=m +no_defs"
SIDE, PIXEL = 64, 100
INVOCATION = Invocation(holder="worker", remaining_seconds=240)

GRID: dict[str, Any] = {
    "name": "SMALL",
    "crs": CRS,
    "origin": [-SIDE * PIXEL / 2, SIDE * PIXEL / 2],
    "tile_size": [SIDE * PIXEL, SIDE * PIXEL],
    "bbox": [14.99, 45.99, 15.01, 46.01],
}
CUBE_FORM: dict[str, Any] = {
    "datacube": "SMALL-1M-LCF",
    "datacube_identity": "SMALL",
    "version": 1,
    "title": "small",
    "description": "for tests",
    "grs": "SMALL",
    "resolution": PIXEL,
    "temporal_composition": {"schema": "Continuous", "step": 1, "unit": "month"},
    "composite_function": "LCF",
    "bands": [
        {"name": "B04", "common_name": "red", "data_type": "int16", "nodata": 0},
        {"name": "SCL", "common_name": "quality", "data_type": "uint8", "nodata": 0},
    ],
    "indexes": [],
    "bands_quicklook": ["B04", "B04", "B04"],
    "quality_band": "SCL",
    "parameters": {
        "mask": {"clear_data": [4], "not_clear_data": [9], "saturated_data": [1], "nodata": 0},
    },
}
START: dict[str, Any] = {
    "datacube": CUBE,
    "collections": ["s2"],
    "tiles": [TILE],
    "start_date": "2023-08-01",
    "end_date": "2023-08-31",
}


def scene(red: str, quality: str, item_id: str = "S-1", day: str = "2023-08-15") -> dict[str, Any]:
    """A STAC item over the tile with its two rasters at these addresses."""
    west, south, east, north = 14.8, 45.8, 15.2, 46.2
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": item_id,
        "collection": "s2",
        "bbox": [west, south, east, north],
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {"datetime": f"{day}T10:00:00Z", "platform": "sentinel-2a"},
        "links": [],
        "assets": {
            "red": {"href": red, "type": "image/tiff", "eo:bands": [{"name": "B04", "common_name": "red"}]},
            "SCL": {"href": quality, "type": "image/tiff", "eo:bands": [{"name": "SCL"}]},
        },
    }


def collection(*items: Any) -> bytes:
    """An ItemCollection."""
    return json.dumps({"type": "FeatureCollection", "features": list(items)}).encode()


def raster(value: int, data_type: str = "int16", *, noisy: bool = False) -> bytes:
    """A GeoTIFF on the tile's grid; ``noisy`` does not compress, so that it is longer than GDAL's first read."""
    shape = (4 * SIDE, 4 * SIDE)
    data = np.random.default_rng(value).integers(1, 9999, shape) if noisy else np.full(shape, value)
    half = SIDE * PIXEL / 2
    transform = Affine(PIXEL / 4, 0, -half, 0, -PIXEL / 4, half)
    profile = {"width": shape[1], "height": shape[0], "count": 1, "dtype": data_type, "crs": CRS, "nodata": 0}
    with rasterio.MemoryFile() as file:
        with file.open(
            driver="GTiff", transform=transform, tiled=True, blockxsize=64, blockysize=64, **profile
        ) as target:
            target.write(data.astype(data_type), 1)
        return bytes(file.read())


def pixels(body: bytes) -> Any:
    """The values of a stored COG."""
    with rasterio.open(BytesIO(body)) as dataset:
        return dataset.read(1)


def planned(stack: Stack, **request: Any) -> None:
    """Put grid, cube and build into the tables, and plan the build."""
    if not stack.grids.names():
        ((grid, tiles),) = create_grids(GridRequest.parse(GRID))
        stack.grids.create(grid.name, grid.to_json(), {tile.id: tile.to_json() for tile in tiles})
        stack.cubes.create(CUBE, CUBE_FORM, now="t")
    stack.builds.create(BUILD, CUBE, {**START, **request}, now="t")
    plan_build(stack, BUILD)


def searched(stack: Stack, *items: Any) -> list[MergeTask]:
    """The merge tasks Search makes of these items, the red band's first."""
    stack.work.s3.put_object(Bucket="landing", Key="items.json", Body=collection(*items))
    planned(stack, stac_url="s3://landing/items.json")
    answer = search_unit(stack, BUILD, UNIT)
    tasks = [MergeTask.from_json(task) for task in stack.work.read_json(answer["merges"]["key"])]
    return sorted(tasks, key=lambda task: task.band)


def allowing(stack: Stack, *hosts: str, waits: list[float] | None = None) -> Stack:
    """The stack, with these hosts allowed and waits that are written down in place of being waited."""
    settings = replace(stack.settings, allowed_hosts=hosts)
    taken: list[float] = [] if waits is None else waits
    return replace(stack, settings=settings, patience=Patience(sleep=taken.append))


def written(stack: Stack) -> dict[str, list[str]]:
    """Keys of everything in the buckets for products and work."""
    found = {}
    for bucket in ("cubes", "work"):
        pages = stack.work.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        found[bucket] = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
    return found
