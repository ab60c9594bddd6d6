"""What a build would be and roughly cost, before anything is searched.

Nobody knows the dates of a unit before the search, so their number is assumed, and with it everything that grows with
dates. What is assumed is part of the answer. The cost is that of building everything; what is there already is reused
and costs next to nothing.

What each unit costs is in :mod:`stratocube.costs.build_size`, the prices in ``costs/prices.toml``.
"""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any, Final

from stratocube.costs.build_size import BuildSize
from stratocube.costs.prices import DEFAULT_REGION, Prices
from stratocube.costs.revisit import days_a_date
from stratocube.costs.sizing import Tariff
from stratocube.costs.usage import money
from stratocube.cube.definition import CubeDefinition
from stratocube.cube.requests import StartRequest
from stratocube.errors import InvalidRequest
from stratocube.workflow.start import CheckedStart

MAX_DATES: Final = 366
"""Dates of a unit that can be assumed."""


def size_of_build(
    request: StartRequest,
    definition: CubeDefinition,
    *,
    units: int,
    tile_pixels: int,
    tariff: Tariff,
    dates_per_unit: int | None = None,
) -> BuildSize:
    """How large a build of so many units is; ``definition`` is the cube as the request wants it built."""
    bands = [band.name for band in request.merged_bands(definition)]
    return BuildSize(
        units=units,
        dates=dates_per_unit or _assumed_dates(request, definition),
        bands=len(bands),
        blends=_blends(definition, bands),
        indexes=sum(index.expression.names <= set(bands) for index in definition.indexes),
        megapixels=tile_pixels / 1e6,
        sizing=tariff.sizing,
    )


def estimate_start(checked: CheckedStart, tariff: Tariff, *, at_most: bool = False) -> dict[str, Any]:
    """The estimate of a start. ``at_most``: Plan will choose among its units, so it is the most it can be."""
    size = size_of_build(
        checked.request, checked.definition, units=len(checked.units), tile_pixels=checked.tile_pixels, tariff=tariff
    )
    found = estimate_of(size, tariff.prices, priority=checked.request.priority)
    return found | {"at_most": True} if at_most else found


def expected_build(
    checked: CheckedStart, *, tariff: Tariff | None = None, dates_per_unit: int | None = None
) -> dict[str, Any]:
    """What a start would build: what is certain, and under ``estimate`` what follows from a number of dates a unit.

    ``dates_per_unit`` is assumed by the length of the periods, and by how often the satellite comes by, where it is
    not given.
    """
    tariff = tariff or Tariff.of_region(DEFAULT_REGION)
    definition, units = checked.definition, checked.units
    size = size_of_build(
        checked.request,
        definition,
        units=len(units),
        tile_pixels=checked.tile_pixels,
        tariff=tariff,
        dates_per_unit=dates_per_unit,
    )
    estimate = estimate_of(size, tariff.prices, priority=checked.request.priority)
    return {
        "cube_id": definition.id,
        "status": "VALID",
        "unit_count": len(units),
        "tiles": list(checked.request.tiles),
        "periods": [
            [period.start.isoformat(), period.end.isoformat()]
            for period in dict.fromkeys(unit.period for unit in units)
        ],
        "bands": [band.name for band in checked.request.merged_bands(definition)],
        "merge_count": None,
        "merge_count_note": "one a date and band: how many dates have scenes is known when a unit is searched",
        "estimate": estimate | {"assumptions": _assumptions(size, tariff, checked, assumed=dates_per_unit is None)},
    }


def estimate_of(size: BuildSize, prices: Prices, *, priority: str = "live") -> dict[str, Any]:
    """The estimate of a build, as JSON: as the API shows it, and as it is stored on the build."""
    return {
        "is_estimate": True,
        "units": size.units,
        "dates_per_unit": size.dates,
        "merges": size.merges,
        "blends": size.units * size.blends,
        **size.usage.shown(),
        **size.cost(prices).shown(),
        "currency": "USD",
        "region": prices.region,
        "architecture": size.sizing.architecture,
        "prices_date": prices.date,
        "prices_overridden": list(prices.overridden),
        "seconds": round(size.seconds(priority), 1),
        "read_gb": round(size.read_gb, 3),
        "stored_gb": round(size.stored_gb, 3),
        "storage_usd_a_month": money(size.stored_gb * prices.s3_gb_month),
        "pixel_gets": round(size.pixel_gets),
    }


class TooExpensive(InvalidRequest):
    """A build is expected to cost more than its request allows."""

    def __init__(self, estimate: float, allowed: float, *, what: str = "the build") -> None:
        super().__init__(
            f"{what} is expected to cost {money(estimate):g} US dollars, {money(allowed):g} are allowed: allow more, or"
            " ask for fewer tiles, dates or bands (POST /start with validate_only shows what costs how much)",
            field="max_cost",
        )
        self.estimate = estimate
        self.allowed = allowed


def refuse_expensive(allowed: float | None, estimate: dict[str, Any], *, what: str = "the build") -> None:
    """See that a build is not expected to cost more than ``allowed`` (None: whatever it costs).

    Raises:
        TooExpensive: it is.
    """
    if allowed is not None and estimate["cost_usd"] > allowed:
        raise TooExpensive(estimate["cost_usd"], allowed, what=what)


def _assumed_dates(request: StartRequest, definition: CubeDefinition) -> int:
    # the window of a watch is a day, in which no period need begin
    year = request.start_date + timedelta(days=366)
    periods = definition.periods(request.start_date, request.end_date) or definition.periods(request.start_date, year)
    days = sum((period.end - period.start).days + 1 for period in periods) / max(1, len(periods))
    return min(MAX_DATES, math.ceil(days / days_a_date(request.collections)))


def _blends(definition: CubeDefinition, bands: list[str]) -> int:
    if definition.composite_function == "IDT":
        return 0
    if definition.composite_function == "LCF":
        return len(bands)
    return len(set(bands) - {definition.quality_band, definition.saturation_band})


def _assumptions(size: BuildSize, tariff: Tariff, checked: CheckedStart, *, assumed: bool) -> list[str]:
    days = days_a_date(checked.request.collections)
    origin = f"one date in {days} days" if assumed else "as the request says"
    sizing, prices = tariff.sizing, tariff.prices
    at_once = sizing.units_at_once(checked.request.priority)
    own = f", of which the stack's own: {', '.join(prices.overridden)}" if prices.overridden else ""
    return [
        f"{size.dates} dates a unit ({origin}; ?dates_per_unit=… assumes another number), one scene a date",
        f"tiles of {size.megapixels:.2f} million pixels, {size.bands} bands, {size.indexes} indexes",
        "nothing is there to reuse; nothing fails; no other build runs beside it",
        f"functions on {sizing.architecture}: merge {sizing.merge_mb} MB, blend {sizing.blend_mb} MB, publish"
        f" {sizing.publish_mb} MB; {at_once} units at once, {sizing.merges} merges"
        f" and {sizing.blends} blends of each",
        f"prices of {prices.region} of {prices.date}, before free tiers and discounts{own}",
        "seconds measured on one x86-64 core; traffic and requester-pays reads are not in it, storage is apart",
    ]
