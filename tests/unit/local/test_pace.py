"""How fast a step goes, and how long it may take yet."""

from __future__ import annotations

import pytest

from stratocube.local.pace import Pace, duration


def paced(*seen: tuple[float, int]) -> Pace:
    pace = Pace()
    for moment, done in seen:
        pace.note(moment, done)
    return pace


def test_the_time_that_is_left_follows_from_the_rate() -> None:
    assert paced((0, 0), (10, 20)).text(100) == "2.0/s, 40 s left"
    assert paced((0, 5), (60, 11)).text(None) == "6.0/min"


def test_waiting_for_the_first_does_not_count() -> None:
    assert paced((0, 0), (99, 0), (100, 0), (110, 10)).text(20) == "1.0/s, 10 s left"


def test_the_last_half_minute_counts() -> None:
    slow_then_fast = [(second, 1) for second in range(1, 300)] + [(second, second - 299) for second in range(300, 400)]
    assert paced(*slow_then_fast).text(200) == "1.0/s, 1 min 40 s left"


@pytest.mark.parametrize("seen", [(), ((0, 0),), ((0, 1), (1, 5)), ((0, 3), (20, 3))])
def test_what_cannot_be_told_is_not_said(seen: tuple[tuple[float, int], ...]) -> None:
    assert paced(*seen).text(10) == ""


def test_what_is_done_needs_no_time() -> None:
    assert paced((0, 0), (10, 10)).text(10) == ""


def test_lengths_of_time_are_said_in_two_units() -> None:
    assert [duration(seconds) for seconds in (0.4, 59.4, 60, 3599, 86400)] == [
        "0 s",
        "59 s",
        "1 min 0 s",
        "59 min 59 s",
        "24 h 0 min",
    ]
