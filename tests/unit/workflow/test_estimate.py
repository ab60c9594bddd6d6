"""What a build is expected to cost follows from its size."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stratocube.workflow.estimate import BuildSize

# Brazil Data Cube's S2-16D on a tile of its grid: 4 dates, 12 bands and SCL, 2 indexes
UNIT = BuildSize(units=1, dates=4, bands=13, blends=13, indexes=2, megapixels=111.5)


def test_counts_are_those_of_the_state_machine() -> None:
    assert UNIT.merges == 52
    # merges, four dates prepared and published, blends; search, prepare blend, publish; plan and finish
    assert (UNIT.tasks, UNIT.calls) == (52 + 8 + 13, 52 + 8 + 13 + 3 + 2)


def test_ten_times_the_units_cost_ten_times_as_much_but_for_plan_and_finish() -> None:
    ten = replace(UNIT, units=10)
    assert ten.gb_seconds == pytest.approx(10 * UNIT.gb_seconds)
    assert ten.usd == pytest.approx(10 * UNIT.usd, rel=0.01)


@pytest.mark.parametrize("grown", [{"dates": 8}, {"bands": 14}, {"blends": 14}, {"indexes": 3}, {"megapixels": 120.0}])
def test_more_of_anything_costs_more(grown: dict[str, float]) -> None:
    assert replace(UNIT, **grown).usd > UNIT.usd  # type: ignore[arg-type]


def test_a_unit_of_brazils_cube_costs_cents() -> None:
    # 52 merges of 111.5 million pixels: 52 x (1 + 111.5 x 0.083) s x 2 GB alone are 1,066 GB-s, 1.4 cents
    assert 0.014 < UNIT.usd < 0.10
