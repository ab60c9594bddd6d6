"""What a composite is made of, as it is kept with the blend's activity and told by the STAC item."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from stratocube.cube.layers import PROVENANCE
from stratocube.pixels.composition import Composition

Json = dict[str, Any]


def composition_report(composition: Composition, dates: Iterable[date], sources: Sequence[str]) -> Json:
    """Shares of the tile's pixels, 0 to 1: those each date has a part in (best ranked first), those each of the
    ``sources`` has a part in, and those that are clear, fall-back and empty.

    With LCF the shares of the dates and of the empty pixels make 1. A median or an average is made of all clear dates,
    so there each has the share of the pixels it takes part in.
    """
    share = composition.share
    return {
        "dates": [
            {"date": day.isoformat(), "share": share(pixels)}
            for day, pixels in zip(dates, composition.of_dates.tolist(), strict=True)
        ],
        "sources": [
            {"source": source, "share": share(pixels)}
            for source, pixels in zip(sources, composition.of_sources.tolist(), strict=False)
        ],
        "pixels": {
            "clear": share(composition.clear),
            "fallback": share(composition.fallback),
            "empty": share(composition.nothing),
        },
    }


def composition_properties(report: Mapping[str, Any] | None) -> Json:
    """The properties of an item that tell a :func:`composition_report`; nothing without one."""
    if report is None:
        return {}
    found: Json = {"stratocube:composition": report["dates"], "stratocube:pixel_shares": report["pixels"]}
    return found | ({"stratocube:source_composition": report["sources"]} if report["sources"] else {})


def provenance_year(files: Iterable[str], dates: Iterable[date]) -> Json:
    """The property that says the year of PROVENANCE's days, where there is such a layer and one year for all of it.

    Otherwise PROVENANCE_YEAR is among the ``files`` and says it for each pixel.
    """
    years = {day.year for day in dates}
    return {"stratocube:provenance_year": years.pop()} if PROVENANCE.name in files and len(years) == 1 else {}
