"""What a composite is made of: how many of its pixels come from which date and source.

Counted by the quality alone, as CLEAROB, TOTALOB and PROVENANCE are. With LCF a pixel comes from one date. A median or
an average is made of all dates that are clear at the pixel, so there a pixel counts for each of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from stratocube.pixels.choice import NO_DATE, Choice
from stratocube.pixels.selection import select, where_or_zero

_NO_SOURCE: Final = 255
"""Of DATASOURCE; its other values, 0 to 254, are sources."""

_DECIMALS: Final = 6


@dataclass(frozen=True)
class Composition:
    """Pixels of a composite; the counts of its parts add up.

    >>> from stratocube.pixels.judge import observed
    >>> choice = Choice((4,), dates=2)
    >>> for rank, codes in enumerate([[4, 4, 0, 0], [4, 4, 2, 0]]):  # clear, nodata; clear, cloud, nodata
    ...     _ = choice.take(rank, observed(np.array(codes, dtype=np.uint8)))
    >>> made = of_one_date(choice, choice.rank, None, dates=2)
    >>> made.of_dates.tolist(), made.clear, made.fallback, made.nothing
    ([2, 1], 2, 1, 1)
    """

    total: int
    """Pixels of the raster, whatever they hold."""
    clear: int
    """Those made of clear observations."""
    fallback: int
    """Those with an observation that is not clear, for want of a better one: with LCF only, others are empty there."""
    of_dates: NDArray[np.int64]
    """Those each date has a part in, by rank."""
    of_sources: NDArray[np.int64]
    """Those each source has a part in, by the values 0 to 254 of DATASOURCE; all 0 where sources have no names."""

    @classmethod
    def empty(cls, pixels: int, dates: int) -> Self:
        """Nothing but pixels without an observation."""
        return cls(pixels, 0, 0, np.zeros(dates, dtype=np.int64), np.zeros(_NO_SOURCE, dtype=np.int64))

    def __add__(self, other: Composition) -> Composition:
        return Composition(
            self.total + other.total,
            self.clear + other.clear,
            self.fallback + other.fallback,
            self.of_dates + other.of_dates,
            self.of_sources + other.of_sources,
        )

    def share(self, pixels: int) -> float:
        """A number of pixels as share of all, 0 to 1, rounded to six decimals."""
        return round(int(pixels) / self.total, _DECIMALS) if self.total else 0.0

    @property
    def nothing(self) -> int:
        """Pixels without a value."""
        return self.total - self.clear - self.fallback


def of_one_date(choice: Choice, rank: NDArray[Any], sources: NDArray[np.uint8] | None, dates: int) -> Composition:
    """The composition of pixels that come from one date each (LCF): of the ``dates`` that ``choice`` has taken.

    ``rank`` is the one of ``choice``. ``sources`` holds the source index of each pixel (255: none).
    """
    clear = choice.clear_pixels(dates)
    rest = rank.reshape(-1)[choice.not_clear]
    fallback = np.bincount(rest.astype(np.intp) - NO_DATE, minlength=dates + 1)[1:]
    of_sources = np.zeros(_NO_SOURCE, dtype=np.int64)
    if sources is not None:
        of_sources = np.bincount(sources.reshape(-1), minlength=_NO_SOURCE)[:_NO_SOURCE]
    return Composition(
        total=int(clear.sum()) + rest.size,
        clear=int(clear.sum()),
        fallback=int(fallback.sum()),
        of_dates=clear + fallback,
        of_sources=of_sources,
    )


class Participation:
    """The composition of pixels that are made of all clear dates (MED, AVG), date by date."""

    def __init__(self, shape: tuple[int, ...], dates: int) -> None:
        self._any = np.zeros(shape, dtype=np.bool_)
        self._of_dates = np.zeros(dates, dtype=np.int64)
        self._of_sources: dict[int, NDArray[np.bool_]] = {}

    def add(self, rank: int, clear: NDArray[np.bool_], sources: NDArray[np.uint8] | int | None) -> None:
        """Take the date of a rank: where it is clear, and which source it comes from there."""
        self._any |= clear
        self._of_dates[rank] = np.count_nonzero(clear)
        if sources is None:
            return
        if isinstance(sources, int):
            self._source(sources)[clear] = True
            return
        found = np.full(clear.shape, _NO_SOURCE, dtype=np.uint8)
        select(found, sources, clear)
        last = min(int(where_or_zero(sources, clear).max(initial=0)), _NO_SOURCE - 1)
        # Source indices are few and follow each other: asking for each is faster than counting them all.
        for index in range(int(found.min(initial=_NO_SOURCE)), last + 1):
            part = self._source(index)
            part |= found == index

    def result(self) -> Composition:
        """The composition of the dates so far."""
        of_sources = np.zeros(_NO_SOURCE, dtype=np.int64)
        for index, where in self._of_sources.items():
            of_sources[index] = np.count_nonzero(where)
        clear = int(np.count_nonzero(self._any))
        return Composition(self._any.size, clear, 0, self._of_dates.copy(), of_sources)

    def _source(self, index: int) -> NDArray[np.bool_]:
        return self._of_sources.setdefault(index, np.zeros(self._any.shape, dtype=np.bool_))
