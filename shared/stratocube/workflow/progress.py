"""How far a build is: its steps and units, counted for people and for the build's header."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from stratocube.costs.usage import Usage
from stratocube.state.build_values import StepCounts, Unit
from stratocube.state.builds import Builds
from stratocube.state.status import Step, UnitStatus
from stratocube.workflow.costs import FANNED_OUT, unit_usage

SHOWN_FAILURES = 50
"""Failed units that are listed; ``units.failed`` counts all. The header must stay far below an item's 400 KB."""

SHOWN_DATES = 20
"""Dates of each kind that are listed for a stale unit."""

SHOWN_STALE = 100
"""Stale units that are listed; ``stale.stale`` counts all."""

SHOWN_CAUSE = 1000
"""Bytes of JSON a cause takes in the list, for ASCII as many characters; the unit itself keeps all of it."""

_OPEN = frozenset({UnitStatus.PLANNED, UnitStatus.RUNNING})


def build_progress(builds: Builds, build_id: str) -> dict[str, Any]:
    """The steps, units and failed units of a build, as JSON.

    ::

        {"steps": {"merge": {"total": 40, "built": 30, "reused": 8, "failed": 1, "seconds": 512.25}, …},
         "units": {"total": 4, "planned": 1, "running": 2, "succeeded": 0, "failed": 1, "cancelled": 0},
         "failed_units": [{"unit_id": …, "step": "merge", "cause": …}],
         "usage": {"gb_seconds": 312.5, "calls": 64, …}}

    ``total`` is null while it is not known: before the units are planned, and for the fanned-out steps while a unit
    that may still go on has not said how many it has. ``failed_units`` holds the first :data:`SHOWN_FAILURES` in
    order of unit id; ``units.failed`` counts all. A build that looks for stale units has ``stale`` as well::

        {"stale": {"checked": 4, "stale": 1, "units": [{"unit_id": …, "new": ["2023-08-23"]}]}}
    """
    tally = _Tally()
    for unit in builds.units(build_id):
        tally.add(unit, _steps_of(builds, build_id, unit))
    return tally.to_json()


def shortened(cause: str, limit: int) -> str:
    """A cause cut where it takes more than ``limit`` bytes of JSON, in which any character but ASCII takes six or
    twelve: what bounds a list of causes."""
    size = 0
    for position, character in enumerate(cause):
        size += len(json.dumps(character)) - len('""')
        if size > limit:
            return cause[:position]
    return cause


class _Tally:
    """Units and steps of a build, added up one unit after the other: a build has up to a hundred thousand."""

    def __init__(self) -> None:
        self._units: Counter[UnitStatus] = Counter()
        self._steps: dict[Step, StepCounts] = {}
        self._totals: Counter[str] = Counter()
        self._unknown: set[Step] = set()
        self._failed: list[dict[str, Any]] = []
        self._checked = 0
        self._stale = 0
        self._stale_units: list[dict[str, Any]] = []
        self._usage = Usage()

    def add(self, unit: Unit, steps: Mapping[Step, StepCounts]) -> None:
        """Count a unit and what its steps came to."""
        self._units[unit.status] += 1
        self._usage += unit_usage(unit, steps)
        for step, counts in steps.items():
            self._steps[step] = self._steps.get(step, StepCounts()) + counts
        self._totals.update(unit.totals)
        if unit.status in _OPEN:
            # A unit that ended before it knew a total has no more work, so it counts with what it knows.
            self._unknown |= {step for step in FANNED_OUT if step.value not in unit.totals}
        if unit.status is UnitStatus.FAILED and len(self._failed) < SHOWN_FAILURES:
            cause = shortened(unit.cause or "", SHOWN_CAUSE)
            self._failed.append({"unit_id": unit.unit_id, "step": unit.failed_step, "cause": cause})
        if unit.staleness is not None:
            self._add_staleness(unit.unit_id, unit.staleness)

    def _add_staleness(self, unit_id: str, found: Mapping[str, Any]) -> None:
        self._checked += 1
        if found["stale"]:
            self._stale += 1
            if len(self._stale_units) < SHOWN_STALE:
                # a year of dates, a hundred times over, would not fit the header: the unit itself has them all
                why = {name: value[:SHOWN_DATES] if isinstance(value, list) else value for name, value in found.items()}
                self._stale_units.append({"unit_id": unit_id} | why)

    def to_json(self) -> dict[str, Any]:
        """As :func:`build_progress` says."""
        units = {"total": self._units.total(), **{status.value.lower(): self._units[status] for status in UnitStatus}}
        return {
            "steps": {step.value: _step(self._steps.get(step, StepCounts()), self._total(step)) for step in Step},
            "units": units,
            "failed_units": self._failed,
            "usage": self._usage.to_json(),
            **self._staleness(),
        }

    def _staleness(self) -> dict[str, Any]:
        if not self._checked:
            return {}
        return {"stale": {"checked": self._checked, "stale": self._stale, "units": self._stale_units}}

    def _total(self, step: Step) -> int | None:
        """How often a step is to happen, None while that is not known."""
        if not self._units or step in self._unknown:
            return None
        return self._totals[step.value] if step in FANNED_OUT else self._units.total()


def _steps_of(builds: Builds, build_id: str, unit: Unit) -> Mapping[Step, StepCounts]:
    """Who ended a unit left its counts; a planned one has none; the rows of those between are few: they are counted."""
    if unit.steps is not None:
        return unit.steps
    return {} if unit.status is UnitStatus.PLANNED else builds.step_counts(build_id, unit.unit_id)


def _step(counts: StepCounts, total: int | None) -> dict[str, Any]:
    return {
        "total": total,
        "built": counts.built,
        "reused": counts.reused,
        "failed": counts.failed,
        "seconds": counts.seconds,
    }
