"""Confidence rules of Landsat Collection 2 quality bits.

Source: Landsat 8-9 Collection 2 Level 2 Science Product Guide (USGS LSDS-1619), table of the QA_PIXEL bits:
cloud confidence in bits 8-9, cloud shadow 10-11, snow/ice 12-13, cirrus 14-15; cirrus is used by OLI (Landsat
8-9) only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from stratocube.cube.expressions import Expression
from stratocube.cube.mask import CONFIDENCE_LEVELS, CONFIDENCE_VARIABLES, ConfidenceRules, parse_rule
from stratocube.errors import InvalidRequest
from stratocube.pixels.evaluate import evaluate

OliFlag = bool | NDArray[np.bool_]
"""Whether the observation comes from an OLI sensor: for all pixels, or one flag a pixel."""

_FIRST_BIT: Final = 8


@dataclass(frozen=True, eq=False)
class QAConfidence:
    """Rules that make a pixel not clear, and where the cirrus rule counts.

    Each rule is text that compares ``cloud``, ``cloud_shadow``, ``snow`` and ``cirrus`` (all four always
    available) with ``NO_CONFIDENCE``, ``LOW``, ``MEDIUM`` (``RESERVED``) and ``HIGH``, such as
    ``(cloud == MEDIUM) | (cloud == HIGH)``. ``oli`` (older name: ``landsat_8``) is a flag or a bool array of
    the shape of the data; left out it means OLI everywhere.

    Raises :class:`InvalidRequest` for a rule that is anything but such a comparison; it is never executed.

    >>> QAConfidence(cloud="cloud >= MEDIUM").apply(np.array([22080, 21824])).tolist()
    [None, 21824]
    """

    cloud: str | None = None
    cloud_shadow: str | None = None
    snow: str | None = None
    cirrus: str | None = None
    oli: OliFlag | None = None
    landsat_8: OliFlag | None = None
    rules: ConfidenceRules = field(init=False, repr=False)
    """The same rules, checked."""

    def __post_init__(self) -> None:
        cloud, cloud_shadow, snow, cirrus = (self._rule(name) for name in CONFIDENCE_VARIABLES)
        rules = ConfidenceRules(cloud, cloud_shadow, snow, cirrus)
        object.__setattr__(self, "rules", rules)

    def _rule(self, name: str) -> Expression | None:
        text = getattr(self, name)
        return None if text is None else parse_rule(name, text, field=f"confidence.{name}")

    @property
    def oli_flag(self) -> OliFlag:
        """The flag in force: ``oli``, else ``landsat_8``, else True."""
        given = self.oli if self.oli is not None else self.landsat_8
        return True if given is None else given

    def apply(self, data: NDArray[np.integer[Any]]) -> np.ma.MaskedArray[Any, Any]:
        """Mask the pixels that match a rule; masked pixels stay masked, no value and no argument changes.

        ``data`` holds QA_PIXEL values, any integer type (int16 storage of uint16 is fine), any shape.
        """
        values = np.ma.getdata(data)
        matched = matches(self.rules, values, self.oli_flag)
        return np.ma.masked_array(values.copy(), mask=np.ma.getmaskarray(data) | matched)


def matches(rules: ConfidenceRules, quality: NDArray[np.integer[Any]], oli: OliFlag = True) -> NDArray[np.bool_]:
    """Where at least one rule matches. ``quality`` holds QA_PIXEL values; the result has its shape.

    ``oli`` says where the cirrus rule counts; ``rules.oli``, when given, goes before it. Raises
    :class:`InvalidRequest` when an array of flags does not fit the data, and for floating data.
    """
    refuse_float_bits(quality)
    flag = flags_of(oli if rules.oli is None else rules.oli, quality.shape)
    # Wide enough for a shift by 14, and signed: the pairs of int16 storage come out right below the sign.
    wide = quality.astype(np.int64)
    values: dict[str, NDArray[Any] | float] = {
        name: (wide >> (_FIRST_BIT + 2 * position)) & 3 for position, name in enumerate(CONFIDENCE_VARIABLES)
    }
    values.update(CONFIDENCE_LEVELS)
    found = np.zeros(quality.shape, dtype=np.bool_)
    for name, rule in rules.rules().items():
        outcome = evaluate(rule, values)
        matched = outcome.values & ~outcome.undefined
        found |= (matched & flag) if name == "cirrus" else matched
    return found


def flags_of(oli: OliFlag, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """The OLI flag for every pixel of ``shape``, read-only; :class:`InvalidRequest` when it does not fit."""
    flags = np.asarray(oli, dtype=np.bool_)
    try:
        return np.broadcast_to(flags, shape)
    except ValueError:
        raise InvalidRequest(f"flags of shape {flags.shape} for data of shape {shape}", field="oli") from None


def refuse_float_bits(quality: NDArray[Any]) -> None:
    """Raise :class:`InvalidRequest` for a raster that has no bits to look at."""
    if quality.dtype.kind not in "iu":
        raise InvalidRequest(f"quality bits need an integer raster, got {quality.dtype}", field="quality")
