"""Layers of products from a cube's definition."""

from __future__ import annotations

from typing import Any

from stratocube.catalog.cube_bands import band_info, observation_band
from stratocube.catalog.product_bands import BandInfo, BandKind, ClassInfo
from stratocube.catalog.quality_classes import CMASK, FMASK4, SCL, quality_classes
from stratocube.cube.definition import CubeDefinition
from stratocube.cube.layers import CLEAROB, DATASOURCE, PROVENANCE, PROVENANCE_YEAR


def definition(mask: dict[str, Any]) -> CubeDefinition:
    return CubeDefinition.parse(
        {
            "datacube": "S2-1M",
            "version": 1,
            "grs": "SLOVENIA",
            "resolution": 120,
            "temporal_composition": {"schema": "Continuous", "unit": "month", "step": 1},
            "composite_function": "LCF",
            "bands": [
                {
                    "name": "B04",
                    "common_name": "red",
                    "data_type": "int16",
                    "nodata": -9999,
                    "scale": 0.0001,
                    "center_wavelength": 0.6646,
                    "description": "red",
                },
                {"name": "SCL", "common_name": "quality", "data_type": "uint8", "nodata": 0},
            ],
            "indexes": [
                {
                    "name": "TWICE",
                    "data_type": "int16",
                    "nodata": -9999,
                    "metadata": {"expression": {"bands": ["B04"], "value": "B04 * 2"}},
                }
            ],
            "quality_band": "SCL",
            "parameters": {"mask": mask},
        }
    )


def described(cube: CubeDefinition) -> tuple[BandInfo, ...]:
    return tuple(band_info(cube, band.name) for band in cube.all_bands)


def test_bands_and_indexes_of_a_definition_are_described() -> None:
    bands = described(definition({"clear_data": [4, 5, 6], "not_clear_data": [3, 8, 9, 10], "nodata": 0}))
    assert bands == (
        BandInfo(
            "B04",
            "int16",
            -9999,
            BandKind.SPECTRAL,
            common_name="red",
            description="red",
            scale=0.0001,
            offset=0.0,
            center_wavelength=0.6646,
            unit="1",
        ),
        BandInfo("SCL", "uint8", 0, BandKind.QUALITY, common_name="quality", classes=SCL),
        BandInfo("TWICE", "int16", -9999, BandKind.INDEX, unit="1"),
    )


def test_a_mask_of_bits_gives_no_classes() -> None:
    bands = described(definition({"clear_data": [6], "not_clear_data": [3], "nodata": 0, "bits": True}))
    assert bands[1].classes == ()


def test_well_known_classes_are_taken_only_where_the_mask_agrees() -> None:
    assert quality_classes("fmask", clear=[0, 1], not_clear=[2, 3, 4], saturated=[], nodata=255) == FMASK4
    assert quality_classes("CMASK", clear=[127], not_clear=[255], saturated=[], nodata=0) == CMASK
    assert quality_classes("SCL", clear=[4], not_clear=[77], saturated=[1], nodata=0) == (
        ClassInfo(0, "no_data", "not observed", "000000", nodata=True),
        ClassInfo(1, "saturated_1", "saturated", "FF0000"),
        ClassInfo(4, "clear_4", "clear", "1A9850"),
        ClassInfo(77, "not_clear_77", "not clear", "C0C0C0"),
    )
    assert quality_classes("SCL", clear=[4], not_clear=[], saturated=[], nodata=255)[-1].value == 255


def test_observation_layers_are_described() -> None:
    assert observation_band(CLEAROB) == BandInfo(
        "CLEAROB", "uint8", 0, BandKind.COUNT, description="clear observations in the period"
    )
    assert observation_band(PROVENANCE).kind is BandKind.PROVENANCE
    assert observation_band(PROVENANCE_YEAR).kind is BandKind.PROVENANCE
    assert observation_band(DATASOURCE).classes == ()
    assert observation_band(DATASOURCE, ["sentinel-2 l2a", "landsat"]).classes == (
        ClassInfo(0, "sentinel-2_l2a", "sentinel-2 l2a", "E69F00"),
        ClassInfo(1, "landsat", "landsat", "56B4E9"),
        ClassInfo(255, "no_data", "no observation", "000000", nodata=True),
    )
