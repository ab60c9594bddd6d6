"""Reads are tried again a few times, after waits that grow and differ, and never for longer than there is time."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from stratocube.errors import SourceMissing, TransientRead
from stratocube.storage.retrying import Patience, read_patiently


class Time:
    """A clock that runs while something waits or works."""

    def __init__(self) -> None:
        self.now = 100.0
        self.waits: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    def patience(self, attempts: int = 3) -> Patience:
        return Patience(attempts=attempts, seconds=1.0, sleep=self.sleep, clock=lambda: self.now)


def failing(times: int, time: Time, *, seconds: float = 0.0) -> Callable[[], str]:
    """A read that works after so many failures, each of which takes ``seconds``."""
    left = [times]

    def read() -> str:
        time.now += seconds
        if left[0]:
            left[0] -= 1
            raise TransientRead("https://h/a.tif", f"failure {times - left[0]}")
        return "pixels"

    return read


@pytest.mark.parametrize("failures", [0, 1, 2])
def test_fewer_failures_than_attempts_do_no_harm(failures: int) -> None:
    time = Time()
    assert read_patiently(failing(failures, time), time.patience(), seconds_left=60) == "pixels"
    assert len(time.waits) == failures


def test_the_last_failure_is_the_one_that_is_told_with_the_number_of_attempts() -> None:
    time = Time()
    with pytest.raises(TransientRead, match=r"^https://h/a\.tif: failure 3 \(tried 3 times\)$") as caught:
        read_patiently(failing(9, time), time.patience(), seconds_left=60)
    assert caught.value.href == "https://h/a.tif"


def test_waits_are_drawn_up_to_a_limit_that_doubles(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[tuple[float, float]] = []

    def longest(low: float, high: float) -> float:
        drawn.append((low, high))
        return high

    monkeypatch.setattr(random, "uniform", longest)
    time = Time()
    read_patiently(failing(4, time), time.patience(attempts=5), seconds_left=600)
    assert drawn == [(0, 1), (0, 2), (0, 4), (0, 8)]
    assert time.waits == [1, 2, 4, 8]


def test_an_attempt_that_would_not_fit_into_the_time_is_not_begun() -> None:
    time = Time()
    with pytest.raises(TransientRead, match="tried 2 times"):
        read_patiently(failing(9, time, seconds=40), time.patience(attempts=9), seconds_left=100)
    assert time.now < 200


def test_what_is_missing_is_not_asked_for_again() -> None:
    time, asked = Time(), []

    def read() -> str:
        asked.append(1)
        raise SourceMissing("https://h/a.tif", "the server answered 404")

    with pytest.raises(SourceMissing):
        read_patiently(read, time.patience(), seconds_left=60)
    assert (len(asked), time.waits) == (1, [])


def test_other_errors_are_not_hidden_behind_another_attempt() -> None:
    time = Time()
    with pytest.raises(ZeroDivisionError):
        read_patiently(lambda: 1 // 0, time.patience(), seconds_left=60)
    assert time.waits == []
