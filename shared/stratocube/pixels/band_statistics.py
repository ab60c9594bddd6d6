"""Statistics of the valid pixels of a raster, gathered piece by piece while it is written.

They do not depend on the order of the pieces, nor on the threads that bring them: the same pixels give the same bytes.
What GDAL calls ``STATISTICS_MINIMUM`` and so on (https://gdal.org/en/stable/user/raster_data_model.html).
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

_EXACT_BYTES: Final = 2
"""Squares of integers of up to so many bytes, and their sums, are integers that float64 holds exactly."""
_ADDED: Final = 1 << 17
"""Pixels added up at a time: as float64 they are to stay in the cache."""
_DIGITS: Final = 9


@dataclass(frozen=True)
class BandStatistics:
    """Of the stored numbers of a band, not scaled; without valid pixels there is only their share, 0."""

    valid_percent: float
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    stddev: float | None = None
    """Of the population: divided by the number of pixels."""

    def to_json(self) -> dict[str, float]:
        """The object ``statistics`` of STAC; whole numbers as such."""
        return {name: _plain(value) for name, value in vars(self).items() if value is not None}

    def to_tags(self) -> dict[str, str]:
        """The metadata of GDAL."""
        return {f"STATISTICS_{name.upper()}": str(value) for name, value in self.to_json().items()}


class _Part(NamedTuple):
    """Numbers added up: how many, their least and largest, their mean, and the sum of squared distances from it."""

    pixels: int
    least: float
    largest: float
    mean: float
    squares: float


class _Sums(NamedTuple):
    """Of integers, exactly: the same in whatever order they are added up."""

    pixels: int
    least: int
    largest: int
    total: int
    squares: int

    def plus(self, other: _Sums) -> _Sums:
        """Both together."""
        if not self.pixels or not other.pixels:
            return self if self.pixels else other
        return _Sums(
            self.pixels + other.pixels,
            min(self.least, other.least),
            max(self.largest, other.largest),
            self.total + other.total,
            self.squares + other.squares,
        )

    def part(self) -> _Part:
        """The same as rounded numbers."""
        if not self.pixels:
            return _NOTHING
        distances = (self.pixels * self.squares - self.total**2) / self.pixels
        return _Part(self.pixels, self.least, self.largest, self.total / self.pixels, distances)


_NO_SUMS: Final = _Sums(0, 0, 0, 0, 0)
_NOTHING: Final = _Part(0, math.inf, -math.inf, 0.0, 0.0)


@dataclass
class GatheredStatistics:
    """Of the bands of one image. Pieces may come from several threads, each piece once."""

    dtype: np.dtype[Any]
    nodata: float | None
    bands: int
    piece_size: int
    """Floating numbers are added up in squares of this size, so that their sums are the same however they come."""
    _seen: int = 0
    _sums: list[_Sums] | None = field(default=None, repr=False)
    _parts: dict[tuple[int, int], list[_Part]] = field(default_factory=dict, repr=False)
    _lock: Any = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        if self.dtype.kind in "iu" and self.dtype.itemsize <= _EXACT_BYTES:
            self._sums = [_NO_SUMS] * self.bands

    def add(self, row: int, column: int, pixels: NDArray[Any]) -> None:
        """Take a piece (bands, rows, columns) whose first pixel is at ``row``, ``column``."""
        if self._sums is not None:
            added = [self._summed(band) for band in pixels]
            with self._lock:
                self._sums = [before.plus(sums) for before, sums in zip(self._sums, added, strict=True)]
                self._seen += pixels[0].size
            return
        size = self.piece_size
        found = {
            (row + top, column + left): [
                _part(self._valid(band)) for band in pixels[:, top : top + size, left : left + size]
            ]
            for top in range(0, pixels.shape[1], size)
            for left in range(0, pixels.shape[2], size)
        }
        with self._lock:
            self._parts |= found
            self._seen += pixels[0].size

    def result(self) -> tuple[BandStatistics, ...]:
        """The statistics of each band so far."""
        if self._sums is not None:
            wholes = [sums.part() for sums in self._sums]
        else:
            wholes = [_together(parts[band] for _, parts in sorted(self._parts.items())) for band in range(self.bands)]
        return tuple(_statistics(whole, self._seen) for whole in wholes)

    def _summed(self, band: NDArray[Any]) -> _Sums:
        rows = max(_ADDED // band.shape[1], 1)
        # As an integer: numpy would compare integers with a float as doubles, in several times the time.
        gap = None if self.nodata is None or not float(self.nodata).is_integer() else int(self.nodata)
        return reduce(_Sums.plus, (_sums(band[top : top + rows], gap) for top in range(0, len(band), rows)), _NO_SUMS)

    def _valid(self, band: NDArray[Any]) -> NDArray[np.float64]:
        valid = np.isfinite(band) if self.dtype.kind == "f" else np.ones(band.shape, dtype=np.bool_)
        if self.nodata is not None and not math.isnan(self.nodata):
            valid &= band != self.dtype.type(self.nodata)
        values: NDArray[np.float64] = band[valid].astype(np.float64)
        return values


def _sums(values: NDArray[Any], gap: int | None) -> _Sums:
    """Of those integers that are not ``gap``."""
    gaps = stand_in = 0
    if gap is not None:
        missing = values == gap
        gaps = int(np.count_nonzero(missing))
    if gaps == values.size:
        return _NO_SUMS
    if gaps:  # a value that is there takes their place, so that one look at all of them will do
        stand_in = int(values.flat[int(np.argmin(missing))])
        values = np.where(missing, values.dtype.type(stand_in), values)
    least, largest = int(values.min()), int(values.max())
    if least == largest:
        total, squares = least * values.size, least**2 * values.size
    else:
        numbers = values.astype(np.float64).reshape(-1)
        total = int(numbers.sum())
        # Not ``numbers @ numbers``: OpenBLAS would start a thread a processor for it, which spin when idle.
        squares = int(np.square(numbers, out=numbers).sum())
    return _Sums(values.size - gaps, least, largest, total - gaps * stand_in, squares - gaps * stand_in**2)


def _part(values: NDArray[np.float64]) -> _Part:
    if not values.size:
        return _NOTHING
    mean = float(values.mean())
    return _Part(values.size, float(values.min()), float(values.max()), mean, float(np.square(values - mean).sum()))


def _together(parts: Iterable[_Part]) -> _Part:
    """Parts added up, by the formulas of Chan, Golub and LeVeque (1979)."""
    whole = _NOTHING
    for part in parts:
        count = whole.pixels + part.pixels
        if not part.pixels:
            continue
        apart = part.mean - whole.mean
        whole = _Part(
            count,
            min(whole.least, part.least),
            max(whole.largest, part.largest),
            whole.mean + apart * part.pixels / count,
            whole.squares + part.squares + apart**2 * whole.pixels * part.pixels / count,
        )
    return whole


def _statistics(whole: _Part, seen: int) -> BandStatistics:
    share = _rounded(100 * whole.pixels / seen) if seen else 0.0
    if not whole.pixels:
        return BandStatistics(share)
    deviation = math.sqrt(whole.squares / whole.pixels)
    return BandStatistics(share, whole.least, whole.largest, _rounded(whole.mean), _rounded(deviation))


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")


def _plain(value: float) -> float:
    return int(value) if math.isfinite(value) and value == int(value) else value
