"""The mask of a cube definition: read completely, or refused with the key named."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratocube.cube.mask import CONFIDENCE_VARIABLES, ConfidenceRules, QualityMask, parse_mask
from stratocube.errors import InvalidRequest

LANDSAT: dict[str, Any] = {"clear_data": [6, 7], "not_clear_data": [1, 2, 3, 4], "nodata": 1, "bits": True}


def test_lists_left_out_are_empty_and_bits_are_off() -> None:
    assert parse_mask({"nodata": 255}) == QualityMask(nodata=255)
    assert parse_mask({"nodata": 255, "clear_data": None, "bits": None}) == QualityMask(nodata=255)


def test_everything_given_is_kept() -> None:
    mask = parse_mask(
        {
            **LANDSAT,
            "saturated_data": [9],
            "saturated_band": "radsat",
            "saturated_bits": [0, 6],
            "confidence": {"cloud": "cloud >= MEDIUM", "cirrus": "cirrus == HIGH", "snow": None, "oli": False},
        }
    )
    assert mask.clear == (6, 7)
    assert mask.not_clear == (1, 2, 3, 4)
    assert mask.saturated == (9,)
    assert mask.nodata == 1
    assert mask.bits is True
    assert mask.saturated_band == "radsat"
    assert mask.saturated_bits == (0, 6)
    assert mask.confidence is not None
    assert {name: rule.text for name, rule in mask.confidence.rules().items()} == {
        "cloud": "cloud >= MEDIUM",
        "cirrus": "cirrus == HIGH",
    }
    assert mask.confidence.oli is False


def test_saturation_counts_bits_1_to_7_by_default() -> None:
    assert parse_mask(LANDSAT).saturated_bits == (1, 7)


def test_the_json_form_has_the_keys_of_the_definition() -> None:
    assert parse_mask({"nodata": 255, "clear_data": [0, 1], "saturated_band": "radsat"}).to_mapping() == {
        "clear_data": [0, 1],
        "not_clear_data": [],
        "saturated_data": [],
        "nodata": 255,
        "bits": False,
        "saturated_band": "radsat",
    }


def test_the_older_name_of_the_oli_flag_is_read() -> None:
    mask = parse_mask({**LANDSAT, "confidence": {"landsat_8": True}})
    assert mask.confidence == ConfidenceRules(oli=True)
    assert mask.to_mapping()["confidence"] == {"oli": True}


def test_empty_rules_are_no_rules() -> None:
    assert parse_mask({**LANDSAT, "confidence": {}}).confidence is None
    assert parse_mask({**LANDSAT, "confidence": {"cloud": None}}).confidence is None


def test_whole_floats_of_json_are_whole_numbers() -> None:
    mask = parse_mask({"nodata": 255.0, "clear_data": [0.0]})
    assert (mask.nodata, mask.clear) == (255, (0,))


def test_a_mask_can_be_the_key_of_a_table() -> None:
    assert len({parse_mask(LANDSAT), parse_mask(dict(LANDSAT)), parse_mask({"nodata": 0})}) == 2


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"nodata": None}, "mask.nodata"),
        ({"nodata": "1"}, "mask.nodata"),
        ({"nodata": 1.5}, "mask.nodata"),
        ({"nodata": float("nan")}, "mask.nodata"),
        ({"nodata": float("inf")}, "mask.nodata"),
        ({"nodata": True}, "mask.nodata"),
        ({"clear_data": "67"}, "mask.clear_data"),
        ({"clear_data": 6}, "mask.clear_data"),
        ({"clear_data": [6, "7"]}, "mask.clear_data"),
        ({"clear_data": [6, True]}, "mask.clear_data"),
        ({"clear_data": [6.5]}, "mask.clear_data"),
        ({"not_clear_data": [-1]}, "mask.not_clear_data"),
        ({"saturated_data": [64]}, "mask.saturated_data"),
        ({"clear_data": [1, 6]}, "mask.clear_data"),
        ({"bits": "yes"}, "mask.bits"),
        ({"bits": 1}, "mask.bits"),
        ({"saturated_band": 3}, "mask.saturated_band"),
        ({"saturated_band": ""}, "mask.saturated_band"),
        ({"saturated_bits": 7}, "mask.saturated_bits"),
        ({"saturated_bits": [7, 1]}, "mask.saturated_bits"),
        ({"saturated_bits": [1, 2, 3]}, "mask.saturated_bits"),
        ({"saturated_bits": [0, 99]}, "mask.saturated_bits"),
        ({"clear": [6]}, "mask.clear"),
        ({"confidence": "cloud >= MEDIUM"}, "mask.confidence"),
        ({"confidence": {"clouds": "cloud >= MEDIUM"}}, "mask.confidence.clouds"),
        ({"confidence": {"cloud": "cloud >= SURE"}}, "mask.confidence.cloud"),
        ({"confidence": {"cloud": "cloud"}}, "mask.confidence.cloud"),
        ({"confidence": {"cloud": "LOW < HIGH"}}, "mask.confidence.cloud"),
        ({"confidence": {"cloud": "sqrt(cloud) > 1"}}, "mask.confidence.cloud"),
        ({"confidence": {"cloud": True}}, "mask.confidence.cloud"),
        ({"confidence": {"oli": "yes"}}, "mask.confidence.oli"),
        ({"bits": False, "confidence": {"cloud": "cloud >= MEDIUM"}}, "mask.confidence"),
    ],
)
def test_a_mask_that_cannot_be_meant_is_refused_naming_the_key(change: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        parse_mask({**LANDSAT, **change})
    assert refusal.value.field == field


def test_a_missing_nodata_is_refused() -> None:
    with pytest.raises(InvalidRequest, match=r"mask\.nodata: is required"):
        parse_mask({"clear_data": [0]})


def test_a_mask_is_an_object() -> None:
    with pytest.raises(InvalidRequest, match="a mask is an object with the keys clear_data"):
        parse_mask([0, 1])  # type: ignore[arg-type]  # what arrives from outside


def test_a_value_cannot_be_clear_and_nodata_but_a_bit_may_have_the_number_of_nodata() -> None:
    with pytest.raises(InvalidRequest, match=r"\[0\] cannot be clear and not clear or nodata at once"):
        parse_mask({"nodata": 0, "clear_data": [0, 1]})
    assert parse_mask({"nodata": 6, "clear_data": [6], "bits": True}).clear == (6,)


RULES = st.sampled_from(["cloud >= MEDIUM", "(snow == HIGH) | (cirrus == LOW)", "~(cloud_shadow != 3)"])


@st.composite
def definitions(draw: st.DrawFn) -> dict[str, Any]:
    """Masks as JSON, every key given or left out."""
    numbers = st.integers(0, 63)
    mask: dict[str, Any] = {
        "nodata": draw(st.integers(-10, 300)),
        "bits": True,
        "clear_data": draw(st.lists(numbers.filter(lambda number: number % 2 == 0), max_size=4)),
        "not_clear_data": draw(st.lists(numbers.filter(lambda number: number % 2 == 1), max_size=4)),
        "saturated_data": draw(st.lists(numbers, max_size=4)),
    }
    if draw(st.booleans()):
        mask["saturated_band"] = "radsat"
    if draw(st.booleans()):
        mask["saturated_bits"] = sorted((draw(numbers), draw(numbers)))
    if draw(st.booleans()):
        mask["confidence"] = draw(st.dictionaries(st.sampled_from(CONFIDENCE_VARIABLES), RULES, min_size=1))
        if draw(st.booleans()):
            mask["confidence"]["oli"] = draw(st.booleans())
    return mask


@given(definitions())
def test_reading_a_mask_loses_nothing(definition: dict[str, Any]) -> None:
    mask = parse_mask(definition)
    written = mask.to_mapping()
    for key, value in definition.items():
        if key != "saturated_bits" or value != [1, 7]:
            assert written[key] == value
    assert parse_mask(written) == mask
