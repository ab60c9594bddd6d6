"""The day of the sun: acquisitions of one overpass belong together wherever midnight UTC falls.

Solar time = UTC + longitude / 15 hours. A satellite passes the western Pacific at half past ten in the morning of the
sun, which is still yesterday in UTC; and one overpass gives scenes of several tiles, some before midnight UTC and some
after. All times are counted at one longitude, the centre of the tile, so that a tile has one answer.

Archives that know the day alone (composites, reduced scenes) write it as midnight UTC to the second. No sensor says
that of an acquisition, so it is taken as the day it names: west of Greenwich it would otherwise be the day before.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta

from stratocube.catalog.scenes import Scene
from stratocube.errors import InvalidRequest

_DEGREES_PER_HOUR = 15.0


def solar_day(moment: datetime, longitude: float) -> date:
    """The calendar day, by the sun, of an aware instant at a longitude in degrees east; of midnight UTC its own date.

    Raises:
        InvalidRequest: longitude outside -180 to 180, or an instant without a zone.
    """
    if not -180.0 <= longitude <= 180.0:
        raise InvalidRequest(f"must be within -180 and 180 degrees, got {longitude!r}", field="longitude")
    if moment.tzinfo is None:
        raise InvalidRequest("must have a time zone", field="datetime")
    utc = moment.astimezone(UTC)
    if utc.time() == time():
        return utc.date()
    return (utc + timedelta(hours=longitude / _DEGREES_PER_HOUR)).date()


def group_by_solar_day(scenes: Iterable[Scene], longitude: float) -> dict[date, list[Scene]]:
    """Scenes by solar day, days ascending, the scenes of a day in the order of acquisition.

    The order does not depend on the order of ``scenes``: ties are broken by id, then collection.
    """
    days: dict[date, list[Scene]] = {}
    for scene in sorted(scenes, key=acquisition_order):
        days.setdefault(solar_day(scene.datetime, longitude), []).append(scene)
    return dict(sorted(days.items()))


def acquisition_order(scene: Scene) -> tuple[datetime, str, str]:
    """Sort key: acquisition, then id, then collection."""
    return scene.datetime, scene.id, scene.collection
