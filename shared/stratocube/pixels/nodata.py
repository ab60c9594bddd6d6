"""Whether an array lacks anything, told at a glance."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def has_none(values: NDArray[Any], nodata: float | None) -> bool:
    """Whether an array holds neither ``nodata`` nor NaN, as far as its lowest or highest value tells.

    One look instead of three. False says nothing. The lowest and the highest value are NaN when any is.
    """
    if values.size == 0:
        return False
    if nodata is None or np.isnan(nodata):
        return values.dtype.kind != "f" or not bool(np.isnan(values.min()))
    return bool(nodata < values.min()) if nodata <= 0 else bool(nodata > values.max())
