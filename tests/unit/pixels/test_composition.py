"""What a composite is made of: pixels by date and source, and the year beside the day of the year."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from stratocube.cube.geobox import GeoBox
from stratocube.pixels import stack
from stratocube.pixels.blend import ObservationLayers, blend
from stratocube.pixels.choice import Choice
from stratocube.pixels.composite import CompositeFunction, observed, provenance
from stratocube.pixels.composition import Composition, Participation, of_one_date
from stratocube.pixels.masks import PixelClass
from tests.unit.pixels.blend_files import BAND, FMASK, Files
from tests.unit.pixels.test_blend_windows import noisy_dates

GONE, CLOUD, CLEAR = int(PixelClass.NODATA), int(PixelClass.NOT_CLEAR), int(PixelClass.CLEAR)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def layers(dates: list[Any], function: CompositeFunction = "LCF", **options: Any) -> ObservationLayers:
    made = blend(dates, function=function, layers=True, **BAND | options).layers
    assert made is not None
    return made


def counted(composition: Composition) -> dict[str, Any]:
    """The counts, sources only where there are any."""
    return {
        "total": composition.total,
        "clear": composition.clear,
        "fallback": composition.fallback,
        "nothing": composition.nothing,
        "dates": composition.of_dates.tolist(),
        "sources": {index: count for index, count in enumerate(composition.of_sources.tolist()) if count},
    }


# -- dates and sources -------------------------------------------------------------------------------------------------

QUALITY = {9: [[0, 1, 2, 255, 255]], 5: [[0, 0, 4, 4, 255]], 1: [[2, 0, 2, 2, 255]]}


def test_every_pixel_of_lcf_counts_for_the_date_it_comes_from(files: Files) -> None:
    dates = [files.observation(day, quality, [[1, 2, 3, 4, 5]]) for day, quality in QUALITY.items()]
    made = layers(dates)
    assert made.provenance is not None
    assert made.provenance.tolist() == [[9, 9, 9, 5, -1]]
    assert counted(made.composition) == {
        "total": 5,
        "clear": 2,
        "fallback": 2,
        "nothing": 1,
        "dates": [3, 1, 0],
        "sources": {},
    }


@pytest.mark.parametrize("function", ["MED", "AVG"])
def test_every_clear_date_has_a_part_in_a_median_and_an_average(files: Files, function: CompositeFunction) -> None:
    dates = [files.observation(day, quality, [[1, 2, 3, 4, 5]]) for day, quality in QUALITY.items()]
    assert counted(layers(dates, function).composition) == {
        "total": 5,
        "clear": 2,
        "fallback": 0,
        "nothing": 3,
        "dates": [2, 2, 1],
        "sources": {},
    }


@pytest.mark.parametrize(("function", "sources"), [("LCF", {0: 1, 1: 1, 7: 1, 2: 1}), ("MED", {0: 1, 1: 1, 2: 2})])
def test_sources_are_told_by_raster_or_by_number(
    files: Files, function: CompositeFunction, sources: dict[int, int]
) -> None:
    origin = files.write("origin", [[0, 1, 7, 255, 255]], "uint8")
    dates = [
        files.observation(9, QUALITY[9], [[1] * 5], datasource=origin),
        files.observation(5, QUALITY[5], [[2] * 5], datasource=2),
        files.observation(1, QUALITY[1], [[3] * 5], datasource=2),
    ]
    made = layers(dates, function, sources=["A", "B", "C"])
    assert counted(made.composition)["sources"] == sources
    assert (made.datasource is None) == (function == "MED")


def test_a_period_without_dates_is_made_of_nothing() -> None:
    place = GeoBox("EPSG:32722", 600_000, 8_000_000, 30, 30, 3, 2)
    composition = layers([], geobox=place).composition
    assert counted(composition) == {"total": 6, "clear": 0, "fallback": 0, "nothing": 6, "dates": [], "sources": {}}
    assert composition.share(composition.nothing) == 1.0


def test_shares_have_six_decimals() -> None:
    assert Composition.empty(3, 0).share(1) == 0.333333
    assert Composition.empty(0, 0).share(0) == 0.0


@pytest.mark.parametrize("function", ["LCF", "MED"])
def test_the_windows_of_a_tile_add_up(
    files: Files, monkeypatch: pytest.MonkeyPatch, function: CompositeFunction
) -> None:
    dates, _, quality = noisy_dates(files, (50, 70), 5)
    dates = [replace(date, datasource=rank % 2) for rank, date in enumerate(dates)]
    whole = counted(layers(dates, function).composition)
    monkeypatch.setattr(stack, "_SIDE", 16)
    assert counted(layers(dates, function, threads=3).composition) == whole
    clear = np.isin(quality, FMASK.clear)
    assert whole["clear"] == np.count_nonzero(clear.any(axis=0))
    if function == "LCF":
        provenance = layers(dates).provenance
        assert provenance is not None
        assert whole["dates"] == [int((provenance == 1 + rank).sum()) for rank in range(5)]
        assert whole["nothing"] == int((quality == 255).all(axis=0).sum())
        assert whole["sources"] == {0: sum(whole["dates"][::2]), 1: sum(whole["dates"][1::2])}
    else:
        assert whole["dates"] == clear.sum(axis=(1, 2)).tolist()
        assert whole["sources"] == {
            0: np.count_nonzero(clear[::2].any(axis=0)),
            1: np.count_nonzero(clear[1::2].any(axis=0)),
        }


STACKS = arrays.arrays(
    np.uint8,
    st.tuples(st.integers(1, 6), st.integers(1, 9)),
    elements=st.sampled_from([GONE, CLOUD, CLEAR]),
)


@given(STACKS)
def test_the_dates_of_lcf_and_what_is_empty_make_the_whole(codes: np.ndarray) -> None:
    choice = Choice(codes[0].shape, len(codes))
    for rank, date in enumerate(codes):
        choice.take(rank, observed(date))
    found = of_one_date(choice, choice.rank, None, len(codes))
    assert found.of_dates.sum() + found.nothing == found.total == codes[0].size
    assert found.clear == np.count_nonzero((codes == CLEAR).any(axis=0))
    assert found.clear + found.fallback == np.count_nonzero((codes != GONE).any(axis=0))


@given(STACKS, st.integers(0, 8))
def test_parts_of_a_tile_add_up_to_it(codes: np.ndarray, cut: int) -> None:
    def made(part: np.ndarray) -> Composition:
        participation = Participation(part[0].shape, len(part))
        for rank, date in enumerate(part):
            participation.add(rank, date == CLEAR, np.full(date.shape, rank % 3, np.uint8) if rank % 2 else rank % 3)
        return participation.result()

    assert counted(made(codes[:, :cut]) + made(codes[:, cut:])) == counted(made(codes))


# -- years -------------------------------------------------------------------------------------------------------------


def test_dates_in_two_years_have_their_year_beside_the_day(files: Files) -> None:
    dates = [
        replace(files.observation(3, [[0, 2, 255, 255]], [[1] * 4]), date=dt.date(2020, 1, 3), efficacy=90.0),
        replace(files.observation(4, [[0, 0, 2, 255]], [[2] * 4]), date=dt.date(2019, 12, 20), efficacy=80.0),
        replace(files.observation(5, [[0, 0, 0, 255]], [[3] * 4]), date=dt.date(2019, 1, 3), efficacy=70.0),
    ]
    made = layers(dates)
    assert made.provenance is not None
    assert made.provenance_year is not None
    assert made.provenance.tolist() == [[3, 354, 3, -1]]
    assert made.provenance_year.tolist() == [[2020, 2019, 2019, -1]]
    assert made.provenance_year.dtype == np.int16
    assert layers(dates, "MED").provenance_year is None


def test_dates_in_one_year_need_no_year_a_pixel(files: Files) -> None:
    assert layers([files.observation(day, [[0]], [[1]]) for day in (1, 2)]).provenance_year is None


@given(
    st.lists(st.dates(dt.date(1984, 1, 1), dt.date(2060, 12, 31)), min_size=1, max_size=6, unique=True),
    st.data(),
)
def test_day_and_year_tell_the_date_of_every_pixel(dates: list[dt.date], data: st.DataObject) -> None:
    ranks = data.draw(arrays.arrays(np.int8, 5, elements=st.integers(-1, len(dates) - 1)))
    days = provenance(ranks, [date.timetuple().tm_yday for date in dates])
    years = provenance(ranks, [date.year for date in dates])
    for rank, day, year in zip(ranks.tolist(), days.tolist(), years.tolist(), strict=True):
        if rank < 0:
            assert (day, year) == (-1, -1)
        else:
            assert dt.date(year, 1, 1) + dt.timedelta(days=day - 1) == dates[rank]
