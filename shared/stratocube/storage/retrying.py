"""Reads that are tried again."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from stratocube.errors import TransientRead

Read = TypeVar("Read")


@dataclass(frozen=True)
class Patience:
    """How often, and how long, a read that failed in passing is tried again."""

    attempts: int = 3
    """The first one included."""
    seconds: float = 1.0
    """Longest wait before the second attempt; it doubles with each further one."""
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    """Seconds that never run backwards."""


def read_patiently(read: Callable[[], Read], patience: Patience, *, seconds_left: float) -> Read:
    """What ``read`` returns, tried again after a TransientRead as long as there is time for it.

    Waits are drawn from zero to the longest (full jitter): the functions that a throttled server turned away together
    do not come back together. Nothing of a failed attempt may be kept in a cache, see
    :func:`stratocube.storage.gdal.gdal_environment`. Attempts end early when another one as long as the last would not
    fit into ``seconds_left``: a function that is stopped cannot say which source kept it waiting.

    Raises:
        TransientRead: the last attempt's, which says how many there were.
        SourceMissing: at once; what is not there will not be there a second later.
    """
    deadline = patience.clock() + seconds_left
    for attempt in range(1, patience.attempts + 1):
        started = patience.clock()
        try:
            return read()
        except TransientRead as error:
            wait = random.uniform(0, patience.seconds * 2 ** (attempt - 1))  # noqa: S311 - jitter, no secret
            ended = patience.clock()
            if attempt == patience.attempts or ended + wait + (ended - started) > deadline:
                raise TransientRead(error.href, f"{error.reason} ({_times(attempt)})") from error
        patience.sleep(wait)
    raise ValueError("a read is attempted at least once")


def _times(attempts: int) -> str:
    return "tried once" if attempts == 1 else f"tried {attempts} times"
