"""How often a satellite comes by: what a number of dates is assumed by."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

DAYS_A_DATE: Final = 5
"""Where nothing else is known: Sentinel-2 with both satellites."""

_DAYS: Final = (
    (("sentinel-2", "sentinel_2", "sentinel2", "s2"), 5),
    (("hls",), 3),
    (("landsat", "lc8", "lc9"), 8),
    (("cbers4-wfi", "cbers4a-wfi", "cbers-wfi", "cbers4-awfi", "cbers4_awfi"), 5),
    (("cbers",), 26),
    (("modis", "mod13", "mod09", "myd13", "myd09"), 16),
)
"""Beginnings of names of collections and satellites, lower case, and days between two dates of a place: both satellites
of Sentinel-2 and of Landsat 8 and 9; WFI and MUX of one CBERS; composites of MODIS."""


def days_a_date(names: Iterable[str]) -> int:
    """Days between two dates of a place, of the collection (or satellite) that comes by most often.

    >>> days_a_date(["sentinel-2-l2a"]), days_a_date(["landsat-c2l2-sr"]), days_a_date(["somewhere-else"])
    (5, 8, 5)
    """
    found = [days for name in names for prefixes, days in _DAYS if name.lower().startswith(prefixes)]
    return min(found, default=DAYS_A_DATE)
