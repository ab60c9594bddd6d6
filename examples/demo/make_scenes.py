"""Cuts the demo's scenes out of a larger set of real Sentinel-2 scenes: pixels untouched, native grids kept.

    python examples/demo/make_scenes.py <folder with items.json> [<output folder>]

The source is the west half of MGRS tiles 33TWL and 33TWM at 120 m, five dates in August 2023: see
scenes/README.md. The cut is the area of the demo's two cube tiles and a few pixels more, so that a bilinear
kernel at their edges finds its neighbours.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.warp import transform as transform_points
from rasterio.windows import Window
from shapely.geometry import Polygon, mapping, shape

WEST, SOUTH, EAST, NORTH = 504_060.0, 5_086_080.0, 536_100.0, 5_148_780.0
"""The cut in metres of UTM zone 33 north; each raster keeps the pixels it touches."""
COLLECTION = "s2-l2a-demo"
CLOUD_CLASSES = (8, 9, 10)
POINTS_PER_EDGE = 5
PROFILE = {
    "driver": "COG",
    "COMPRESS": "DEFLATE",
    "LEVEL": "12",
    "PREDICTOR": "YES",
    "BLOCKSIZE": "256",
    # 523 rows at most: overviews would cost a third more and nobody would read them.
    "OVERVIEWS": "NONE",
}
DIGITS = 6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path, help="folder that holds items.json and the rasters it names")
    parser.add_argument("output", type=Path, nargs="?", default=Path(__file__).parent / "scenes")
    arguments = parser.parse_args()
    items = json.loads((arguments.source / "items.json").read_text())["features"]
    arguments.output.mkdir(parents=True, exist_ok=True)
    cut = [cut_item(item, arguments.source, arguments.output) for item in items]
    write_json(arguments.output / "items.json", {"type": "FeatureCollection", "features": cut})
    write_json(arguments.output / "collection.json", collection(cut, arguments.source))
    size = sum(path.stat().st_size for path in arguments.output.rglob("*") if path.is_file())
    print(f"{len(cut)} scenes, {size / 1e6:.1f} MB in {arguments.output}")


def cut_item(item: dict[str, Any], source: Path, output: Path) -> dict[str, Any]:
    """The item with its rasters cut; everything the cut changes is updated."""
    properties, assets = dict(item["properties"]), {}
    folder = output / item["id"]
    folder.mkdir(exist_ok=True)
    for key, asset in item["assets"].items():
        path = folder / Path(asset["href"]).name
        pixels, placement = cut_raster(source / asset["href"], path)
        assets[key] = cut_asset(asset, path, output, pixels, placement)
        if key == "scl":
            seen = pixels != 0
            cloudy = np.isin(pixels, CLOUD_CLASSES)
            properties["eo:cloud_cover"] = round(100.0 * float(cloudy.sum()) / float(seen.sum()), 4)
            properties.update(placement)
    rows, columns = properties["proj:shape"]
    properties["source:crop"] = f"{columns} of the 915 columns and {rows} of the 915 rows of the source image"
    footprint = cut_footprint(item["geometry"], properties["proj:bbox"], properties["proj:epsg"])
    return {
        **item,
        "collection": COLLECTION,
        "geometry": rounded(mapping(footprint)),
        "bbox": [round(value, DIGITS) for value in footprint.bounds],
        "properties": properties,
        "assets": assets,
    }


def cut_raster(source: Path, target: Path) -> tuple[np.ndarray, dict[str, Any]]:
    """Writes the cut of ``source`` to ``target``; returns its pixels and the item's ``proj:`` fields."""
    with rasterio.open(source) as dataset:
        window = cut_window(dataset)
        pixels = dataset.read(1, window=window)
        transform, crs = dataset.window_transform(window), dataset.crs
        shared = {"dtype": dataset.dtypes[0], "nodata": dataset.nodata, "crs": crs, "count": 1}
    height, width = pixels.shape
    with rasterio.open(target, "w", **PROFILE, **shared, height=height, width=width, transform=transform) as dataset:
        dataset.write(pixels, 1)
    with rasterio.open(target) as dataset:
        if not np.array_equal(dataset.read(1), pixels):
            raise RuntimeError(f"{target} does not hold the pixels that were written")
        bounds = list(dataset.bounds)
    return pixels, {
        "proj:shape": [height, width],
        "proj:transform": list(transform)[:6],
        "proj:bbox": bounds,
    }


def cut_window(dataset: rasterio.DatasetReader) -> Window:
    """The dataset's rows and columns that the cut touches."""
    left, _, _, top = dataset.bounds
    width, height = dataset.res
    columns = max(0, math.floor((WEST - left) / width)), min(dataset.width, math.ceil((EAST - left) / width))
    rows = max(0, math.floor((top - NORTH) / height)), min(dataset.height, math.ceil((top - SOUTH) / height))
    return Window.from_slices(rows, columns)


def cut_asset(
    asset: dict[str, Any], path: Path, output: Path, pixels: np.ndarray, placement: dict[str, Any]
) -> dict[str, Any]:
    valid = pixels[pixels != 0].astype(np.float64)
    statistics = {"valid_percent": round(100.0 * valid.size / pixels.size, 3)}
    band = asset["raster:bands"][0]
    if "scale" in band:
        statistics |= {
            "minimum": float(valid.min()),
            "maximum": float(valid.max()),
            "mean": round(float(valid.mean()), 4),
            "stddev": round(float(valid.std()), 4),
        }
    content = path.read_bytes()
    return {
        **asset,
        "href": f"./{path.relative_to(output).as_posix()}",
        "raster:bands": [{**band, "statistics": statistics}],
        "proj:shape": placement["proj:shape"],
        "proj:transform": placement["proj:transform"],
        "file:size": len(content),
        # A multihash: 12 says SHA-256, 20 its length in bytes.
        "file:checksum": "1220" + hashlib.sha256(content).hexdigest(),
    }


def cut_footprint(geometry: dict[str, Any], bounds: list[float], epsg: int) -> Polygon:
    """The part of a scene's footprint (longitude and latitude) inside the cut."""
    west, south, east, north = bounds
    along = np.linspace(0.0, 1.0, POINTS_PER_EDGE)[:-1]
    corners = [(west, south), (east, south), (east, north), (west, north)]
    ring = [
        (x0 + (x1 - x0) * part, y0 + (y1 - y0) * part)
        for (x0, y0), (x1, y1) in zip(corners, corners[1:] + corners[:1], strict=True)
        for part in along
    ]
    longitudes, latitudes = transform_points(f"EPSG:{epsg}", "EPSG:4326", *zip(*ring, strict=True))
    box = Polygon(zip(longitudes, latitudes, strict=True))
    return shape(geometry).intersection(box)


def collection(items: list[dict[str, Any]], source: Path) -> dict[str, Any]:
    base = json.loads((source / "collection.json").read_text())
    times = sorted(item["properties"]["datetime"] for item in items)
    west, south, east, north = zip(*(item["bbox"] for item in items), strict=True)
    return {
        **base,
        "id": COLLECTION,
        "title": "Sentinel-2 L2A at 120 m, seam of tiles 33TWL and 33TWM, August 2023",
        "description": "Five dates, two overlapping UTM tiles a date: blue, green, red, nir, SCL.",
        "extent": {
            "spatial": {"bbox": [[min(west), min(south), max(east), max(north)]]},
            "temporal": {"interval": [[times[0], times[-1]]]},
        },
    }


def rounded(geometry: dict[str, Any]) -> dict[str, Any]:
    def walk(value: Any) -> Any:
        return [walk(part) for part in value] if isinstance(value, (list, tuple)) else round(value, DIGITS)

    return {"type": geometry["type"], "coordinates": walk(geometry["coordinates"])}


def write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
