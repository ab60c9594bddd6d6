"""Days by the sun."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stratocube.catalog.solar_day import group_by_solar_day, solar_day
from stratocube.catalog.stac_items import scene_from_item
from stratocube.errors import InvalidRequest

from .recorded import make_item, recorded


@pytest.mark.parametrize(
    ("moment", "longitude", "day"),
    [
        (datetime(2023, 8, 15, 23, 59, tzinfo=UTC), 0, date(2023, 8, 15)),
        (datetime(2023, 8, 15, 23, 35, tzinfo=UTC), 154, date(2023, 8, 16)),
        (datetime(2023, 8, 16, 0, 5, tzinfo=UTC), 154, date(2023, 8, 16)),
        (datetime(2023, 8, 16, 2, 0, tzinfo=UTC), -54, date(2023, 8, 15)),
        (datetime(2023, 8, 15, 12, 0, tzinfo=UTC), 180, date(2023, 8, 16)),
        (datetime(2023, 8, 15, 11, 59, tzinfo=UTC), -180, date(2023, 8, 14)),
        (datetime(2023, 8, 15, 23, 0, tzinfo=timezone(timedelta(hours=-3))), 0, date(2023, 8, 16)),
    ],
)
def test_the_day_is_counted_by_the_sun(moment: datetime, longitude: float, day: date) -> None:
    assert solar_day(moment, longitude) == day


@pytest.mark.parametrize("longitude", [-179.9, -46.5, 0, 46.5, 180])
def test_midnight_utc_is_how_archives_write_a_day_without_a_time(longitude: float) -> None:
    assert solar_day(datetime(2018, 1, 1, tzinfo=UTC), longitude) == date(2018, 1, 1)
    second = timedelta(seconds=1)
    assert solar_day(datetime(2018, 1, 1, tzinfo=UTC) + second, -46.5) == date(2017, 12, 31)


def test_days_are_in_order_though_one_of_their_scenes_has_no_time() -> None:
    day, evening_before = scene("a", "2018-01-02T00:00:00Z"), scene("b", "2018-01-02T01:00:00Z")
    assert list(group_by_solar_day([day, evening_before], -46.5).items()) == [
        (date(2018, 1, 1), [evening_before]),
        (date(2018, 1, 2), [day]),
    ]


def test_an_impossible_longitude_or_an_instant_without_zone_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="longitude: must be within"):
        solar_day(datetime(2023, 8, 15, tzinfo=UTC), 181)
    with pytest.raises(InvalidRequest, match="datetime: must have a time zone"):
        solar_day(datetime(2023, 8, 15), 0)  # noqa: DTZ001  the naive instant is what is tested


def scene(item_id: str, moment: str, collection: str = "s2") -> Any:
    return scene_from_item(make_item(item_id, collection=collection, properties={"datetime": moment}))


def test_one_overpass_over_midnight_utc_is_one_day_in_acquisition_order() -> None:
    before, after = scene("b", "2020-05-25T23:59:50Z"), scene("a", "2020-05-26T00:00:05Z")
    tie, tie_elsewhere = scene("c", "2020-05-26T00:00:05Z"), scene("a", "2020-05-26T00:00:05Z", "zz")
    later = scene("d", "2020-06-10T23:50:00Z")
    assert group_by_solar_day([later, tie, after, tie_elsewhere, before], 154.5) == {
        date(2020, 5, 26): [before, after, tie_elsewhere, tie],
        date(2020, 6, 11): [later],
    }


def test_the_demo_scenes_are_two_a_date() -> None:
    scenes = [scene_from_item(item, location="s3://b/items.json") for item in recorded("slovenia_items")["features"]]
    days = group_by_solar_day(scenes, 15.3)
    assert {day: [s.id for s in found] for day, found in days.items()} == {
        date(2023, 8, 13): ["S2B_33TWM_20230813_0_L2A", "S2B_33TWL_20230813_0_L2A"],
        date(2023, 8, 15): ["S2A_33TWM_20230815_0_L2A", "S2A_33TWL_20230815_0_L2A"],
    }


@settings(deadline=None)
@given(
    st.lists(st.datetimes(datetime(2000, 1, 1), datetime(2030, 1, 1)), max_size=12),  # noqa: DTZ001  bounds of the strategy
    st.floats(-180, 180),
    st.randoms(),
)
def test_the_order_of_the_source_does_not_matter(moments: list[datetime], longitude: float, random: Any) -> None:
    scenes = [scene(str(n), moment.replace(tzinfo=UTC).isoformat()) for n, moment in enumerate(moments)]
    days = group_by_solar_day(scenes, longitude)
    assert list(days) == sorted(days)
    assert sum(map(len, days.values())) == len(scenes)
    random.shuffle(scenes)
    assert group_by_solar_day(scenes, longitude) == days
