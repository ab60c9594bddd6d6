"""What an item tells of the dates and sources of a composite."""

from __future__ import annotations

from datetime import date

import numpy as np

from stratocube.pixels.composition import Composition
from stratocube.workflow.composition import composition_properties, composition_report, provenance_year

DATES = [date(2023, 8, 13), date(2023, 8, 18), date(2023, 8, 10)]


def composition(*dates: int, clear: int, fallback: int, sources: tuple[int, ...] = ()) -> Composition:
    of_sources = np.zeros(255, np.int64)
    of_sources[: len(sources)] = sources
    return Composition(3000, clear, fallback, np.array(dates, np.int64), of_sources)


def test_an_item_lists_its_dates_in_rank_order_with_their_shares() -> None:
    report = composition_report(composition(2000, 999, 0, clear=2900, fallback=99), DATES, ())
    assert composition_properties(report) == {
        "stratocube:composition": [
            {"date": "2023-08-13", "share": 0.666667},
            {"date": "2023-08-18", "share": 0.333},
            {"date": "2023-08-10", "share": 0.0},
        ],
        "stratocube:pixel_shares": {"clear": 0.966667, "fallback": 0.033, "empty": 0.000333},
    }


def test_an_item_of_several_sources_lists_them_with_their_shares() -> None:
    made = composition(3000, clear=3000, fallback=0, sources=(300, 0, 2700))
    report = composition_report(made, DATES[:1], ("LANDSAT_8", "LANDSAT_7", "LANDSAT_5"))
    assert composition_properties(report)["stratocube:source_composition"] == [
        {"source": "LANDSAT_8", "share": 0.1},
        {"source": "LANDSAT_7", "share": 0.0},
        {"source": "LANDSAT_5", "share": 0.9},
    ]


def test_an_empty_period_has_no_dates_and_is_empty() -> None:
    report = composition_report(Composition.empty(10, 0), [], ())
    assert composition_properties(report) == {
        "stratocube:composition": [],
        "stratocube:pixel_shares": {"clear": 0.0, "fallback": 0.0, "empty": 1.0},
    }


def test_without_a_report_an_item_tells_nothing() -> None:
    assert composition_properties(None) == {}


def test_the_item_says_the_year_where_one_is_enough() -> None:
    two_years = [date(2022, 12, 31), date(2023, 1, 1)]
    assert provenance_year(["B04", "PROVENANCE"], DATES) == {"stratocube:provenance_year": 2023}
    assert provenance_year(["B04", "PROVENANCE", "PROVENANCE_YEAR"], two_years) == {}
    assert provenance_year(["B04"], DATES) == {}
    assert provenance_year(["B04", "PROVENANCE"], []) == {}
