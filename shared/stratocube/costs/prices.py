"""The price list (``prices.toml``), and prices somebody gives in its place."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Any, Final, Self

from stratocube.errors import InvalidRequest

DEFAULT_REGION: Final = "us-east-1"
"""Whose prices stand in for those of a region that is not in the list."""

MAX_PRICE: Final = 1_000_000.0

ARCHITECTURES: Final = ("arm64", "x86_64")


@dataclass(frozen=True)
class Prices:
    """Prices of one region in US dollars, each named by what it buys."""

    region: str
    """Whose prices they are: :data:`DEFAULT_REGION` where the list has none of the region that was asked for."""
    date: str
    """When they were looked up."""
    lambda_gb_second_arm64: float
    lambda_gb_second_x86_64: float
    lambda_million_requests: float
    standard_thousand_transitions: float
    express_million_requests: float
    express_gb_second: float
    dynamodb_million_writes: float
    dynamodb_million_reads: float
    s3_thousand_puts: float
    s3_thousand_gets: float
    s3_gb_month: float
    overridden: tuple[str, ...] = ()
    """Names of those that are not the list's."""

    @classmethod
    def of_region(cls, region: str) -> Self:
        """The list's prices of a region; those of :data:`DEFAULT_REGION` where it has none."""
        document = _price_list()
        known = document["regions"]
        found = region if region in known else DEFAULT_REGION
        listed: dict[str, Any] = {name: float(known[found][name]) for name in PRICE_NAMES}
        return cls(found, document["date"], **listed)

    def lambda_gb_second(self, architecture: str) -> float:
        """Of functions on a processor of :data:`ARCHITECTURES`."""
        return self.lambda_gb_second_x86_64 if architecture == "x86_64" else self.lambda_gb_second_arm64

    def with_others(self, given: object, *, field: str = "prices") -> Prices:
        """With some prices in place of the list's: ``{"lambda_gb_second_arm64": 0.00001}``.

        Raises:
            InvalidRequest: for a name that is none of :data:`PRICE_NAMES`, or what is no price: names the field.
        """
        if not isinstance(given, Mapping):
            raise InvalidRequest("must be an object of prices by name", field=field)
        changed: dict[str, Any] = {}
        for name, value in given.items():
            if name not in PRICE_NAMES:
                raise InvalidRequest(f"is no price: there are {', '.join(PRICE_NAMES)}", field=f"{field}.{name}")
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if not is_number or not math.isfinite(value) or not 0 <= value <= MAX_PRICE:
                raise InvalidRequest(f"must be a number of US dollars from 0 to {MAX_PRICE:g}", field=f"{field}.{name}")
            changed[name] = float(value)
        if not changed:
            return self
        overridden = tuple(sorted({*self.overridden, *changed}))
        return replace(self, **changed, overridden=overridden)


PRICE_NAMES: Final = tuple(entry.name for entry in fields(Prices) if entry.name not in {"region", "date", "overridden"})
"""What has a price, as the list and requests call it."""


def listed_regions() -> tuple[str, ...]:
    """Regions the list has prices of."""
    return tuple(_price_list()["regions"])


@cache
def _price_list() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / "prices.toml").read_text())
