"""Statistics of the valid pixels of a raster, gathered piece by piece while it is written.

They do not depend on the order of the pieces, nor on the threads that bring them: the same pixels give the same bytes.
What GDAL calls ``STATISTICS_MINIMUM`` and so on (https://gdal.org/en/stable/user/raster_data_model.html).
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

_COUNTED_BYTES: Final = 2
"""Integers of up to so many bytes are counted by value."""
_ROWS: Final = 256
"""Counted at a time: numpy makes eight bytes of each pixel first."""
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


@dataclass
class GatheredStatistics:
    """Of the bands of one image. Pieces may come from several threads, each piece once."""

    dtype: np.dtype[Any]
    nodata: float | None
    bands: int
    piece_size: int
    """Floating numbers are added up in squares of this size, so that their sums are the same however they come."""
    _seen: int = 0
    _counts: NDArray[np.int64] | None = field(default=None, repr=False)
    _parts: dict[tuple[int, int], list[_Part]] = field(default_factory=dict, repr=False)
    _lock: Any = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        if self.dtype.kind in "iu" and self.dtype.itemsize <= _COUNTED_BYTES:
            self._counts = np.zeros((self.bands, 256**self.dtype.itemsize), dtype=np.int64)

    def add(self, row: int, column: int, pixels: NDArray[Any]) -> None:
        """Take a piece (bands, rows, columns) whose first pixel is at ``row``, ``column``."""
        if self._counts is not None:
            counted = self._counted(pixels)
            with self._lock:
                self._counts += counted
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
        if self._counts is not None:
            values = self._values()
            valid = np.ones(values.shape, dtype=np.bool_) if self.nodata is None else values != self.nodata
            wholes = [_of_counts(values[valid], counts[valid]) for counts in self._counts]
        else:
            wholes = [_together(parts[band] for _, parts in sorted(self._parts.items())) for band in range(self.bands)]
        return tuple(_statistics(whole, self._seen) for whole in wholes)

    def _counted(self, pixels: NDArray[Any]) -> NDArray[np.int64]:
        kinds = 256**self.dtype.itemsize
        bits = pixels.astype(self.dtype.newbyteorder("="), copy=False).view(f"u{self.dtype.itemsize}")
        counted = np.zeros((self.bands, kinds), dtype=np.int64)
        for band, rows in enumerate(bits):
            for top in range(0, len(rows), _ROWS):
                counted[band] += np.bincount(rows[top : top + _ROWS].reshape(-1), minlength=kinds)
        return counted

    def _values(self) -> NDArray[np.int64]:
        """The values that the counts are of."""
        kinds = np.arange(256**self.dtype.itemsize, dtype=f"u{self.dtype.itemsize}")
        return kinds.view(self.dtype.newbyteorder("=")).astype(np.int64)

    def _valid(self, band: NDArray[Any]) -> NDArray[np.float64]:
        valid = np.isfinite(band) if self.dtype.kind == "f" else np.ones(band.shape, dtype=np.bool_)
        if self.nodata is not None and not math.isnan(self.nodata):
            valid &= band != self.dtype.type(self.nodata)
        values: NDArray[np.float64] = band[valid].astype(np.float64)
        return values


def _part(values: NDArray[np.float64]) -> _Part:
    if not values.size:
        return _Part(0, math.inf, -math.inf, 0.0, 0.0)
    mean = float(values.mean())
    return _Part(values.size, float(values.min()), float(values.max()), mean, float(np.square(values - mean).sum()))


def _of_counts(values: NDArray[np.int64], counts: NDArray[np.int64]) -> _Part:
    there = counts > 0
    if not there.any():
        return _part(np.empty(0))
    values, counts = values[there], counts[there]
    count = int(counts.sum())
    mean = float((values * counts).sum() / count)
    squares = float((np.square(values - mean) * counts).sum())
    return _Part(count, float(values.min()), float(values.max()), mean, squares)


def _together(parts: Iterable[_Part]) -> _Part:
    """Parts added up, by the formulas of Chan, Golub and LeVeque (1979)."""
    whole = _Part(0, math.inf, -math.inf, 0.0, 0.0)
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
