"""Which date each pixel takes: the best ranked clear one, else the best ranked one that exists.

While many pixels wait for a clear date, all are looked at, in vector instructions; once few do, only those few.
"""

from __future__ import annotations

import math
from copy import copy, deepcopy
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stratocube.pixels.judge import Observed
from stratocube.pixels.selection import select
from stratocube.pixels.workspace import Workspace

NO_DATE: Final = -1
"""Where no observation exists, in arrays of ranks; the nodata of PROVENANCE as well."""

_FEW: Final = 16
"""When less than one pixel in so many waits, looking at them one by one costs less than looking at all."""


@dataclass(frozen=True)
class Taken:
    """The pixels of a block that take a date: until the block decides about the next one."""

    where: NDArray[np.bool_] | NDArray[np.intp]
    """Flat: a condition for every pixel, or the places of the few."""
    workspace: Workspace | None = None
    """For what is needed for a moment."""

    @property
    def any(self) -> bool:
        """Whether there are such pixels."""
        return bool(self.where.any()) if self.where.dtype == np.bool_ else self.where.size > 0

    def put(self, target: NDArray[Any], source: NDArray[Any] | float) -> None:
        """Put the date's ``source`` (of the type of ``target``, or a scalar) into these pixels, in place.

        ``target`` is a block in one piece of memory.
        """
        flat = target.reshape(-1)
        values = source.reshape(-1) if isinstance(source, np.ndarray) else source
        if self.where.dtype == np.bool_:
            select(flat, values, self.where.view(np.bool_), self.workspace)
        else:
            flat[self.where] = values[self.where] if isinstance(values, np.ndarray) else values


NOWHERE: Final = Taken(np.empty(0, dtype=np.intp))


class Decision(NamedTuple):
    """What a block does with one date."""

    taken: Taken
    first: Taken
    """The pixels that had no observation before: what they fall back on until a clear one comes."""


class Choice:
    """The dates of a block, taken in rank order."""

    def __init__(self, shape: tuple[int, ...], dates: int, workspace: Workspace | None = None) -> None:
        memory = workspace or Workspace()
        self._shape, self._workspace = shape, memory
        size = math.prod(shape)
        self._ranks: list[int] = []
        """Of the dates taken."""
        counts = np.min_scalar_type(max(dates, 1))
        # Counting the dates that leave a pixel waiting costs one addition; writing the rank of the one it takes costs
        # five times as much.
        self._waiting: NDArray[np.bool_] = memory.full(size, True, np.bool_)
        """Where no clear observation has been taken."""
        self._before: NDArray[Any] = memory.full(size, 0, counts)
        """How many of the dates taken left the pixel waiting."""
        self._missing: NDArray[np.bool_] = memory.full(size, True, np.bool_)
        """Where no observation at all has been taken."""
        self._before_first: NDArray[Any] = memory.full(size, 0, counts)
        self._taken, self._first = memory.empty(size, np.bool_), memory.empty(size, np.bool_)
        """For the decision at hand."""
        self._covered = size == 0
        """Whether every pixel has an observation."""
        self._open = size
        """How many pixels wait."""
        self._type = np.min_scalar_type(-dates - 1)
        self._cleared: dict[int, int] = {}
        """How many pixels became clear, by the rank of the date."""
        self._few: _Few | None = None
        self._decided: tuple[Observed, _FewDecision | Decision] | None = None

    @property
    def done(self) -> bool:
        """Whether every pixel has a clear observation: further dates change nothing."""
        return self._open == 0

    def wants(self, offer: Observed) -> bool:
        """Whether any pixel would take something of this offer."""
        return self._decide(offer).taken.any

    def take(self, rank: int, offer: Observed) -> Decision:
        """Decide about the next date in rank order."""
        decision, before = self._decide(offer), self._open
        self._decided = None
        if isinstance(decision, _FewDecision):
            self._few = decision.after(rank)
            self._waiting[decision.cleared] = False
            self._open = self._few.places.size
        else:
            self._take_wide(rank, offer, decision)
        self._cleared[rank] = before - self._open
        return Decision(decision.taken, decision.first)

    def _take_wide(self, rank: int, offer: Observed, decision: Decision) -> None:
        self._ranks.append(rank)
        if decision.first is NOWHERE:  # what is taken is clear
            np.not_equal(self._waiting, decision.taken.where, out=self._waiting)
        else:
            np.greater(self._waiting, offer.clear.reshape(-1), out=self._waiting)
            np.not_equal(self._missing, decision.first.where, out=self._missing)
            self._covered = not self._missing.any()
        if not self._covered:
            self._before_first += self._missing.view(np.uint8)
        self._before += self._waiting.view(np.uint8)
        self._open = int(np.count_nonzero(self._waiting))
        if self._open * _FEW < self._waiting.size:
            places = np.flatnonzero(self._waiting)
            self._few = _Few(places, None if self._covered else ~self._missing[places], self._rank_so_far(places))

    def copy(self) -> Choice:
        """One that goes its own way from here."""
        self._decided = None
        other = copy(self)
        for name in ("_waiting", "_before", "_missing", "_before_first", "_taken", "_first"):
            setattr(other, name, getattr(self, name).copy())
        other._ranks, other._cleared, other._few = list(self._ranks), dict(self._cleared), deepcopy(self._few)
        return other

    @property
    def rank(self) -> NDArray[Any]:
        """Position of the date in the rank order, :data:`NO_DATE` where there is none: the smallest signed type."""
        rank = self._rank_so_far(self.not_clear) if self._few is None else self._few.rank
        return rank.reshape(self._shape)

    @property
    def clear(self) -> NDArray[np.bool_]:
        """Where a clear observation was taken (bool array)."""
        return ~self._waiting.reshape(self._shape)

    @property
    def not_clear(self) -> NDArray[np.intp]:
        """The flat places of the others."""
        if self._few is not None:
            return self._few.places
        return np.flatnonzero(self._waiting) if self._open else np.empty(0, dtype=np.intp)

    def clear_pixels(self, dates: int) -> NDArray[np.int64]:
        """How many pixels have a clear observation of each date, by rank."""
        return np.array([self._cleared.get(rank, 0) for rank in range(dates)], dtype=np.int64)

    def _decide(self, offer: Observed) -> _FewDecision | Decision:
        if self._decided is None or self._decided[0] is not offer:
            self._decided = offer, self._decide_wide(offer) if self._few is None else self._few.decide(offer)
        return self._decided[1]

    def _decide_wide(self, offer: Observed) -> Decision:
        taken = np.logical_and(offer.clear.reshape(-1), self._waiting, out=self._taken)
        if self._covered:
            return Decision(Taken(taken, self._workspace), NOWHERE)
        first = np.logical_and(offer.exists.reshape(-1), self._missing, out=self._first)
        if not first.any():
            return Decision(Taken(taken, self._workspace), NOWHERE)
        np.logical_or(taken, first, out=taken)
        return Decision(Taken(taken, self._workspace), Taken(first, self._workspace))

    def _rank_so_far(self, waiting: NDArray[np.intp]) -> NDArray[Any]:
        """The ranks of what was taken while all pixels were looked at; ``waiting`` are the places that wait."""
        table = np.array([*self._ranks, NO_DATE], dtype=self._type)
        if self._ranks == list(range(len(self._ranks))):
            rank = self._workspace.empty(self._before.size, self._type)
            np.copyto(rank, self._before, casting="unsafe")  # as many bits, or fewer than there are dates
        else:
            rank = table[self._before]
        if waiting.size:
            before_first = self._before_first[waiting]
            before_first[self._missing[waiting]] = len(self._ranks)
            rank[waiting] = table[before_first]
        return np.asarray(rank)


@dataclass(frozen=True)
class _Few:
    """The last pixels of a block that wait for a clear date."""

    places: NDArray[np.intp]
    exists: NDArray[np.bool_] | None
    """Which of them have an observation; None when all have."""
    rank: NDArray[Any]
    """Of all pixels of the block, in its memory."""

    def decide(self, offer: Observed) -> _FewDecision:
        clear = offer.clear.reshape(-1)[self.places]
        if self.exists is None:
            taken = Taken(self.places[clear])
            return _FewDecision(taken, NOWHERE, self, clear, None)
        exists = offer.exists.reshape(-1)[self.places]
        first = exists & ~self.exists
        return _FewDecision(Taken(self.places[clear | first]), Taken(self.places[first]), self, clear, exists)


@dataclass(frozen=True)
class _FewDecision:
    """What the few do with one date."""

    taken: Taken
    first: Taken
    few: _Few
    clear: NDArray[np.bool_]
    """Of the few: which are clear on the date."""
    exists: NDArray[np.bool_] | None
    """Of the few: which exist on the date; None where that does not matter."""

    @property
    def cleared(self) -> NDArray[np.intp]:
        """The places of those which are clear now."""
        return self.few.places[self.clear]

    def after(self, rank: int) -> _Few:
        """What is left when the date is taken."""
        few = self.few
        few.rank[self.taken.where] = rank
        exists = None
        if few.exists is not None and self.exists is not None:
            exists = (few.exists | self.exists)[~self.clear]
            exists = None if exists.all() else exists
        return _Few(few.places[~self.clear], exists, few.rank)
