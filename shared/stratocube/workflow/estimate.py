"""What a build would be and roughly cost, before anything is searched.

Nobody knows the dates of a unit before the search, so their number is assumed, and with it everything that grows with
dates. What is assumed is part of the answer. The cost is that of building everything; what is there already is reused
and costs next to nothing.

The table below, with what each line was taken from:

* Seconds a megapixel (million pixels of a tile and band): CPU time of the very functions on one x86-64 core, 2048×2048
  pixels of int16 with noise, measured 2026-11-22: merge of one scene 0.033, encoding a COG 0.050, composite of one date
  (LCF or median, 6 dates) 0.018. An index reads and writes about what a merge does.
* Seconds a call: reading the plan, claim and finish, requests to S3 and the start of a function now and then. A rounded
  allowance, not measured on AWS.
* Memory: the defaults of ``infra/template.yaml``.
* Prices in USD, us-east-1, public lists of 2026: Lambda arm64 0.0000133334 a GB-second and 0.20 a million requests;
  STANDARD 0.025 a thousand transitions; EXPRESS 1.00 a million starts and 0.00001667 a GB-second of 64 MB; DynamoDB on
  demand 0.625 a million writes and 0.125 a million reads; S3 5.00 a million PUT and 0.40 a million GET. Storage and
  traffic are not in it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

from stratocube.workflow.start import CheckedStart

MAX_DATES: Final = 366
"""Dates of a unit that can be assumed."""

DAYS_A_DATE: Final = 5
"""Sentinel-2 comes by every five days with both satellites."""

MERGE_SECONDS: Final = 0.033
ENCODE_SECONDS: Final = 0.050
BLEND_SECONDS: Final = 0.018
INDEX_SECONDS: Final = MERGE_SECONDS + ENCODE_SECONDS
CALL_SECONDS: Final = 1.0
SEARCH_SECONDS: Final = 3.0

SMALL_GB: Final = 1.0
MERGE_GB: Final = 2.0
BLEND_GB: Final = 3008 / 1024
PUBLISH_GB: Final = 2.0
EXPRESS_GB: Final = 64 / 1024

UNIT_TRANSITIONS: Final = 13
"""Of a unit's STANDARD child: its states, its start, and a choice or two."""
BUILD_TRANSITIONS: Final = 8
WRITES_A_TASK: Final = 3
"""Claim, finish, and the row that counts it."""
READS_A_TASK: Final = 2
GETS_A_TASK: Final = 8
"""Plan and task list, and the header and some blocks of the sources."""

GB_SECOND_USD: Final = 0.0000133334
CALL_USD: Final = 0.20e-6
TRANSITION_USD: Final = 0.025e-3
EXPRESS_START_USD: Final = 1.00e-6
EXPRESS_GB_SECOND_USD: Final = 0.00001667
WRITE_USD: Final = 0.625e-6
READ_USD: Final = 0.125e-6
PUT_USD: Final = 5.00e-6
GET_USD: Final = 0.40e-6


@dataclass(frozen=True)
class BuildSize:
    """What a build consists of, its dates assumed."""

    units: int
    dates: int
    """Of a unit."""
    bands: int
    """Merged."""
    blends: int
    """Of a unit: 0 for a cube of identity products."""
    indexes: int
    megapixels: float
    """Of a tile."""

    @property
    def merges(self) -> int:
        """Of the build."""
        return self.units * self.dates * self.bands

    @property
    def express_seconds(self) -> float:
        """Seconds of EXPRESS children: those of the functions they wait for."""
        return self.units * (self._merge + self._prepare + self._blend + self._publish_dates)

    @property
    def gb_seconds(self) -> float:
        """Lambda."""
        return self.units * (
            SEARCH_SECONDS * SMALL_GB
            + self._merge * MERGE_GB
            + (self._prepare + CALL_SECONDS) * PUBLISH_GB
            + self._blend * BLEND_GB
            + (self._publish_dates + self._publish) * PUBLISH_GB
        )

    @property
    def tasks(self) -> int:
        """Calls by EXPRESS children: merges, dates prepared and published, blends."""
        return self.merges + self.units * (2 * self.dates + self.blends)

    @property
    def calls(self) -> int:
        """Calls of functions: the tasks; search, prepare blend and publish of each unit; plan and finish."""
        return self.tasks + 3 * self.units + 2

    @property
    def transitions(self) -> int:
        """Of STANDARD executions."""
        return UNIT_TRANSITIONS * self.units + BUILD_TRANSITIONS

    @property
    def usd(self) -> float:
        """Everything together."""
        files = self.merges + self.units * (self.blends + 3 + self.indexes * (self.dates + 1) + 2 * self.dates)
        return (
            self.gb_seconds * GB_SECOND_USD
            + self.calls * CALL_USD
            + self.transitions * TRANSITION_USD
            + self.tasks * EXPRESS_START_USD
            + self.express_seconds * EXPRESS_GB * EXPRESS_GB_SECOND_USD
            + self.calls * (WRITES_A_TASK * WRITE_USD + READS_A_TASK * READ_USD)
            + files * PUT_USD
            + self.calls * GETS_A_TASK * GET_USD
        )

    @property
    def _merge(self) -> float:
        return self.dates * self.bands * (CALL_SECONDS + self.megapixels * (MERGE_SECONDS + ENCODE_SECONDS))

    @property
    def _prepare(self) -> float:
        return self.dates * CALL_SECONDS

    @property
    def _blend(self) -> float:
        return self.blends * (CALL_SECONDS + self.megapixels * (self.dates * BLEND_SECONDS + ENCODE_SECONDS))

    @property
    def _publish_dates(self) -> float:
        return self.dates * self._publish

    @property
    def _publish(self) -> float:
        return CALL_SECONDS + self.indexes * self.megapixels * INDEX_SECONDS


def expected_build(checked: CheckedStart, *, dates_per_unit: int | None = None) -> dict[str, Any]:
    """What a start would build: what is certain, and under ``estimate`` what follows from a number of dates a unit.

    ``dates_per_unit`` is assumed by the length of the periods where it is not given.
    """
    # the plan brings the whole pipeline along: half a second that no other route should pay
    from stratocube.workflow.build_plan import BuildPlan  # noqa: PLC0415 - imported late, see above

    definition, units = checked.definition, checked.units
    periods = list(dict.fromkeys(unit.period for unit in units))
    bands = [band.name for band in BuildPlan("", definition, checked.request, {}).bands]
    days = sum((period.end - period.start).days + 1 for period in periods) / len(periods)
    size = BuildSize(
        units=len(units),
        dates=dates_per_unit or min(MAX_DATES, math.ceil(days / DAYS_A_DATE)),
        bands=len(bands),
        blends=_blends(checked, bands),
        indexes=sum(index.expression.names <= set(bands) for index in definition.indexes),
        megapixels=checked.tile_pixels / 1e6,
    )
    return {
        "cube_id": definition.id,
        "status": "VALID",
        "unit_count": len(units),
        "tiles": list(checked.request.tiles),
        "periods": [[period.start.isoformat(), period.end.isoformat()] for period in periods],
        "bands": bands,
        "merge_count": None,
        "merge_count_note": "one a date and band: how many dates have scenes is known when a unit is searched",
        "estimate": _estimate(size, assumed=dates_per_unit is None),
    }


def _blends(checked: CheckedStart, bands: list[str]) -> int:
    definition = checked.definition
    if definition.composite_function == "IDT":
        return 0
    if definition.composite_function == "LCF":
        return len(bands)
    return len(set(bands) - {definition.quality_band, definition.saturation_band})


def _estimate(size: BuildSize, *, assumed: bool) -> dict[str, Any]:
    origin = f"one date in {DAYS_A_DATE} days" if assumed else "as the request says"
    return {
        "is_estimate": True,
        "dates_per_unit": size.dates,
        "merges": size.merges,
        "blends": size.units * size.blends,
        "function_calls": size.calls,
        "state_transitions": size.transitions,
        "lambda_gb_seconds": round(size.gb_seconds, 1),
        "cost_usd": round(size.usd, 4),
        "assumptions": [
            f"{size.dates} dates a unit ({origin}; ?dates_per_unit=… assumes another number), one scene a date",
            f"tiles of {size.megapixels:.2f} million pixels, {size.bands} bands, {size.indexes} indexes",
            "nothing is there to reuse; nothing fails",
            "functions on arm64 with the memory the template gives them; public prices of us-east-1",
            "seconds measured on one x86-64 core; storage, traffic and requester-pays reads are not in it",
        ],
    }
