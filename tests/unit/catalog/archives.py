"""Items of archives of which no real one could be recorded: made up in the form their documents and users show."""

from __future__ import annotations

from typing import Any

from tests.unit.catalog.recorded import make_item

LP_DAAC = "https://data.lpdaac.earthdatacloud.nasa.gov/lp-prod-protected"


def documented(item_id: str, collection: str, base: str, assets: dict[str, str], platform: str = "") -> dict[str, Any]:
    """An item with these files, by key of the asset, that says nothing of its numbers."""
    return make_item(
        item_id,
        collection=collection,
        properties={"platform": platform},
        assets={key: {"href": f"{base}/{name}", "type": "image/tiff"} for key, name in assets.items()},
    )


HLS_S30 = documented(
    "HLS.S30.T01LAH.2020097T222759.v2.0",
    "HLSS30_2.0",
    f"{LP_DAAC}/HLSS30.020/HLS.S30.T01LAH.2020097T222759.v2.0",
    {"B04": "B04.tif", "B8A": "B8A.tif", "B05": "B05.tif", "Fmask": "Fmask.tif"},
)
HLS_L30 = documented(
    "HLS.L30.T19LBJ.2020239T144556.v2.0",
    "HLSL30_2.0",
    f"{LP_DAAC}/HLSL30.020/HLS.L30.T19LBJ.2020239T144556.v2.0",
    {"B04": "B04.tif", "B05": "B05.tif", "Fmask": "Fmask.tif"},
)
BDC_S2 = documented(
    "S2A_MSIL2A_20220621T133201_N0400_R081_T22LGL_20220621T182715",
    "S2_L2A-1",
    "https://data.inpe.br/bdc/data/S2_L2A/v1/22/L/GL/2022",
    {"B04": "B04.tif", "B8A": "B8A.tif", "SCL": "SCL.tif"},
    "SENTINEL-2A",
)
BDC_LANDSAT = documented(
    "LC09_L2SP_221069_20230107_20230307_02_T1",
    "landsat-2",
    "https://data.inpe.br/bdc/data/landsat-2",
    {"red": "SR_B4.TIF", "nir08": "SR_B5.TIF", "qa_pixel": "QA_PIXEL.TIF"},
)
BDC_CBERS = documented(
    "CBERS_4A_WFI_20220803_209_140_L4",
    "CB4A-WFI-L4-SR-1",
    "https://data.inpe.br/bdc/data/CB4A-WFI-L4-SR",
    {"BAND15": "BAND15.tif", "BAND16": "BAND16.tif", "CMASK": "CMASK.tif"},
)
MOD13Q1 = documented(
    "MOD13Q1.A2022001.h13v10.061.2022018175631",
    "mod13q1-6.1",
    "https://data.inpe.br/bdc/data/mod13q1",
    {"NDVI": "NDVI.tif", "NIR_reflectance": "NIR.tif", "pixel_reliability": "pixel_reliability.tif"},
)
EARTH_SEARCH_LANDSAT = documented(
    "LC08_L2SP_047027_20201204_02_T1",
    "landsat-c2-l2",
    "https://landsatlook.usgs.gov/data/collection02/level-2/standard/oli-tirs/2020/047/027/LC08_L2SP_047027_20201204",
    {"red": "SR_B4.TIF", "nir08": "SR_B5.TIF", "qa_pixel": "QA_PIXEL.TIF"},
    "landsat-8",
)
