"""From the observations of a period to one: least cloud first, median, average, and what was observed.

Everything here works on one block of pixels and on the dates of a period in rank order, best first. An observation
*exists* at a pixel where its quality is not nodata and the band is not nodata. It is *clear* where its quality class is
clear besides, and it is neither saturated nor outside the valid range. Everything else that exists is fall-back.

A reducer is fed date by date, so that reading stops where nothing can change any more::

    reducer = make_reducer("LCF", shape, dtype, nodata)
    for rank, date in enumerate(dates):
        if reducer.done:
            break
        quality = observed(classes_of(date), saturated_at(date))
        if reducer.wants(quality):                       # by the quality alone: is the band worth reading?
            values = read(date)
            reducer.add(rank, values, within(quality, values, nodata))
    composite = reducer.result()
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, Literal, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from stratocube.errors import InvalidRequest
from stratocube.pixels.choice import NO_DATE, Choice, Taken
from stratocube.pixels.judge import Observed, observed
from stratocube.pixels.median import RunningMedian
from stratocube.pixels.nodata import has_none
from stratocube.pixels.selection import select, where_or_zero
from stratocube.pixels.tables import look_up
from stratocube.pixels.workspace import Workspace

CompositeFunction = Literal["LCF", "MED", "AVG"]

MOST_COUNTED: Final = 255
"""CLEAROB and TOTALOB are uint8 and stay at this number when there are more observations."""


_MANY: Final = 1 << 16
"""Pixels from which on a table of pairs is worth making."""


def within(
    quality: Observed,
    values: NDArray[Any],
    nodata: float | None,
    valid_range: tuple[float, float] | None = None,
    workspace: Workspace | None = None,
) -> Observed:
    """What the quality and the band offer together.

    Where ``values`` are ``nodata`` (or NaN) nothing exists; where they lie outside ``valid_range`` (lowest and highest
    valid value, both included) nothing is clear. None: no such value, no such range. Where the band takes nothing away
    the result is ``quality`` itself. ``workspace`` is for what is needed for a moment.
    """
    offer, memory = quality, workspace or Workspace()
    present = None if has_none(values, nodata) else is_present(values, nodata, memory)
    if present is not None:
        lacking = memory.scratch("lacking", values.size, np.bool_).reshape(values.shape)
        if np.greater(quality.exists, present, out=lacking).any():
            offer = Observed(quality.exists & present, quality.clear & present)
    if valid_range is not None:
        clear = offer.clear & (values >= valid_range[0])
        clear &= values <= valid_range[1]
        offer = Observed(offer.exists, clear)
    return offer


def is_present(
    values: NDArray[Any], nodata: float | None, workspace: Workspace | None = None
) -> NDArray[np.bool_] | None:
    """Where values are neither ``nodata`` nor NaN: bool array of the same shape, None when no value can be absent.

    In the memory of the ``workspace``, where there is one, until the next question.
    """
    memory = workspace or Workspace()
    present: NDArray[np.bool_] | None = None
    if nodata is not None and not np.isnan(nodata) and fits(nodata, values.dtype):
        present = memory.scratch("present", values.size, np.bool_).reshape(values.shape)
        np.not_equal(values, values.dtype.type(nodata), out=present)
    if values.dtype.kind == "f":
        numbers = memory.scratch("numbers", values.size, np.bool_).reshape(values.shape)
        np.equal(values, values, out=numbers)  # NaN is the one value that differs from itself; cheaper than isnan
        present = numbers if present is None else np.logical_and(present, numbers, out=present)
    return present


class Reducer(Protocol):
    """Makes one value a pixel out of the observations of a block, fed in rank order."""

    @property
    def done(self) -> bool:
        """Whether further dates change nothing."""

    def wants(self, quality: Observed) -> bool:
        """Whether a date with this quality may change anything: if not, its band need not be read."""

    def add(self, rank: int, values: NDArray[Any], offer: Observed) -> None:
        """Take the next date: ``values`` of the block's shape and type, ``offer`` from :func:`within`."""

    def result(self, room: NDArray[Any] | None = None) -> NDArray[Any]:
        """The composite: the block's shape and type, nodata where the function has no value.

        ``room`` is an array of that shape and type in one piece, which it may be put in.
        """


class LeastCloudFirst:
    """LCF: the value of the best ranked clear observation, else of the best ranked one that exists.

    ``choice`` decides; who passes one in takes the dates from it and puts the values by :meth:`put`.
    """

    def __init__(self, values: NDArray[Any], choice: Choice) -> None:
        self._values = values
        self.choice = choice

    @property
    def done(self) -> bool:
        return self.choice.done

    def wants(self, quality: Observed) -> bool:
        return self.choice.wants(quality)

    def add(self, rank: int, values: NDArray[Any], offer: Observed) -> None:
        self.put(values, self.choice.take(rank, offer).taken)

    def put(self, values: NDArray[Any], taken: Taken) -> None:
        """Take a date about which the choice has decided."""
        taken.put(self._values, values)

    def result(self, room: NDArray[Any] | None = None) -> NDArray[Any]:
        return self._values


class Median:
    """MED: the median of the clear observations, nodata where none is."""

    done = False

    def __init__(self, shape: tuple[int, ...], dtype: DTypeLike, nodata: float, workspace: Workspace | None) -> None:
        self._median = RunningMedian(shape, dtype, nodata, workspace)

    def wants(self, quality: Observed) -> bool:
        return bool(quality.clear.any())

    def add(self, rank: int, values: NDArray[Any], offer: Observed) -> None:
        self._median.add(values, offer.clear)

    def result(self, room: NDArray[Any] | None = None) -> NDArray[Any]:
        return self._median.result(room)


class Average:
    """AVG: the mean of the clear observations, integers truncated toward zero, nodata where none is clear."""

    done = False

    def __init__(self, shape: tuple[int, ...], dtype: DTypeLike, nodata: float, dates: int) -> None:
        self._dtype = np.dtype(dtype)
        self._nodata = nodata
        self._sum: NDArray[Any] = np.zeros(shape, dtype=_type_of_sums(self._dtype, dates))
        self._count: NDArray[Any] = np.zeros(shape, dtype=np.min_scalar_type(max(dates, 1)))

    def wants(self, quality: Observed) -> bool:
        return bool(quality.clear.any())

    def add(self, rank: int, values: NDArray[Any], offer: Observed) -> None:
        self._sum += where_or_zero(values, offer.clear)
        self._count += offer.clear.view(np.uint8)

    def result(self, room: NDArray[Any] | None = None) -> NDArray[Any]:
        divisor = np.maximum(self._count, 1).astype(self._sum.dtype)
        quotient = self._sum / divisor if self._dtype.kind == "f" else _truncated_quotient(self._sum, divisor)
        mean: NDArray[Any] = quotient.astype(self._dtype)
        select(mean, self._nodata, self._count == 0)
        return mean


def _type_of_sums(dtype: np.dtype[Any], dates: int) -> np.dtype[Any]:
    """The smallest type that holds the sum of this many values exactly."""
    if dtype.kind == "f":
        return np.dtype(np.float64)
    for wider in (np.dtype(np.int32), np.dtype(np.int64)):
        limits, sums = np.iinfo(dtype), np.iinfo(wider)
        if sums.min < limits.min * dates and limits.max * dates <= sums.max:
            return wider
    raise InvalidRequest(f"AVG of {dates} dates of {dtype} may overflow 64 bits", field="data_type")


def _truncated_quotient(dividend: NDArray[Any], divisor: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(np.abs(dividend) // divisor * np.sign(dividend))


def make_reducer(
    function: CompositeFunction,
    shape: tuple[int, ...],
    dtype: DTypeLike,
    nodata: float,
    dates: int,
    workspace: Workspace | None = None,
) -> Reducer:
    """The reducer of a composite function for blocks of this shape and type, and at most ``dates`` observations.

    Reducers of one thread may share a ``workspace``. Raises InvalidRequest for an unknown function, for a nodata that
    the type cannot hold, and for an average whose sums may overflow.
    """
    if not fits(nodata, np.dtype(dtype)):
        raise InvalidRequest(f"{nodata} is no value of the type {np.dtype(dtype)}", field="nodata")
    match function:
        case "LCF":
            return LeastCloudFirst(np.full(shape, nodata, dtype=dtype), Choice(shape, dates))
        case "MED":
            return Median(shape, dtype, nodata, workspace)
        case "AVG":
            return Average(shape, dtype, nodata, dates)
    raise InvalidRequest(f"{function!r} is no composite function; use LCF, MED or AVG", field="composite_function")


class Counter:
    """CLEAROB and TOTALOB of a block: how many observations are clear, how many there are at all.

    Both count by the quality alone: what a single band lacks does not make the date unobserved.
    """

    def __init__(self, shape: tuple[int, ...], dates: int, workspace: Workspace | None = None) -> None:
        memory, wide = workspace or Workspace(), np.min_scalar_type(max(dates, MOST_COUNTED))
        self._clear: NDArray[Any] = memory.full(shape, 0, wide)
        self._total: NDArray[Any] = memory.full(shape, 0, wide)

    def add(self, quality: Observed) -> None:
        """Count one date, of at most the number announced."""
        self._clear += quality.clear.view(np.uint8)
        self._total += quality.exists.view(np.uint8)

    def clear_observations(self) -> NDArray[np.uint8]:
        """CLEAROB: uint8, at most :data:`MOST_COUNTED`."""
        return _at_most_255(self._clear)

    def total_observations(self) -> NDArray[np.uint8]:
        """TOTALOB: uint8, at most :data:`MOST_COUNTED`."""
        return _at_most_255(self._total)


def _at_most_255(counts: NDArray[Any]) -> NDArray[np.uint8]:
    return counts if counts.dtype == np.uint8 else np.minimum(counts, MOST_COUNTED).astype(np.uint8)


def provenance(rank: NDArray[Any], numbers: Sequence[int], out: NDArray[np.int16] | None = None) -> NDArray[np.int16]:
    """PROVENANCE and PROVENANCE_YEAR: a number of the date each pixel took, :data:`NO_DATE` where there is none.

    ``rank`` is :attr:`Choice.rank`; ``numbers`` are the days of the year (1 to 366), or the years, of the dates in rank
    order. int16. ``out`` is an array in one piece to put them in.
    """
    if rank.dtype.itemsize > 1 or rank.size % 2 or rank.size < _MANY:
        return look_up(_table_of(numbers, rank.dtype.itemsize), rank, out)
    days = np.empty(rank.shape, dtype=np.int16) if out is None else out
    pairs = np.ascontiguousarray(rank).reshape(-1).view(np.uint16)
    look_up(_table_of_pairs(tuple(numbers)), pairs, days.reshape(-1).view(np.int32))
    return days


def _table_of(numbers: Sequence[int], itemsize: int) -> NDArray[np.int16]:
    table = np.full(1 << (8 * itemsize), NO_DATE, dtype=np.int16)  # also for NO_DATE, as unsigned the last
    table[: len(numbers)] = numbers
    return table


@lru_cache(maxsize=8)
def _table_of_pairs(numbers: tuple[int, ...]) -> NDArray[np.int32]:
    """The numbers of two neighbours by their two ranks: half as many look-ups. Remembered for all blocks of a tile."""
    ranks = np.arange(1 << 16, dtype=np.uint16).view(np.uint8).reshape(-1, 2)
    table = _table_of(numbers, 1)[ranks].view(np.int32).reshape(-1)
    table.flags.writeable = False
    return table


def composite(
    values: Sequence[NDArray[Any]],
    classes: Sequence[NDArray[np.uint8]],
    *,
    function: CompositeFunction,
    nodata: float,
    saturated: Sequence[NDArray[np.bool_]] | None = None,
    valid_range: tuple[float, float] | None = None,
) -> NDArray[Any]:
    """Composite of a stack in memory: one array a date in rank order, best first, all of one shape and type.

    ``classes`` are PixelClass codes. At least one date; the result has the shape and type of ``values``. Raises as
    :func:`make_reducer`, and InvalidRequest where there is no date or the shapes or types differ.

    >>> nir = [np.array([854, 9800, 945]), np.array([702, 7000, 687])]  # best date first
    >>> classes = [np.array([4, 0, 4], dtype=np.uint8), np.array([4, 2, 4], dtype=np.uint8)]  # clear, nodata, cloud
    >>> composite(nir, classes, function="LCF", nodata=-9999).tolist()
    [854, 7000, 945]
    >>> composite(nir, classes, function="MED", nodata=-9999).tolist()
    [778, -9999, 816]
    """
    if not values or len(values) != len(classes):
        raise InvalidRequest(f"{len(values)} arrays of values and {len(classes)} of classes", field="values")
    shape, dtype = values[0].shape, values[0].dtype
    if any(array.shape != shape for array in (*values, *classes)) or any(array.dtype != dtype for array in values):
        raise InvalidRequest("the dates of a stack have one shape and one type", field="values")
    reducer = make_reducer(function, shape, dtype, nodata, len(values))
    for rank, (array, codes) in enumerate(zip(values, classes, strict=True)):
        quality = observed(codes, None if saturated is None else saturated[rank])
        reducer.add(rank, array, within(quality, array, nodata, valid_range))
    return reducer.result()


def fits(number: float, dtype: np.dtype[Any]) -> bool:
    """Whether an array type can hold a number (NaN: only floating types)."""
    if dtype.kind == "f":
        return True
    limits = np.iinfo(dtype)
    return float(number).is_integer() and limits.min <= number <= limits.max
