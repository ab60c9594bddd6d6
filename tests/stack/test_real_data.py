"""Cubes of real scenes of four sensors, built on the embedded stack: every pixel equals an independent computation."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import rasterio
from numpy.testing import assert_array_equal

from tests.stack import independent
from tests.stack.conftest import Application
from tests.stack.real_cubes import (
    CBERS_CLOUDS,
    CBERS_LCF,
    ELSEWHERE,
    IN_REPOSITORY,
    LANDSAT8_FIRST,
    LANDSAT8_LCF,
    LANDSAT57_AVG,
    LANDSAT57_LCF,
    S2_LCF,
    Builder,
    Cube,
)

pytestmark = pytest.mark.slow

FIVE, SEVEN = 1, 0
"""Landsat 5 and 7 in the DATASOURCE of their cube, whose definition lists Landsat 7 first."""

every_cube = pytest.mark.parametrize(
    "cube",
    [
        *(pytest.param(cube, id=cube.name) for cube in IN_REPOSITORY),
        *(pytest.param(cube, id=cube.name, marks=pytest.mark.real_data) for cube in ELSEWHERE),
    ],
)


@pytest.fixture(scope="module")
def built(app: Application, request: pytest.FixtureRequest) -> Builder:
    return Builder(app, request)


@every_cube
def test_every_pixel_of_every_date_is_the_independent_one(built: Builder, cube: Cube) -> None:
    """As far as coordinates are exact: what scenes moved by the tolerance would give bounds each pixel."""
    for start, _ in cube.periods:
        around = [built(cube).stack(start, moved) for moved in independent.AROUND]
        for day, bands in around[0].days.items():
            product = built(cube).date(day)
            assert set(bands) <= set(product.item["assets"])
            for band in bands:
                facts = around[0].band(band)
                found, wants = product.pixels(band), np.stack([stack.days[day][band] for stack in around])
                assert found.dtype == wants.dtype
                picked = cube.definition["quality_band"] == band
                good = independent.within(found, wants, facts["nodata"], picked=picked)
                assert good.all(), f"{day} {band}: {found[~good]} is none of {wants[:, ~good]}"
                assert (found != wants[0]).mean() < 0.05, f"{day} {band}"


@every_cube
def test_every_pixel_of_every_composite_and_layer_is_the_independent_one(built: Builder, cube: Cube) -> None:
    for start, observed in built(cube).stacks():
        product, stack = built(cube).composite(start), built(cube).published(observed)
        bands = [band["name"] for band in cube.definition["bands"]]
        if not built(cube).has_quality:
            bands.remove(stack.quality_band)
        layers = independent.layers(stack)
        assert set(product.item["assets"]) == {*bands, *layers}
        assert product.item["properties"]["stratocube:dates"] == stack.ranked()
        for band in bands:
            _assert_equal(product.pixels(band), independent.composite(stack, band), f"{start} {band}")
        for layer, want in layers.items():
            _assert_equal(product.pixels(layer), want, f"{start} {layer}")


def test_a_period_without_scenes_has_a_product_of_nothing_but_nodata(built: Builder) -> None:
    product = built(S2_LCF).composite("2017-07-12")
    assert product.item["properties"]["stratocube:empty"]
    for asset, nodata in {"NDVI": -9999, "SCL": 0, "CLEAROB": 0, "TOTALOB": 0, "PROVENANCE": -1}.items():
        assert product.item["assets"][asset]["bands"][0]["nodata"] == nodata
        assert (product.pixels(asset) == nodata).all(), asset


def test_gaps_of_landsat_7_are_filled_from_landsat_5(built: Builder) -> None:
    product, stack = built(LANDSAT57_LCF).composite("2004-07-01"), built(LANDSAT57_LCF).stack("2004-07-01")
    nearest, second, *_ = stack.ranked()
    assert (nearest, second) == ("2004-07-05", "2004-07-13")
    gaps = ~stack.observed(nearest) & stack.observed(second)
    assert gaps.sum() > 20
    source = product.pixels("DATASOURCE")
    assert (source[gaps] == FIVE).all()
    assert (source[stack.observed(nearest)] == SEVEN).all()
    assert_array_equal(product.pixels("B3")[gaps], stack.days[second]["B3"][gaps])


def test_values_beyond_the_valid_range_are_left_out_of_the_average(built: Builder) -> None:
    found = built(LANDSAT57_AVG).composite("2004-03-01").pixels("B3")
    everything = independent.composite(built(LANDSAT57_AVG).stack("2004-03-01", apply_valid_range=False), "B3")
    assert (found < everything).sum() > 10


def test_values_where_fmask_has_no_data_are_never_used(built: Builder) -> None:
    stack = built(LANDSAT57_AVG).stack("2004-03-01")
    beside = stack.days["2004-05-02"]["B3"] != -9999
    assert (beside & ~stack.observed("2004-05-02")).any()
    assert_array_equal(
        built(LANDSAT57_AVG).composite("2004-03-01").pixels("TOTALOB"),
        np.sum([stack.observed(day) for day in stack.days], axis=0),
    )


def test_quality_is_nodata_where_a_band_has_a_hole(built: Builder) -> None:
    with_bands = built(LANDSAT8_FIRST).stack("2018-04-01")
    alone = built(LANDSAT8_FIRST).stack("2018-04-01", no_post_process=True)
    holes = {day: with_bands.days[day]["BQA"] != alone.days[day]["BQA"] for day in alone.days}
    assert sum(int(found.sum()) for found in holes.values()) > 0
    for day, found in holes.items():
        assert (built(LANDSAT8_FIRST).date(day).pixels("BQA")[found] == 1).all()


def test_of_two_scenes_of_a_day_the_last_stays_and_in_a_combined_cube_the_first(built: Builder) -> None:
    (day,) = (day for day in built(LANDSAT8_FIRST).stack("2018-04-01").days if day >= "2018-04-25")
    first, last = (built(cube).date(day).pixels("BQA") for cube in (LANDSAT8_FIRST, LANDSAT8_LCF))
    both = (first != 1) & (last != 1)
    assert 0 < (first[both] != last[both]).sum() < both.sum() / 2


def test_all_bands_of_a_pixel_are_of_the_date_that_provenance_tells(built: Builder) -> None:
    product = built(LANDSAT8_LCF).composite("2018-04-01")
    stack = built(LANDSAT8_LCF).published(built(LANDSAT8_LCF).stack("2018-04-01"))
    day_of_year, seen = product.pixels("PROVENANCE"), 0
    bands = {band: product.pixels(band) for band in ("B5", "B8", "BQA")}
    for day, dates in stack.days.items():
        of_day = day_of_year == independent.day_of_year(day)
        seen += bool(of_day.any())
        for band, found in bands.items():
            assert_array_equal(found[of_day], dates[band][of_day], err_msg=f"{day} {band}")
    assert seen >= 4
    for band, nodata in {"B5": -9999, "B8": 0, "BQA": 1}.items():
        assert (bands[band][day_of_year == -1] == nodata).all()


def test_no_pixel_is_taken_from_beside_where_it_lies_in_its_scene(built: Builder) -> None:
    (item,) = (
        item
        for item in json.loads((built(LANDSAT8_LCF).scenes / "items.json").read_text())["features"]
        if item["properties"]["datetime"].startswith("2018-07-10")
    )
    product = built(LANDSAT8_LCF).date(built(LANDSAT8_LCF).stack("2018-06-01").ranked()[0])
    with rasterio.open(built(LANDSAT8_LCF).scenes / item["assets"]["BQA"]["href"]) as scene:
        around = independent.values_around(scene, product.target("BQA"), fill=1)
    found = product.pixels("BQA")
    bands = {band: product.pixels(band) for band in ("B5", "B8")}
    hidden = (bands["B5"] == -9999) | (bands["B8"] == 0)  # there the quality is nodata whatever the scene says
    assert (np.any(around == found, axis=0) | hidden).all()
    assert (around[0] == found).mean() > 0.99


@pytest.mark.real_data
def test_a_projection_without_code_is_told_in_words(built: Builder) -> None:
    properties = built(CBERS_LCF).composite("2017-08-01").item["properties"]
    assert properties["proj:code"] is None
    assert "Albers" in properties["proj:wkt2"]
    assert sum(len(stack.days) for _, stack in built(CBERS_LCF).stacks()) == 24


@pytest.mark.real_data
def test_clouds_of_one_date_are_filled_from_the_other(built: Builder) -> None:
    product, stack = built(CBERS_CLOUDS).composite("2017-11-05"), built(CBERS_CLOUDS).stack("2017-11-05")
    best, worst = stack.ranked()
    filled = stack.clear(worst) & ~stack.clear(best)
    assert filled.any()
    assert (product.pixels("PROVENANCE")[filled] == independent.day_of_year(worst)).all()


def _assert_equal(found: Any, want: Any, what: str) -> None:
    assert found.dtype == want.dtype, what
    assert_array_equal(found, want, err_msg=what)
