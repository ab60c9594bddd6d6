"""The composite of one band over a period, from files, window by window.

Memory depends on the size of the tile and of the windows, not on the number of dates: only the median keeps the dates
of a window, and its windows become smaller as dates become more.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any, Final

import numpy as np
import rasterio
from numpy.typing import DTypeLike, NDArray
from rasterio.env import getenv, setenv
from rasterio.session import DummySession
from rasterio.windows import Window

from stratocube.cube.geobox import GeoBox
from stratocube.cube.mask import QualityMask
from stratocube.errors import InvalidRequest
from stratocube.pixels.blend_window import BlendPlan, Observation, Totals, WindowResult, blend_window
from stratocube.pixels.composite import NO_DATE, CompositeFunction
from stratocube.pixels.composition import Composition
from stratocube.pixels.median import Workspace
from stratocube.pixels.merge import DATASOURCE_NODATA
from stratocube.pixels.ranking import DateScore, rank_dates
from stratocube.pixels.sensors import depends_on_sensor, sources_without_oli
from stratocube.pixels.sources import environment
from stratocube.pixels.stack import Grid, StackReader
from stratocube.pixels.statistics import QualityCounts

__all__ = ["BlendResult", "Observation", "ObservationLayers", "blend"]

_COG_BLOCK: Final = (512, 512)
_STACK_BYTES: Final = 64 << 20
"""What the dates of one window may take in one thread."""


@dataclass(frozen=True)
class ObservationLayers:
    """What was observed, by the quality alone. Arrays are (rows, columns)."""

    clear_observations: NDArray[np.uint8]
    """CLEAROB: clear observations, at most 255; 0 is nodata."""
    total_observations: NDArray[np.uint8]
    """TOTALOB: observations that are not nodata, at most 255; 0 is nodata."""
    provenance: NDArray[np.int16] | None
    """PROVENANCE: day of the year of the date taken, -1 is nodata. None but for LCF."""
    provenance_year: NDArray[np.int16] | None
    """PROVENANCE_YEAR: its year, -1 is nodata. None but for LCF with dates in more than one year."""
    datasource: NDArray[np.uint8] | None
    """DATASOURCE: index of the source taken, 255 is nodata. None but for LCF, and where no date names its source."""
    efficacy: float
    """Percent of clear pixels of the LCF composite of the quality."""
    cloud_ratio: float
    """Percent of not clear pixels among its clear and not clear ones."""
    composition: Composition
    """Of how many pixels each date and source is part, dates in the order of :attr:`BlendResult.dates`."""


@dataclass(frozen=True)
class BlendResult:
    """One band of a period."""

    data: NDArray[Any]
    """(rows, columns), the type asked for; pixels without a value hold ``nodata``."""
    geobox: GeoBox
    nodata: float
    dates: tuple[dt.date, ...]
    """The dates in rank order, best first."""
    layers: ObservationLayers | None
    """None when not asked for."""


def blend(
    observations: Sequence[Observation],
    *,
    function: CompositeFunction,
    mask: QualityMask,
    data_type: DTypeLike,
    nodata: float,
    layers: bool,
    quality_nodata: float | None = None,
    valid_range: tuple[float, float] | None = None,
    sources: Sequence[str] = (),
    reference_day: int | None = None,
    period_start: dt.date | None = None,
    geobox: GeoBox | None = None,
    threads: int = 1,
) -> BlendResult:
    """Composite one band over the dates of a period, given in any order (see :mod:`stratocube.pixels.composite`).

    Args:
        observations: one a date. Without any the result is nodata all over, and ``geobox`` is needed.
        function: LCF (best ranked clear value, else best ranked one), MED or AVG (of the clear values).
        mask: what the quality means. The nodata of the quality is the one of the mask, whatever the file's tag.
        data_type: type of the result. Files of another type are taken where it holds all their values.
        nodata: nodata of the band. A file's own nodata tag counts as well.
        layers: make the observation layers besides, from the quality of every date.
        quality_nodata: a value of the quality band that means nodata beside the one of the mask.
        valid_range: lowest and highest valid value of the band, both included; others are not clear.
        sources: platforms or collections in the order of the DATASOURCE indices; the mask's cirrus bit and rule do not
            count where a source has no OLI sensor. Empty: OLI everywhere.
        reference_day: ranks by closeness to this day instead of efficacy, see rank_dates.
        period_start: day 1 of ``reference_day``; the first date when None.
        geobox: the grid wanted; when None the one of the first file.
        threads: windows composited side by side.

    Raises:
        InvalidRequest: a file lies on another grid, holds values that ``data_type`` does not, an observation lacks the
            saturation raster that the mask reads, a date occurs twice, or ``nodata`` is no value of ``data_type``.
        SourceMissing, TransientRead: naming the file that could not be read.

    >>> from stratocube.pixels.cog import save_as_cog
    >>> grid = GeoBox("EPSG:32723", 300000, 8000000, 30, 30, width=2, height=1)
    >>> for name, row in {"10_nir": [702, 7000], "10_fmask": [0, 2], "15_nir": [854, 756], "15_fmask": [0, 0]}.items():
    ...     save_as_cog(f"{name}.tif", np.array([row], dtype=np.int16), grid, nodata=-9999, kind="continuous")
    >>> dates = [Observation(dt.date(2020, 1, 10), "10_nir.tif", "10_fmask.tif", efficacy=50, resolution=30),
    ...          Observation(dt.date(2020, 1, 15), "15_nir.tif", "15_fmask.tif", efficacy=100, resolution=30)]
    >>> fmask = QualityMask(clear=(0, 1), not_clear=(2, 3, 4), nodata=255)
    >>> blend(dates, function="MED", mask=fmask, data_type="int16", nodata=-9999, layers=False).data.tolist()
    [[778, 756]]
    """
    plan = BlendPlan(
        observations=_in_rank_order(observations, reference_day, period_start),
        function=function,
        mask=mask,
        dtype=np.dtype(data_type),
        nodata=nodata,
        with_layers=layers,
        quality_nodata=None if quality_nodata == mask.nodata else quality_nodata,
        valid_range=valid_range,
        without_oli=sources_without_oli(sources) if depends_on_sensor(mask) else frozenset(),
    )
    plan.check()
    grid = _grid(plan.observations, geobox)
    canvas = _Canvas.blank(plan, grid.geobox.shape)
    totals = _fill(canvas, plan, grid, threads)
    return BlendResult(
        data=canvas.data,
        geobox=grid.geobox,
        nodata=nodata,
        dates=tuple(observation.date for observation in plan.observations),
        layers=None if totals is None else canvas.observation_layers(totals),
    )


def _in_rank_order(
    observations: Sequence[Observation], reference_day: int | None, period_start: dt.date | None
) -> tuple[Observation, ...]:
    by_date = {observation.date: observation for observation in observations}
    scores = [DateScore(given.date, given.efficacy, given.resolution) for given in observations]
    ranked = rank_dates(scores, reference_day=reference_day, period_start=period_start)
    return tuple(by_date[place.date] for place in ranked)


def _grid(observations: Sequence[Observation], geobox: GeoBox | None) -> Grid:
    if not observations:
        if geobox is None:
            raise InvalidRequest("a period without observations needs the grid of the result", field="geobox")
        return Grid.of_geobox(geobox, _COG_BLOCK)
    first = Grid.of_file(observations[0].quality)
    return first if geobox is None else Grid.of_geobox(geobox, first.block_shape)


@dataclass(frozen=True)
class _Canvas:
    """The whole tile; every window fills its part of it."""

    data: NDArray[Any]
    clear_observations: NDArray[np.uint8] | None
    total_observations: NDArray[np.uint8] | None
    provenance: NDArray[np.int16] | None
    provenance_year: NDArray[np.int16] | None
    datasource: NDArray[np.uint8] | None

    @classmethod
    def blank(cls, plan: BlendPlan, shape: tuple[int, int]) -> _Canvas:
        """A tile where nothing was observed."""
        chosen = plan.with_layers and plan.function == "LCF"
        return cls(
            data=np.full(shape, plan.nodata, dtype=plan.dtype),
            clear_observations=np.zeros(shape, dtype=np.uint8) if plan.with_layers else None,
            total_observations=np.zeros(shape, dtype=np.uint8) if plan.with_layers else None,
            provenance=np.full(shape, NO_DATE, dtype=np.int16) if chosen else None,
            provenance_year=np.full(shape, NO_DATE, dtype=np.int16) if chosen and plan.spans_years else None,
            datasource=np.full(shape, DATASOURCE_NODATA, dtype=np.uint8) if chosen and plan.names_sources else None,
        )

    def put(self, window: Window, result: WindowResult) -> None:
        """Fill a part."""
        part = window.toslices()
        self.data[part] = result.data
        for whole, piece in (
            (self.clear_observations, result.clear_observations),
            (self.total_observations, result.total_observations),
            (self.provenance, result.provenance),
            (self.provenance_year, result.provenance_year),
            (self.datasource, result.datasource),
        ):
            if whole is not None and piece is not None:
                whole[part] = piece

    def observation_layers(self, totals: Totals) -> ObservationLayers | None:
        """The layers, None when they were not asked for."""
        if self.clear_observations is None or self.total_observations is None:
            return None
        efficacy, cloud_ratio = totals.counts.statistics()
        return ObservationLayers(
            clear_observations=self.clear_observations,
            total_observations=self.total_observations,
            provenance=self.provenance,
            provenance_year=self.provenance_year,
            datasource=self.datasource,
            efficacy=efficacy,
            cloud_ratio=cloud_ratio,
            composition=totals.composition,
        )


def _fill(canvas: _Canvas, plan: BlendPlan, grid: Grid, threads: int) -> Totals | None:
    """Composite every window into ``canvas``; what its pixels add up to, None without layers."""
    if not plan.observations:
        return Totals(QualityCounts(total=canvas.data.size), Composition.empty(canvas.data.size, 0))
    windows = list(grid.windows(_most_pixels(plan)))
    shares = [windows[start :: max(threads, 1)] for start in range(min(max(threads, 1), len(windows)))]
    with environment():
        settings = getenv()  # settings of GDAL belong to a thread: hand them on

    def work(share: list[Window]) -> list[Totals]:
        totals, workspace = [], Workspace()
        with rasterio.Env(session=DummySession()), StackReader(grid) as reader:
            setenv(**settings)
            for window in share:
                result = blend_window(plan, reader, window, workspace)
                canvas.put(window, result)
                if result.totals is not None:
                    totals.append(result.totals)
        return totals

    with ThreadPoolExecutor(len(shares)) as pool:
        every = [totals for of_share in pool.map(work, shares) for totals in of_share]
    return reduce(add, every) if every else None


def _most_pixels(plan: BlendPlan) -> int:
    """How many pixels a window may have for the median's stack to stay within its memory."""
    if plan.function != "MED":
        return _COG_BLOCK[0] * _COG_BLOCK[1]
    # A date is held with its clear pixels; one more for the rasters of the date at hand.
    return _STACK_BYTES // ((len(plan.observations) + 1) * (plan.dtype.itemsize + 1))
