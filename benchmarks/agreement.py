"""Whether a contender's results are ours: a time counts only for the same work."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import rasterio
from numpy.typing import NDArray

from benchmarks.peers import MOSAIC, Contender

MOST_ELSEWHERE: Final = 0.001
"""Share of a mosaic's pixels that may be valid in one result and not in the other: edges of swaths, where tools weigh
neighbourhoods with holes differently."""
MOST_UNLIKE: Final = 0.002
"""Share of the pixels valid in both that may differ by more than :data:`SHIFT` explains: seams, where another scene
was taken."""
SHIFT: Final = 0.25
"""Source pixels. Each tool approximates coordinates within 0.125, in pieces of its own; that moves a value by as much
of the contrast around it."""


def read_results(folder: Path, names: tuple[str, ...]) -> dict[str, NDArray[Any]]:
    """The full resolution of the results in ``folder``."""
    results = {}
    for name in names:
        with rasterio.open(folder / f"{name}.tif") as dataset:
            results[name] = dataset.read(1)
    return results


def disagreement(contender: Contender, folder: Path, ours: dict[str, NDArray[Any]], nodata: float) -> list[str]:
    """What of a contender's results is not as ours, in words; empty when all that it makes is."""
    found = []
    for name, data in read_results(folder, contender.makes).items():
        if data.shape != ours[name].shape or data.dtype != ours[name].dtype:
            found.append(f"{name} is {data.dtype}{data.shape}, not {ours[name].dtype}{ours[name].shape}")
        elif name == MOSAIC:
            found += _mosaic(data, ours[name], nodata)
        else:
            expected = ours[name]
            if name == "LCF" and not contender.falls_back:
                expected = np.where(ours["CLEAROB"] > 0, expected, expected.dtype.type(nodata))
            differ = int(np.count_nonzero(data != expected))
            if differ:
                found.append(f"{name} differs at {differ} of {data.size} pixels")
    return found


def _mosaic(data: NDArray[Any], ours: NDArray[Any], nodata: float) -> list[str]:
    valid, own_valid = data != nodata, ours != nodata
    elsewhere = float((valid != own_valid).mean())
    both = valid & own_valid
    apart = np.abs(data.astype(np.int32) - ours)
    explained = 1 + SHIFT * _contrast(ours)  # one for rounding
    unlike = float((apart > explained)[both].mean())
    found = []
    if elsewhere > MOST_ELSEWHERE:
        found.append(f"{MOSAIC}: {elsewhere:.3%} of the pixels are valid in one result only")
    if unlike > MOST_UNLIKE:
        found.append(f"{MOSAIC}: {unlike:.3%} of the pixels are further apart than {SHIFT} source pixels explain")
    return found


def _contrast(data: NDArray[Any]) -> NDArray[np.int32]:
    """Highest less lowest value of each pixel's 3 × 3 neighbourhood."""
    padded = np.pad(data.astype(np.int32), 1, mode="edge")
    size = data.shape
    shifted = [padded[row : row + size[0], column : column + size[1]] for row in range(3) for column in range(3)]
    highest, lowest = shifted[0].copy(), shifted[0].copy()
    for other in shifted[1:]:
        np.maximum(highest, other, out=highest)
        np.minimum(lowest, other, out=lowest)
    return highest - lowest
