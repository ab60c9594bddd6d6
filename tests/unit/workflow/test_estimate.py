"""What a build is expected to cost follows from its size."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from stratocube.costs import build_size as estimate
from stratocube.costs.build_size import BuildSize
from stratocube.costs.prices import DEFAULT_REGION, Prices
from stratocube.costs.sizing import Sizing
from tests.aws_tables import load_template

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"

# Brazil Data Cube's S2-16D on a tile of its grid: 4 dates, 12 bands and SCL, 2 indexes
UNIT = BuildSize(units=1, dates=4, bands=13, blends=13, indexes=2, megapixels=111.5)


def test_counts_are_those_of_the_state_machine() -> None:
    assert UNIT.merges == 52
    # merges, four dates prepared and published, blends; search, prepare blend, publish; plan and finish
    assert (UNIT.tasks, UNIT.calls) == (52 + 8 + 13, 52 + 8 + 13 + 3 + 2)


def test_ten_times_the_units_cost_ten_times_as_much_but_for_plan_and_finish() -> None:
    ten = replace(UNIT, units=10)
    assert ten.gb_seconds == pytest.approx(10 * UNIT.gb_seconds, rel=0.01)
    assert ten.usd == pytest.approx(10 * UNIT.usd, rel=0.01)


@pytest.mark.parametrize("grown", [{"dates": 8}, {"bands": 14}, {"blends": 14}, {"indexes": 3}, {"megapixels": 120.0}])
def test_more_of_anything_costs_more(grown: dict[str, float]) -> None:
    assert replace(UNIT, **grown).usd > UNIT.usd  # type: ignore[arg-type]


def test_a_unit_of_brazils_cube_costs_cents() -> None:
    # 52 merges of 111.5 million pixels: 52 x (0.5 + 111.5 x (0.065 + 3.8 / 75)) s x 1.73 GB are 1,200 GB-s, 1.6 cents
    assert 0.014 < UNIT.usd < 0.10


def test_keeping_a_unit_costs_what_its_files_weigh() -> None:
    # 52 merges, 13 blends and 2 indexes of 5 items, 111.5 million pixels of 1.4 bytes each
    assert UNIT.stored_gb == pytest.approx((52 + 13 + 10) * 111.5 * estimate.COG_MEGABYTES / 1000)


# -- where the numbers come from


def test_seconds_and_bytes_are_those_that_were_measured() -> None:
    measured = json.loads((BENCHMARKS / "memory_sizes.json").read_text())["a_megapixel"]
    used = {
        "merge": estimate.MERGE_SECONDS,
        "blend": estimate.BLEND_SECONDS,
        "blend_date": estimate.BLEND_DATE_SECONDS,
        "layers": estimate.LAYERS_SECONDS,
        "index": estimate.INDEX_SECONDS,
        "merge_mb": estimate.MERGE_MEGABYTES,
        "blend_date_mb": estimate.BLEND_DATE_MEGABYTES,
        "cog_mb": estimate.COG_MEGABYTES,
    }
    assert used == pytest.approx(measured, rel=0.05)


def test_memory_is_what_the_template_gives() -> None:
    template = load_template()
    parameters, variables = template["Parameters"], template["Globals"]["Function"]["Environment"]["Variables"]
    names = {f"${{{name}}}": str(parameters[name]["Default"]) for name in parameters if "Default" in parameters[name]}
    text = variables["STRATOCUBE_SIZING"]["Sub"]
    for name, value in names.items():
        text = text.replace(name, value)
    assert Sizing.parse(text) == Sizing()
    assert Sizing().small_mb == template["Globals"]["Function"]["MemorySize"]


@pytest.mark.parametrize("build", json.loads((BENCHMARKS / "scale.json").read_text())["builds"])
def test_calls_and_requests_are_those_of_a_simulated_build(build: dict[str, float]) -> None:
    """Two dates of three bands, without pixels: everything but the functions' working time."""
    size = BuildSize(units=int(build["units"]), dates=2, bands=3, blends=3, indexes=0, megapixels=0)
    assert (size.merges, size.tasks, size.calls) == (
        build["merges"],
        build["express_children"],
        build["invocations"],
    )
    assert size.transitions == pytest.approx(build["standard_transitions"], rel=0.01)
    assert size.calls * estimate.WRITES_A_CALL == pytest.approx(build["write_units"], rel=0.1)
    assert size.calls * estimate.READS_A_CALL == pytest.approx(build["read_units"], rel=0.1)
    prices = Prices.of_region(DEFAULT_REGION)
    working = size.gb_seconds * prices.lambda_gb_second("arm64")
    waiting = size.express_seconds * estimate.EXPRESS_GB * prices.express_gb_second
    assert size.usd - working - waiting == pytest.approx(build["dollars"], rel=0.1)
