"""The order of a period's dates, and the blend tasks that follow from a cube: which band, which inputs, in which order.

A date ranks by what it offers for its pixel size: efficacy (percent of clear pixels) divided by resolution, so 40 % at
10 m goes before 90 % at 30 m. Of equal dates the latest goes first. With a reference day the closeness in time alone
decides. Dates that are to be last are, but for a reference day.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from stratocube.errors import InvalidRequest

DATASOURCE: Final = "DATASOURCE"
"""Name of the raster that tells for each pixel which source a merge took it from."""

_FULL_WEIGHT: Final = 100.0
_WEIGHT_STEP: Final = 0.01


@dataclass(frozen=True)
class DateScore:
    """What the quality raster of one date says about the date."""

    date: dt.date
    efficacy: float
    """Percent of clear pixels among all pixels of the tile, 0 to 100."""
    resolution: float
    """Size of the source's pixels, in metres (or whatever all dates are given in)."""
    last: bool = False
    """After all dates that are not: those of a sensor that leaves gaps in every scene."""


@dataclass(frozen=True)
class RankedDate:
    """A date with the weight that put it at its place."""

    date: dt.date
    weight: float
    """The efficacy, or with a reference day 100, 99.99, 99.98 …: the item properties show it as efficacy."""


@dataclass(frozen=True)
class BlendTask:
    """One band to composite."""

    band: str
    function: Literal["LCF", "MED", "AVG"]
    observation_layers: bool
    """Whether this task also writes CLEAROB and TOTALOB (and with LCF PROVENANCE and DATASOURCE): one task does."""
    inputs: tuple[str, ...]
    """Rasters needed of every date, the band itself first."""


def rank_dates(
    scores: Sequence[DateScore], *, reference_day: int | None = None, period_start: dt.date | None = None
) -> list[RankedDate]:
    """Bring the dates of a period in rank order, best first.

    ``reference_day`` ranks by closeness in time, see :func:`temporal_priority_timeline`; it counts from
    ``period_start`` where that is given. Raises InvalidRequest for a date that occurs twice and for a resolution that
    is not positive.

    >>> scores = [DateScore(dt.date(2023, 8, 4), 90.0, 30.0), DateScore(dt.date(2023, 8, 12), 40.0, 10.0)]
    >>> [str(place.date) for place in rank_dates(scores)]  # 40 % at 10 m before 90 % at 30 m
    ['2023-08-12', '2023-08-04']
    >>> [str(place.date) for place in rank_dates(scores, reference_day=1, period_start=dt.date(2023, 8, 1))]
    ['2023-08-04', '2023-08-12']
    """
    by_date = {score.date: score for score in scores}
    if len(by_date) != len(scores):
        raise InvalidRequest("a date has one score: merge its scenes first", field="scores")
    if any(score.resolution <= 0 for score in scores):
        raise InvalidRequest("a resolution is greater than 0", field="resolution")
    if reference_day is None:
        order = sorted(scores, key=_worth, reverse=True)
        return [RankedDate(score.date, score.efficacy) for score in order]
    closest_first = temporal_priority_timeline(reference_day, list(by_date), first_day=period_start)
    return [RankedDate(date, round(_FULL_WEIGHT - _WEIGHT_STEP * place, 2)) for place, date in enumerate(closest_first)]


def _worth(score: DateScore) -> tuple[bool, float, dt.date]:
    """Greater for dates that go first."""
    return not score.last, 100 * score.efficacy / score.resolution, score.date


def temporal_priority_timeline(
    day_of_period: int, dates: Sequence[dt.date], *, first_day: dt.date | None = None
) -> list[dt.date]:
    """Dates by their distance to a day of the period, closest first; of two at one distance the earlier goes first.

    Day 1 is ``first_day``, or where that is not given the first of ``dates``: so cube-builder has it, although its
    documents speak of the period. Every date is kept, repeated ones too.

    >>> dates = [dt.date(2022, 1, 8), dt.date(2022, 1, 15), dt.date(2022, 1, 22)]
    >>> [date.day for date in temporal_priority_timeline(15, dates)]  # counts from 8 January
    [22, 15, 8]
    >>> [date.day for date in temporal_priority_timeline(15, dates, first_day=dt.date(2022, 1, 1))]
    [15, 8, 22]
    """
    if not dates:
        return []
    target = (first_day or min(dates)) + dt.timedelta(days=day_of_period - 1)
    return sorted(dates, key=lambda date: (abs(date - target), date))


def matching_reference(scores: Sequence[DateScore]) -> dt.date:
    """The date whose histograms the other dates are matched to: of highest efficacy, the first one on ties.

    >>> matching_reference([DateScore(dt.date(2023, 8, 4), 60.0, 10.0), DateScore(dt.date(2023, 8, 9), 95.0, 10.0)])
    datetime.date(2023, 8, 9)
    """
    if not scores:
        raise InvalidRequest("without dates there is no reference", field="scores")
    return min(scores, key=lambda score: (-score.efficacy, score.date)).date


def matching_order(scores: Sequence[DateScore]) -> list[dt.date]:
    """The dates to match to :func:`matching_reference`: all others, in falling efficacy, the first one on ties.

    >>> scores = [DateScore(dt.date(2023, 8, day), share, 10.0) for day, share in ((4, 60.0), (9, 95.0), (14, 70.0))]
    >>> [str(date) for date in matching_order(scores)]
    ['2023-08-14', '2023-08-04']
    """
    reference = matching_reference(scores)
    order = sorted(scores, key=lambda score: (-score.efficacy, score.date))
    return [score.date for score in order if score.date != reference]


def spectral_bands(bands: Sequence[str], *, quality_band: str | None, saturated_band: str | None = None) -> list[str]:
    """The bands that hold measurements, in the order given: neither the quality band nor the saturation band.

    Histogram matching and the functions that compute with values are for these alone; they would destroy bits.

    >>> spectral_bands(["red", "nir", "QA_PIXEL", "QA_RADSAT"], quality_band="QA_PIXEL", saturated_band="QA_RADSAT")
    ['red', 'nir']
    """
    return [band for band in bands if band not in (quality_band, saturated_band)]


def blend_tasks(
    bands: Sequence[str],
    *,
    function: Literal["LCF", "MED", "AVG", "IDT"],
    quality_band: str | None,
    saturated_band: str | None = None,
    datasource_for: Collection[str] = (),
) -> list[BlendTask]:
    """The blend tasks of a period, in the order of ``bands``, the quality band last.

    LCF: one task a band. The quality band's task builds the observation layers. MED and AVG: one task a spectral band,
    since neither classes nor bits have a median; the first one builds the observation layers. IDT: none.

    Every task reads the quality and, where the mask names one, the saturation band. ``datasource_for`` names the bands
    that need the :data:`DATASOURCE` raster: those whose mask depends on the sensor, and the one with the layers.

    Raises InvalidRequest where ``bands`` lack the quality band or the saturation band.

    >>> tasks = blend_tasks(["SCL", "B04", "B08"], function="LCF", quality_band="SCL")
    >>> [(task.band, task.observation_layers) for task in tasks]
    [('B04', False), ('B08', False), ('SCL', True)]
    """
    if function == "IDT":
        return []
    if quality_band is None or quality_band not in bands:
        raise InvalidRequest(f"{function} needs the quality band, got bands {list(bands)}", field="quality_band")
    if saturated_band is not None and saturated_band not in bands:
        raise InvalidRequest(f"the mask reads band {saturated_band}, which is not among {list(bands)}", field="mask")
    if function == "LCF":
        own_task = [*(band for band in bands if band != quality_band), quality_band]
        with_layers = quality_band
    else:
        own_task = spectral_bands(bands, quality_band=quality_band, saturated_band=saturated_band)
        if not own_task:
            raise InvalidRequest(f"{function} needs a spectral band, got bands {list(bands)}", field="bands")
        with_layers = own_task[0]
    return [
        BlendTask(
            band=band,
            function=function,
            observation_layers=band == with_layers,
            inputs=_inputs(band, quality_band, saturated_band, with_datasource=band in datasource_for),
        )
        for band in own_task
    ]


def _inputs(band: str, quality_band: str, saturated_band: str | None, *, with_datasource: bool) -> tuple[str, ...]:
    wanted = [band, quality_band, saturated_band, DATASOURCE if with_datasource else None]
    return tuple(dict.fromkeys(name for name in wanted if name is not None))
