"""What a window of a composite is sure to need of each date, told by a sample of its quality.

A composite asks for the band of a date where some pixel takes something of it, and for the quality of a date while some
pixel is open. Both hold for the window if they hold for a few of its rows; so what these rows need can be read ahead of
the composite without reading too much. What only other rows need is read when the composite asks for it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from stratocube.pixels.blend_plan import BlendPlan, Observation
from stratocube.pixels.blend_window import saturation_of, sources_of
from stratocube.pixels.judge import observed
from stratocube.pixels.masks import classify, saturated_pixels
from stratocube.pixels.stack import WindowReader

_ROWS: Final = 4
"""Of so many rows one is looked at: few clouds are lower, and looking at all would take as long as compositing."""


def rasters_of_offer(plan: BlendPlan, observation: Observation) -> list[str]:
    """The files that tell what a date offers: all but the band."""
    paths = [observation.quality, sources_of(plan, observation), saturation_of(plan, observation)]
    return [path for path in paths if isinstance(path, str)]


def every_date(plan: BlendPlan) -> bool:
    """Whether the quality of every date is needed, whatever the pixels are."""
    return plan.with_layers or any(function != "LCF" for function in plan.functions)


class SureNeeds:
    """The sample of one window, which takes the dates in rank order."""

    def __init__(self, plan: BlendPlan, window: Window) -> None:
        self._plan, self._window = plan, window
        height = int(window.height)
        self._rows = slice(min(_ROWS, height) // 2, None, _ROWS)
        shape = len(range(height)[self._rows]), int(window.width)
        self._every_date = every_date(plan)
        self._all_clear_ones = any(function != "LCF" for function in plan.functions)
        self._chooses = "LCF" in plan.functions and not plan.makes_quality
        self._clear: NDArray[np.bool_] = np.zeros(shape, dtype=np.bool_)
        self._exists: NDArray[np.bool_] = np.zeros(shape, dtype=np.bool_)

    @property
    def quality(self) -> bool:
        """Whether the next date's quality is needed."""
        return self._every_date or not self._clear.all()

    def band(self, reader: WindowReader, observation: Observation) -> bool:
        """Whether the next date's band is needed. Raises what ``reader`` raises for the quality."""
        plan, window, rows = self._plan, self._window, self._rows
        sources, saturation = sources_of(plan, observation), saturation_of(plan, observation)
        oli = plan.oli(reader.read(sources, window)[rows] if isinstance(sources, str) else sources)
        saturated = None if saturation is None else saturated_pixels(reader.read(saturation, window)[rows], plan.mask)
        quality = np.ascontiguousarray(reader.read(observation.quality, window)[rows])
        exists, clear = observed(classify(quality, plan.mask, oli), saturated)
        if plan.quality_nodata is not None:
            exists = exists & (quality != plan.quality_nodata)
            clear = clear & exists
        takes = (clear & ~self._clear) | (exists & ~self._exists)
        self._clear |= clear
        self._exists |= exists
        if observation.band == observation.quality:
            return False
        return (self._all_clear_ones and bool(clear.any())) or (self._chooses and bool(takes.any()))
