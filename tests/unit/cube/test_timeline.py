"""Timelines: which periods a rule gives, how they print, and what is refused."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratocube.cube.timeline import MAX_PERIODS, Period, TemporalComposition, parse_date, periods, timeline
from stratocube.errors import InvalidRequest

from .forms import json_values

YEARLY = {"unit": "year", "step": 1}
days = st.dates(date(1980, 1, 1), date(2060, 12, 31))
windows = st.tuples(days, st.integers(0, 1500)).map(lambda pair: (pair[0], pair[0] + timedelta(days=pair[1])))
units = st.sampled_from(["day", "month", "year"])


def listed(found: list[Period]) -> list[str]:
    return [str(period) for period in found]


def test_a_period_prints_and_parses() -> None:
    period = Period(date(2023, 8, 1), date(2023, 8, 31))
    assert str(period) == "2023-08-01_2023-08-31"
    assert Period.parse("2023-08-01_2023-08-31") == period
    assert period.days == 31


def test_one_date_is_a_period_of_one_day() -> None:
    assert Period.parse("2024-02-29") == Period(date(2024, 2, 29), date(2024, 2, 29))


@given(windows)
def test_every_period_survives_its_text(window: tuple[date, date]) -> None:
    assert Period.parse(str(Period(*window))) == Period(*window)


def test_first_and_last_day_belong_to_a_period() -> None:
    period = Period.parse("2023-08-01_2023-08-16")
    assert date(2023, 8, 1) in period
    assert date(2023, 8, 16) in period
    assert date(2023, 8, 17) not in period


@pytest.mark.parametrize("text", ["", "2023", "2023-8-1", "2023-02-30", "2023-08-31_2023-08-01", "2023-08-01_", "_"])
def test_text_that_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest):
        Period.parse(text)


def test_a_month_step_ends_with_the_calendar_month_and_is_not_cut_at_the_window() -> None:
    assert listed(timeline("Continuous", "month", 1, "2020-01-15", "2020-03-10")) == [
        "2020-01-15_2020-01-31",
        "2020-02-01_2020-02-29",
        "2020-03-01_2020-03-31",
    ]


def test_a_cyclic_timeline_starts_anew_each_year_and_cuts_the_last_period() -> None:
    found = timeline("Cyclic", "day", 16, "2019-12-01", "2020-01-20", cycle=YEARLY)
    assert listed(found) == [
        "2019-12-03_2019-12-18",
        "2019-12-19_2019-12-31",
        "2020-01-01_2020-01-16",
        "2020-01-17_2020-02-01",
    ]


def test_a_step_longer_than_its_cycle_is_cut_at_the_cycle() -> None:
    found = timeline("Cyclic", "day", 400, "2019-01-01", "2020-12-31", cycle=YEARLY)
    assert listed(found) == ["2019-01-01_2019-12-31", "2020-01-01_2020-12-31"]


def test_cycles_of_days_begin_with_the_window() -> None:
    found = timeline("Cyclic", "day", 7, "2020-01-05", "2020-01-20", cycle={"unit": "day", "step": 10})
    assert listed(found) == ["2020-01-05_2020-01-11", "2020-01-12_2020-01-14", "2020-01-15_2020-01-21"]


def test_an_interval_over_the_new_year_ends_in_the_next_year() -> None:
    cycle = YEARLY | {"intervals": ["12-21_03-20"]}
    assert listed(timeline("Cyclic", "month", 3, "2000-01-01", "2001-12-31", cycle=cycle)) == [
        "2000-12-21_2001-03-20",
        "2001-12-21_2002-03-20",
    ]


def test_continuous_intervals_hold_every_instance_that_meets_the_window() -> None:
    found = timeline("Continuous", "month", 3, "2020-03-31", "2020-08-01", intervals=["08-01_10-31", "02-01_03-31"])
    assert listed(found) == ["2020-02-01_2020-03-31", "2020-08-01_2020-10-31"]


def test_an_interval_on_leap_day_means_the_28th_in_other_years() -> None:
    cycle = YEARLY | {"intervals": ["02-01_02-29"]}
    assert listed(timeline("Cyclic", "month", 1, "2019-01-01", "2020-12-31", cycle=cycle)) == [
        "2019-02-01_2019-02-28",
        "2020-02-01_2020-02-29",
    ]


def test_intervals_follow_a_cycle_of_several_years() -> None:
    cycle = {"unit": "year", "step": 2, "intervals": ["06-01_08-31"]}
    assert listed(timeline("Cyclic", "month", 3, "2018-01-01", "2021-12-31", cycle=cycle)) == [
        "2018-06-01_2018-08-31",
        "2020-06-01_2020-08-31",
    ]


def test_nothing_that_begins_in_the_window_is_an_empty_list() -> None:
    assert timeline("Cyclic", "year", 1, "2020-03-01", "2020-04-01", cycle=YEARLY) == []


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ({"schema": "weekly", "unit": "day", "step": 7}, "schema"),
        ({"unit": "day", "step": 7}, "schema"),
        ({"schema": "Continuous", "unit": "week", "step": 1}, "unit"),
        ({"schema": "Continuous", "unit": "day", "step": 0}, "step"),
        ({"schema": "Continuous", "unit": "day", "step": -16}, "step"),
        ({"schema": "Continuous", "unit": "day", "step": 1.5}, "step"),
        ({"schema": "Continuous", "unit": "day", "step": True}, "step"),
        ({"schema": "Continuous", "unit": "day", "step": 10**400}, "step"),
        ({"schema": "Continuous", "unit": "day"}, "step"),
        ({"schema": "Cyclic", "unit": "day", "step": 16}, "cycle"),
        ({"schema": "Cyclic", "unit": "day", "step": 16, "cycle": "year"}, "cycle"),
        ({"schema": "Cyclic", "unit": "day", "step": 16, "cycle": {"unit": "year", "step": 0}}, "cycle.step"),
        ({"schema": "Continuous", "unit": "day", "step": 16, "cycle": YEARLY}, "cycle"),
        ({"schema": "Continuous", "unit": "month", "step": 1, "intervals": ["02-30_03-01"]}, "intervals.0"),
        ({"schema": "Continuous", "unit": "month", "step": 1, "intervals": "06-01_08-31"}, "intervals"),
        ({"schema": "Continuous", "unit": "month", "step": 1, "intervals": ["01-01_02-01", "x"]}, "intervals.1"),
        ({"schema": "Continuous", "unit": "month", "step": 1, "steps": 1}, "steps"),
        (
            {
                "schema": "Cyclic",
                "unit": "day",
                "step": 5,
                "cycle": {"unit": "month", "step": 1, "intervals": ["01-01_01-05"]},
            },
            "cycle.unit",
        ),
    ],
)
def test_a_rule_that_means_nothing_is_refused_by_field(rule: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        TemporalComposition.parse(rule)
    assert refusal.value.field == field


@pytest.mark.parametrize(
    ("start", "end", "field"),
    [
        ("2020-01-02", "2020-01-01", "end_date"),
        ("1899-12-31", "2020-01-01", "start_date"),
        ("2020-01-01", "2201-01-01", "end_date"),
        ("2020-01-01", "2020-13-01", "end_date"),
        ("yesterday", "2020-01-01", "start_date"),
    ],
)
def test_a_window_that_is_none_is_refused_by_field(start: str, end: str, field: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        timeline("Continuous", "day", 1, start, end)
    assert refusal.value.field == field


def test_a_timeline_without_measure_is_refused() -> None:
    with pytest.raises(InvalidRequest, match=str(MAX_PERIODS)):
        timeline("Continuous", "day", 1, "1900-01-01", "2200-12-31")


def test_a_time_behind_a_date_is_left_out() -> None:
    assert parse_date("2023-08-01T13:30:00.5Z", field="start_date") == date(2023, 8, 1)
    with pytest.raises(InvalidRequest):
        parse_date("2023-08-01T", field="start_date") and parse_date("2023-08-01Tx", field="start_date")


@given(unit=units, step=st.integers(1, 500), window=windows)
def test_continuous_periods_follow_each_other_without_gap(unit: str, step: int, window: tuple[date, date]) -> None:
    found = timeline("Continuous", unit, step, *window)
    assert found[0].start == window[0]
    assert found[-1].start <= window[1] <= found[-1].end
    for period, following in pairwise(found):
        assert following.start == period.end + timedelta(days=1)


@given(unit=units, step=st.integers(1, 40), cycle=units, cycles=st.integers(1, 3), window=windows)
def test_cyclic_periods_begin_in_the_window_and_never_overlap(
    unit: str, step: int, cycle: str, cycles: int, window: tuple[date, date]
) -> None:
    found = timeline("Cyclic", unit, step, *window, cycle={"unit": cycle, "step": cycles})
    assert all(window[0] <= period.start <= window[1] for period in found)
    assert all(one.end < other.start for one, other in pairwise(found))


@given(window=windows, later=st.integers(0, 400))
def test_a_longer_window_only_adds_periods_of_a_yearly_cycle(window: tuple[date, date], later: int) -> None:
    rule = TemporalComposition.parse({"schema": "Cyclic", "unit": "day", "step": 16, "cycle": YEARLY})
    start, end = window
    shorter = periods(rule, start, end)
    assert periods(rule, start, end + timedelta(days=later))[: len(shorter)] == shorter


@given(
    schema=st.sampled_from(["Continuous", "Cyclic"]),
    unit=units,
    step=st.integers(1, 400),
    intervals=st.lists(st.sampled_from(["01-01_02-29", "12-21_03-20", "07-01_07-01"]), max_size=3),
)
def test_a_rule_survives_its_json(schema: str, unit: str, step: int, intervals: list[str]) -> None:
    form = {"schema": schema, "unit": unit, "step": str(step), "intervals": intervals}
    rule = TemporalComposition.parse(form | ({"cycle": YEARLY} if schema == "Cyclic" else {}))
    assert TemporalComposition.parse(rule.to_json()) == rule


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "schema": st.sampled_from(["Continuous", "cyclic"]) | json_values,
            "unit": units | json_values,
            "step": st.integers(1, 99) | json_values,
            "cycle": st.just(YEARLY) | st.fixed_dictionaries({"unit": units, "step": json_values}) | json_values,
            "intervals": st.lists(st.just("02-01_02-29") | st.text(max_size=11), max_size=3) | json_values,
        },
    ),
    st.just("2020-01-01") | st.text(max_size=12),
    st.just("2021-01-01") | st.text(max_size=12),
)
def test_any_json_gives_periods_or_a_refusal(form: dict[str, object], start: str, end: str) -> None:
    try:
        found = periods(TemporalComposition.parse(form), start, end)
    except InvalidRequest:
        return
    assert all(period.start <= period.end for period in found)
