"""The composite of one window of a tile: reads as little as it can, date by date in rank order."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from stratocube.cube.mask import QualityMask
from stratocube.errors import InvalidRequest
from stratocube.pixels.composite import (
    Choice,
    CompositeFunction,
    Counter,
    Observed,
    fits,
    make_reducer,
    observed,
    provenance,
    within,
)
from stratocube.pixels.masks import PixelClass, classify, saturated_pixels
from stratocube.pixels.merge import DATASOURCE_NODATA
from stratocube.pixels.selection import select
from stratocube.pixels.sensors import oli_pixels
from stratocube.pixels.stack import StackReader
from stratocube.pixels.statistics import QualityCounts


@dataclass(frozen=True)
class Observation:
    """The rasters of one date on the tile. Paths are whatever GDAL opens: file names, /vsis3/…"""

    date: dt.date
    band: str
    """The band to composite; the same path as ``quality`` when that is the quality band."""
    quality: str
    efficacy: float
    """Percent of clear pixels of the quality raster, for the rank."""
    resolution: float
    """Pixel size of the source, for the rank."""
    saturation: str | None = None
    """Raster of saturation bits, where the mask has a saturation band."""
    datasource: str | int | None = None
    """Raster of source indices (uint8, 255 none), or the one index of all pixels. None: one source, OLI."""


@dataclass(frozen=True)
class BlendPlan:
    """What is asked for; see :func:`stratocube.pixels.blend.blend` for the fields."""

    observations: tuple[Observation, ...]
    """In rank order."""
    function: CompositeFunction
    mask: QualityMask
    dtype: np.dtype[Any]
    nodata: float
    with_layers: bool
    quality_nodata: float | None
    """None when it is the one of the mask."""
    valid_range: tuple[float, float] | None
    without_oli: frozenset[int]
    """Source indices whose pixels are judged without cirrus."""

    def check(self) -> None:
        """Raise InvalidRequest for what cannot be composited, before anything is read."""
        make_reducer(self.function, (0,), self.dtype, self.nodata, len(self.observations))
        if self.mask.saturated_band is None:
            return
        for observation in self.observations:
            if observation.saturation is None:
                message = f"{observation.date} has no raster of {self.mask.saturated_band}, which the mask reads"
                raise InvalidRequest(message, field="observations")

    @property
    def names_sources(self) -> bool:
        """Whether there is anything for DATASOURCE to tell."""
        return any(observation.datasource is not None for observation in self.observations)


@dataclass(frozen=True)
class WindowResult:
    """What :func:`blend_window` makes: arrays of the window's shape, None for layers that were not asked for."""

    data: NDArray[Any]
    clear_observations: NDArray[np.uint8] | None = None
    total_observations: NDArray[np.uint8] | None = None
    provenance: NDArray[np.int16] | None = None
    datasource: NDArray[np.uint8] | None = None
    counts: QualityCounts = field(default_factory=QualityCounts)
    """Of the LCF composite of the quality; nothing without layers."""


def blend_window(plan: BlendPlan, reader: StackReader, window: Window) -> WindowResult:
    """Composite one window. Raises what :meth:`StackReader.read` raises.

    The quality of a date is read while any pixel is open, or for every date when layers are wanted; the band only where
    the quality says that it may change something.
    """
    shape = (int(window.height), int(window.width))
    reducer = make_reducer(plan.function, shape, plan.dtype, plan.nodata, len(plan.observations))
    layers = _Layers(plan, shape) if plan.with_layers else None
    for rank, observation in enumerate(plan.observations):
        if reducer.done and layers is None:
            break
        date = _read_quality(plan, reader, window, observation)
        if layers is not None:
            layers.add(rank, date)
        if not reducer.done and reducer.wants(date.offer):
            values = date.quality if observation.band == observation.quality else reader.read(observation.band, window)
            values = _in_band_type(plan, values, observation.band, reader.nodata(observation.band))
            reducer.add(rank, values, within(date.offer, values, plan.nodata, plan.valid_range))
    return WindowResult(reducer.result()) if layers is None else layers.result(reducer.result())


@dataclass(frozen=True)
class _Date:
    """One date in one window, as far as the quality tells."""

    quality: NDArray[Any]
    classes: NDArray[np.uint8]
    """By the quality raster alone, without the saturation band."""
    sources: NDArray[np.uint8] | int | None
    offer: Observed


def _read_quality(plan: BlendPlan, reader: StackReader, window: Window, observation: Observation) -> _Date:
    quality = reader.read(observation.quality, window)
    sources = _read_sources(plan, reader, window, observation)
    oli = True if sources is None or not plan.without_oli else oli_pixels(np.asarray(sources), plan.without_oli)
    classes = classify(quality, plan.mask, oli)
    if plan.quality_nodata is not None:
        classes[quality == plan.quality_nodata] = PixelClass.NODATA
    saturated = None
    if plan.mask.saturated_band is not None and observation.saturation is not None:
        saturated = saturated_pixels(reader.read(observation.saturation, window), plan.mask)
    return _Date(quality, classes, sources, observed(classes, saturated))


def _read_sources(
    plan: BlendPlan, reader: StackReader, window: Window, observation: Observation
) -> NDArray[np.uint8] | int | None:
    if not isinstance(observation.datasource, str):
        return observation.datasource
    if not plan.without_oli and not (plan.with_layers and plan.function == "LCF"):
        return None  # nobody asks
    sources = reader.read(observation.datasource, window)
    if sources.dtype != np.uint8:
        raise InvalidRequest(
            f"{observation.datasource} is {sources.dtype}, source indices are uint8", field="datasource"
        )
    return sources


def _in_band_type(plan: BlendPlan, values: NDArray[Any], path: str, tag: float | None) -> NDArray[Any]:
    """Values in the type of the result, nodata as the plan has it."""
    if not np.can_cast(values.dtype, plan.dtype, "safe"):
        message = f"{path} holds {values.dtype}, which {plan.dtype} cannot hold without loss"
        raise InvalidRequest(message, field="data_type")
    values = values.astype(plan.dtype, copy=False)
    if tag is not None and tag != plan.nodata and fits(tag, plan.dtype) and not np.isnan(tag):
        select(values, plan.nodata, values == plan.dtype.type(tag))
    return values


class _Layers:
    """The observation layers of a window: counts, and what the LCF composite of the quality takes."""

    def __init__(self, plan: BlendPlan, shape: tuple[int, int]) -> None:
        self._plan = plan
        self._counter = Counter(shape, len(plan.observations))
        self._choice = Choice(shape, len(plan.observations))
        self._classes = np.full(shape, PixelClass.NODATA, dtype=np.uint8)
        self._datasource: NDArray[np.uint8] | None = None
        if plan.function == "LCF" and plan.names_sources:
            self._datasource = np.full(shape, DATASOURCE_NODATA, dtype=np.uint8)

    def add(self, rank: int, date: _Date) -> None:
        self._counter.add(date.offer)
        if self._choice.done:
            return
        taken = self._choice.take(rank, date.offer)
        select(self._classes, date.classes, taken)
        if self._datasource is not None and date.sources is not None:
            select(self._datasource, date.sources, taken)

    def result(self, data: NDArray[Any]) -> WindowResult:
        days = [observation.date.timetuple().tm_yday for observation in self._plan.observations]
        return WindowResult(
            data=data,
            clear_observations=self._counter.clear_observations(),
            total_observations=self._counter.total_observations(),
            provenance=provenance(self._choice.rank, days) if self._plan.function == "LCF" else None,
            datasource=self._datasource,
            counts=self._counts(),
        )

    def _counts(self) -> QualityCounts:
        # As count_quality has it: with bits everything that is observed and not clear is not clear.
        clear = int(np.count_nonzero(self._classes == PixelClass.CLEAR))
        if self._plan.mask.bits:
            not_clear = int(np.count_nonzero(self._classes)) - clear
        else:
            not_clear = int(np.count_nonzero(self._classes == PixelClass.NOT_CLEAR))
        return QualityCounts(total=self._classes.size, clear=clear, not_clear=not_clear)
