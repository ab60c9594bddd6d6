"""``POST /estimate-cost``: what a cube would cost of which only numbers are known, in cube-builder-aws's own fields."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from stratocube.costs.build_size import BuildSize
from stratocube.costs.prices import Prices, listed_regions
from stratocube.costs.revisit import days_a_date
from stratocube.costs.sizing import Tariff
from stratocube.costs.usage import Usage, money
from stratocube.cube.cost_form import CostForm
from stratocube.cube.grids import Tile
from stratocube.errors import InvalidRequest
from stratocube.state.grids import Grids
from stratocube.workflow.estimate import estimate_of

MAX_PIXELS = 2_000_000_000
"""Of a tile: more than any tile a cube can have."""


def tariff_of(form: CostForm, own: Tariff) -> Tariff:
    """The stack's tariff, with the region and the prices the form asks for.

    Raises:
        InvalidRequest: for a region that has no prices in the list, or a price that is none.
    """
    found = own
    if form.region is not None:
        if form.region not in listed_regions():
            raise InvalidRequest(
                f"has no prices here: there are {', '.join(listed_regions())}; give prices instead", field="region"
            )
        found = replace(found, prices=Prices.of_region(form.region))
    return found if form.prices is None else replace(found, prices=found.prices.with_others(form.prices))


def size_of_form(form: CostForm, *, grids: Grids, tariff: Tariff) -> BuildSize:
    """How large a build of so many bands, tiles and indexes is.

    Raises:
        InvalidRequest: there is no such grid, or its tiles have too many pixels of this resolution.
    """
    grid, tiles, resolution = form.grid or "", form.quantity_tiles or 0, form.resolution or 1.0
    found = grids.tiles(grid, limit=1)
    if not found:
        raise InvalidRequest(f"there is no grid {grid}: GET /grids lists them", field="grid")
    x_min, y_min, x_max, y_max = Tile.from_json(found[0]).bounds
    pixels = max(1.0, round((x_max - x_min) / resolution)) * max(1.0, round((y_max - y_min) / resolution))
    if pixels > MAX_PIXELS:
        raise InvalidRequest(f"makes tiles of {pixels:.2g} pixels: give it in units of the grid", field="resolution")
    days = min(form.period_days, form.days)
    return BuildSize(
        units=tiles * form.periods,
        dates=form.dates_per_unit or math.ceil(days / days_a_date([form.satellite or ""])),
        bands=form.quantity_bands or 0,
        blends=form.quantity_bands or 0,
        indexes=form.quantity_indexes,
        megapixels=pixels / 1e6,
        sizing=tariff.sizing,
    )


def estimated_cost(size: BuildSize, tariff: Tariff) -> dict[str, Any]:
    """``build`` and ``storage`` as cube-builder-aws has them, and ``estimate`` as ``POST /start`` answers.

    ``quantity_posblends`` and their price are those of indexes, which it made in a step of their own and here are part
    of publishing: they are in ``price_publish``. Prices are those of functions; ``estimate`` has all of it. Sizes are
    in GB, prices of storage in US dollars a month.
    """
    prices = tariff.prices

    def price(usage: Usage) -> float:
        return money(usage.cost(prices, tariff.sizing.architecture).total)

    steps, dates, composites = size.steps, size.units * size.dates, size.units * bool(size.blends)
    irregular, regular = size.units * size.stored_dates_gb, size.units * size.stored_composites_gb
    return {
        "build": {
            "quantity_merges": size.merges,
            "quantity_blends": size.units * size.blends,
            "quantity_posblends": size.indexes * (dates + composites),
            "quantity_publish": dates + composites,
            "collection_items_irregular": dates,
            "collection_items": composites,
            "price_merges": price(steps["merge"]),
            "price_blends": price(steps["blend"]),
            "price_posblends": 0.0,
            "price_publish": price(steps["publish"]),
        },
        "storage": {
            "size_cubes": round(regular, 3),
            "price_cubes": money(regular * prices.s3_gb_month),
            "size_irregular_cube": round(irregular, 3),
            "price_irregular_cube": money(irregular * prices.s3_gb_month),
        },
        "estimate": estimate_of(size, prices),
    }


def form_of(payload: Mapping[str, Any]) -> CostForm:
    """The form of a request's body.

    Raises:
        InvalidRequest: naming the field that is missing or wrong.
    """
    return CostForm.parse(payload)
