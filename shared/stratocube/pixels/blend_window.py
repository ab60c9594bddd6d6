"""The composite of one window of a tile: reads as little as it can, date by date in rank order."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import add
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from stratocube.cube.mask import QualityMask
from stratocube.errors import InvalidRequest
from stratocube.pixels.composite import (
    Choice,
    CompositeFunction,
    Counter,
    Reducer,
    fits,
    make_reducer,
    provenance,
    within,
)
from stratocube.pixels.composition import Composition, Participation, of_one_date
from stratocube.pixels.confidence import OliFlag
from stratocube.pixels.judge import Observed, judge
from stratocube.pixels.masks import saturated_pixels
from stratocube.pixels.median import Workspace
from stratocube.pixels.merge import DATASOURCE_NODATA
from stratocube.pixels.selection import select
from stratocube.pixels.sensors import oli_pixels
from stratocube.pixels.stack import StackReader
from stratocube.pixels.statistics import QualityCounts, count_quality

_STRIP_PIXELS: Final = 1 << 15
"""Pixels composited at a time. Their arrays stay in the cache, and are small enough for the allocator to hand the same
memory out again: pages fresh from the system cost more than the arithmetic."""


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

    def oli(self, sources: NDArray[np.uint8] | int | None) -> OliFlag:
        """Which pixels are judged as of an OLI sensor, by their source indices."""
        if sources is None or not self.without_oli:
            return True
        return sources not in self.without_oli if isinstance(sources, int) else oli_pixels(sources, self.without_oli)

    @property
    def makes_quality(self) -> bool:
        """Whether the composite is that of the quality which the layers need anyway."""
        of_quality = all(observation.band == observation.quality for observation in self.observations)
        plain = self.function == "LCF" and self.valid_range is None and self.nodata == self.mask.nodata
        return self.with_layers and plain and of_quality

    @property
    def names_sources(self) -> bool:
        """Whether there is anything for DATASOURCE to tell."""
        return any(observation.datasource is not None for observation in self.observations)

    @property
    def spans_years(self) -> bool:
        """Whether the day of the year does not tell the date."""
        return len({observation.date.year for observation in self.observations}) > 1


@dataclass(frozen=True)
class Totals:
    """What the pixels of a part of the tile add up to."""

    counts: QualityCounts
    """Of the LCF composite of the quality."""
    composition: Composition

    def __add__(self, other: Totals) -> Totals:
        return Totals(self.counts + other.counts, self.composition + other.composition)


@dataclass(frozen=True)
class WindowResult:
    """What :func:`blend_window` makes: arrays of the window's shape, None for layers that were not asked for."""

    data: NDArray[Any]
    clear_observations: NDArray[np.uint8] | None = None
    total_observations: NDArray[np.uint8] | None = None
    provenance: NDArray[np.int16] | None = None
    provenance_year: NDArray[np.int16] | None = None
    datasource: NDArray[np.uint8] | None = None
    totals: Totals | None = None


def blend_window(
    plan: BlendPlan, reader: StackReader, window: Window, workspace: Workspace | None = None
) -> WindowResult:
    """Composite one window. Raises what :meth:`StackReader.read` raises. ``workspace`` is one thread's.

    The quality of a date is read while any pixel is open, or for every date when layers are wanted; the band only where
    the quality says that it may change something.
    """
    strips = _strips(plan, int(window.height), int(window.width), workspace or Workspace())
    for rank, observation in enumerate(plan.observations):
        unfinished = [strip for strip in strips if not strip.done]
        if not unfinished:
            break
        date = _Date(plan, reader, window, observation)
        for strip in unfinished:
            strip.add(rank, date)
    return _joined([strip.result() for strip in strips])


class _Date:
    """The rasters of one date in one window; the band is read when somebody wants it."""

    def __init__(self, plan: BlendPlan, reader: StackReader, window: Window, observation: Observation) -> None:
        self._plan, self._reader, self._window, self._observation = plan, reader, window, observation
        self.quality = reader.read(observation.quality, window)
        self.sources = self._read_sources()
        self._saturation = None
        if plan.mask.saturated_band is not None and observation.saturation is not None:
            self._saturation = reader.read(observation.saturation, window)

    def sources_of(self, rows: slice) -> NDArray[np.uint8] | int | None:
        """The source indices of these rows, or the one of all pixels."""
        return self.sources[rows] if isinstance(self.sources, np.ndarray) else self.sources

    def offer(self, rows: slice) -> Observed:
        """What the quality and the saturation band offer in these rows."""
        sources = self.sources_of(rows)
        saturation = None if self._saturation is None else self._saturation[rows]
        return judge(
            self.quality[rows],
            self._plan.mask,
            oli=self._plan.oli(sources),
            saturated=None if saturation is None else saturated_pixels(saturation, self._plan.mask),
            also_nodata=self._plan.quality_nodata,
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
        path = self._observation.datasource
        if not isinstance(path, str):
            return path
        if not self._plan.without_oli and not self._plan.with_layers:
            return None  # nobody asks
        sources = self._reader.read(path, self._window)
        if sources.dtype != np.uint8:
            raise InvalidRequest(f"{path} is {sources.dtype}, source indices are uint8", field="datasource")
        return sources


class _Strip:
    """Some rows of a window on their way to the composite."""

    def __init__(self, plan: BlendPlan, rows: slice, width: int, workspace: Workspace) -> None:
        shape, dates = (rows.stop - rows.start, width), len(plan.observations)
        self._rows = rows
        self._nodata, self._valid_range = plan.nodata, plan.valid_range
        self._layers = _Layers(plan, shape) if plan.with_layers else None
        self._reducer: Reducer
        if self._layers is not None and plan.makes_quality:
            self._reducer = _TakenQuality(self._layers, plan.dtype)
        else:
            self._reducer = make_reducer(plan.function, shape, plan.dtype, plan.nodata, dates, workspace)

    @property
    def done(self) -> bool:
        """Whether further dates change nothing."""
        return self._layers is None and self._reducer.done

    def add(self, rank: int, date: _Date) -> None:
        """Take the next date."""
        offer = date.offer(self._rows)
        if self._layers is not None:
            self._layers.add(rank, date, self._rows, offer)
        if not self._reducer.done and self._reducer.wants(offer):
            values = date.values[self._rows]
            self._reducer.add(rank, values, within(offer, values, self._nodata, self._valid_range))

    def result(self) -> WindowResult:
        """The rows composited."""
        data = self._reducer.result()
        return WindowResult(data) if self._layers is None else self._layers.result(data)


class _Layers:
    """The observation layers of a strip: counts, and what the LCF composite of the quality takes."""

    def __init__(self, plan: BlendPlan, shape: tuple[int, int]) -> None:
        self._plan = plan
        self._counter = Counter(shape, len(plan.observations))
        self._choice = Choice(shape, len(plan.observations))
        # The quality of the date taken.
        self.quality: NDArray[Any] = np.full(shape, plan.mask.nodata, dtype=np.min_scalar_type(plan.mask.nodata))
        self._sources: NDArray[np.uint8] | None = None
        if plan.names_sources:
            self._sources = np.full(shape, DATASOURCE_NODATA, dtype=np.uint8)
        self._participation = None if plan.function == "LCF" else Participation(shape, len(plan.observations))

    def add(self, rank: int, date: _Date, rows: slice, offer: Observed) -> None:
        """Take the next date."""
        self._counter.add(offer)
        sources = date.sources_of(rows)
        if self._participation is not None:
            self._participation.add(rank, offer.clear, sources)
        if self._choice.done:
            return
        taken = self._choice.take(rank, offer)
        quality = date.quality[rows]
        if quality.dtype != self.quality.dtype:  # once, unless the dates have different types
            self.quality = self.quality.astype(np.promote_types(quality.dtype, self.quality.dtype))
        select(self.quality, quality, taken)
        if self._sources is not None and sources is not None:
            select(self._sources, sources, taken)

    def result(self, data: NDArray[Any]) -> WindowResult:
        """The layers beside the composite ``data``."""
        dates = [observation.date for observation in self._plan.observations]
        rank, tells_date = self._choice.rank, self._participation is None
        if self._participation is None:
            composition = of_one_date(rank, self._choice.clear, self._sources, len(dates))
        else:
            composition = self._participation.result()
        return WindowResult(
            data=data,
            clear_observations=self._counter.clear_observations(),
            total_observations=self._counter.total_observations(),
            provenance=provenance(rank, [date.timetuple().tm_yday for date in dates]) if tells_date else None,
            provenance_year=(
                provenance(rank, [date.year for date in dates]) if tells_date and self._plan.spans_years else None
            ),
            datasource=self._sources if tells_date else None,
            totals=Totals(count_quality(self.quality, self._plan.mask, oli=self._plan.oli(self._sources)), composition),
        )


class _TakenQuality:
    """The reducer of a composite that the layers make anyway: that of the quality band."""

    done = True

    def __init__(self, layers: _Layers, dtype: np.dtype[Any]) -> None:
        self._layers, self._dtype = layers, dtype

    def wants(self, quality: Observed) -> bool:
        return False

    def add(self, rank: int, values: NDArray[Any], offer: Observed) -> None:
        """Nothing: the layers have taken it."""

    def result(self) -> NDArray[Any]:
        quality = self._layers.quality
        if not np.can_cast(quality.dtype, self._dtype, "safe"):
            message = f"the quality is {quality.dtype}, which {self._dtype} cannot hold without loss"
            raise InvalidRequest(message, field="data_type")
        return quality.astype(self._dtype)


def _strips(plan: BlendPlan, height: int, width: int, workspace: Workspace) -> list[_Strip]:
    rows = max(_STRIP_PIXELS // width, 1)
    parts = [slice(top, min(top + rows, height)) for top in range(0, height, rows)]
    return [_Strip(plan, part, width, workspace) for part in parts]


def _joined(strips: list[WindowResult]) -> WindowResult:
    totals = [strip.totals for strip in strips if strip.totals is not None]
    return WindowResult(
        data=np.concatenate([strip.data for strip in strips]),
        clear_observations=_stacked([strip.clear_observations for strip in strips]),
        total_observations=_stacked([strip.total_observations for strip in strips]),
        provenance=_stacked([strip.provenance for strip in strips]),
        provenance_year=_stacked([strip.provenance_year for strip in strips]),
        datasource=_stacked([strip.datasource for strip in strips]),
        totals=reduce(add, totals) if totals else None,
    )


def _stacked(layers: list[NDArray[Any] | None]) -> Any:
    """The parts of a layer below each other, None where it was not asked for."""
    there = [layer for layer in layers if layer is not None]
    return np.concatenate(there) if there else None
