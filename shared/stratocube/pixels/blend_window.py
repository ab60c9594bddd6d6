"""The composites of one window of a tile: reads as little as it can, date by date in rank order."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, reduce
from operator import add
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from stratocube.errors import InvalidRequest
from stratocube.pixels.blend_plan import BlendPlan, Observation
from stratocube.pixels.composite import fits
from stratocube.pixels.judge import Observed, judge
from stratocube.pixels.masks import saturated_pixels
from stratocube.pixels.selection import select
from stratocube.pixels.stack import WindowReader
from stratocube.pixels.strip import Totals, strips_of
from stratocube.pixels.workspace import Workspace


def blend_window(
    plan: BlendPlan,
    reader: WindowReader,
    window: Window,
    into: Mapping[str, NDArray[Any]],
    workspace: Workspace | None = None,
) -> Totals | None:
    """Composite one window. Raises what :meth:`stack.StackReader.read` raises. ``workspace`` is one thread's.

    ``into`` has an array of the window's shape for each of the plan's products, which all its pixels are written to;
    what they add up to is returned, None without layers.

    The quality of a date is read while any pixel is open, or for every date when layers are wanted; the band only where
    the quality says that it may change something.
    """
    memory = workspace or Workspace()
    memory.rewind()
    strips = strips_of(plan, into, memory)
    for rank, observation in enumerate(plan.observations):
        unfinished = [strip for strip in strips if not strip.done]
        if not unfinished:
            break
        date = DateInWindow(plan, reader, window, observation)
        for strip in unfinished:
            strip.add(rank, date)
    totals = [strip.finish() for strip in strips]
    return reduce(add, [total for total in totals if total is not None]) if plan.with_layers else None


def saturation_of(plan: BlendPlan, observation: Observation) -> str | None:
    """The raster of saturation bits where the mask reads one."""
    return None if plan.mask.saturated_band is None else observation.saturation


def sources_of(plan: BlendPlan, observation: Observation) -> str | int | None:
    """The raster of source indices, or the one index; None where nobody asks."""
    unasked = isinstance(observation.datasource, str) and not plan.without_oli and not plan.with_layers
    return None if unasked else observation.datasource


class DateInWindow:
    """The rasters of one date in one window; the band is read when somebody wants it."""

    def __init__(self, plan: BlendPlan, reader: WindowReader, window: Window, observation: Observation) -> None:
        self._plan, self._reader, self._window, self._observation = plan, reader, window, observation
        self.quality = reader.read(observation.quality, window)
        self.sources = self._read_sources()
        saturation = saturation_of(plan, observation)
        self._saturation = None if saturation is None else reader.read(saturation, window)

    def sources_of(self, rows: slice) -> NDArray[np.uint8] | int | None:
        """The source indices of these rows, or the one of all pixels."""
        return self.sources[rows] if isinstance(self.sources, np.ndarray) else self.sources

    def offer(self, rows: slice, into: Observed, workspace: Workspace) -> Observed:
        """What the quality and the saturation band offer in these rows; ``into`` are arrays it may be put in."""
        sources = self.sources_of(rows)
        saturation = None if self._saturation is None else self._saturation[rows]
        return judge(
            self.quality[rows],
            self._plan.mask,
            oli=self._plan.oli(sources),
            saturated=None if saturation is None else saturated_pixels(saturation, self._plan.mask),
            also_nodata=self._plan.quality_nodata,
            into=into,
            workspace=workspace,
        )

    @cached_property
    def values(self) -> NDArray[Any]:
        """The band in the type of the result, nodata as the plan has it."""
        plan, path = self._plan, self._observation.band
        is_quality = path == self._observation.quality
        values = self.quality if is_quality else self._reader.read(path, self._window)
        if not np.can_cast(values.dtype, plan.dtype, "safe"):
            message = f"{path} holds {values.dtype}, which {plan.dtype} cannot hold without loss"
            raise InvalidRequest(message, field="data_type")
        tag = None if is_quality else self._reader.nodata(path)  # the mask says what is nodata in the quality
        if tag is None or tag == plan.nodata or np.isnan(tag) or not fits(tag, values.dtype):
            return values.astype(plan.dtype, copy=False)
        own_nodata = values == values.dtype.type(tag)
        values = values.astype(plan.dtype)
        select(values, plan.nodata, own_nodata)
        return values

    def _read_sources(self) -> NDArray[np.uint8] | int | None:
        path = sources_of(self._plan, self._observation)
        if not isinstance(path, str):
            return path
        sources = self._reader.read(path, self._window)
        if sources.dtype != np.uint8:
            raise InvalidRequest(f"{path} is {sources.dtype}, source indices are uint8", field="datasource")
        return sources
