"""Memory that one thread uses again and again: fresh pages from the system cost as much as the arithmetic on them."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import DTypeLike, NDArray

_ALIGNMENT: Final = 64
"""Bytes of a line of the cache, and of the widest vector."""


_PIECE: Final = 4 << 20
"""Bytes asked of the system at a time: from 4 MB on numpy asks for huge pages, a tenth less time for the median."""
_SMALL: Final = 1 << 16
"""Who begins with an array of fewer bytes gets no more than that."""


class Workspace:
    """Arrays for one block of pixels after the other, in the same memory. For one thread.

    What :meth:`empty` hands out is the caller's until somebody calls :meth:`rewind`; what :meth:`scratch` hands out,
    until the next call with the same name.
    """

    def __init__(self) -> None:
        self._pieces: list[NDArray[np.uint8]] = []
        self._at = 0
        """The piece that is handed out at present, and how much of it has been."""
        self._used = 0
        self._scratch: dict[str, NDArray[np.uint8]] = {}

    def rewind(self) -> None:
        """Take back all that :meth:`empty` handed out."""
        self._at = self._used = 0

    def empty(self, shape: int | tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """An array of this shape and type, in one piece; what it holds is left to chance."""
        kind = np.dtype(dtype)
        size = kind.itemsize * (shape if isinstance(shape, int) else math.prod(shape))
        while self._at < len(self._pieces) and self._used + size > self._pieces[self._at].size:
            self._at, self._used = self._at + 1, 0
        if self._at == len(self._pieces):
            least = _PIECE if self._pieces or size > _SMALL else 0
            self._pieces.append(np.empty(max(size, least), dtype=np.uint8))
        start, self._used = self._used, self._used + size + -size % _ALIGNMENT
        return self._pieces[self._at][start : start + size].view(kind).reshape(shape)

    def full(self, shape: int | tuple[int, ...], value: float, dtype: DTypeLike) -> NDArray[Any]:
        """An array that holds ``value`` all over."""
        array = self.empty(shape, dtype)
        array.fill(value)
        return array

    def scratch(self, name: str, size: int, dtype: DTypeLike) -> NDArray[Any]:
        """A flat array for the moment."""
        kind = np.dtype(dtype)
        kept = self._scratch.get(name)
        if kept is None or kept.size < size * kind.itemsize:
            kept = self._scratch[name] = np.empty(size * kind.itemsize, dtype=np.uint8)
        return kept[: size * kind.itemsize].view(kind)
