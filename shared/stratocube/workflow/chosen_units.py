"""The units a build is to do, out of those its request covers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from stratocube.cube.naming import UnitId
from stratocube.cube.retry import RetryRequest
from stratocube.cube.timeline import Period
from stratocube.workflow.build_plan import BuildPlan, UnitPlan
from stratocube.workflow.context import Stack
from stratocube.workflow.products import composite_item_key
from stratocube.workflow.retried_units import units_to_retry

_LOOKUPS_AT_ONCE = 10
"""As many connections as a boto3 client keeps. A look takes some 20 ms: 10,000 units half a minute."""


@dataclass(frozen=True)
class ChosenUnits:
    """Units by tile, then period; made anew by every loop over them, for a build may have a hundred thousand."""

    tiles: Sequence[str]
    periods: Sequence[Period]
    only: frozenset[UnitId] | None = None
    """None: all of them."""

    def __iter__(self) -> Iterator[UnitId]:
        every = (UnitId(tile, period) for tile in self.tiles for period in self.periods)
        return (unit for unit in every if self.only is None or unit in self.only)

    def __len__(self) -> int:
        return self.requested if self.only is None else len(self.only)

    @property
    def requested(self) -> int:
        """How many the request covers."""
        return len(self.tiles) * len(self.periods)


def chosen_units(stack: Stack, plan: BuildPlan, periods: Sequence[Period]) -> ChosenUnits:
    """Those of the request's units that the build's options let pass."""
    options, tiles = plan.options, plan.request.tiles
    units = ChosenUnits(tiles, periods)
    if options.retry_of is not None and options.retry is not None:
        again = set(units_to_retry(stack.builds, options.retry_of, RetryRequest.parse(options.retry)))
        units = ChosenUnits(tiles, periods, frozenset(unit for unit in units if str(unit) in again))
    if options.units is not None:
        named = {
            UnitId(tile, Period.parse(period)) for period, of_period in options.units.items() for tile in of_period
        }
        units = ChosenUnits(tiles, periods, frozenset(units) & named)
    # A cube of identity products has no composites: each of its units counts as missing, what is there is reused.
    if options.only_missing and plan.definition.composite_function != "IDT":
        units = ChosenUnits(tiles, periods, frozenset(units) - _published(stack, plan, units))
    if options.only_stale:
        units = ChosenUnits(tiles, periods, _published(stack, plan, units))
    return units


def _published(stack: Stack, plan: BuildPlan, units: Iterable[UnitId]) -> frozenset[UnitId]:
    """The units whose composite has a STAC item. The item is the commit, so it alone is asked for, not the tables."""

    def found(unit: UnitId) -> UnitId | None:
        return unit if stack.products.exists(composite_item_key(UnitPlan(plan, unit))) else None

    with ThreadPoolExecutor(_LOOKUPS_AT_ONCE) as pool:
        return frozenset(unit for unit in pool.map(found, units) if unit is not None)
