"""Which observations come from an OLI sensor: only there mean the cirrus bits of Landsat's quality band anything."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from stratocube.cube.mask import CIRRUS_BIT, QualityMask

_WITHOUT_OLI: Final = re.compile(r"landsat0?[4-7]\b|l[te]0?[4-7]")
"""Landsat 4 to 7: "LANDSAT-7", "LANDSAT_5", "Landsat 7", "LE07", "LT05_SR"."""


def has_oli(source: str) -> bool:
    """Whether a platform or collection of this name carries an OLI sensor.

    Names that say nothing count as OLI, so that the cirrus bits of a mask are honoured unless they are known to be
    meaningless. Hyphens, underscores and blanks make no difference.

    >>> [has_oli(name) for name in ("LANDSAT_7", "landsat-8", "LE07", "landsat-c2l2-sr")]
    [False, True, False, True]
    """
    return _WITHOUT_OLI.match(re.sub(r"[^a-z0-9]", "", source.lower())) is None


def sources_without_oli(sources: Sequence[str]) -> frozenset[int]:
    """Indices (values of a DATASOURCE raster) of the sources that carry no OLI sensor.

    >>> sources_without_oli(["LANDSAT_7", "LANDSAT_8"])
    frozenset({0})
    """
    return frozenset(index for index, source in enumerate(sources) if not has_oli(source))


def oli_pixels(datasource: NDArray[np.integer[Any]], without_oli: Collection[int]) -> NDArray[np.bool_]:
    """Where a DATASOURCE raster does not name one of the sources without OLI: bool array of its shape.

    >>> oli_pixels(np.array([0, 1, 255], dtype=np.uint8), without_oli={0}).tolist()
    [False, True, True]
    """
    return np.isin(datasource, list(without_oli), invert=True)


def depends_on_sensor(mask: QualityMask) -> bool:
    """Whether the mask judges OLI pixels differently, so that classes can only be told with the DATASOURCE raster."""
    if not mask.bits:
        return False
    rules = mask.confidence
    if rules is not None and rules.oli is not None:
        return False  # the mask itself says what the sensor is
    return CIRRUS_BIT in mask.not_clear or (rules is not None and rules.cirrus is not None)
