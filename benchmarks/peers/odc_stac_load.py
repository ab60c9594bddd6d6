"""odc-stac: ``odc.stac.load`` of STAC items that describe the inputs."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import odc.stac
import pystac
import rasterio
from odc.geo.geobox import GeoBox
from pystac.extensions.projection import ProjectionExtension
from pystac.extensions.raster import RasterExtension
from rasterio.warp import transform_bounds

from benchmarks.peers.cogs import write_cog
from benchmarks.peers.dask_composite import CHUNK, write_composite
from benchmarks.workload import QUALITY_NODATA, BlendInputs, MergeInputs


def blend(inputs: BlendInputs, out: Path, threads: int) -> None:
    items = []
    for rank, files in enumerate(inputs.ranked):  # items are stacked by time: let time tell the rank
        item = _item(f"rank{rank:03}", dt.datetime(2023, 1, 1, tzinfo=dt.UTC) + dt.timedelta(days=rank), files.band)
        _add(item, "band", files.band, inputs.dtype, inputs.nodata)
        _add(item, "quality", files.quality, "uint8", QUALITY_NODATA)
        items.append(item)
    with rasterio.open(inputs.dates[0].band) as dataset:
        geobox = GeoBox(dataset.shape, dataset.transform, dataset.crs.to_wkt())
    loaded = odc.stac.load(
        items,
        bands=["band", "quality"],
        geobox=geobox,
        chunks={"x": CHUNK, "y": CHUNK},
        groupby="id",
        resampling="nearest",
    )
    write_composite(inputs, loaded.band, loaded.quality, out, threads)


def merge(inputs: MergeInputs, out: Path, threads: int) -> None:
    items = []
    for place, path in enumerate(reversed(inputs.scenes)):  # of one group the first item's pixel is taken
        item = _item(f"scene{place}", dt.datetime(2023, 1, 1, tzinfo=dt.UTC), path)
        _add(item, "band", path, inputs.dtype, inputs.nodata)
        items.append(item)
    loaded = odc.stac.load(
        items,
        bands=["band"],
        geobox=GeoBox((inputs.size, inputs.size), inputs.transform, inputs.crs),
        groupby="solar_day",
        preserve_original_order=True,
        resampling="bilinear",
        pool=threads,
    )
    data = loaded.band.isel(time=0).values
    write_cog(out / "MERGE.tif", data, inputs.crs, inputs.transform, inputs.nodata, threads)


def _item(name: str, time: dt.datetime, like: Path) -> pystac.Item:
    with rasterio.open(like) as dataset:
        west, south, east, north = transform_bounds(dataset.crs, "EPSG:4326", *dataset.bounds)
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    geometry: dict[str, Any] = {"type": "Polygon", "coordinates": [ring]}
    return pystac.Item(name, geometry, [west, south, east, north], time, {})


def _add(item: pystac.Item, name: str, path: Path, dtype: str, nodata: float) -> None:
    item.add_asset(name, pystac.Asset(str(path), roles=["data"], media_type=pystac.MediaType.COG))
    asset = item.assets[name]
    with rasterio.open(path) as dataset:
        ProjectionExtension.ext(asset, add_if_missing=True).apply(
            wkt2=dataset.crs.to_wkt(), shape=list(dataset.shape), transform=list(dataset.transform)[:6]
        )
    RasterExtension.add_to(item)
    asset.extra_fields["raster:bands"] = [{"data_type": dtype, "nodata": nodata}]
