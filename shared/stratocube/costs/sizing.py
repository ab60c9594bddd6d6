"""How large a stack's functions are and how many of them work at once: what its template was deployed with."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, Final, Self

from stratocube.costs.prices import ARCHITECTURES, Prices
from stratocube.errors import InvalidRequest

ONE_PROCESSOR_MB: Final = 1769
"""Memory with which a function has a whole processor (docs.aws.amazon.com, Lambda, "Configure memory")."""

_ALONE: Final = {"merge": 0.40, "blend": 0.68, "publish": 0.68}
"""What part of a step more processors do not make faster: from the seconds at one and two of them in docs/speed.md."""

_NUMBER: Final = re.compile(r"[0-9]{1,6}")


@dataclass(frozen=True)
class Sizing:
    """The defaults are those of ``infra/template.yaml``."""

    architecture: str = "arm64"
    small_mb: int = 1024
    """Of plan, search and finish."""
    merge_mb: int = 1769
    blend_mb: int = 1769
    publish_mb: int = 1769
    """Also of prepare blend."""
    units: int = 10
    """Units of a live build at once."""
    backfill_units: int = 2
    merges: int = 20
    """Of a unit at once."""
    blends: int = 10
    """Of a unit at once; dates prepared and published too."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """``architecture=arm64 merge_mb=1769 …``; what is left out is the default.

        Raises:
            InvalidRequest: for what is none of the names, or no number.
        """
        found: dict[str, Any] = {}
        for entry in text.split():
            name, _, value = entry.partition("=")
            if name not in {known.name for known in fields(cls)}:
                raise InvalidRequest(f"{name} is none of {', '.join(known.name for known in fields(cls))}")
            if name == "architecture":
                if value not in ARCHITECTURES:
                    raise InvalidRequest(f"architecture must be one of {', '.join(ARCHITECTURES)}, got {value}")
                found[name] = value
            elif _NUMBER.fullmatch(value) and int(value) > 0:
                found[name] = int(value)
            else:
                raise InvalidRequest(f"{name} must be a whole number above 0, got {value}")
        return cls(**found)

    def seconds(self, step: str, processor_seconds: float) -> float:
        """How long a step (``merge``, ``blend``, ``publish``) takes that keeps one processor busy for so long."""
        processors = {"merge": self.merge_mb, "blend": self.blend_mb, "publish": self.publish_mb}[step]
        share = processors / ONE_PROCESSOR_MB
        if share <= 1:
            return processor_seconds / share
        return processor_seconds * (_ALONE[step] + (1 - _ALONE[step]) / share)

    def units_at_once(self, priority: str) -> int:
        """Of a build of this priority."""
        return self.backfill_units if priority == "backfill" else self.units


@dataclass(frozen=True)
class Tariff:
    """What a stack's builds are reckoned with."""

    prices: Prices
    sizing: Sizing = Sizing()

    @classmethod
    def of_region(cls, region: str) -> Self:
        """The list's prices of a region, and the template's defaults."""
        return cls(Prices.of_region(region))


@cache
def stack_tariff(region: str, sizing: str, prices: str) -> Tariff:
    """The tariff of a stack, of its environment's texts: sizes as :meth:`Sizing.parse` reads them, prices as JSON.

    Raises:
        InvalidRequest: for a text that cannot be read.
    """
    found = Prices.of_region(region)
    if prices.strip():
        try:
            given = json.loads(prices)
        except ValueError as error:
            raise InvalidRequest(f"the stack's prices are not JSON: {error}") from error
        found = found.with_others(given)
    return Tariff(found, Sizing.parse(sizing))
