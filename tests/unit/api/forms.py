"""Requests in cube-builder's form, small ones."""

from __future__ import annotations

from typing import Any


def grid_form(**changes: Any) -> dict[str, Any]:
    """One grid of Brazil's Albers lattice around a small box: 3 x 2 tiles of 105.6 km."""
    return {
        "names": ["BRAZIL_SM"],
        "description": "a corner of Brazil",
        "projection": "aea",
        "meridian": -54,
        "tile_factor": [[10, 10]],
        "shape": [10560, 10560],
        "bbox": [-54.5, -12.5, -53.0, -11.6],
        "srid": 100001,
        **changes,
    }


def cube_form(**changes: Any) -> dict[str, Any]:
    """A Sentinel-2 cube of 16 days on that grid."""
    return {
        "datacube": "S2-16D",
        "version": 1,
        "title": "Sentinel-2, 16 days",
        "description": "for tests",
        "grs": "BRAZIL_SM",
        "resolution": 10,
        "metadata": {"license": "CC-BY-4.0", "platform": {"code": "Sentinel-2", "instruments": "MSI"}},
        "temporal_composition": {
            "schema": "Cyclic",
            "step": 16,
            "unit": "day",
            "cycle": {"unit": "year", "step": 1},
        },
        "composite_function": "LCF",
        "bands": [
            {"name": "B04", "common_name": "red", "data_type": "int16", "nodata": 0},
            {"name": "B08", "common_name": "nir", "data_type": "int16", "nodata": 0},
            {"name": "SCL", "common_name": "quality", "data_type": "uint8", "nodata": 0},
        ],
        "indexes": [
            {
                "name": "NDVI",
                "common_name": "ndvi",
                "data_type": "int16",
                "nodata": -9999,
                "metadata": {"expression": {"bands": ["B08", "B04"], "value": "10000. * ((B08 - B04) / (B08 + B04))"}},
            }
        ],
        "bands_quicklook": ["B04", "B08", "B04"],
        "quality_band": "SCL",
        "parameters": {
            "mask": {
                "clear_data": [4, 5, 6],
                "not_clear_data": [2, 3, 7, 8, 9, 10, 11],
                "nodata": 0,
                "saturated_data": [1],
            },
            "stac_url": "https://stac.example.org/",
        },
        **changes,
    }


def start_form(**changes: Any) -> dict[str, Any]:
    """Two periods of two tiles of that cube."""
    return {
        "datacube": "S2-16D-1",
        "collections": ["S2_L2A-1"],
        "tiles": ["000002", "001002"],
        "start_date": "2019-01-01",
        "end_date": "2019-01-31",
        **changes,
    }
