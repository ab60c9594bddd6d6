"""What a build of a size uses: seconds, bytes, calls and requests, from measured unit costs.

The numbers below, with what each was taken from:

* Seconds and megabytes a megapixel (million pixels of a tile): processor time of the very functions on one x86-64 core,
  and bytes read and written, of ``benchmarks/memory_sizes.json`` (``docs/speed.md`` has the table).
* Seconds a call, and what the network takes to and from S3: rounded allowances, not measured on AWS.
* Reads, writes and requests a call, transitions a unit: ``benchmarks/scale.json``, where a whole build is simulated.
* Memory and functions at once: what the stack was deployed with (:mod:`stratocube.costs.sizing`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

from stratocube.costs.prices import DEFAULT_REGION, Prices
from stratocube.costs.sizing import Sizing
from stratocube.costs.usage import Cost, Usage

# A megapixel, on one processor.
MERGE_SECONDS: Final = 0.052
"""Four scenes to a tile, encoded."""
BLEND_SECONDS: Final = 0.021
"""Of the composite, beside its dates: encoding above all."""
BLEND_DATE_SECONDS: Final = 0.0057
LAYERS_SECONDS: Final = 0.033
"""CLEAROB, TOTALOB and PROVENANCE, with one band of the unit."""
INDEX_SECONDS: Final = 0.027
MERGE_MEGABYTES: Final = 3.8
"""Read and written."""
BLEND_DATE_MEGABYTES: Final = 1.2
COG_MEGABYTES: Final = 1.4
NETWORK_SECONDS: Final = 1 / 75
"""A megabyte."""

CALL_SECONDS: Final = 0.5
SEARCH_SECONDS: Final = 3.0
MAP_SECONDS: Final = 2.0
"""Until a Distributed Map has read its list and started its first child."""
UNITS_PLANNED_A_SECOND: Final = 1000

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
    sizing: Sizing = field(default_factory=Sizing)

    @property
    def merges(self) -> int:
        """Of the build."""
        return self.units * self.dates * self.bands

    @property
    def express_seconds(self) -> float:
        """Seconds of EXPRESS children: those of the functions they wait for."""
        return self.units * (self._merges + self._prepares + self._blends + self._publish_dates)

    @property
    def gb_seconds(self) -> float:
        """Lambda."""
        sizing = self.sizing
        megabytes = (
            SEARCH_SECONDS * sizing.small_mb
            + self._merges * sizing.merge_mb
            + self._blends * sizing.blend_mb
            + (self._prepares + CALL_SECONDS + self._publish_dates + self._publish) * sizing.publish_mb
        )
        return self.units * megabytes / 1024 + 2 * CALL_SECONDS * sizing.small_mb / 1024

    def seconds(self, priority: str) -> float:
        """How long the build takes: unit by unit as many at once as the stack runs, nothing else running."""
        sizing = self.sizing
        unit = (
            SEARCH_SECONDS
            + _in_turns(self.dates * self.bands, sizing.merges, self._merge)
            + _in_turns(self.dates, sizing.blends, CALL_SECONDS)
            + CALL_SECONDS
            + _in_turns(self.dates, sizing.blends, self._publish)
            + _in_turns(self.blends, sizing.blends, self._longest_blend)
            + self._publish
        )
        at_once = sizing.units_at_once(priority)
        return CALL_SECONDS + self.units / UNITS_PLANNED_A_SECOND + _in_turns(self.units, at_once, unit) + CALL_SECONDS

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
        return self.units * (self.stored_dates_gb + self.stored_composites_gb)

    @property
    def stored_dates_gb(self) -> float:
        """Of a unit's dates."""
        return self.dates * (self.bands + self.indexes) * self._cog_gb

    @property
    def stored_composites_gb(self) -> float:
        """Of a unit's composites."""
        return (self.blends + (self.indexes if self.blends else 0)) * self._cog_gb

    @property
    def read_gb(self) -> float:
        """Of scenes and products, by functions."""
        return self.units * self._read_megabytes / 1000

    @property
    def pixel_gets(self) -> float:
        """Requests of S3 that read pixels."""
        return self._read_megabytes * self.units / GET_MEGABYTES

    @property
    def usage(self) -> Usage:
        """Everything, but for keeping it."""
        return Usage(
            gb_seconds=self.gb_seconds,
            calls=self.calls,
            transitions=self.transitions,
            express_requests=self.tasks,
            express_gb_seconds=self.express_seconds * EXPRESS_GB,
            table_writes=self.calls * WRITES_A_CALL,
            table_reads=self.calls * READS_A_CALL,
            s3_puts=self.files,
            s3_gets=self.calls * GETS_A_CALL + self.pixel_gets,
        )

    def cost(self, prices: Prices) -> Cost:
        """What all of it costs."""
        return self.usage.cost(prices, self.sizing.architecture)

    @property
    def usd(self) -> float:
        """As :meth:`cost`, at the prices of us-east-1."""
        return self.cost(Prices.of_region(DEFAULT_REGION)).total

    @property
    def steps(self) -> dict[str, Usage]:
        """What merges, blends and publishing use of functions, each on its own."""
        sizing, units = self.sizing, self.units
        gigabytes = {"merge": sizing.merge_mb, "blend": sizing.blend_mb, "publish": sizing.publish_mb}
        seconds = {"merge": self._merges, "blend": self._blends, "publish": self._publish_dates + self._publish}
        calls = {"merge": self.merges, "blend": units * self.blends, "publish": units * (self.dates + 1)}
        return {step: Usage(units * seconds[step] * gigabytes[step] / 1024, calls[step]) for step in gigabytes}

    @property
    def _cog_gb(self) -> float:
        return self.megapixels * COG_MEGABYTES / 1000

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
        return self._call("merge", MERGE_SECONDS, MERGE_MEGABYTES)

    @property
    def _merges(self) -> float:
        return self.dates * self.bands * self._merge

    @property
    def _prepares(self) -> float:
        return self.dates * CALL_SECONDS

    @property
    def _blend(self) -> float:
        seconds = BLEND_SECONDS + self.dates * BLEND_DATE_SECONDS
        return self._call("blend", seconds, COG_MEGABYTES + self.dates * BLEND_DATE_MEGABYTES)

    @property
    def _layers_seconds(self) -> float:
        return self.sizing.seconds("blend", self.megapixels * LAYERS_SECONDS) if self.blends else 0.0

    @property
    def _longest_blend(self) -> float:
        return self._blend + self._layers_seconds

    @property
    def _blends(self) -> float:
        return self.blends * self._blend + self._layers_seconds

    @property
    def _publish_dates(self) -> float:
        return self.dates * self._publish

    @property
    def _publish(self) -> float:
        return self._call("publish", self.indexes * INDEX_SECONDS, self.indexes * 3 * COG_MEGABYTES)

    def _call(self, step: str, seconds: float, megabytes: float) -> float:
        """Seconds of a function that takes so much a megapixel."""
        working = self.sizing.seconds(step, self.megapixels * seconds)
        return CALL_SECONDS + working + self.megapixels * megabytes * NETWORK_SECONDS


def _in_turns(count: int, at_once: int, seconds: float) -> float:
    """How long a map takes over ``count`` children that take so long."""
    return MAP_SECONDS + math.ceil(count / at_once) * seconds if count else 0.0
