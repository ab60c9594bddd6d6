"""How fast a step of a build goes, and how long it may take yet."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

_WINDOW_SECONDS = 30.0
_LEAST_SECONDS = 2.0
"""Over a shorter time a rate is noise."""
_MINUTE, _HOUR = 60, 3600


@dataclass(frozen=True)
class Pace:
    """The rate of the last half minute, from how much was done when."""

    _seen: deque[tuple[float, int]] = field(default_factory=deque)
    """(seconds of a clock, done)."""

    def note(self, moment: float, done: int) -> None:
        """Say how much is done at a moment, in the order of time."""
        if self._seen and self._seen[-1][1] == done == 0:
            self._seen.pop()  # waiting for the first says nothing about those after it
        self._seen.append((moment, done))
        # What was done at the beginning of the window stays, to count from.
        while len(self._seen) > 2 and self._seen[1][0] <= moment - _WINDOW_SECONDS:
            self._seen.popleft()

    @property
    def rate(self) -> float | None:
        """Done a second; None as long as it cannot be told."""
        if len(self._seen) < 2:
            return None
        (first, done_first), (last, done_last) = self._seen[0], self._seen[-1]
        if last - first < _LEAST_SECONDS or done_last <= done_first:
            return None
        return (done_last - done_first) / (last - first)

    def text(self, total: int | None) -> str:
        """``3.2/s, 12 s left``; nothing where it cannot be told, or all is done.

        >>> pace = Pace()
        >>> for moment, done in ((0, 0), (5, 10), (10, 20)):
        ...     pace.note(moment, done)
        >>> pace.text(100)
        '2.0/s, 40 s left'
        """
        rate = self.rate
        if rate is None or (total is not None and self._seen[-1][1] >= total):
            return ""
        speed = f"{rate:.1f}/s" if rate >= 1 else f"{rate * _MINUTE:.1f}/min"
        return speed if total is None else f"{speed}, {duration((total - self._seen[-1][1]) / rate)} left"


def duration(seconds: float) -> str:
    """A length of time in its two largest units.

    >>> [duration(seconds) for seconds in (41, 125, 7384)]
    ['41 s', '2 min 5 s', '2 h 3 min']
    """
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE} s"
    return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"
