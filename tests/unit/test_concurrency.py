"""The same done to many things, a few of them at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from stratocube.concurrency import AT_ONCE, for_each


@pytest.mark.parametrize("count", [0, 1, AT_ONCE, AT_ONCE + 1, 600])
def test_each_is_done_once(count: int) -> None:
    done: list[int] = []
    for_each(iter(range(count)), done.append)
    assert sorted(done) == list(range(count))


def test_a_handful_is_done_in_order_and_by_the_caller() -> None:
    done: list[tuple[int, int]] = []
    for_each(range(AT_ONCE), lambda n: done.append((n, threading.get_ident())))
    assert done == [(n, threading.get_ident()) for n in range(AT_ONCE)]


def test_more_are_done_at_the_same_time_but_never_more_than_said() -> None:
    everybody = threading.Barrier(AT_ONCE)
    under_way: list[int] = []
    most: list[int] = []

    def meet(n: int) -> None:
        under_way.append(n)
        most.append(len(under_way))
        everybody.wait(timeout=30)  # breaks unless as many as may be are here
        under_way.remove(n)

    for_each(range(4 * AT_ONCE), meet)
    assert max(most) == AT_ONCE


def test_things_are_taken_as_they_are_needed() -> None:
    taken: list[int] = []
    ahead: list[int] = []

    def things() -> Iterator[int]:
        for n in range(2000):
            taken.append(n)
            yield n

    for_each(things(), lambda n: ahead.append(len(taken) - n))
    assert max(ahead) <= 256


def test_the_first_error_is_raised_and_ends_it() -> None:
    done: list[int] = []

    def fail_at_ten(n: int) -> None:
        if n == 10:
            raise ValueError("ten")
        done.append(n)

    with pytest.raises(ValueError, match="ten"):
        for_each(range(2000), fail_at_ten)
    assert max(done) < 256
