"""What is doubtful about a product, as its picture shows it: empty, cloudy, saturated, of a wrong scale, with seams.

Hints for who looks at many products, not a verdict: a flagged product is published as any other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

MOSTLY_PERCENT: Final = 50.0
"""A product is mostly empty or mostly cloud from here."""
SATURATED_PERCENT: Final = 5.0
"""Of the valid pixels; a few roofs and clouds are always that bright."""
DARKEST_LIGHT: Final = 0.01
"""Reflectance that the brightest fiftieth of a picture exceeds even over clear water."""
BRIGHTEST_MIDDLE: Final = 1.2
"""Reflectance that half of a picture does not exceed even over cloud and snow."""
NEGATIVE_PERCENT: Final = 20.0

_RANGE: Final = (2.0, 98.0)
_STEP_OF_RANGE: Final = 0.05
"""A step from one row to the next is a seam from this share of the picture's range on."""
_ALIKE: Final = (20.0, 80.0)
"""Percentiles of the differences of two rows that must go the same way: edges of fields go both ways."""
_SEEN: Final = 0.25
"""Share of a row that must be valid beside the next row, for a step to be told."""
_STRIPES: Final = 8
"""So many seams in one direction are stripes."""


class Band(NamedTuple):
    """What a band of the picture says of its numbers."""

    scale: float | None = None
    """Of reflectance; None where the numbers are something else, or nobody says."""
    offset: float = 0.0
    maximum: float | None = None
    """Largest valid value, where the cube says."""


@dataclass(frozen=True)
class PictureCheck:
    """What was found in a picture."""

    flags: tuple[str, ...]
    """Of ``empty``, ``mostly_empty``, ``mostly_cloud``, ``saturated``, ``wrong_scale``, ``seams``, ``stripes``."""
    valid_percent: float
    """Of the pixels of the picture: those with a value in every band."""
    saturated_percent: float
    """Of the valid ones: those at the largest value of a band, or above."""
    seams: int
    """Straight lines along rows or columns at which the whole picture gets brighter or darker."""

    def facts(self) -> dict[str, float]:
        """The numbers behind the flags, for the STAC item."""
        return {
            "valid_percent": self.valid_percent,
            "saturated_percent": self.saturated_percent,
            "seams": self.seams,
        }


def check_picture(
    values: NDArray[Any], valid: NDArray[np.bool_], bands: tuple[Band, ...], *, cloud_percent: float | None = None
) -> PictureCheck:
    """Look for what is doubtful in a picture.

    ``values`` are the stored numbers, (bands, rows, columns), at a resolution where no row or column is repeated;
    ``valid`` is where a band has one, of the same shape. ``cloud_percent`` is the share of not clear pixels among the
    observed ones.

    >>> values = np.full((3, 40, 40), 800, dtype=np.int16)
    >>> values[:, 17:] += 400
    >>> check_picture(values, values > 0, (Band(0.0001),) * 3).flags
    ('seams',)
    """
    everywhere: NDArray[np.bool_] = np.logical_and.reduce(valid, axis=0)
    valid_percent = _percent(everywhere)
    if not everywhere.any():
        return PictureCheck(("empty",), valid_percent, 0.0, 0)
    seen = values[:, everywhere].astype(np.float64)
    saturated = _saturated_percent(seen, values.dtype, bands)
    grey = values.mean(axis=0, dtype=np.float64)
    steps = (_steps(grey, everywhere), _steps(grey.T, everywhere.T))
    flags = {
        "mostly_empty": valid_percent < MOSTLY_PERCENT,
        "mostly_cloud": cloud_percent is not None and cloud_percent >= MOSTLY_PERCENT,
        "saturated": saturated >= SATURATED_PERCENT,
        "wrong_scale": _has_wrong_scale(seen, bands),
        "seams": 0 < max(steps) < _STRIPES,
        "stripes": max(steps) >= _STRIPES,
    }
    return PictureCheck(tuple(name for name, raised in flags.items() if raised), valid_percent, saturated, sum(steps))


def _percent(where: NDArray[np.bool_]) -> float:
    return round(100 * float(where.mean()), 2) if where.size else 0.0


def _saturated_percent(seen: NDArray[np.float64], dtype: np.dtype[Any], bands: tuple[Band, ...]) -> float:
    largest = float(np.iinfo(dtype).max) if dtype.kind in "iu" else np.inf
    ceilings = np.array([largest if band.maximum is None else band.maximum for band in bands])
    return _percent(np.logical_or.reduce(seen >= ceilings[:, np.newaxis], axis=0))


def _has_wrong_scale(seen: NDArray[np.float64], bands: tuple[Band, ...]) -> bool:
    """Whether the numbers of bands that say they are reflectance cannot be that."""
    told = [(values, band.scale, band.offset) for values, band in zip(seen, bands, strict=True) if band.scale]
    if not told:
        return False
    physical = [values * scale + offset for values, scale, offset in told]
    light = max(float(np.percentile(values, _RANGE[1])) for values in physical)
    middle = min(float(np.median(values)) for values in physical)
    negative = max(_percent(values < 0) for values in physical)
    return light < DARKEST_LIGHT or middle > BRIGHTEST_MIDDLE or negative >= NEGATIVE_PERCENT


def _steps(grey: NDArray[np.float64], valid: NDArray[np.bool_]) -> int:
    """How many times the picture as a whole gets brighter or darker from one row to the next.

    Two rows of a landscape differ here this way and there that way. Where two images of different brightness meet,
    nearly all pixels differ the same way.
    """
    low, high = np.percentile(grey[valid], _RANGE)
    both = valid[1:] & valid[:-1]
    told = np.count_nonzero(both, axis=1) >= max(_SEEN * grey.shape[1], 2)
    if not told.any() or high <= low:
        return 0
    differences = np.where(both, np.diff(grey, axis=0), np.nan)[told]
    least, most = np.nanpercentile(differences, _ALIKE, axis=1)
    return int(np.count_nonzero(np.maximum(least, -most) >= _STEP_OF_RANGE * (high - low)))
