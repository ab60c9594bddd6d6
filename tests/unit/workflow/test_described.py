"""Bands and layers in a cube's collections."""

from __future__ import annotations

from typing import Any

import pytest

from stratocube.catalog.product_bands import BandKind
from stratocube.cube.definition import CubeDefinition
from stratocube.cube.geobox import GeoBox
from stratocube.workflow.described import collection_info, layer_info
from tests.unit.cube.forms import small_cube

GEOBOX = GeoBox("EPSG:32722", 300_000.0, 8_000_000.0, 10.0, 10.0, 100, 100)


def names(*, identity: bool = False, **changes: Any) -> list[str]:
    cube = CubeDefinition.parse(small_cube(**changes))
    return [band.name for band in collection_info(cube, GEOBOX, identity=identity, sources=["s2"]).bands]


BANDS, COUNTS = ["red", "nir", "sat", "quality", "NDVI"], ["CLEAROB", "TOTALOB"]


@pytest.mark.parametrize(
    ("changes", "layers"),
    [
        ({}, [*BANDS, *COUNTS, "PROVENANCE", "PROVENANCE_YEAR"]),
        ({"is_combined": True}, [*BANDS, *COUNTS, "PROVENANCE", "PROVENANCE_YEAR", "DATASOURCE"]),
        ({"composite_function": "MED"}, ["red", "nir", "NDVI", *COUNTS]),
        ({"composite_function": "AVG", "is_combined": True}, ["red", "nir", "NDVI", *COUNTS]),
    ],
)
def test_the_collection_of_a_cube_lists_what_its_items_may_have(changes: dict[str, Any], layers: list[str]) -> None:
    assert names(**changes) == layers


def test_the_collection_of_the_dates_has_no_layers_of_composites() -> None:
    assert names(identity=True) == BANDS
    assert names(identity=True, is_combined=True) == [*BANDS, "DATASOURCE"]


def test_layers_and_bands_are_described_alike_in_items_and_collections() -> None:
    cube = CubeDefinition.parse(small_cube())
    for band in collection_info(cube, GEOBOX, identity=False, sources=["s2"]).bands:
        assert band == layer_info(cube, band.name)
    assert layer_info(cube, "sat").kind is BandKind.QUALITY
    assert layer_info(cube, "NDVI").kind is BandKind.INDEX


def test_the_year_of_pixels_is_int16_with_nodata_minus_one() -> None:
    year = layer_info(CubeDefinition.parse(small_cube()), "PROVENANCE_YEAR")
    assert (year.data_type, year.nodata, year.kind) == ("int16", -1, BandKind.PROVENANCE)


def test_the_values_of_datasource_are_named_where_they_are_known() -> None:
    cube = CubeDefinition.parse(small_cube(is_combined=True))
    assert [one.description for one in layer_info(cube, "DATASOURCE", ("LC08", "LE07")).classes] == [
        "LC08",
        "LE07",
        "no observation",
    ]
    assert layer_info(cube, "DATASOURCE").classes == ()
