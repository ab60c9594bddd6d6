"""The composites of one band over a period, from files, window by window.

Memory depends on the size of the tile and of the windows, not on the number of dates: only the median keeps the dates
of a window, and its windows become smaller as dates become more.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from rasterio.windows import Window

from stratocube.cube.geobox import GeoBox
from stratocube.cube.mask import QualityMask
from stratocube.pixels.blend_plan import Observation, make_plan
from stratocube.pixels.blend_run import Totals, grid_of, run, windows_of
from stratocube.pixels.composite import CompositeFunction
from stratocube.pixels.composition import Composition

__all__ = ["BlendResult", "Observation", "ObservationLayers", "blend"]


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

    composites: Mapping[CompositeFunction, NDArray[Any]]
    """By function: (rows, columns), the type asked for; pixels without a value hold ``nodata``."""
    geobox: GeoBox
    nodata: float
    dates: tuple[dt.date, ...]
    """The dates in rank order, best first."""
    layers: ObservationLayers | None
    """None when not asked for."""

    @property
    def data(self) -> NDArray[Any]:
        """The composite, of the first function where there are several."""
        return next(iter(self.composites.values()))


def blend(
    observations: Sequence[Observation],
    *,
    function: CompositeFunction | Sequence[CompositeFunction],
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
        function: LCF (best ranked clear value, else best ranked one), MED or AVG (of the clear values). Several are
            made in one pass over the files; PROVENANCE then is of the LCF, ``composition`` of the first.
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
    functions: Sequence[CompositeFunction] = (function,) if isinstance(function, str) else function
    plan = make_plan(
        observations,
        functions,
        mask,
        data_type,
        nodata,
        layers=layers,
        quality_nodata=quality_nodata,
        valid_range=valid_range,
        sources=sources,
        reference_day=reference_day,
        period_start=period_start,
    )
    grid = grid_of(plan, geobox)
    canvas = _Canvas({p.name: np.full(grid.geobox.shape, p.nodata, dtype=p.dtype) for p in plan.products})
    totals = run(plan, grid, windows_of(plan, grid), canvas, threads)
    return BlendResult(
        composites={function: canvas.whole[function] for function in plan.functions},
        geobox=grid.geobox,
        nodata=nodata,
        dates=tuple(observation.date for observation in plan.observations),
        layers=None if totals is None else _layers(canvas.whole, totals),
    )


@dataclass(frozen=True)
class _Canvas:
    """The whole tile; every window fills its part of it."""

    whole: Mapping[str, NDArray[Any]]

    def begin(self, part: Window) -> Mapping[str, NDArray[Any]]:
        """The part of every product."""
        return {name: data[part.toslices()] for name, data in self.whole.items()}

    def end(self, part: Window, products: Mapping[str, NDArray[Any]]) -> None:
        """Nothing: the pixels are where they belong."""


def _layers(whole: Mapping[str, NDArray[Any]], totals: Totals) -> ObservationLayers:
    efficacy, cloud_ratio = totals.counts.statistics()
    return ObservationLayers(
        clear_observations=whole["CLEAROB"],
        total_observations=whole["TOTALOB"],
        provenance=whole.get("PROVENANCE"),
        provenance_year=whole.get("PROVENANCE_YEAR"),
        datasource=whole.get("DATASOURCE"),
        efficacy=efficacy,
        cloud_ratio=cloud_ratio,
        composition=totals.composition,
    )
