"""What a build uses of AWS, in the units it is charged by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from stratocube.costs.prices import Prices


@dataclass(frozen=True)
class Usage:
    """Quantities; what is not counted is 0."""

    gb_seconds: float = 0.0
    """Memory of the functions times the time they are charged for."""
    calls: float = 0
    """Of functions."""
    transitions: float = 0
    """Of STANDARD executions."""
    express_requests: float = 0
    """EXPRESS executions that were started."""
    express_gb_seconds: float = 0.0
    table_writes: float = 0
    """Write request units."""
    table_reads: float = 0
    """Read request units."""
    s3_puts: float = 0
    """PUT, COPY, POST and LIST."""
    s3_gets: float = 0
    """GET and HEAD."""

    def __add__(self, other: Usage) -> Usage:
        return Usage(*(getattr(self, entry.name) + getattr(other, entry.name) for entry in fields(Usage)))

    def cost(self, prices: Prices, architecture: str) -> Cost:
        """What it costs."""
        return Cost(
            functions=self.gb_seconds * prices.lambda_gb_second(architecture)
            + self.calls * prices.lambda_million_requests / 1e6,
            step_functions=self.transitions * prices.standard_thousand_transitions / 1e3
            + self.express_requests * prices.express_million_requests / 1e6
            + self.express_gb_seconds * prices.express_gb_second,
            dynamodb=self.table_writes * prices.dynamodb_million_writes / 1e6
            + self.table_reads * prices.dynamodb_million_reads / 1e6,
            s3=self.s3_puts * prices.s3_thousand_puts / 1e3 + self.s3_gets * prices.s3_thousand_gets / 1e3,
        )

    def to_json(self) -> dict[str, float]:
        """As stored: rounded to what can matter."""
        return {name: round(value, 3) for name, value in asdict(self).items()}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The inverse of :meth:`to_json`; what is missing is 0."""
        return cls(**{entry.name: float(value.get(entry.name, 0)) for entry in fields(cls)})

    def shown(self) -> dict[str, float]:
        """As the API names them."""
        return {
            "lambda_gb_seconds": round(self.gb_seconds, 3),
            "function_calls": round(self.calls),
            "state_transitions": round(self.transitions),
            "express_requests": round(self.express_requests),
            "express_gb_seconds": round(self.express_gb_seconds, 3),
            "table_writes": round(self.table_writes),
            "table_reads": round(self.table_reads),
            "s3_puts": round(self.s3_puts),
            "s3_gets": round(self.s3_gets),
        }


@dataclass(frozen=True)
class Cost:
    """US dollars, by service."""

    functions: float = 0.0
    step_functions: float = 0.0
    dynamodb: float = 0.0
    s3: float = 0.0

    @property
    def total(self) -> float:
        """All of them."""
        return self.functions + self.step_functions + self.dynamodb + self.s3

    def shown(self) -> dict[str, Any]:
        """As the API shows it; hundredths of a cent, or six digits of what is less."""
        return {
            "cost_usd": money(self.total),
            "cost_parts_usd": {
                "functions": money(self.functions),
                "step_functions": money(self.step_functions),
                "dynamodb": money(self.dynamodb),
                "s3": money(self.s3),
            },
        }


def money(dollars: float) -> float:
    """US dollars, rounded so that a build that costs less than a cent does not cost nothing."""
    return round(dollars, 4 if dollars >= 1 else 6)
