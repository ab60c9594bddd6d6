"""The sorting networks behind the median."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from stratocube.pixels import median
from stratocube.pixels.median import masked_median, mean_of_two
from stratocube.pixels.selection import select

TYPES = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"]


@pytest.mark.parametrize("count", range(1, 13))
def test_a_network_sorts_every_sequence_of_zeros_and_ones(count: int) -> None:
    # By the zero-one principle (Knuth, The Art of Computer Programming 3, 5.3.4) it then sorts everything.
    every = [np.array(row, dtype=np.int8) for row in zip(*itertools.product((0, 1), repeat=count), strict=True)]
    expected = np.sort(every, axis=0)
    for network in median._sorting_networks(count):
        rows = list(every)
        for low, high in network:
            rows[low], rows[high] = np.minimum(rows[low], rows[high]), np.maximum(rows[low], rows[high])
        np.testing.assert_array_equal(rows, expected)


def test_the_network_with_the_fewest_steps_is_taken() -> None:
    # Minima and maxima for the middle of so many rows, the least of both of Batcher's networks.
    costs = {count: median._cost(median._network(count, median._middle_places(count))) for count in (8, 11, 12, 16, 24)}
    assert costs == {8: 28, 11: 53, 12: 60, 16: 92, 24: 188}


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("count", [1, 2, 3, 4, 7, 8, 33])
def test_the_median_counts_clear_values_alone_whatever_lies_beside_them(dtype: str, count: int) -> None:
    random = np.random.default_rng(count)
    kind = np.dtype(dtype)
    if kind.kind == "f":
        values = random.normal(size=(count, 300)).astype(kind)
        values[random.random(values.shape) < 0.1] = np.inf
    else:
        limits = np.iinfo(kind)
        values = random.integers(limits.min, limits.max, (count, 300), dtype=kind, endpoint=True)
    clear = random.random(values.shape) < 0.5
    clear &= np.isfinite(values)
    result = masked_median(list(values), list(clear), 7)
    for pixel in range(300):
        good = sorted(values[clear[:, pixel], pixel].tolist())
        if not good:
            assert result[pixel] == 7
            continue
        low, high = good[(len(good) - 1) // 2], good[len(good) // 2]
        if kind.kind == "f":
            assert result[pixel] == kind.type(kind.type(low) * kind.type(0.5) + kind.type(high) * kind.type(0.5))
        else:
            total = low + high
            assert result[pixel] == abs(total) // 2 * (1 if total >= 0 else -1)


def test_pixels_beyond_one_run_are_as_good_as_the_first_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(3)
    values = [random.integers(0, 100, (7, 11)).astype(np.int16) for _ in range(5)]
    clear = [random.random((7, 11)) < 0.6 for _ in range(5)]
    at_once = masked_median(values, clear, -1)
    monkeypatch.setattr(median, "_CACHE_BYTES", 1)
    monkeypatch.setattr(median, "_SHORTEST_RUN", 10)
    np.testing.assert_array_equal(masked_median(values, clear, -1), at_once)


def test_windows_of_larger_arrays_are_taken_as_they_lie() -> None:
    whole = np.arange(40, dtype=np.int16).reshape(4, 10)
    part = whole[1:3, 2:5]
    result = masked_median([part, part + 2], [np.ones(part.shape, bool)] * 2, -1)
    np.testing.assert_array_equal(result, part + 1)


def test_the_mean_of_two_neither_overflows_nor_rounds_away_from_zero() -> None:
    first = np.array([32767, -32768, -3, 3, -1, 0], dtype=np.int16)
    second = np.array([32767, -32768, -4, 4, 0, 1], dtype=np.int16)
    assert mean_of_two(first, second).tolist() == [32767, -32768, -3, 3, 0, 0]
    largest = np.array([np.finfo(np.float32).max], dtype=np.float32)
    assert mean_of_two(largest, largest).tolist() == largest.tolist()


@pytest.mark.parametrize("dtype", TYPES)
def test_select_takes_the_values_where_the_condition_holds(dtype: str) -> None:
    target, source = np.array([1, 2, 3], dtype=dtype), np.array([7, 8, 9], dtype=dtype)
    select(target, source, np.array([True, False, True]))
    assert target.tolist() == [7, 2, 9]
    select(target, 100, np.array([False, True, False]))
    assert target.tolist() == [7, 100, 9]
