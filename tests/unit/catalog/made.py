"""Products for tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from stratocube.catalog.product_bands import BandInfo, BandKind
from stratocube.catalog.products import BandFile, CrsInfo, InputItem, Picture, ProductInfo
from stratocube.catalog.quality_classes import SCL
from stratocube.cube.geobox import GeoBox

from .recorded import square

CHECKSUM = "1220" + "ab" * 32

RED = BandInfo(
    "B04",
    "int16",
    -9999,
    common_name="red",
    description="red reflectance",
    scale=0.0001,
    offset=0.0,
    center_wavelength=0.6646,
    full_width_half_max=0.038,
)
NDVI = BandInfo("NDVI", "int16", -9999, BandKind.INDEX, common_name="ndvi", scale=0.0001, offset=0.0)
QUALITY = BandInfo("SCL", "uint8", 0, BandKind.QUALITY, common_name="quality", classes=SCL)
CLEAROB = BandInfo("CLEAROB", "uint8", 0, BandKind.COUNT)
BANDS = (RED, NDVI, QUALITY, CLEAROB)


def make_product(**changes: Any) -> ProductInfo:
    """A product of 3 rows and 4 columns in UTM zone 33 north."""
    item_id = "S2-1M_V1_011009_20230801"
    product = ProductInfo(
        collection_id="S2-1M-1",
        item_id=item_id,
        collection_href="../../../../../../collection.json",
        grid="SLOVENIA",
        tile="011009",
        geobox=GeoBox("EPSG:32633", 500_000.0, 5_100_000.0, 120.0, 120.0, 4, 3),
        crs=CrsInfo("EPSG:32633"),
        footprint=square(15, 46, 0.5),
        bbox=(15.0, 46.0, 15.5, 46.5),
        files=tuple(BandFile(band, f"./{item_id}_{band.name}.tif", 1000, CHECKSUM) for band in BANDS),
        identity="5f2b" * 16,
        software_version="0.1.0",
        created=datetime(2023, 9, 2, 8, 30, tzinfo=UTC),
        pictures=(Picture(f"./{item_id}.png", 500, CHECKSUM, (3, 2)),),
        inputs=(InputItem("S2A_33TWM_20230815_0_L2A", "https://stac.example.org/items/S2A_33TWM_20230815_0_L2A"),),
        platforms=("sentinel-2a",),
        resolution_m=120.0,
        efficacy_percent=83.25,
        cloud_ratio_percent=16.5,
    )
    return replace(product, **changes)
