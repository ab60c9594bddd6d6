"""odc-stac loads what we publish."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import odc.stac
import pystac
import pytest
import rasterio
from affine import Affine
from rasterio.crs import CRS

from stratocube.catalog.product_bands import BandInfo
from stratocube.catalog.products import BandFile, CrsInfo, Picture, composite_item
from stratocube.cube.geobox import GeoBox

from .made import CHECKSUM, NDVI, QUALITY, RED, make_product

ALBERS = (
    "+proj=aea +lat_0=-12 +lon_0=-54 +lat_1=-2 +lat_2=-22 +x_0=5000000 +y_0=10000000 +ellps=GRS80 +units=m +no_defs"
)
VALUES = {
    "B04": np.array([[1, 2, 3, -9999], [5, 6, 7, 8]], dtype="int16"),
    "NDVI": np.array([[-10000, -9999, 0, 10000], [4, 3, 2, 1]], dtype="int16"),
    "SCL": np.array([[4, 4, 0, 8], [5, 6, 9, 3]], dtype="uint8"),
}


def publish(folder: Path, geobox: GeoBox, crs: CrsInfo, bbox: tuple[float, float, float, float]) -> pystac.Item:
    """Writes COGs, a picture and the item, and reads the item from its file as a stranger would."""
    files = tuple(_write(folder, band, geobox) for band in (RED, NDVI, QUALITY))
    (folder / "p.png").write_bytes(b"no picture is ever loaded")
    west, south, east, north = bbox
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    product = replace(
        make_product(),
        geobox=geobox,
        crs=crs,
        files=files,
        pictures=(Picture("./p.png", 1, CHECKSUM, (2, 4)),),
        bbox=bbox,
        footprint={"type": "Polygon", "coordinates": [ring]},
    )
    item = composite_item(
        product, start=date(2023, 8, 1), end=date(2023, 8, 31), composite_function="LCF", dates=[date(2023, 8, 15)]
    )
    (folder / "item.json").write_text(json.dumps(item))
    return pystac.Item.from_file(str(folder / "item.json"))


def _write(folder: Path, band: BandInfo, geobox: GeoBox) -> BandFile:
    path = folder / f"{band.name}.tif"
    with rasterio.open(
        path,
        "w",
        driver="COG",
        dtype=band.data_type,
        count=1,
        width=geobox.width,
        height=geobox.height,
        crs=CRS.from_user_input(geobox.crs),
        transform=Affine(*geobox.transform),
        nodata=band.nodata,
    ) as file:
        file.write(VALUES[band.name], 1)
    return BandFile(band, f"./{path.name}", path.stat().st_size, CHECKSUM)


@pytest.mark.parametrize("albers", [False, True], ids=["by code", "by wkt"])
def test_odc_stac_loads_values_grid_and_nodata(tmp_path: Path, albers: bool) -> None:
    if albers:
        geobox = GeoBox(ALBERS, 5_000_000.0, 10_000_000.0, 10.0, 10.0, 4, 2)
        crs = CrsInfo(wkt2=CRS.from_user_input(ALBERS).to_wkt(version="WKT2_2019"))
        bbox = (-54.0, -12.001, -53.999, -12.0)
    else:
        geobox = GeoBox("EPSG:32633", 500_000.0, 5_100_000.0, 120.0, 120.0, 4, 2)
        crs, bbox = CrsInfo("EPSG:32633"), (15.0, 46.05, 15.01, 46.06)
    item = publish(tmp_path, geobox, crs, bbox)
    cube = odc.stac.load([item])
    assert set(cube.data_vars) == {"B04", "NDVI", "SCL"}
    for name, values in VALUES.items():
        assert cube[name].dtype == values.dtype
        np.testing.assert_array_equal(cube[name].values[0], values)
    assert (cube["B04"].nodata, cube["SCL"].nodata) == (-9999, 0)
    assert tuple(cube.odc.geobox.transform)[:6] == geobox.transform
    assert tuple(cube.odc.geobox.shape) == geobox.shape
    assert str(cube.time.values[0])[:10] == "2023-08-01"


def test_odc_stac_finds_bands_by_common_name(tmp_path: Path) -> None:
    geobox = GeoBox("EPSG:32633", 500_000.0, 5_100_000.0, 120.0, 120.0, 4, 2)
    item = publish(tmp_path, geobox, CrsInfo("EPSG:32633"), (15.0, 46.05, 15.01, 46.06))
    cube = odc.stac.load([item], bands=["red"])
    np.testing.assert_array_equal(cube["red"].values[0], VALUES["B04"])
