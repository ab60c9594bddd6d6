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
from typing import Any, Final, Literal, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from stratocube.errors import InvalidRequest
from stratocube.pixels.judge import Observed, observed
from stratocube.pixels.median import Workspace, masked_median
from stratocube.pixels.selection import select, where_or_zero

CompositeFunction = Literal["LCF", "MED", "AVG"]

NO_DATE: Final = -1
"""Where no observation exists, in arrays of ranks; the nodata of PROVENANCE as well."""
MOST_COUNTED: Final = 255
"""CLEAROB and TOTALOB are uint8 and stay at this number when there are more observations."""


def within(
    quality: Observed,
    values: NDArray[Any],
    nodata: float | None,
    valid_range: tuple[float, float] | None = None,
) -> Observed:
    """What the quality and the band offer together.

    Where ``values`` are ``nodata`` (or NaN) nothing exists; where they lie outside ``valid_range`` (lowest and highest
    valid value, both included) nothing is clear. None: no such value, no such range.
    """
    exists, clear = quality
    present = is_present(values, nodata)
    if present is not None:
        exists, clear = exists & present, clear & present
    if valid_range is not None:
        clear = clear & (values >= valid_range[0])
        clear &= values <= valid_range[1]
    return Observed(exists, clear)


def is_present(values: NDArray[Any], nodata: float | None) -> NDArray[np.bool_] | None:
    """Where values are neither ``nodata`` nor NaN: bool array of the same shape, None when no value can be absent."""
    present: NDArray[np.bool_] | None = None
    if nodata is not None and not np.isnan(nodata) and fits(nodata, values.dtype):
        present = np.not_equal(values, values.dtype.type(nodata))
    if values.dtype.kind == "f":
        numbers = values == values  # noqa: PLR0124 - NaN is the one value that differs from itself; cheaper than isnan
        present = numbers if present is None else np.logical_and(present, numbers, out=present)
    return present


class Choice:
    """Which date each pixel of a block takes: the best ranked clear one, else the best ranked one that exists."""

    def __init__(self, shape: tuple[int, ...], dates: int) -> None:
        self.rank: NDArray[Any] = np.full(shape, NO_DATE, dtype=np.min_scalar_type(-dates - 1))
        """Position of the date in the rank order, :data:`NO_DATE` where there is none: the smallest signed type."""
        self._open = np.ones(shape, dtype=np.bool_)
        self._empty = np.ones(shape, dtype=np.bool_)
        self.done = self._open.size == 0
        """Whether every pixel has a clear observation: further dates change nothing."""

    def wants(self, offer: Observed) -> bool:
        """Whether any pixel would take something of this offer."""
        return bool((offer.clear & self._open).any() or (offer.exists & self._empty).any())

    def take(self, rank: int, offer: Observed) -> NDArray[np.bool_]:
        """Decide about the next date in rank order: where its pixels are taken (bool array)."""
        taken: NDArray[np.bool_] = offer.clear & self._open
        taken |= offer.exists & self._empty
        select(self.rank, rank, taken)
        np.greater(self._open, offer.clear, out=self._open)  # open and not clear
        np.greater(self._empty, offer.exists, out=self._empty)
        self.done = not self._open.any()
        return taken

    @property
    def clear(self) -> NDArray[np.bool_]:
        """Where a clear observation was taken (bool array)."""
        return ~self._open


class Reducer(Protocol):
    """Makes one value a pixel out of the observations of a block, fed in rank order."""

    @property
    def done(self) -> bool:
        """Whether further dates change nothing."""

    def wants(self, quality: Observed) -> bool:
        """Whether a date with this quality may change anything: if not, its band need not be read."""

    def add(self, rank: int, values: NDArray[Any], offer: Observed) -> None:
        """Take the next date: ``values`` of the block's shape and type, ``offer`` from :func:`within`."""

    def result(self) -> NDArray[Any]:
        """The composite: the block's shape and type, nodata where the function has no value."""


class LeastCloudFirst:
    """LCF: the value of the best ranked clear observation, else of the best ranked one that exists."""

    def __init__(self, shape: tuple[int, ...], dtype: DTypeLike, nodata: float, dates: int) -> None:
        self._values: NDArray[Any] = np.full(shape, nodata, dtype=dtype)
        self._choice = Choice(shape, dates)

    @property
    def done(self) -> bool:
        return self._choice.done

    def wants(self, quality: Observed) -> bool:
        return self._choice.wants(quality)

    def add(self, rank: int, values: NDArray[Any], offer: Observed) -> None:
        select(self._values, values, self._choice.take(rank, offer))

    def result(self) -> NDArray[Any]:
        return self._values


class Median:
    """MED: the median of the clear observations, nodata where none is. Keeps every date that is clear somewhere."""

    done = False

    def __init__(self, shape: tuple[int, ...], dtype: DTypeLike, nodata: float, workspace: Workspace | None) -> None:
        self._shape, self._dtype, self._nodata = shape, dtype, nodata
        self._workspace = workspace
        self._values: list[NDArray[Any]] = []
        self._clear: list[NDArray[np.bool_]] = []

    def wants(self, quality: Observed) -> bool:
        return bool(quality.clear.any())

    def add(self, rank: int, values: NDArray[Any], offer: Observed) -> None:
        self._values.append(values)
        self._clear.append(offer.clear)

    def result(self) -> NDArray[Any]:
        if not self._values:
            return np.full(self._shape, self._nodata, dtype=self._dtype)
        return masked_median(self._values, self._clear, self._nodata, self._workspace)


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

    def result(self) -> NDArray[Any]:
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
            return LeastCloudFirst(shape, dtype, nodata, dates)
        case "MED":
            return Median(shape, dtype, nodata, workspace)
        case "AVG":
            return Average(shape, dtype, nodata, dates)
    raise InvalidRequest(f"{function!r} is no composite function; use LCF, MED or AVG", field="composite_function")


class Counter:
    """CLEAROB and TOTALOB of a block: how many observations are clear, how many there are at all.

    Both count by the quality alone: what a single band lacks does not make the date unobserved.
    """

    def __init__(self, shape: tuple[int, ...], dates: int) -> None:
        self._clear: NDArray[Any] = np.zeros(shape, dtype=np.min_scalar_type(max(dates, MOST_COUNTED)))
        self._total: NDArray[Any] = np.zeros_like(self._clear)

    def add(self, quality: Observed) -> None:
        """Count one date, of at most the number announced."""
        self._clear += quality.clear.view(np.uint8)
        self._total += quality.exists.view(np.uint8)

    def clear_observations(self) -> NDArray[np.uint8]:
        """CLEAROB: uint8, at most :data:`MOST_COUNTED`."""
        return np.asarray(np.minimum(self._clear, MOST_COUNTED), dtype=np.uint8)

    def total_observations(self) -> NDArray[np.uint8]:
        """TOTALOB: uint8, at most :data:`MOST_COUNTED`."""
        return np.asarray(np.minimum(self._total, MOST_COUNTED), dtype=np.uint8)


def provenance(rank: NDArray[Any], numbers: Sequence[int]) -> NDArray[np.int16]:
    """PROVENANCE and PROVENANCE_YEAR: a number of the date each pixel took, :data:`NO_DATE` where there is none.

    ``rank`` is :attr:`Choice.rank`; ``numbers`` are the days of the year (1 to 366), or the years, of the dates in rank
    order. int16.
    """
    table = np.array([*numbers, NO_DATE], dtype=np.int16)
    return np.asarray(table[rank])  # NO_DATE is the index of the last entry


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
