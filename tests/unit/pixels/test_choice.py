"""Which date a pixel takes, by whatever way it is found."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stratocube.pixels.choice import NO_DATE, Choice
from stratocube.pixels.judge import Observed


def stack(seed: int, dates: int, pixels: int, clear: float, gone: float) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    exists = random.random((dates, pixels)) >= gone
    return exists, exists & (random.random((dates, pixels)) < clear)


def first(where: np.ndarray) -> np.ndarray:
    """Index of the first date that holds, -1 where none does."""
    return np.where(where.any(axis=0), where.argmax(axis=0), NO_DATE)


STACKS = st.builds(
    stack,
    st.integers(0, 1 << 30),
    st.integers(1, 12),
    st.integers(1, 200),
    st.sampled_from([0.0, 0.02, 0.5, 0.9, 1.0]),
    st.sampled_from([0.0, 0.1, 0.95]),
)


@given(STACKS)
def test_each_pixel_takes_the_first_clear_date_else_the_first_that_exists(given: tuple[np.ndarray, np.ndarray]) -> None:
    exists, clear = given
    choice = Choice(exists[0].shape, len(exists))
    values = np.full(exists[0].shape, -9, dtype=np.int16)
    seen_first = np.full(exists[0].shape, -9, dtype=np.int16)
    for rank, offer in enumerate(map(Observed, exists, clear)):
        expected_any = bool((offer.clear & ~choice.clear).any() or (offer.exists & ~exists[:rank].any(axis=0)).any())
        assert choice.done or choice.wants(offer) is expected_any
        taken, seen = choice.take(rank, offer)
        taken.put(values, rank)
        seen.put(seen_first, np.full(exists[0].shape, rank, dtype=np.int16))
    expected = np.where(clear.any(axis=0), first(clear), first(exists))
    np.testing.assert_array_equal(choice.rank, expected)
    np.testing.assert_array_equal(values, np.where(expected < 0, -9, expected))
    np.testing.assert_array_equal(choice.clear, clear.any(axis=0))
    np.testing.assert_array_equal(np.sort(choice.not_clear), np.flatnonzero(~clear.any(axis=0)))
    assert choice.clear_pixels(len(exists)).tolist() == [
        np.count_nonzero(first(clear) == rank) for rank in range(len(exists))
    ]
    assert choice.done == clear.any(axis=0).all()
    # What a pixel falls back on matters only until it is clear.
    waiting = ~clear.any(axis=0)
    np.testing.assert_array_equal(seen_first[waiting & exists.any(axis=0)], first(exists)[waiting & exists.any(axis=0)])


@given(STACKS, st.integers(0, 11))
def test_a_copy_goes_its_own_way(given: tuple[np.ndarray, np.ndarray], at: int) -> None:
    exists, clear = given
    choice = Choice(exists[0].shape, len(exists))
    other = choice.copy()
    for rank, offer in enumerate(map(Observed, exists, clear)):
        choice.wants(offer)
        if rank == at:
            other = choice.copy()
        choice.take(rank, offer)
    head = min(at, len(exists)) if at < len(exists) else 0
    expected = Choice(exists[0].shape, len(exists))
    for rank, offer in enumerate(map(Observed, exists[:head], clear[:head])):
        expected.take(rank, offer)
    np.testing.assert_array_equal(other.rank, expected.rank)


def test_dates_that_were_passed_over_keep_their_ranks() -> None:
    choice = Choice((3,), 9)
    choice.take(2, Observed(np.array([True, True, False]), np.array([True, False, False])))
    choice.take(7, Observed(np.array([True, True, False]), np.array([True, True, False])))
    assert choice.rank.tolist() == [2, 7, -1]
    assert choice.clear_pixels(9).tolist() == [0, 0, 1, 0, 0, 0, 0, 1, 0]
