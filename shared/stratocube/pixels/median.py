"""The median of the clear observations, pixel by pixel, by sorting networks.

A sorting network is a fixed list of compare-exchange steps, so that each step is one minimum and one maximum over whole
rows of pixels: no branch, no index, no gathering of the clear values. Observations that are not clear are replaced by
the lowest and the highest value of the type, in turn for each pixel. Whatever the number of clear observations, their
median then lies in one or both of two fixed places, and every step that does not lead there is left out.

Networks: Batcher's odd-even merge sort (K. E. Batcher, "Sorting networks and their applications", 1968).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stratocube.pixels.selection import integer_view, select

_CACHE_BYTES: Final = 1 << 21
"""What the rows of one run may take: small enough to stay in the cache while the network passes over it."""
_SHORTEST_RUN: Final = 4096
"""Below this many pixels the cost of calling numpy outweighs the cache."""


class Step(NamedTuple):
    """Compare-exchange of two rows: the smaller value goes to ``low``, the larger to ``high``."""

    low: int
    high: int
    keep_low: bool
    keep_high: bool


class Workspace:
    """Memory that the medians of one thread use in turn: fresh pages from the system cost as much as a median."""

    def __init__(self) -> None:
        self._buffers: _Buffers | None = None

    def buffers(self, count: int, dtype: np.dtype[Any]) -> _Buffers:
        """Buffers for ``count`` dates of this type: those of the last call where they fit."""
        kept = self._buffers
        if kept is None or kept.rows.dtype != dtype or len(kept.rows) <= count:
            self._buffers = kept = _Buffers.make(count, dtype)
        return kept


def masked_median(
    values: Sequence[NDArray[Any]],
    clear: Sequence[NDArray[np.bool_]],
    nodata: float,
    workspace: Workspace | None = None,
) -> NDArray[Any]:
    """Median over the dates at every pixel.

    ``values`` and ``clear`` have one array a date, all of one shape; ``values`` all of one integer or floating type,
    which the result has as well. Only pixels with ``clear`` count; where none is clear the result is ``nodata``. An
    even number of clear values gives the mean of the middle two: integers truncated toward zero (411.5 becomes 411,
    -3.5 becomes -3), floats as they are. Values where ``clear`` is off may be anything; clear ones must not be NaN.
    ``workspace`` is kept by callers with many blocks.
    """
    shape, dtype = values[0].shape, values[0].dtype
    rows = [np.ascontiguousarray(row).reshape(-1) for row in values]
    flags = [np.ascontiguousarray(row).reshape(-1) for row in clear]
    result = np.empty(rows[0].size, dtype=dtype)
    buffers = (workspace or Workspace()).buffers(len(rows), dtype)
    for start in range(0, result.size, buffers.length):
        run = slice(start, min(start + buffers.length, result.size))
        _median_of_run([row[run] for row in rows], [row[run] for row in flags], buffers, result[run], nodata)
    return result.reshape(shape)


@dataclass(frozen=True)
class _Buffers:
    """Memory for one run of pixels after the other, so that no step has to ask for new one."""

    rows: NDArray[Any]
    """One row a date, and a spare one."""
    filling: NDArray[Any]
    """What replaces the next gap of each pixel: the highest or the lowest value of the type."""
    gap: NDArray[Any]
    """All bits set where an observation is not clear, none elsewhere."""
    gap_bytes: NDArray[np.int8]
    any_clear: NDArray[np.bool_]

    @property
    def length(self) -> int:
        """Pixels that fit."""
        return self.filling.size

    @classmethod
    def make(cls, count: int, dtype: np.dtype[Any]) -> _Buffers:
        fitting = _CACHE_BYTES // ((count + 4) * dtype.itemsize)
        length = max(_SHORTEST_RUN, fitting // _SHORTEST_RUN * _SHORTEST_RUN)
        return cls(
            rows=np.empty((count + 1, length), dtype=dtype),
            filling=np.empty(length, dtype=dtype),
            gap=np.empty(length, dtype=f"i{dtype.itemsize}"),
            gap_bytes=np.empty(length, dtype=np.int8),
            any_clear=np.empty(length, dtype=np.bool_),
        )

    def part(self, count: int, pixels: int) -> _Buffers:
        """The first ``pixels`` of every buffer, with rows for ``count`` dates."""
        return _Buffers(
            self.rows[: count + 1, :pixels],
            self.filling[:pixels],
            self.gap[:pixels],
            self.gap_bytes[:pixels],
            self.any_clear[:pixels],
        )


def _median_of_run(
    values: list[NDArray[Any]],
    clear: list[NDArray[np.bool_]],
    buffers: _Buffers,
    result: NDArray[Any],
    nodata: float,
) -> None:
    """Median of one run of pixels, into ``result``."""
    count = len(values)
    buffers = buffers.part(count, result.size)
    _fill_gaps(values, clear, buffers)
    places = _middle_places(count)
    rows = _run_network(_network(count, places), list(buffers.rows))
    lower, upper = rows[places[0]], rows[places[1]]
    result[...] = mean_of_two(lower, upper)
    # With an odd number of clear values one of the two places is the median; which one depends on the number of gaps.
    odd_gaps = buffers.filling == _limits(result.dtype)[0]
    if count % 2 == 0:
        select(result, lower, odd_gaps)
    else:
        select(result, upper, ~odd_gaps)
    select(result, nodata, ~buffers.any_clear)


def _fill_gaps(values: list[NDArray[Any]], clear: list[NDArray[np.bool_]], buffers: _Buffers) -> None:
    """Copy ``values`` to the rows, gaps replaced by the highest, the lowest, the highest … value of the type."""
    lowest, highest = (np.array(limit) for limit in _limits(buffers.filling.dtype))
    flip = integer_view(lowest) ^ integer_view(highest)
    buffers.filling.fill(highest)
    buffers.any_clear.fill(False)
    filling, gap = integer_view(buffers.filling), buffers.gap
    floating = buffers.filling.dtype.kind == "f"
    for value, good, row in zip(values, clear, integer_view(buffers.rows), strict=False):
        np.logical_or(buffers.any_clear, good, out=buffers.any_clear)
        np.subtract(good.view(np.int8), 1, out=buffers.gap_bytes)
        np.copyto(gap, buffers.gap_bytes)
        bits = integer_view(value)
        np.bitwise_xor(bits, filling, out=row)
        np.bitwise_and(row, gap, out=row)
        np.bitwise_xor(row, bits, out=row)
        if floating:  # the infinities differ in the sign alone, the limits of an integer type in every bit
            np.bitwise_and(gap, flip, out=gap)
        np.bitwise_xor(filling, gap, out=filling)


def _run_network(steps: Sequence[Step], rows: list[NDArray[Any]]) -> list[NDArray[Any]]:
    """Apply the steps to rows in place; the last of ``rows`` is the spare one. Returns the rows in their new order."""
    *rows, spare = rows
    for step in steps:
        low, high = rows[step.low], rows[step.high]
        if step.keep_low and step.keep_high:
            np.minimum(low, high, out=spare)
            np.maximum(low, high, out=high)
            rows[step.low], spare = spare, low
        elif step.keep_low:
            np.minimum(low, high, out=low)
        else:
            np.maximum(low, high, out=high)
    return rows


def mean_of_two(first: NDArray[Any], second: NDArray[Any]) -> NDArray[Any]:
    """(first + second) / 2 in the type of the arrays: integers truncated toward zero, never overflowing."""
    if first.dtype.kind == "f":
        with np.errstate(invalid="ignore"):  # the two infinities meet where nothing is clear
            return np.asarray(first * first.dtype.type(0.5) + second * first.dtype.type(0.5))
    apart = first ^ second
    mean: NDArray[Any] = (first & second) + (apart >> 1)  # rounds down
    if first.dtype.kind == "i":
        mean += (mean < 0) & (apart & 1)
    return mean


def _limits(dtype: np.dtype[Any]) -> tuple[Any, Any]:
    if dtype.kind == "f":
        return dtype.type(-np.inf), dtype.type(np.inf)
    info = np.iinfo(dtype)
    return dtype.type(info.min), dtype.type(info.max)


def _middle_places(count: int) -> tuple[int, int]:
    """The two places of ``count`` sorted and filled rows that hold the median: one of them, or their mean."""
    return max(count // 2 - 1, 0), count // 2


@lru_cache(maxsize=256)
def _network(count: int, places: tuple[int, ...]) -> tuple[Step, ...]:
    """The steps that bring the values of these places of the sorted order there.

    Remembered because a tile is composited block by block; it depends on its arguments alone.
    """
    needed = set(places)
    steps = []
    for low, high in reversed(_sorting_network(count)):
        if low in needed or high in needed:
            steps.append(Step(low, high, low in needed, high in needed))
            needed |= {low, high}
    return tuple(reversed(steps))


def _sorting_network(count: int) -> list[tuple[int, int]]:
    """Batcher's network for ``count`` rows: the one of the next power of two without the steps beyond the end.

    Rows beyond the end would hold the highest values, and stay where they are.
    """
    size = 1 << (count - 1).bit_length()
    return [(low, high) for low, high in _sort_steps(0, size) if high < count]


def _sort_steps(start: int, size: int) -> list[tuple[int, int]]:
    if size < 2:
        return []
    half = size // 2
    return [*_sort_steps(start, half), *_sort_steps(start + half, half), *_merge_steps(start, size, 1)]


def _merge_steps(start: int, size: int, stride: int) -> list[tuple[int, int]]:
    """Merge the two sorted halves of ``size`` rows, of which every ``stride``-th one takes part."""
    if stride * 2 >= size:
        return [(start, start + stride)] if stride < size else []
    even = _merge_steps(start, size, stride * 2)
    odd = _merge_steps(start + stride, size, stride * 2)
    last = [(row, row + stride) for row in range(start + stride, start + size - stride, stride * 2)]
    return [*even, *odd, *last]
