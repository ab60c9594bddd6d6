"""Prices, sizes of functions, what quantities cost."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stratocube.costs.build_size import BuildSize
from stratocube.costs.prices import PRICE_NAMES, Prices, listed_regions
from stratocube.costs.revisit import days_a_date
from stratocube.costs.sizing import Sizing, stack_tariff
from stratocube.costs.usage import Cost, Usage
from stratocube.errors import InvalidRequest

US = Prices.of_region("us-east-1")


def test_every_region_of_the_list_has_every_price() -> None:
    assert listed_regions() == ("us-east-1", "us-west-2", "sa-east-1")
    for region in listed_regions():
        assert all(getattr(Prices.of_region(region), name) > 0 for name in PRICE_NAMES)


def test_a_region_without_prices_has_those_of_us_east_1_and_says_so() -> None:
    assert Prices.of_region("eu-north-1") == US
    assert US.region == "us-east-1"


def test_prices_of_ones_own_take_the_place_of_the_lists() -> None:
    own = US.with_others({"s3_gb_month": 0.02})
    assert (own.s3_gb_month, own.overridden) == (0.02, ("s3_gb_month",))
    assert replace(own, s3_gb_month=US.s3_gb_month, overridden=()) == US


@pytest.mark.parametrize("given", [[], {"gold": 1}, {"s3_gb_month": -1}, {"s3_gb_month": True}, {"s3_gb_month": "x"}])
def test_what_is_no_price_is_refused(given: object) -> None:
    with pytest.raises(InvalidRequest, match="prices"):
        US.with_others(given)


def test_a_cost_is_quantity_times_price() -> None:
    used = Usage(
        gb_seconds=1e6,
        calls=1e6,
        transitions=1e3,
        express_requests=1e6,
        express_gb_seconds=1e6,
        table_writes=1e6,
        table_reads=1e6,
        s3_puts=1e3,
        s3_gets=1e3,
    )
    arm = used.cost(US, "arm64")
    assert arm == Cost(
        pytest.approx(13.3334 + 0.20),
        pytest.approx(0.025 + 1.0 + 16.67),
        pytest.approx(0.625 + 0.125),
        pytest.approx(0.005 + 0.0004),
    )
    assert used.cost(US, "x86_64").functions == pytest.approx(16.6667 + 0.20)
    assert arm.total == pytest.approx(sum((arm.functions, arm.step_functions, arm.dynamodb, arm.s3)))


def test_usage_is_stored_and_added() -> None:
    one = Usage(gb_seconds=1.5, calls=2, s3_gets=3)
    assert Usage.from_json(one.to_json()) == one
    assert one + one == Usage(gb_seconds=3.0, calls=4, s3_gets=6)
    assert Usage.from_json({}) == Usage()


def test_half_the_memory_takes_twice_as_long_and_twice_as_much_not_half() -> None:
    size = Sizing(merge_mb=3538)
    assert Sizing(merge_mb=885).seconds("merge", 10.0) == pytest.approx(20.0, rel=0.01)
    # docs/speed.md: 2.38 s at one processor, 1.67 s at two
    assert size.seconds("merge", 2.38) == pytest.approx(1.67, rel=0.01)


@pytest.mark.parametrize("text", ["merge_mb=0", "merge_mb=much", "speed=9", "architecture=sparc"])
def test_sizes_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(InvalidRequest):
        Sizing.parse(text)


def test_a_stack_has_its_own_sizes_and_prices() -> None:
    tariff = stack_tariff("sa-east-1", "architecture=x86_64 units=3", '{"s3_gb_month": 0.01}')
    assert (tariff.sizing.architecture, tariff.sizing.units, tariff.sizing.merges) == ("x86_64", 3, 20)
    assert (tariff.prices.region, tariff.prices.s3_gb_month) == ("sa-east-1", 0.01)
    with pytest.raises(InvalidRequest, match="JSON"):
        stack_tariff("us-east-1", "", "{")


def test_a_backfill_takes_longer_for_it_runs_fewer_units_at_once() -> None:
    size = BuildSize(units=20, dates=4, bands=3, blends=3, indexes=0, megapixels=10)
    assert size.seconds("backfill") > 4 * size.seconds("live")


def test_the_satellite_that_comes_by_most_often_counts() -> None:
    assert days_a_date(["landsat-c2l2-sr", "sentinel-2-l2a"]) == 5
    assert days_a_date(["CBERS4-MUX-2M-1", "mod13q1-6.1"]) == 16
