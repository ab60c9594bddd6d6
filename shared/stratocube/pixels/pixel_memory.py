"""Memory for pixels that is used again and again.

Fresh pages of the system cost as much time as reading them does, and what many threads allocate and free in turn stays
with the process several times over.
"""

from __future__ import annotations

import math
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray


class PixelMemory:
    """Arrays for any number of threads."""

    def __init__(self, most_bytes: int) -> None:
        """``most_bytes`` are kept while nobody uses them."""
        self._most_bytes = most_bytes
        self._lock = Lock()
        self._free: list[NDArray[np.uint8]] = []

    def empty(self, shape: tuple[int, int], dtype: np.dtype[Any]) -> NDArray[Any]:
        """An array with any values in it, in one piece of memory."""
        size = math.prod(shape) * dtype.itemsize
        with self._lock:
            fitting = [index for index, piece in enumerate(self._free) if size <= piece.size <= 2 * size]
            best = min(fitting, key=lambda index: self._free[index].size, default=None)
            piece = np.empty(size, dtype=np.uint8) if best is None else self._free.pop(best)
        return piece[:size].view(dtype).reshape(shape)

    def give_back(self, array: NDArray[Any]) -> None:
        """Take an array of :meth:`empty` that nobody uses any more, nor any view of it."""
        piece = array.base
        if not isinstance(piece, np.ndarray):
            raise TypeError("this array does not come from here")
        with self._lock:
            self._free.append(piece)
            while sum(piece.size for piece in self._free) > self._most_bytes:
                del self._free[0]
