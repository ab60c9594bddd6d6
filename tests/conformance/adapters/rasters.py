"""Golden names for mosaics, files, histogram matching, footprints and pictures."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from PIL import Image
from rio_cogeo import cog_validate
from shapely.geometry import shape

from stratocube.cube.geobox import GeoBox
from stratocube.cube.grids import Tile
from stratocube.cube.mask import parse_mask
from stratocube.pixels.cog import create_empty_raster, save_as_cog
from stratocube.pixels.footprint import raster_convexhull, raster_extent
from stratocube.pixels.histogram import match_histogram_with_merges
from stratocube.pixels.merge import Merge, empty_merge, merge, merge_on_scene_grid
from stratocube.pixels.quicklook import generate_quick_look, generate_rgb
from stratocube.pixels.resampling import default_resampling, get_resample_method
from stratocube.pixels.sensors import has_oli, oli_pixels
from stratocube.pixels.sentinel2 import sentinel2_read
from stratocube.pixels.sources import SourceRaster
from stratocube.pixels.statistics import qa_statistics
from stratocube.pixels.validate import check_file_integrity

Case = dict[str, Any]

_TILE_WIDTH = 322
"""Tag of a TIFF that only tiled files have."""


def _merge(case: Case, root: Path) -> Case:
    mask = case["mask"]
    band = case["band_definition"]
    categorical = case["band"] in {case["quality_band"], mask.get("saturated_band")}
    kind = "categorical" if categorical else "continuous"
    platforms = bool(case.get("combined"))
    combined = platforms or len(case["datasets"]) > 1
    names = case["platforms"] if platforms else case["datasets"]
    scale = case.get("scale") or {}
    sources = [
        SourceRaster(
            href=asset["file"],
            path=str(root / asset["file"]),
            nodata=asset["nodata"],
            dataset=asset["platform"] if platforms else asset["dataset"],
            scale=scale.get("mult"),
            offset=scale.get("add"),
        )
        for asset in case["assets"]
    ]
    stored = {
        "data_type": band["data_type"],
        "nodata": band["nodata"],
        "kind": kind,
        "overlap": "first" if combined else "last",
        "scale": band.get("scale"),
        "datasource": names if case.get("build_provenance") else None,
    }
    if case.get("shape"):
        merged = merge_on_scene_grid(sources, tuple(case["shape"]), **stored)
    else:
        resampling = case.get("resampling") or default_resampling(kind, has_mask=bool(mask))
        merged = merge(sources, _geobox(case["grid"]), resampling=resampling, **stored)
    output: Case = {"raster": merged.data, "profile": _profile(merged), "efficacy": 0, "cloud_ratio": 100}
    if case["band"] == case["quality_band"]:
        oli: Any = True
        if merged.datasource is not None:
            oli = oli_pixels(merged.datasource, [i for i, name in enumerate(names) if not has_oli(name)])
        output["efficacy"], output["cloud_ratio"] = qa_statistics(merged.data, parse_mask(mask), oli=oli)
    if merged.datasource is not None:
        output["datasource"] = merged.datasource
        output["datasource_nodata"] = 255
        output["datasource_tags"] = {name: str(index) for index, name in enumerate(names)}
    return output


def _empty_merge(case: Case, _: Path) -> Case:
    band = case["band"]
    merged = empty_merge(_geobox(case["grid"]), data_type=band["data_type"], nodata=band["nodata"])
    statistics = qa_statistics(np.full((1, 1), case["mask"]["nodata"]), parse_mask(case["mask"]))
    profile = _profile(merged) | {"values": np.unique(merged.data).tolist()}
    return {"profile": profile, "efficacy": statistics.efficacy, "cloud_ratio": statistics.cloud_ratio}


def _get_resample_method(case: Case, _: Path) -> Case:
    return {"name": get_resample_method(case["name"]).name}


def _save_as_cog(case: Case, root: Path) -> Case:
    modulus = int(case["formula"].rsplit("mod", maxsplit=1)[1])
    rows, columns = np.indices((case["height"], case["width"]))
    data = ((rows * 7 + columns * 13) % modulus).astype(case["dtype"])
    a, _, x_min, _, e, y_max = case["geotransform"]
    geobox = GeoBox(case["crs"], x_min, y_max, a, -e, case["width"], case["height"])
    path = root / "written.tif"
    given = {} if case["block_size"] is None else {"block_size": case["block_size"]}
    save_as_cog(path, data, geobox, nodata=case["nodata"], kind="categorical", tags=case["tags"] or {}, **given)
    with rasterio.open(path) as dataset:
        tags = {name: value for name, value in dataset.tags().items() if name != "AREA_OR_POINT"}
        total = int(dataset.read(1).sum(dtype=np.float64))
    return {"profile": _file_profile(path), "tags": tags, "sum_of_pixels": total}


def _create_empty_raster(case: Case, root: Path) -> Case:
    path = root / "written.tif"
    resolution_x, resolution_y = case["resolution"]
    dist_x, dist_y = case["dist"]
    grid = {
        "xmin": case["xmin"],
        "ymax": case["ymax"],
        "dist_x": dist_x,
        "dist_y": dist_y,
        "resx": resolution_x,
        "resy": resolution_y,
        "crs": case["proj4"],
    }
    create_empty_raster(path, _geobox(grid), data_type=case["dtype"], nodata=case["nodata"])
    with rasterio.open(path) as dataset:
        values = np.unique(dataset.read(1)).tolist()
    return {"profile": _file_profile(path), "unique_values": values}


def _generate_quick_look(case: Case, root: Path) -> Case:
    paths = [str(root / name) for name in case["files"]]
    picture = generate_quick_look(paths, channel_limits=case["channel_limits"], nodata=case["nodata"])
    with Image.open(BytesIO(picture)) as image:
        pixels = np.asarray(image)
        info = {
            "mode": image.mode,
            "width": image.width,
            "height": image.height,
            "transparent_colour": list(image.info["transparency"]),
        }
    with rasterio.open(paths[0]) as dataset:
        rows = ((np.arange(dataset.height) + 0.5) * info["height"] / dataset.height).astype(int)
        columns = ((np.arange(dataset.width) + 0.5) * info["width"] / dataset.width).astype(int)
    return {"png": info, "value_at_source_pixel_centre": pixels[np.ix_(rows, columns)]}


def _generate_rgb(case: Case, root: Path) -> Case:
    path = root / "written.tif"
    generate_rgb(
        [str(root / name) for name in case["files"]],
        path,
        input_range=case["input_range"],
        output_range=case["output_range"],
    )
    with rasterio.open(path) as dataset:
        profile = {name: dataset.profile[name] for name in ("count", "dtype", "nodata", "width", "height")}
        return {"raster": dataset.read(), "profile": profile}


def _check_file_integrity(case: Case, root: Path) -> Case:
    return {"valid": check_file_integrity(str(root / case["file"]), read_bytes=case["read_bytes"])}


def _match_histogram_with_merges(case: Case, root: Path) -> Case:
    files = [str(root / case[name]) for name in ("source", "source_mask", "reference", "reference_mask")]
    given = {"block_size": case["block_size"]} if "block_size" in case else {}
    match_histogram_with_merges(*files, **given)
    with rasterio.open(files[0]) as dataset:
        return {"source_after": dataset.read(1)}


def _raster_extent(case: Case, root: Path) -> Case:
    geometry = raster_extent(str(root / case["image"]), case["epsg"])
    return {"geometry": geometry, "bounds": list(shape(geometry).bounds)}


def _raster_convexhull(case: Case, root: Path) -> Case:
    geometry = raster_convexhull(str(root / case["image"]), case["epsg"])
    hull = shape(geometry)
    return {"geometry": geometry, "empty": hull.is_empty, "area": hull.area}


def _sentinel2_read(case: Case, root: Path) -> Case:
    path = str(root / case["file"])
    return {"pixels": sentinel2_read(path, case["scene_id"], case["band"], nodata=case["asset_nodata"])}


def _geobox(grid: Case) -> GeoBox:
    bounds = (
        grid["xmin"],
        grid["ymax"] - grid["dist_y"],
        grid["xmin"] + grid["dist_x"],
        grid["ymax"],
    )
    # Every case has square pixels.
    return Tile("golden", 0, 0, grid["crs"], bounds, {}).geobox(grid["resx"])


def _profile(merged: Merge) -> Case:
    return {
        "width": merged.geobox.width,
        "height": merged.geobox.height,
        "dtype": merged.data.dtype.name,
        "nodata": merged.nodata,
        "geotransform": list(merged.geobox.transform),
    }


def _file_profile(path: Path) -> Case:
    valid, errors, warnings = cog_validate(str(path), quiet=True)
    # rasterio calls a raster of one single tile untiled; the file itself says what it is.
    with Image.open(path) as image:
        tiled = _TILE_WIDTH in image.tag_v2
    with rasterio.open(path) as dataset:
        return {
            "width": dataset.width,
            "height": dataset.height,
            "count": dataset.count,
            "dtype": dataset.dtypes[0],
            "nodata": dataset.nodata,
            "geotransform": list(dataset.transform)[:6],
            "tiled": tiled,
            "block": list(dataset.block_shapes[0][::-1]),
            "compression": dataset.compression.name,
            "overviews": dataset.overviews(1),
            "cog_valid": valid,
            "cog_errors": errors,
            "cog_warnings": warnings,
        }


ADAPTERS: dict[str, Callable[[Case, Path], Case]] = {
    "check_file_integrity": _check_file_integrity,
    "create_empty_raster": _create_empty_raster,
    "empty_merge": _empty_merge,
    "generate_quick_look": _generate_quick_look,
    "generate_rgb": _generate_rgb,
    "get_resample_method": _get_resample_method,
    "match_histogram_with_merges": _match_histogram_with_merges,
    "merge": _merge,
    "raster_convexhull": _raster_convexhull,
    "raster_extent": _raster_extent,
    "save_as_cog": _save_as_cog,
    "sentinel2_read": _sentinel2_read,
}
