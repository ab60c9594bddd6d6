"""The composites of a stack in memory: the arithmetic of a blend alone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stratocube.cube.mask import QualityMask
from stratocube.errors import InvalidRequest
from stratocube.pixels.blend_plan import BlendPlan, Observation
from stratocube.pixels.composite import CompositeFunction
from stratocube.pixels.judge import Observed, judge
from stratocube.pixels.strip import Strip, rows_of_strips
from stratocube.pixels.workspace import Workspace


def blend_stack(
    values: Sequence[NDArray[Any]],
    quality: Sequence[NDArray[Any]],
    dates: Sequence[dt.date],
    *,
    functions: Sequence[CompositeFunction],
    mask: QualityMask,
    nodata: float,
    layers: bool,
    workspace: Workspace | None = None,
) -> Mapping[str, NDArray[Any]]:
    """Composite arrays that are in memory, dates in rank order, best first.

    ``values`` (all of one type) and ``quality`` (integers) have one (rows, columns) array a date. The result has an
    array for each of ``functions``, and with ``layers`` CLEAROB, TOTALOB and with LCF PROVENANCE (and PROVENANCE_YEAR
    where the dates lie in several years), as :func:`stratocube.pixels.blend.blend` makes them. ``workspace`` is kept by
    callers with many stacks.

    Raises:
        InvalidRequest: no dates, arrays of different shapes or types, a mask with a saturation band, or what
            :func:`stratocube.pixels.blend.blend` refuses.

    >>> fmask = QualityMask(clear=(0, 1), not_clear=(2, 3, 4), nodata=255)
    >>> made = blend_stack(
    ...     [np.array([[854, 9800]]), np.array([[702, 7000]])],
    ...     [np.array([[0, 255]], dtype=np.uint8), np.array([[0, 2]], dtype=np.uint8)],
    ...     [dt.date(2020, 1, 15), dt.date(2020, 1, 10)],
    ...     functions=["LCF", "MED"], mask=fmask, nodata=-9999, layers=True,
    ... )
    >>> {name: data.tolist() for name, data in made.items()}
    {'LCF': [[854, 7000]], 'MED': [[778, -9999]], 'CLEAROB': [[2, 0]], 'TOTALOB': [[2, 1]], 'PROVENANCE': [[15, 10]]}
    """
    if not values or not len(values) == len(quality) == len(dates):
        message = f"{len(values)} arrays of values, {len(quality)} of quality, {len(dates)} dates"
        raise InvalidRequest(message, field="values")
    shape, dtype = values[0].shape, values[0].dtype
    if any(array.shape != shape for array in (*values, *quality)) or any(array.dtype != dtype for array in values):
        raise InvalidRequest("the dates of a stack have one shape and one type", field="values")
    plan = BlendPlan(
        observations=tuple(Observation(date, "values", "quality", 0, 1) for date in dates),
        functions=tuple(functions),
        mask=mask,
        dtype=dtype,
        nodata=nodata,
        with_layers=layers,
        quality_nodata=None,
        valid_range=None,
        without_oli=frozenset(),
    )
    plan.check()
    into = {product.name: np.empty(shape, dtype=product.dtype) for product in plan.products}
    memory = workspace or Workspace()
    for rows in rows_of_strips(into):
        memory.rewind()
        strip = Strip(plan, rows, into, memory)
        for rank, (band, classes) in enumerate(zip(values, quality, strict=True)):
            if not strip.done:
                strip.add(rank, _Arrays(band, classes, mask))
        strip.finish()
    return into


@dataclass(frozen=True)
class _Arrays:
    """One date."""

    values: NDArray[Any]
    quality: NDArray[Any]
    mask: QualityMask

    def offer(self, rows: slice, into: Observed, workspace: Workspace) -> Observed:
        """What the quality offers."""
        return judge(self.quality[rows], self.mask, into=into, workspace=workspace)

    def sources_of(self, rows: slice) -> None:
        """One source."""
