"""The ``tolerance`` field of a case, read generally and conservatively: what is not understood counts as exact."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

# Numbers written as decimal text and read back are equal up to this relative difference (geotransforms state
# 1e-9).
TEXT_PRECISION = 1e-9
# float32 arithmetic of a few operations.
FLOAT_ARITHMETIC = 1e-6

_NEAR_UNROUNDED = re.compile(r"\|(?:value|n) - (?P<help>\w+)\|\s*(?P<relation><=|<)\s*(?P<bound>\d+(?:\.\d+)?)")
_ROUNDED_FIELDS = ("composite", "result")


@dataclass(frozen=True)
class Tolerance:
    """How closely arrays and numbers must agree.

    ``absolute`` and ``relative`` bound the difference of a pixel, ``mismatch_fraction`` the share of pixels
    that may be further off. ``bound`` (reached or not: ``bound_included``) is the distance that a field made
    by rounding may have from the unrounded array ``unrounded``. ``relative_to_area`` says that areas are
    compared relatively. ``integers_only``: the difference stems from truncation, floating arrays agree up to
    their arithmetic.
    """

    absolute: float = 0.0
    relative: float = 0.0
    mismatch_fraction: float = 0.0
    unrounded: np.ndarray | None = None
    bound: float = 0.0
    bound_included: bool = False
    rounded_fields: frozenset[str] = field(default_factory=frozenset)
    relative_to_area: bool = False
    integers_only: bool = False

    def for_array(self, dtype: np.dtype) -> tuple[float, float]:
        """Absolute and relative difference that a pixel of this type may have."""
        if dtype.kind != "f":
            return self.absolute, self.relative
        if self.integers_only:
            return 0.0, FLOAT_ARITHMETIC
        return self.absolute, max(self.relative, TEXT_PRECISION, 2 * float(np.finfo(dtype).eps))


def tolerance(stated: Mapping[str, Any], helps: Mapping[str, np.ndarray]) -> Tolerance:
    """Read a case's ``tolerance``. A rule sentence counts only when it compares with one of the arrays ``helps``."""
    rule = _NEAR_UNROUNDED.search(stated.get("rule", ""))
    unrounded = helps.get(rule["help"]) if rule else None
    return Tolerance(
        absolute=float(stated.get("abs", 0.0)),
        relative=float(stated.get("rel", 0.0)),
        mismatch_fraction=float(stated.get("mismatch_fraction", 0.0)),
        unrounded=unrounded,
        bound=float(rule["bound"]) if rule else 0.0,
        bound_included=rule["relation"] == "<=" if rule else False,
        rounded_fields=frozenset(_ROUNDED_FIELDS) if unrounded is not None else frozenset(),
        relative_to_area="relative to the area" in stated.get("why", ""),
        integers_only="truncation" in stated.get("why", ""),
    )


def near_unrounded(actual: np.ndarray, expected: np.ndarray, allowed: Tolerance) -> np.ndarray:
    """Pixels of ``actual`` that are an acceptable rounding of the unrounded array.

    Only where the expected value is an acceptable rounding itself: elsewhere (nothing clear, a value that
    another rule decides) the unrounded array does not speak. Unrounded values beyond the limits of an integer
    type become the limit.
    """
    if allowed.unrounded is None or allowed.unrounded.shape != actual.shape:
        return np.zeros(actual.shape, dtype=bool)
    target = np.ma.getdata(allowed.unrounded).astype(np.float64)
    if expected.dtype.kind in "iu":
        limits = np.iinfo(expected.dtype)
        target = np.clip(target, limits.min, limits.max)
    close = [_within(np.ma.getdata(values), target, allowed) for values in (actual, expected)]
    both: np.ndarray = close[0] & close[1]
    return both


def _within(values: np.ndarray, target: np.ndarray, allowed: Tolerance) -> np.ndarray:
    distance = np.abs(values.astype(np.float64) - target)  # NaN where undefined, and NaN is within nothing
    # One part in 1e9 of slack: the unrounded array is floating point itself.
    slack = TEXT_PRECISION * np.maximum(1.0, np.abs(target))
    within: np.ndarray = (
        distance <= allowed.bound + slack if allowed.bound_included else distance < allowed.bound - slack
    )
    return within
