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
from stratocube.pixels.workspace import Workspace

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
    into: Observed | None = None,
    workspace: Workspace | None = None,
) -> Observed:
    """What a quality array offers: the same as :func:`observed` of its classes.

    ``quality`` is an integer array and ``oli`` as in classify, ``saturated`` as in :func:`observed`; ``also_nodata`` is
    a value that means nodata beside the one of the mask. ``into`` are arrays that the result may be put in, the
    ``workspace`` is for what is needed for a moment. Raises as classify.
    """
    room = into or Observed(np.empty(quality.shape, np.bool_), np.empty(quality.shape, np.bool_))
    exists, clear = _judge(quality, mask, oli, room, workspace or Workspace())
    if also_nodata is not None:
        exists &= quality != also_nodata
        clear &= exists
    return Observed(exists, without(clear, saturated))


def without(clear: NDArray[np.bool_], saturated: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    """``clear`` but not ``saturated``; the first array is used up."""
    return clear if saturated is None else np.greater(clear, saturated, out=clear)


def _judge(quality: NDArray[Any], mask: QualityMask, oli: OliFlag, into: Observed, workspace: Workspace) -> Observed:
    if has_table(quality.dtype) and isinstance(oli, bool):
        if mask.bits and mask.confidence is None:
            return _by_bits(quality, _weights(mask, quality.dtype, oli), mask.nodata, into, workspace)
        if not mask.bits:
            runs = _clear_runs(mask, quality.dtype)
            if len(runs) <= _MOST_RUNS:
                return _by_runs(quality, runs, mask.nodata, into, workspace)
    return observed(classify(quality, mask, oli))


@dataclass(frozen=True)
class _Weights:
    """Bits as numbers of one type."""

    good: Any
    bad: Any


def _by_bits(quality: NDArray[Any], weights: _Weights, nodata: int, into: Observed, workspace: Workspace) -> Observed:
    exists, clear = into
    bits = workspace.scratch("judged bits", quality.size, quality.dtype).reshape(quality.shape)
    good = workspace.scratch("judged", quality.size, np.bool_).reshape(quality.shape)
    np.not_equal(quality, nodata, out=exists)
    np.not_equal(np.bitwise_and(quality, weights.good, out=bits), 0, out=clear)
    np.equal(np.bitwise_and(quality, weights.bad, out=bits), 0, out=good)
    np.logical_and(clear, good, out=clear)
    np.logical_and(clear, exists, out=clear)
    return into


@lru_cache(maxsize=32)
def _weights(mask: QualityMask, dtype: np.dtype[Any], oli: bool) -> _Weights:
    not_clear = [bit for bit in mask.not_clear if oli or bit != CIRRUS_BIT]
    return _Weights(_weight(mask.clear, dtype), _weight([*not_clear, *mask.saturated], dtype))


def _weight(bits: Collection[int], dtype: np.dtype[Any]) -> Any:
    """A number with these bits set; bits that the type does not have are left out."""
    width = 8 * dtype.itemsize
    total = sum(1 << bit for bit in set(bits) if bit < width)
    return np.array(total, dtype=f"u{width // 8}").view(dtype)[()]


def _by_runs(
    quality: NDArray[Any], runs: tuple[tuple[Any, Any], ...], nodata: int, into: Observed, workspace: Workspace
) -> Observed:
    """``runs`` are (first value, length - 1), unsigned: a value is inside when value - first, wrapped, is not more."""
    bits = quality.view(f"u{quality.dtype.itemsize}")
    exists, clear = into
    np.not_equal(quality, nodata, out=exists)
    if not runs:
        clear.fill(False)
    for number, (first, longer) in enumerate(runs):
        inside = workspace.scratch("judged", quality.size, np.bool_).reshape(quality.shape) if number else clear
        from_first = bits
        if first:
            from_first = workspace.scratch("judged bits", bits.size, bits.dtype).reshape(bits.shape)
            np.subtract(bits, first, out=from_first)
        np.less_equal(from_first, longer, out=inside)
        if number:
            np.logical_or(clear, inside, out=clear)
    return into


@lru_cache(maxsize=32)
def _clear_runs(mask: QualityMask, dtype: np.dtype[Any]) -> tuple[tuple[Any, Any], ...]:
    """Runs of consecutive clear values of an 8- or 16-bit type."""
    clear = classify(every_value(dtype), mask) == PixelClass.CLEAR
    edges = np.flatnonzero(np.diff(clear.astype(np.int8), prepend=0, append=0))
    unsigned = np.dtype(f"u{dtype.itemsize}").type
    return tuple((unsigned(first), unsigned(end - 1 - first)) for first, end in edges.reshape(-1, 2).tolist())
