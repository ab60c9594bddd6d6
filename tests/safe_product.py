"""A Sentinel-2 SAFE product, zipped, with the layout and metadata of ESA's and the pixels of a test."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray

from stratocube.cube.geobox import GeoBox

NAME = "S2A_MSIL2A_20230815T095031_N0509_R079_T33TWM_20230815T151755"
_GRANULE = "L2A_T33TWM_A042543_20230815T095630"
_METADATA = """<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<n1:Level-2A_User_Product xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/User_Product_Level-2A.xsd">
<n1:General_Info><Product_Info>
<PRODUCT_START_TIME>2023-08-15T09:50:31.024Z</PRODUCT_START_TIME>
<PRODUCT_URI>{name}.SAFE</PRODUCT_URI><PROCESSING_LEVEL>Level-2A</PROCESSING_LEVEL>
<PROCESSING_BASELINE>05.09</PROCESSING_BASELINE><GENERATION_TIME>2023-08-15T15:17:55.000000Z</GENERATION_TIME>
<Datatake datatakeIdentifier="GS2A_20230815T095031_042543_N05.09"><SPACECRAFT_NAME>Sentinel-2A</SPACECRAFT_NAME>
</Datatake><Product_Organisation><Granule_List>
<Granule datastripIdentifier="S2A_OPER_MSI_L2A_DS_2APS_20230815T151755_S20230815T095630_N05.09"
 granuleIdentifier="S2A_OPER_MSI_L2A_TL_2APS_20230815T151755_A042543_T33TWM_N05.09" imageFormat="JPEG2000">
{images}
</Granule></Granule_List></Product_Organisation></Product_Info>
<Product_Image_Characteristics><QUANTIFICATION_VALUES_LIST>
<BOA_QUANTIFICATION_VALUE unit="none">10000</BOA_QUANTIFICATION_VALUE></QUANTIFICATION_VALUES_LIST>
<BOA_ADD_OFFSET_VALUES_LIST><BOA_ADD_OFFSET band_id="2">-1000</BOA_ADD_OFFSET>
<BOA_ADD_OFFSET band_id="3">-1000</BOA_ADD_OFFSET></BOA_ADD_OFFSET_VALUES_LIST></Product_Image_Characteristics>
</n1:General_Info><n1:Geometric_Info><Product_Footprint><Product_Footprint><Global_Footprint>
<EXT_POS_LIST>{ring}</EXT_POS_LIST></Global_Footprint></Product_Footprint></Product_Footprint></n1:Geometric_Info>
<n1:Quality_Indicators_Info><Cloud_Coverage_Assessment>0.5</Cloud_Coverage_Assessment>
</n1:Quality_Indicators_Info></n1:Level-2A_User_Product>
"""


def write_safe_zip(
    folder: Path,
    bands: Mapping[str, NDArray[Any]],
    geobox: GeoBox,
    *,
    ring: str = "46.9 14.9 46.9 16.4 45.9 16.4 45.9 14.9 46.9 14.9",
    further_images: tuple[str, ...] = (),
) -> Path:
    """Write ``<product>.zip``; ``bands`` by name and resolution (``B04_10m``) are stored without loss."""
    images = [f"GRANULE/{_GRANULE}/IMG_DATA/R{name[-3:]}/T33TWM_20230815T095031_{name}" for name in bands]
    listed = "\n".join(f"<IMAGE_FILE>{image}</IMAGE_FILE>" for image in (*images, *further_images))
    path = folder / f"{NAME}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{NAME}.SAFE/MTD_MSIL2A.xml", _METADATA.format(name=NAME, images=listed, ring=ring))
        for image, data in zip(images, bands.values(), strict=True):
            archive.writestr(f"{NAME}.SAFE/{image}.jp2", _jp2(data, geobox, folder))
    return path


def _jp2(data: NDArray[Any], geobox: GeoBox, folder: Path) -> bytes:
    path = folder / "band.jp2"
    profile = {"driver": "JP2OpenJPEG", "width": geobox.width, "height": geobox.height, "count": 1}
    with rasterio.open(
        path,
        "w",
        **profile,
        dtype=data.dtype,
        crs=geobox.crs,
        transform=rasterio.Affine(*geobox.transform[:6]),
        QUALITY=100,
        REVERSIBLE="YES",
    ) as target:
        target.write(np.ascontiguousarray(data), 1)
    content = path.read_bytes()
    for written in folder.glob("band.jp2*"):
        written.unlink()
    return content
