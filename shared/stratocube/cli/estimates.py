"""What a build is expected to be, as tables: ``stratocube start --estimate``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import typer

from stratocube.cli.session import print_table
from stratocube.report.words import dollars, duration, gigabytes, number

_SERVICES: Final = {
    "functions": "Lambda",
    "step_functions": "Step Functions",
    "dynamodb": "DynamoDB",
    "s3": "S3 requests",
}
_WITH: Final = {
    "functions": ("lambda_gb_seconds", "GB-seconds"),
    "step_functions": ("state_transitions", "transitions"),
    "dynamodb": ("table_writes", "writes"),
    "s3": ("s3_gets", "GETs"),
}


def print_estimate(answer: Mapping[str, Any]) -> None:
    """The answer of ``POST /start`` with ``validate_only``: size, time, storage, and money by service."""
    estimate = answer["estimate"]
    size = [
        ("units", f"{number(estimate['units'])} ({len(answer['tiles'])} tiles, {len(answer['periods'])} periods)"),
        (
            "merges",
            f"{number(estimate['merges'])} ({estimate['dates_per_unit']} dates a unit, {len(answer['bands'])} bands)",
        ),
        ("blends", number(estimate["blends"])),
        ("time", duration(float(estimate["seconds"]))),
        ("read", gigabytes(estimate["read_gb"])),
        ("stored", f"{gigabytes(estimate['stored_gb'])}, {dollars(estimate['storage_usd_a_month'])} a month"),
    ]
    print_table("estimate", {"what": answer["cube_id"], "much": "expected"}, _rows(size, "what", "much"))
    parts = estimate["cost_parts_usd"]
    costs = [
        (words, f"{number(estimate[_WITH[name][0]])} {_WITH[name][1]}", dollars(parts[name]))
        for name, words in _SERVICES.items()
    ]
    costs.append(("together", "", dollars(estimate["cost_usd"])))
    typer.echo("")
    print_table("costs", {"what": "cost", "much": "for", "price": "US dollars"}, _rows(costs, "what", "much", "price"))
    typer.echo("\nassumed:")
    for assumption in estimate["assumptions"]:
        typer.echo(f"  {assumption}")


def _rows(rows: list[Any], *names: str) -> list[dict[str, Any]]:
    return [dict(zip(names, row, strict=True)) for row in rows]
