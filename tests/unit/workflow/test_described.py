"""Bands and layers in a cube's collections."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from stratocube.catalog.product_bands import BandKind
from stratocube.cube.definition import CubeDefinition
from stratocube.cube.geobox import GeoBox
from stratocube.cube.layers import OBSERVATION_LAYERS
from stratocube.workflow.described import collection_info, crs_info, file_meaning, layer_info
from stratocube.workflow.products import band_kind
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


def test_a_file_says_of_its_numbers_what_stac_says_of_them() -> None:
    cube = CubeDefinition.parse(small_cube(is_combined=True))
    for band in collection_info(cube, GEOBOX, identity=False, sources=["s2"]).bands:
        meaning = file_meaning(cube, band.name, tags={"STRATOCUBE_ITEM": "a"})
        told = (meaning.description, meaning.long_name, meaning.scale, meaning.offset, meaning.unit, meaning.colors)
        assert told == (band.name, band.description, band.scale, band.offset, band.unit, band.colors)
        assert meaning.tags == {"STRATOCUBE_ITEM": "a"}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("red", "continuous"),
        ("NDVI", "continuous"),
        ("quality", "categorical"),
        ("sat", "categorical"),
        ("CLEAROB", "categorical"),
        ("PROVENANCE", "categorical"),
        ("DATASOURCE", "categorical"),
    ],
)
def test_what_is_no_measurement_is_never_averaged(name: str, kind: str) -> None:
    cube = CubeDefinition.parse(small_cube(is_combined=True))
    assert file_meaning(cube, name).kind == kind
    if name not in OBSERVATION_LAYERS:
        assert band_kind(cube, cube.band(name)) == kind


def test_the_sources_of_pixels_have_colours_where_they_are_known() -> None:
    cube = CubeDefinition.parse(small_cube(is_combined=True))
    assert file_meaning(cube, "DATASOURCE", sources=("LC08", "LE07")).colors == {
        0: "E69F00",
        1: "56B4E9",
        255: "000000",
    }


def test_a_grid_is_told_by_code_and_by_proj4_or_by_wkt_and_proj4() -> None:
    told = crs_info(GEOBOX)
    assert (told.code, told.wkt2) == ("EPSG:32722", None)
    assert "+proj=utm" in (told.proj4 or "")
    own = crs_info(replace(GEOBOX, crs="+proj=laea +lat_0=46 +lon_0=15 +ellps=GRS80 +units=m +no_defs"))
    assert own.code is None
    assert (own.wkt2 or "").startswith("PROJCRS[")
    assert "+proj=laea" in (own.proj4 or "")


def test_the_collection_of_the_dates_says_nothing_of_one_of_the_cubes_that_share_it() -> None:
    one, other = (CubeDefinition.parse(small_cube(description=text)) for text in ("of one", "of another"))
    described = [collection_info(cube, GEOBOX, identity=True, sources=["s2"]).description for cube in (one, other)]
    assert described[0] == described[1]
    assert collection_info(one, GEOBOX, identity=False, sources=["s2"]).description == "of one"
