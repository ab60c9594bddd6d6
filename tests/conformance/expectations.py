"""What a case asks for.

``expect: same`` asks for the reference's output. ``expect: differs`` asks for the correction: its fields
replace those of the reference's output, fields that it does not state stay. ``accept: either`` leaves the
choice; every other ``accept`` sentence is read as "the correction", but for the one that names the
statistics.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.conformance.cases import Case, MalformedCase

STATISTICS = ("efficacy", "cloud_ratio")


@dataclass(frozen=True)
class Expectation:
    """One acceptable outcome. ``fields`` is what the output must hold, None when the call must be refused.

    ``helps`` are fields to compare by (the unrounded result), never to compare with. ``optional`` fields may
    be absent. ``corrected`` is the stated part of a correction, for rules that must know which fields it
    replaced.
    """

    label: str
    fields: Mapping[str, Any] | None
    helps: Mapping[str, np.ndarray] = field(default_factory=dict)
    optional: frozenset[str] = frozenset()
    corrected: Mapping[str, Any] = field(default_factory=dict)
    nothing_executed: bool = False


def is_help(name: str) -> bool:
    """Tell the fields that only help to compare (``exact``, ``exact_mean``, ``NDVI_exact``, ``executed``)."""
    return name in ("exact", "executed", "or_absent") or name.startswith("exact_") or name.endswith("_exact")


def expectations(case: Case) -> list[Expectation]:
    """Acceptable outcomes of a case, the recommended one first. Raises :class:`MalformedCase`."""
    if case.expect == "same":
        return [_reference(case)]
    if case.expect != "differs":
        raise MalformedCase(f"expect is {case.expect!r}, not same or differs")
    if case.corrected is None:
        raise MalformedCase("the case differs from the reference, but has no correction")
    best = _corrected(case, case.corrected)
    if case.accept == "either":
        return [best, _reference(case)]
    if case.accept.startswith("statistics: either pair") and best.fields is not None:
        pair = {name: case.output[name] for name in STATISTICS}
        return [
            best,
            Expectation("correction with the reference's statistics", {**best.fields, **pair}, best.helps),
        ]
    return [best]


def _reference(case: Case) -> Expectation:
    if "error" in case.output:
        return Expectation("reference", None)
    return Expectation("reference", _fields(case.output), _helps(case.output))


def _corrected(case: Case, corrected: Mapping[str, Any]) -> Expectation:
    if "error" in corrected:
        return Expectation("correction", None, nothing_executed=corrected.get("executed") is False)
    unstated = sorted(set(case.differs_in) - corrected.keys() - {"error"})
    if unstated:
        raise MalformedCase(f"differs_in names {unstated}, which the correction does not state")
    kept = {} if "error" in case.output else case.output
    fields = _fields({**kept, **corrected})
    if case.function == "get_qa_mask" and "clear_pixels" in fields and "clear_pixels" not in corrected:
        # The count belongs to the mask: with another mask the reference's count says nothing.
        fields["clear_pixels"] = int(np.ma.count(fields["result"]))
    optional = frozenset(corrected) if corrected.get("or_absent") else frozenset()
    return Expectation("correction", fields, _helps({**kept, **corrected}), optional, corrected)


def _fields(output: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in output.items() if not is_help(name)}


def _helps(output: Mapping[str, Any]) -> dict[str, np.ndarray]:
    return {name: value for name, value in output.items() if is_help(name) and isinstance(value, np.ndarray)}
