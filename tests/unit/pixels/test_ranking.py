"""The order of dates and the blend tasks of a cube."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratocube.errors import InvalidRequest
from stratocube.pixels.ranking import (
    BlendTask,
    DateScore,
    blend_tasks,
    matching_order,
    matching_reference,
    rank_dates,
    spectral_bands,
    temporal_priority_timeline,
)

SCORES = st.lists(
    st.builds(
        DateScore,
        date=st.dates(dt.date(2020, 1, 1), dt.date(2020, 3, 1)),
        efficacy=st.sampled_from([0.0, 33.33, 50.0, 100.0]),
        resolution=st.sampled_from([10, 20, 30]),
    ),
    max_size=12,
    unique_by=lambda score: score.date,
)


def january(day: int) -> dt.date:
    return dt.date(2020, 1, day)


def score(day: int, efficacy: float, resolution: float = 30) -> DateScore:
    return DateScore(january(day), efficacy, resolution)


def days(ranked: Any) -> list[int]:
    return [getattr(place, "date", place).day for place in ranked]


def test_dates_rank_by_efficacy_for_their_pixel_size() -> None:
    assert days(rank_dates([score(3, 50), score(8, 80), score(14, 20)])) == [8, 3, 14]
    assert days(rank_dates([score(3, 90, 30), score(8, 40, 10)])) == [8, 3]
    assert [place.weight for place in rank_dates([score(3, 50), score(8, 80)])] == [80, 50]


def test_of_equal_dates_the_latest_ranks_first() -> None:
    assert days(rank_dates([score(8, 60), score(14, 60), score(3, 60)])) == [14, 8, 3]
    assert days(rank_dates([score(8, 20, 10), score(14, 60, 30)])) == [14, 8]


def test_with_a_reference_day_closeness_alone_decides() -> None:
    scores = [score(3, 50, 10), score(8, 80), score(14, 20)]
    ranked = rank_dates(scores, reference_day=8)  # counted from the 3rd: the 10th
    assert days(ranked) == [8, 14, 3]
    assert [place.weight for place in ranked] == [100.0, 99.99, 99.98]
    assert days(rank_dates(scores, reference_day=14, period_start=january(1))) == [14, 8, 3]


@given(SCORES, st.one_of(st.none(), st.integers(0, 40)), st.randoms(use_true_random=False))
def test_the_rank_does_not_depend_on_the_order_given(scores: list[DateScore], day: int | None, random: Any) -> None:
    ranked = rank_dates(scores, reference_day=day)
    assert sorted(place.date for place in ranked) == sorted(score.date for score in scores)
    random.shuffle(scores)
    assert rank_dates(scores, reference_day=day) == ranked


@given(SCORES)
def test_weights_never_rise_down_the_rank_at_one_resolution(scores: list[DateScore]) -> None:
    same = [DateScore(score.date, score.efficacy, 30) for score in scores]
    for ranked in (rank_dates(same), rank_dates(scores, reference_day=20)):
        weights = [place.weight for place in ranked]
        assert weights == sorted(weights, reverse=True)


def test_a_period_without_dates_has_no_rank() -> None:
    assert rank_dates([]) == rank_dates([], reference_day=3) == []
    assert temporal_priority_timeline(5, []) == []


def test_of_two_dates_at_one_distance_the_earlier_goes_first_and_repeated_ones_stay() -> None:
    dates = [january(20), january(12), january(10), january(12)]
    assert days(temporal_priority_timeline(7, dates)) == [12, 12, 20, 10]  # from the 16th
    assert days(temporal_priority_timeline(11, [january(13), january(9)], first_day=january(1))) == [9, 13]


@pytest.mark.parametrize("scores", [[score(3, 50), score(3, 60)], [score(3, 50, 0)], [score(3, 50, -30)]])
def test_scores_that_cannot_be_ranked_are_refused(scores: list[DateScore]) -> None:
    with pytest.raises(InvalidRequest):
        rank_dates(scores)


def test_histograms_are_matched_to_the_date_of_highest_efficacy_the_first_one_on_ties() -> None:
    scores = [score(14, 80), score(3, 50), score(8, 80), score(20, 60), score(21, 60)]
    assert matching_reference(scores) == january(8)
    assert days(matching_order(scores)) == [14, 20, 21, 3]
    with pytest.raises(InvalidRequest):
        matching_reference([])


def test_lcf_has_a_task_a_band_with_the_quality_last_and_the_layers_in_it() -> None:
    tasks = blend_tasks(["quality", "nir", "red"], function="LCF", quality_band="quality")
    assert tasks == [
        BlendTask("nir", "LCF", observation_layers=False, inputs=("nir", "quality")),
        BlendTask("red", "LCF", observation_layers=False, inputs=("red", "quality")),
        BlendTask("quality", "LCF", observation_layers=True, inputs=("quality",)),
    ]


def test_the_saturation_band_joins_the_inputs_of_every_band_and_has_a_task_with_lcf() -> None:
    tasks = blend_tasks(["nir", "quality", "radsat"], function="LCF", quality_band="quality", saturated_band="radsat")
    assert [(task.band, task.inputs) for task in tasks] == [
        ("nir", ("nir", "quality", "radsat")),
        ("radsat", ("radsat", "quality")),
        ("quality", ("quality", "radsat")),
    ]


@pytest.mark.parametrize("function", ["MED", "AVG"])
def test_median_and_average_have_tasks_for_spectral_bands_and_the_first_builds_the_layers(function: Any) -> None:
    bands = ["radsat", "nir", "red", "quality"]
    tasks = blend_tasks(bands, function=function, quality_band="quality", saturated_band="radsat")
    assert tasks == [
        BlendTask("nir", function, observation_layers=True, inputs=("nir", "quality", "radsat")),
        BlendTask("red", function, observation_layers=False, inputs=("red", "quality", "radsat")),
    ]


def test_tasks_that_need_the_sources_of_pixels_read_them() -> None:
    tasks = blend_tasks(["nir", "quality"], function="LCF", quality_band="quality", datasource_for=["quality"])
    assert [task.inputs for task in tasks] == [("nir", "quality"), ("quality", "DATASOURCE")]


def test_an_identity_cube_is_not_blended_with_or_without_quality() -> None:
    assert blend_tasks(["nir"], function="IDT", quality_band=None) == []
    assert blend_tasks(["nir", "quality"], function="IDT", quality_band="quality") == []


@pytest.mark.parametrize(
    ("bands", "function", "more"),
    [
        (["nir"], "LCF", {"quality_band": None}),
        (["nir"], "MED", {"quality_band": "quality"}),
        (["nir", "quality"], "LCF", {"quality_band": "quality", "saturated_band": "radsat"}),
        (["quality"], "MED", {"quality_band": "quality"}),
    ],
)
def test_tasks_whose_inputs_are_missing_are_refused(bands: list[str], function: Any, more: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        blend_tasks(bands, function=function, **more)


def test_spectral_bands_are_neither_quality_nor_saturation() -> None:
    assert spectral_bands(["q", "nir", "sat", "red"], quality_band="q", saturated_band="sat") == ["nir", "red"]
    assert spectral_bands(["nir"], quality_band=None) == ["nir"]
