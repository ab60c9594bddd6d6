"""What a build would be and roughly cost, before anything is searched.

Nobody knows the dates of a unit before the search, so their number is assumed, and with it everything that grows with
dates. What is assumed is part of the answer. The cost is that of building everything; what is there already is reused
and costs next to nothing.

The numbers below, with what each was taken from:

* Seconds and megabytes a megapixel (million pixels of a tile): processor time of the very functions on one x86-64 core,
  and bytes read and written, of ``benchmarks/memory_sizes.json`` (``docs/speed.md`` has the table).
* Seconds a call, and what the network takes to and from S3: rounded allowances, not measured on AWS.
* Reads, writes and requests a call, transitions a unit: ``benchmarks/scale.json``, where a whole build is simulated.
* Memory: the defaults of ``infra/template.yaml``, one processor's.
* Prices in USD, us-east-1, public lists of 2026: Lambda arm64 0.0000133334 a GB-second and 0.20 a million requests;
  STANDARD 0.025 a thousand transitions; EXPRESS 1.00 a million starts and 0.00001667 a GB-second of 64 MB; DynamoDB on
  demand 0.625 a million writes and 0.125 a million reads; S3 5.00 a million PUT, 0.40 a million GET and 0.023 a GB and
  month. Traffic is not in it.
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

# A megapixel, on one processor.
MERGE_SECONDS: Final = 0.092
"""Four scenes to a tile, encoded."""
BLEND_SECONDS: Final = 0.041
"""Of the composite, beside its dates: encoding above all."""
BLEND_DATE_SECONDS: Final = 0.0058
LAYERS_SECONDS: Final = 0.055
"""CLEAROB, TOTALOB and PROVENANCE, with one band of the unit."""
INDEX_SECONDS: Final = 0.047
MERGE_MEGABYTES: Final = 3.8
"""Read and written."""
BLEND_DATE_MEGABYTES: Final = 1.2
COG_MEGABYTES: Final = 1.4
NETWORK_SECONDS: Final = 1 / 75
"""A megabyte."""

CALL_SECONDS: Final = 0.5
SEARCH_SECONDS: Final = 3.0

SMALL_GB: Final = 1.0
RASTER_GB: Final = 1769 / 1024
"""Of merge, prepare blend, blend and publish."""
EXPRESS_GB: Final = 64 / 1024

UNIT_TRANSITIONS: Final = 11
"""Of a unit's STANDARD child: its states, its start, and a choice or two."""
BUILD_TRANSITIONS: Final = 8
WRITES_A_CALL: Final = 3
"""Claim, finish, and the row that counts it."""
READS_A_CALL: Final = 2
GETS_A_CALL: Final = 3
"""Plan, task list, and whether a product is there."""
GET_MEGABYTES: Final = 4.0
"""Read with one request, by and large."""

GB_SECOND_USD: Final = 0.0000133334
CALL_USD: Final = 0.20e-6
TRANSITION_USD: Final = 0.025e-3
EXPRESS_START_USD: Final = 1.00e-6
EXPRESS_GB_SECOND_USD: Final = 0.00001667
WRITE_USD: Final = 0.625e-6
READ_USD: Final = 0.125e-6
PUT_USD: Final = 5.00e-6
GET_USD: Final = 0.40e-6
STORAGE_USD: Final = 0.023
"""A GB and month."""


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
        rasters = self._merge + self._prepare + CALL_SECONDS + self._blend + self._publish_dates + self._publish
        return self.units * (SEARCH_SECONDS * SMALL_GB + rasters * RASTER_GB)

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
    def files(self) -> int:
        """COGs, pictures and items."""
        return self.merges + self.units * (self.blends + self._layers + (self.indexes + 2) * (self.dates + 1))

    @property
    def stored_gb(self) -> float:
        """Of the COGs of measurements: classes and counts take little beside them."""
        cogs = self.merges + self.units * (self.blends + self.indexes * (self.dates + 1))
        return cogs * self.megapixels * COG_MEGABYTES / 1000

    @property
    def usd(self) -> float:
        """Everything together, but for keeping it."""
        pixels_gets = self._read_megabytes * self.units / GET_MEGABYTES
        return (
            self.gb_seconds * GB_SECOND_USD
            + self.calls * CALL_USD
            + self.transitions * TRANSITION_USD
            + self.tasks * EXPRESS_START_USD
            + self.express_seconds * EXPRESS_GB * EXPRESS_GB_SECOND_USD
            + self.calls * (WRITES_A_CALL * WRITE_USD + READS_A_CALL * READ_USD)
            + self.files * PUT_USD
            + (self.calls * GETS_A_CALL + pixels_gets) * GET_USD
        )

    @property
    def _layers(self) -> int:
        """Observation layers of a unit."""
        return 3 if self.blends else 0

    @property
    def _read_megabytes(self) -> float:
        """Of scenes and merges, a unit."""
        indexes = self.indexes * (self.dates + 1) * 2 * COG_MEGABYTES
        blends = self.blends * self.dates * BLEND_DATE_MEGABYTES
        return self.megapixels * (self.dates * self.bands * (MERGE_MEGABYTES - COG_MEGABYTES) + blends + indexes)

    @property
    def _merge(self) -> float:
        return self.dates * self.bands * _call(self.megapixels, MERGE_SECONDS, MERGE_MEGABYTES)

    @property
    def _prepare(self) -> float:
        return self.dates * CALL_SECONDS

    @property
    def _blend(self) -> float:
        seconds = BLEND_SECONDS + self.dates * BLEND_DATE_SECONDS
        megabytes = COG_MEGABYTES + self.dates * BLEND_DATE_MEGABYTES
        layers = self.megapixels * LAYERS_SECONDS if self.blends else 0.0
        return self.blends * _call(self.megapixels, seconds, megabytes) + layers

    @property
    def _publish_dates(self) -> float:
        return self.dates * self._publish

    @property
    def _publish(self) -> float:
        return _call(self.megapixels, self.indexes * INDEX_SECONDS, self.indexes * 3 * COG_MEGABYTES)


def _call(megapixels: float, seconds: float, megabytes: float) -> float:
    """Seconds of a function that takes so much a megapixel."""
    return CALL_SECONDS + megapixels * (seconds + megabytes * NETWORK_SECONDS)


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
        "stored_gb": round(size.stored_gb, 2),
        "storage_usd_a_month": round(size.stored_gb * STORAGE_USD, 4),
        "assumptions": [
            f"{size.dates} dates a unit ({origin}; ?dates_per_unit=… assumes another number), one scene a date",
            f"tiles of {size.megapixels:.2f} million pixels, {size.bands} bands, {size.indexes} indexes",
            "nothing is there to reuse; nothing fails",
            "functions on arm64 with the memory the template gives them; public prices of us-east-1",
            "seconds measured on one x86-64 core; traffic and requester-pays reads are not in it, storage is apart",
        ],
    }
