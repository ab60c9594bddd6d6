"""Doing the same to many things, a few of them at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

T = TypeVar("T")

AT_ONCE = 8
"""Requests under way at a time: below the ten connections a boto3 client keeps."""

_CHUNK = 256


def for_each(things: Iterable[T], do: Callable[[T], object]) -> None:
    """Call ``do`` with each of the things: in threads, unless they are a handful. No more than a chunk is held.

    Raises:
        Exception: what the first call that failed raised, once its chunk is through; no chunk is begun after it.
    """
    remaining = iter(things)
    chunk = list(islice(remaining, _CHUNK))
    if len(chunk) <= AT_ONCE:
        for thing in chunk:
            do(thing)
        return
    with ThreadPoolExecutor(AT_ONCE) as pool:
        while chunk:
            # the list waits for the calls, and raises what one of them raised
            list(pool.map(do, chunk))
            chunk = list(islice(remaining, _CHUNK))
