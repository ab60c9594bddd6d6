"""Dates that are to be last are last, whatever they offer, but for a reference day."""

from __future__ import annotations

import datetime as dt

from stratocube.pixels.ranking import DateScore, rank_dates

DAYS = [dt.date(2023, 8, day) for day in (1, 9, 17, 25)]
SCORES = [
    DateScore(DAYS[0], 95.0, 30.0, last=True),
    DateScore(DAYS[1], 10.0, 30.0),
    DateScore(DAYS[2], 99.0, 30.0, last=True),
    DateScore(DAYS[3], 60.0, 30.0),
]


def test_a_date_with_gaps_comes_after_every_date_without() -> None:
    assert [place.date.day for place in rank_dates(SCORES)] == [25, 9, 17, 1]


def test_a_reference_day_decides_alone() -> None:
    ranked = rank_dates(SCORES, reference_day=1, period_start=DAYS[0])
    assert [place.date for place in ranked] == DAYS
