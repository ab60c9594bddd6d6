"""Which observations exist and which are clear, told from the quality by a few comparisons.

:func:`stratocube.pixels.masks.classify` says what every pixel is, by a table: about 1 ns a pixel. A composite asks two
yes-or-no questions only. For most masks a few vector instructions answer them in a fifth of that; for the others the
table does.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stratocube.cube.mask import CIRRUS_BIT, QualityMask
from stratocube.pixels.confidence import OliFlag
from stratocube.pixels.masks import PixelClass, classify
from stratocube.pixels.tables import every_value, has_table

_MOST_RUNS: Final = 4
"""More runs of consecutive clear values than this, and the table is as fast."""


class Observed(NamedTuple):
    """What one date offers at every pixel of a block: two bool arrays of the block's shape."""

    exists: NDArray[np.bool_]
    clear: NDArray[np.bool_]
    """Only where it exists."""


def observed(classes: NDArray[np.uint8], saturated: NDArray[np.bool_] | None = None) -> Observed:
    """What the quality offers: ``classes`` are PixelClass codes, ``saturated`` comes from a saturation band."""
    return Observed(classes != PixelClass.NODATA, without(classes == PixelClass.CLEAR, saturated))


def judge(
    quality: NDArray[Any],
    mask: QualityMask,
    *,
    oli: OliFlag = True,
    saturated: NDArray[np.bool_] | None = None,
    also_nodata: int | float | None = None,
) -> Observed:
    """What a quality array offers: the same as :func:`observed` of its classes.

    ``quality`` is an integer array and ``oli`` as in classify, ``saturated`` as in :func:`observed`; ``also_nodata`` is
    a value that means nodata beside the one of the mask. Raises as classify.
    """
    exists, clear = _judge(quality, mask, oli)
    if also_nodata is not None:
        exists = exists & (quality != also_nodata)
        clear = clear & exists
    return Observed(exists, without(clear, saturated))


def without(clear: NDArray[np.bool_], saturated: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    """``clear`` but not ``saturated``; the first array is used up."""
    return clear if saturated is None else np.greater(clear, saturated, out=clear)


def _judge(quality: NDArray[Any], mask: QualityMask, oli: OliFlag) -> Observed:
    if has_table(quality.dtype) and isinstance(oli, bool):
        if mask.bits and mask.confidence is None:
            return _by_bits(quality, _weights(mask, quality.dtype.name, oli), mask.nodata)
        if not mask.bits:
            runs = _clear_runs(mask, quality.dtype.name)
            if len(runs) <= _MOST_RUNS:
                return _by_runs(quality, runs, mask.nodata)
    return observed(classify(quality, mask, oli))


@dataclass(frozen=True)
class _Weights:
    """Bits as numbers of one type."""

    good: Any
    bad: Any


def _by_bits(quality: NDArray[Any], weights: _Weights, nodata: int) -> Observed:
    exists = np.not_equal(quality, nodata)
    clear = (quality & weights.good) != 0
    clear &= (quality & weights.bad) == 0
    clear &= exists
    return Observed(exists, clear)


@lru_cache(maxsize=32)
def _weights(mask: QualityMask, dtype: str, oli: bool) -> _Weights:
    not_clear = [bit for bit in mask.not_clear if oli or bit != CIRRUS_BIT]
    return _Weights(_weight(mask.clear, dtype), _weight([*not_clear, *mask.saturated], dtype))


def _weight(bits: Collection[int], dtype: str) -> Any:
    """A number with these bits set; bits that the type does not have are left out."""
    width = 8 * np.dtype(dtype).itemsize
    total = sum(1 << bit for bit in set(bits) if bit < width)
    return np.array(total, dtype=f"u{width // 8}").view(dtype)[()]


def _by_runs(quality: NDArray[Any], runs: tuple[tuple[Any, Any], ...], nodata: int) -> Observed:
    """``runs`` are (first value, length - 1), unsigned: a value is inside when value - first, wrapped, is not more."""
    bits = quality.view(f"u{quality.dtype.itemsize}")
    clear = np.zeros(quality.shape, dtype=np.bool_)
    for first, longer in runs:
        clear |= (bits - first) <= longer
    return Observed(np.not_equal(quality, nodata), clear)


@lru_cache(maxsize=32)
def _clear_runs(mask: QualityMask, dtype: str) -> tuple[tuple[Any, Any], ...]:
    """Runs of consecutive clear values of an 8- or 16-bit type."""
    clear = classify(every_value(np.dtype(dtype)), mask) == PixelClass.CLEAR
    edges = np.flatnonzero(np.diff(clear.astype(np.int8), prepend=0, append=0))
    unsigned = np.dtype(f"u{np.dtype(dtype).itemsize}").type
    return tuple((unsigned(first), unsigned(end - 1 - first)) for first, end in edges.reshape(-1, 2).tolist())
