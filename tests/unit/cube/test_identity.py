"""Identities: what changes them, what does not, and that they are the same everywhere."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratocube.cube.definition import CubeDefinition
from stratocube.cube.geobox import GeoBox
from stratocube.cube.identity import blend_identity, identity, merge_identity, publish_identity
from stratocube.cube.timeline import Period

from .forms import changed, small_cube

CUBE = CubeDefinition.parse(small_cube())
GEOBOX = GeoBox("EPSG:32722", 300_000.0, 8_000_000.0, 10.0, 10.0, 100, 100)
DAY = date(2023, 8, 9)
PERIOD = Period.parse("2023-08-01_2023-08-31")
SOURCES = [
    {"scene_id": "A", "version": "1", "href": "s3://bucket/a.tif", "nodata": 0, "scale": None},
    {"scene_id": "B", "version": "1", "href": "s3://bucket/b.tif", "nodata": 0, "scale": None},
]
INPUTS = {"2023-08-09/red": "aa", "2023-08-09/quality": "bb"}
KNOWN = identity("x", {"a": 1, "b": [1.5, None, True], "day": DAY})


def merge(form: dict[str, Any] | None = None, band: str = "red", **changes: Any) -> str:
    arguments: dict[str, Any] = {"geobox": GEOBOX, "day": DAY, "sources": SOURCES, "code_version": "1"}
    cube = CubeDefinition.parse(form or small_cube())
    return merge_identity(cube, band=band, **arguments | changes)


def blend(form: dict[str, Any] | None = None, band: str = "red", **changes: Any) -> str:
    arguments: dict[str, Any] = {
        "geobox": GEOBOX,
        "period": PERIOD,
        "inputs": INPUTS,
        "layers": False,
        "code_version": "1",
    }
    cube = CubeDefinition.parse(form or small_cube())
    return blend_identity(cube, band=band, **arguments | changes)


def publish(form: dict[str, Any] | None = None, **changes: Any) -> str:
    arguments: dict[str, Any] = {"item_id": "I", "collection": "TEST-1M-2", "inputs": INPUTS, "code_version": "1"}
    return publish_identity(CubeDefinition.parse(form or small_cube()), **arguments | changes)


def test_an_identity_is_the_same_in_every_process() -> None:
    # the literal fails when the canonical form changes: then raise its format number and let all be built anew
    assert KNOWN == "a8091e067ceee7c06dfa55b756a1b76de2ae6eb7e95327369589dbffb02c4b10"
    program = (
        "from datetime import date; from stratocube.cube.identity import identity;"
        "print(identity('x', {'day': date(2023, 8, 9), 'b': [1.5, None, True], 'a': 1}))"
    )
    for seed in ("1", "2"):
        run = subprocess.run(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        )
        assert run.stdout.strip() == KNOWN


@pytest.mark.parametrize(
    "number", [10, 10.0, Decimal("10"), Decimal("10.0"), np.int16(10), np.float64(10), Fraction(10)]
)
def test_numbers_count_by_value(number: object) -> None:
    assert identity("x", {"a": number}) == identity("x", {"a": 10})


def test_sets_and_mappings_have_no_order_and_lists_have() -> None:
    assert identity("x", {"a": {1, 2, "z"}, "b": 1}) == identity("x", {"b": 1, "a": {"z", 2, 1}})
    assert identity("x", {"a": [1, 2]}) != identity("x", {"a": [2, 1]})


def test_different_values_are_not_mixed_up() -> None:
    values: list[object] = [
        None,
        0,
        1,
        True,
        False,
        "",
        "1",
        "None",
        [],
        {},
        [1],
        {"1": 1},
        1.5,
        "1.5",
        "2023-08-09",
        [[]],
    ]
    assert len({identity("x", {"a": value}) for value in values}) == len(values)
    assert identity("x", {}) != identity("y", {})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), b"bytes"])
def test_what_has_no_canonical_form_is_an_error(value: object) -> None:
    with pytest.raises(TypeError, match="canonical"):
        identity("x", {"a": value})


@given(
    st.dictionaries(
        st.text(max_size=5), st.integers() | st.text(max_size=5) | st.floats(allow_nan=False, allow_infinity=False)
    )
)
def test_the_order_of_parts_never_counts(parts: dict[str, object]) -> None:
    assert identity("x", parts) == identity("x", dict(reversed(parts.items())))


@pytest.mark.parametrize(
    "form",
    [
        small_cube(datacube="OTHER-16D", title="x", description="y", item_prefix="PREFIX"),
        small_cube(composite_function="MED"),
        small_cube(temporal_composition={"schema": "Continuous", "unit": "day", "step": 8}),
        small_cube(indexes=[], bands_quicklook=[], public=False, metadata={"a": 1}),
        changed(small_cube(), "parameters.histogram_matching", True),
        changed(small_cube(), "parameters.stac_url", "https://host/v1"),
        changed(small_cube(), "parameters.mask.clear_data", [0]),
        changed(small_cube(), "bands.1.nodata", 0),
    ],
)
def test_cubes_of_one_identity_cube_that_warp_alike_share_their_merges(form: dict[str, Any]) -> None:
    assert merge(form) == merge()


@pytest.mark.parametrize(
    "different",
    [
        merge(changed(small_cube(), "bands.0.nodata", 0)),
        merge(changed(small_cube(), "bands.0.data_type", "float32")),
        merge(changed(small_cube(), "bands.0.scale", 0.0001)),
        merge(changed(small_cube(), "parameters.resampling", "nearest")),
        merge(changed(small_cube(), "parameters.block_size", 256)),
        merge(small_cube(is_combined=True)),
        merge(small_cube(datacube_identity="OTHER")),
        merge(small_cube(version=3)),
        merge(band="nir"),
        merge(day=date(2023, 8, 10)),
        merge(geobox=GeoBox("EPSG:32722", 300_000.0, 8_000_000.0, 20.0, 20.0, 50, 50)),
        merge(geobox=GeoBox("EPSG:32721", 300_000.0, 8_000_000.0, 10.0, 10.0, 100, 100)),
        merge(sources=SOURCES[:1]),
        merge(sources=SOURCES[::-1]),
        merge(sources=[SOURCES[0], SOURCES[1] | {"version": "2"}]),
        merge(sources=[SOURCES[0], SOURCES[1] | {"scale": 0.5}]),
        merge(code_version="2"),
    ],
)
def test_what_determines_the_pixels_of_a_merge_changes_its_identity(different: str) -> None:
    assert different != merge()


def test_the_mask_counts_for_the_quality_band_whose_statistics_it_makes() -> None:
    other = changed(small_cube(), "parameters.mask.clear_data", [0])
    assert merge(other, band="quality") != merge(band="quality")
    same = changed(small_cube(), "parameters.mask.clear_data", [1, 0])
    assert merge(same, band="quality") == merge(band="quality")


@pytest.mark.parametrize(
    "different",
    [
        blend(small_cube(composite_function="MED")),
        blend(small_cube(version=3)),
        blend(changed(small_cube(), "parameters.mask.clear_data", [0])),
        blend(changed(small_cube(), "parameters.reference_day", 15)),
        blend(changed(small_cube(), "parameters.histogram_matching", True)),
        blend(changed(small_cube(), "parameters.no_post_process", True)),
        blend(changed(small_cube(), "parameters.apply_valid_range", True)),
        blend(band="nir"),
        blend(layers=True),
        blend(period=Period.parse("2023-08-01_2023-08-30")),
        blend(inputs={"2023-08-09/red": "aa"}),
        blend(inputs=INPUTS | {"2023-08-09/red": "cc"}),
        blend(code_version="2"),
        merge(),
    ],
)
def test_what_determines_a_composite_changes_its_identity(different: str) -> None:
    assert different != blend()


def test_the_order_of_the_inputs_of_a_composite_does_not_count() -> None:
    assert blend(inputs=dict(reversed(INPUTS.items()))) == blend()


@pytest.mark.parametrize(
    "form",
    [small_cube(title="x", description="y", public=False), changed(small_cube(), "parameters.token_secret", "name")],
)
def test_what_is_not_in_the_product_does_not_count(form: dict[str, Any]) -> None:
    assert blend(form) == blend()
    assert publish(form) == publish()


@pytest.mark.parametrize(
    "different",
    [
        publish(changed(small_cube(), "indexes.0.metadata.expression.value", "nir - red")),
        publish(small_cube(bands_quicklook=["nir", "nir", "nir"])),
        publish(small_cube(metadata={"platform": {"code": "X"}})),
        publish(changed(small_cube(), "parameters.channel_limits", [[0, 1], [0, 1], [0, 1]])),
        publish(changed(small_cube(), "parameters.skip_vi_identity", True)),
        publish(collection="TEST-2"),
        publish(item_id="J"),
        publish(inputs={}),
        publish(code_version="2"),
    ],
)
def test_what_is_in_the_item_changes_its_identity(different: str) -> None:
    assert different != publish()
