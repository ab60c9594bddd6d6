"""Confidence rules over the bit pairs of QA_PIXEL."""

from __future__ import annotations

import numpy as np
import pytest

from stratocube.cube.mask import ConfidenceRules
from stratocube.errors import InvalidRequest
from stratocube.pixels.confidence import QAConfidence, matches

# One value for each level of each pair, nothing else set.
CLOUD = np.array([0, 0x100, 0x200, 0x300], np.uint16)
SHADOW, SNOW, CIRRUS = CLOUD << 2, CLOUD << 4, CLOUD << 6


@pytest.mark.parametrize(
    ("rule", "masked"),
    [
        ("cloud == NO_CONFIDENCE", [True, False, False, False]),
        ("cloud == LOW", [False, True, False, False]),
        ("cloud == MEDIUM", [False, False, True, False]),
        ("cloud == RESERVED", [False, False, True, False]),
        ("cloud == HIGH", [False, False, False, True]),
        ("cloud >= MEDIUM", [False, False, True, True]),
        ("cloud > 0", [False, True, True, True]),
        ("~(cloud != LOW)", [False, True, False, False]),
        ("(cloud == LOW) | (cloud == HIGH)", [False, True, False, True]),
        ("(cloud > LOW) & (cloud < HIGH)", [False, False, True, False]),
        ("LOW < cloud < HIGH", [False, False, True, False]),
    ],
)
def test_a_rule_masks_the_levels_it_names(rule: str, masked: list[bool]) -> None:
    assert QAConfidence(cloud=rule).apply(CLOUD).mask.tolist() == masked


@pytest.mark.parametrize("dtype", ["uint16", "int16", "int32", "int64"])
def test_every_variable_reads_its_own_pair_in_every_type(dtype: str) -> None:
    for name, pair in (("cloud", CLOUD), ("cloud_shadow", SHADOW), ("snow", SNOW), ("cirrus", CIRRUS)):
        data = pair.view("int16") if dtype == "int16" else pair.astype(dtype)
        for other in ("cloud", "cloud_shadow", "snow", "cirrus"):
            masked = QAConfidence(**{name: f"{other} == HIGH"}).apply(data).mask.tolist()
            assert masked == [False, False, False, other == name]


def test_a_rule_may_read_every_variable_whatever_other_rules_exist() -> None:
    both = CLOUD | SHADOW
    rule = QAConfidence(cloud_shadow="(cloud_shadow == HIGH) & (cloud >= MEDIUM)")
    assert rule.apply(both).mask.tolist() == [False, False, False, True]


def test_the_rules_add_up() -> None:
    data = np.concatenate([CLOUD[2:], SNOW[2:]])
    assert QAConfidence(cloud="cloud == HIGH", snow="snow == HIGH").apply(data).mask.tolist() == [
        *(False, True),
        *(False, True),
    ]


def test_only_the_cirrus_rule_asks_for_oli() -> None:
    data = np.array([[0x300, 0xC000], [0x300, 0xC000]], np.uint16)
    rules = {"cloud": "cloud == HIGH", "cirrus": "cirrus == HIGH"}
    assert QAConfidence(**rules).apply(data).mask.tolist() == [[True, True], [True, True]]
    assert QAConfidence(**rules, oli=False).apply(data).mask.tolist() == [[True, False], [True, False]]
    flags = np.array([[True, True], [False, False]])
    assert QAConfidence(**rules, oli=flags).apply(data).mask.tolist() == [[True, True], [True, False]]


def test_the_older_name_of_the_flag_works_and_the_newer_goes_first() -> None:
    assert QAConfidence(landsat_8=False).oli_flag is False
    assert QAConfidence(landsat_8=False, oli=True).oli_flag is True
    assert QAConfidence().oli_flag is True


def test_masked_pixels_stay_masked_and_the_argument_stays_as_it_was() -> None:
    data = np.ma.masked_array(CLOUD.copy(), mask=[True, False, False, False])
    result = QAConfidence(cloud="cloud == HIGH").apply(data)
    result[1] = 5
    assert result.mask.tolist() == [True, False, False, True]
    assert data.mask.tolist() == [True, False, False, False]
    assert data.data.tolist() == CLOUD.tolist()


def test_a_rule_that_divides_by_zero_does_not_match() -> None:
    assert QAConfidence(cloud="1 / cloud >= 1").apply(CLOUD).mask.tolist() == [False, True, False, False]


@pytest.mark.parametrize(
    "rule",
    [
        "cloud.__class__.__name__ != 'x'",
        "cloud >= MEDIUM; print",
        '[cloud, setattr(__import__("sys"), "marker", 42)][0] >= MEDIUM',
        "cloud",
        "cloud - LOW",
        "fog == HIGH",
        "cloud == VERY_HIGH",
        "abs(cloud) > 1",
        "",
    ],
)
def test_what_is_no_comparison_of_levels_is_refused_when_the_rule_is_made(rule: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        QAConfidence(snow=rule)
    assert refusal.value.field == "confidence.snow"


def test_without_rules_nothing_matches() -> None:
    assert matches(ConfidenceRules(), CLOUD).tolist() == [False] * 4


def test_floating_data_has_no_bits() -> None:
    with pytest.raises(InvalidRequest, match="integer raster, got float64"):
        QAConfidence(cloud="cloud == HIGH").apply(CLOUD.astype(float))


def test_flags_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="flags of shape"):
        QAConfidence(cirrus="cirrus == HIGH", oli=np.zeros(3, bool)).apply(CLOUD)
