"""From the recorded outputs to a verdict, for the functions whose outputs need more than field-by-field comparison."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tests.conformance.cases import Case
from tests.conformance.compare import Difference, compare_mapping
from tests.conformance.expectations import Expectation
from tests.conformance.grid_rules import check_grids
from tests.conformance.prepare_rules import check_prepare_blend
from tests.conformance.tolerances import Tolerance

Rule = Callable[[Case, Expectation, Mapping[str, Any], Tolerance], Difference]

# What of a file's layout depends on the writer's version. Rasters under one block also have smaller blocks or
# none.
_LAYOUT_HINTS: Mapping[str, frozenset[str]] = {
    "create_empty_raster": frozenset({"tiled", "block", "compression", "overviews", "cog_errors", "cog_warnings"}),
    "save_as_cog": frozenset({"overviews", "cog_errors", "cog_warnings"}),
}
_SMALL_RASTER = 512
_SMALL_RASTER_HINTS = frozenset({"tiled", "block"})


def check(case: Case, expectation: Expectation, actual: Mapping[str, Any], allowed: Tolerance) -> Difference:
    """Compare an output with one expectation: None, or the first difference."""
    return _RULES.get(case.function, _check_fields)(case, expectation, actual, allowed)


def _check_fields(case: Case, expectation: Expectation, actual: Mapping[str, Any], allowed: Tolerance) -> Difference:
    fields = expectation.fields or {}
    wanted = {name: value for name, value in fields.items() if not _absent(actual, name, expectation)}
    # A difference stated for pixels does not loosen the lists beside them (geotransforms, block sizes).
    lists_only = not any(isinstance(value, np.ndarray) for value in fields.values())
    return compare_mapping("", actual, wanted, allowed, loose_numbers=lists_only)


def _absent(actual: Mapping[str, Any], name: str, expectation: Expectation) -> bool:
    return name in expectation.optional and actual.get(name) is None


def _check_file(case: Case, expectation: Expectation, actual: Mapping[str, Any], allowed: Tolerance) -> Difference:
    fields = dict(expectation.fields or {})
    fields.pop("first_overview", None)
    profile = fields["profile"]
    hints = _LAYOUT_HINTS[case.function]
    if min(profile["width"], profile["height"]) < _SMALL_RASTER:
        hints |= _SMALL_RASTER_HINTS
    fields["profile"] = {name: value for name, value in profile.items() if name not in hints}
    return compare_mapping("", actual, fields, allowed)


def _check_hull(case: Case, expectation: Expectation, actual: Mapping[str, Any], allowed: Tolerance) -> Difference:
    fields = dict(expectation.fields or {})
    area = fields.pop("area")
    if "area" not in actual:
        return "area: missing"
    if abs(actual["area"] - area) > allowed.absolute * area:
        return f"area: expected {area}, got {actual['area']}"
    return compare_mapping("", actual, fields, allowed)


_RULES: Mapping[str, Rule] = {
    "create_empty_raster": _check_file,
    "create_grids": check_grids,
    "prepare_blend": check_prepare_blend,
    "raster_convexhull": _check_hull,
    "save_as_cog": _check_file,
}
