"""The median of the clear observations, pixel by pixel, by sorting networks.

A sorting network is a fixed list of compare-exchange steps, so that each step is one minimum and one maximum over whole
rows of pixels: no branch, no index, no gathering of the clear values. Observations that are not clear are replaced by
the lowest and the highest value of the type, in turn for each pixel. Whatever the number of clear observations, their
median then lies in one or both of two fixed places, and every step that does not lead there is left out.

Networks: Batcher's odd-even merge sort and merge exchange (K. E. Batcher, "Sorting networks and their applications",
1968), whichever is left with fewer steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from stratocube.pixels.selection import integer_view, select
from stratocube.pixels.workspace import Workspace

__all__ = ["RunningMedian", "Workspace", "masked_median", "mean_of_two"]

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


def masked_median(values: Sequence[NDArray[Any]], clear: Sequence[NDArray[np.bool_]], nodata: float) -> NDArray[Any]:
    """Median over the dates at every pixel.

    ``values`` and ``clear`` have one array a date, all of one shape; ``values`` all of one integer or floating type,
    which the result has as well. Only pixels with ``clear`` count; where none is clear the result is ``nodata``. An
    even number of clear values gives the mean of the middle two: integers truncated toward zero (411.5 becomes 411,
    -3.5 becomes -3), floats as they are. Values where ``clear`` is off may be anything; clear ones must not be NaN.
    """
    median = RunningMedian(values[0].shape, values[0].dtype, nodata)
    for date, flags in zip(values, clear, strict=True):
        median.add(date, flags)
    return median.result()


class RunningMedian:
    """The median of a block, of dates that are added one by one; see :func:`masked_median`. Keeps nothing of theirs."""

    def __init__(
        self, shape: tuple[int, ...], dtype: DTypeLike, nodata: float, workspace: Workspace | None = None
    ) -> None:
        self._memory, self._shape, self._nodata = workspace or Workspace(), shape, nodata
        self._rows: list[NDArray[Any]] = []
        """The dates, flat, gaps replaced by the highest, the lowest, the highest … value of the type."""
        self._lowest, self._highest = _limits(np.dtype(dtype))
        self._filling = self._memory.full(shape, self._highest, dtype)
        """What replaces the next gap of each pixel: the highest or the lowest value of the type."""
        self._any_clear: NDArray[np.bool_] = self._memory.full(shape, False, np.bool_)
        self._complete = False
        """Whether every pixel is clear on one of the dates."""

    def add(self, values: NDArray[Any], clear: NDArray[np.bool_]) -> None:
        """Take the next date, if it is clear anywhere."""
        if not clear.any():
            return
        memory, shape, size = self._memory, self._shape, self._any_clear.size
        if not self._complete:
            np.logical_or(self._any_clear, clear, out=self._any_clear)
            self._complete = bool(self._any_clear.all())
        filling, bits = integer_view(self._filling), integer_view(values)
        gap_bytes = memory.scratch("gap bytes", size, np.int8).reshape(shape)
        np.subtract(clear.view(np.int8), 1, out=gap_bytes)  # all bits where it is not clear
        gap = gap_bytes
        if filling.itemsize > 1:
            gap = memory.scratch("gap", size, filling.dtype).reshape(shape)
            np.copyto(gap, gap_bytes)
        row = memory.empty(shape, filling.dtype)
        np.bitwise_xor(bits, filling, out=row)
        np.bitwise_and(row, gap, out=row)
        np.bitwise_xor(row, bits, out=row)
        if self._filling.dtype.kind == "f":  # the infinities differ in the sign alone, other limits in every bit
            np.bitwise_and(gap, integer_view(self._lowest) ^ integer_view(self._highest), out=gap)
        np.bitwise_xor(filling, gap, out=filling)
        self._rows.append(row.view(self._filling.dtype).reshape(-1))

    def result(self, room: NDArray[Any] | None = None) -> NDArray[Any]:
        """The median of what was added. ``room`` is an array of the shape and type, in one piece, to put it in.

        The object is used up.
        """
        dtype, size = self._filling.dtype, self._filling.size
        result = np.empty(self._shape, dtype=dtype) if room is None else room
        if not self._rows:
            result.fill(self._nodata)
            return result
        filling, any_clear, flat = self._filling.reshape(-1), self._any_clear.reshape(-1), result.reshape(-1)
        longest = _longest_run(len(self._rows), dtype)
        for start in range(0, size, longest):
            run = slice(start, start + longest)
            _median_of_run([row[run] for row in self._rows], filling[run], flat[run], self._memory)
        if not self._complete:
            missing = self._memory.scratch("condition", size, np.bool_)
            select(flat, self._nodata, np.logical_not(any_clear, out=missing), self._memory)
        return result


def _longest_run(count: int, dtype: np.dtype[Any]) -> int:
    """How many pixels of ``count`` rows are sorted at a time."""
    return max(_SHORTEST_RUN, _CACHE_BYTES // ((count + 4) * dtype.itemsize) // _SHORTEST_RUN * _SHORTEST_RUN)


def _median_of_run(rows: list[NDArray[Any]], filling: NDArray[Any], result: NDArray[Any], workspace: Workspace) -> None:
    """Median of filled rows, into ``result``; the rows are used up. Anything where nothing is clear."""
    count = len(rows)
    places = _middle_places(count)
    rows = _run_network(_network(count, places), rows, workspace.scratch("spare", result.size, result.dtype))
    lower, upper = rows[places[0]], rows[places[1]]
    if count == 1:
        result[...] = upper
        return
    # With an odd number of clear values one of the two places is the median; which one depends on the number of gaps,
    # which the next filling tells. With an even number it is the mean of both.
    mean_of_two(lower, upper, result, workspace)
    condition = workspace.scratch("condition", result.size, np.bool_)
    np.equal(filling, _limits(result.dtype)[0 if count % 2 == 0 else 1], out=condition)
    select(result, lower if count % 2 == 0 else upper, condition, workspace)


def _run_network(steps: Sequence[Step], rows: list[NDArray[Any]], spare: NDArray[Any]) -> list[NDArray[Any]]:
    """Apply the steps to rows in place, with a spare one. Returns the rows in their new order."""
    rows = list(rows)
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


def mean_of_two(
    first: NDArray[Any], second: NDArray[Any], out: NDArray[Any] | None = None, workspace: Workspace | None = None
) -> NDArray[Any]:
    """(first + second) / 2 in the type of the arrays: integers truncated toward zero, never overflowing.

    ``out`` is the array to put it in, neither of the two.
    """
    mean, memory = np.empty_like(first) if out is None else out, workspace or Workspace()
    apart, other = (memory.scratch(name, first.size, first.dtype).reshape(first.shape) for name in ("apart", "other"))
    if first.dtype.kind == "f":
        half = first.dtype.type(0.5)
        with np.errstate(invalid="ignore"):  # the two infinities meet where nothing is clear
            np.multiply(first, half, out=mean)
            mean += np.multiply(second, half, out=other)
        return mean
    np.bitwise_xor(first, second, out=apart)
    np.bitwise_and(first, second, out=mean)
    mean += np.right_shift(apart, 1, out=other)  # rounds down
    if first.dtype.kind == "i":
        apart &= 1
        apart &= np.right_shift(mean, 8 * mean.dtype.itemsize - 1, out=other)  # all bits of the sign
        mean += apart
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
    """The steps that bring the values of these places of the sorted order there: the fewest of several networks.

    Remembered because a tile is composited block by block; it depends on its arguments alone.
    """
    return min((_pruned(network, places) for network in _sorting_networks(count)), key=_cost)


def _pruned(network: Sequence[tuple[int, int]], places: tuple[int, ...]) -> tuple[Step, ...]:
    """The steps of a network that lead to these places."""
    needed = set(places)
    steps = []
    for low, high in reversed(network):
        if low in needed or high in needed:
            steps.append(Step(low, high, low in needed, high in needed))
            needed |= {low, high}
    return tuple(reversed(steps))


def _cost(steps: Sequence[Step]) -> int:
    return sum(step.keep_low + step.keep_high for step in steps)


def _sorting_networks(count: int) -> Iterator[list[tuple[int, int]]]:
    """Networks for ``count`` rows: those for the next power of two without some first and last rows.

    Rows left out at the end would hold the highest values, those at the beginning the lowest, and stay where they are.
    """
    size = 1 << (count - 1).bit_length()
    for steps in (_sort_steps(0, size), _exchange_steps(size)):
        for first in range(size - count + 1):
            yield [(low - first, high - first) for low, high in steps if first <= low and high < first + count]


def _exchange_steps(size: int) -> list[tuple[int, int]]:
    """Batcher's merge exchange for a power of two (D. E. Knuth, "The Art of Computer Programming" 3, 5.2.2, M)."""
    steps, part = [], size // 2
    while part:
        apart, ahead, offset = part, size // 2, 0
        while apart:
            steps += [(low, low + apart) for low in range(size - apart) if low & part == offset]
            apart, ahead, offset = ahead - part, ahead // 2, part
        part //= 2
    return steps


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
