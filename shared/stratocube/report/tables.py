"""Tables of a report: costs, steps, units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from stratocube.report.drawings import STEPS
from stratocube.report.markup import Markup, tag
from stratocube.report.values import BuildReport, ReportUnit
from stratocube.report.words import clock, dollars, duration, gigabytes, number

_SERVICES: Final = {
    "functions": "Functions (Lambda)",
    "step_functions": "State machine (Step Functions)",
    "dynamodb": "Tables (DynamoDB)",
    "s3": "Requests (S3)",
}
_USED: Final = {
    "lambda_gb_seconds": ("GB-seconds of functions", 1),
    "function_calls": ("Calls of functions", 0),
    "state_transitions": ("State transitions", 0),
    "express_requests": ("EXPRESS executions", 0),
    "table_writes": ("Table write units", 0),
    "table_reads": ("Table read units", 0),
    "s3_puts": ("S3 PUT requests", 0),
    "s3_gets": ("S3 GET requests", 0),
}


def cost_section(report: BuildReport) -> Markup | None:
    """What was expected beside what it came to, by service and by what is charged."""
    estimated, actual = report.costs.get("estimated"), report.costs.get("actual")
    if not estimated and not actual:
        return None
    before, after = estimated or {}, actual or {}
    parts = [_compared(name, _part(before, key), _part(after, key), money=True) for key, name in _SERVICES.items()]
    total = _compared("Together", before.get("cost_usd"), after.get("cost_usd"), money=True, total=True)
    used = [_compared(name, before.get(key), after.get(key), digits=digits) for key, (name, digits) in _USED.items()]
    said = after or before
    notes = [
        f"Prices of {said.get('region')} of {said.get('prices_date')} for {said.get('architecture')}, before free tiers"
        " and discounts; without traffic and storage."
    ]
    if before.get("storage_usd_a_month") is not None:
        stored = f"{gigabytes(before['stored_gb'])}, {dollars(before['storage_usd_a_month'])} a month"
        notes.append(f"Keeping the products was expected to take {stored}.")
    if before:
        dates = before.get("dates_per_unit")
        notes.append(f"The estimate assumed {dates} date{'' if dates == 1 else 's'} a unit and nothing there to reuse.")
    return tag(
        "section",
        {"id": "costs"},
        tag("h2", None, "What it cost"),
        _table(("", "expected", "came to", "of what was expected"), [*parts, total, *used]),
        tag("p", {"class": "soft", "style": "margin-top:12px"}, " ".join(notes)),
    )


def step_section(report: BuildReport) -> Markup:
    """How often each step was done anew, was reused, failed, and what its functions worked."""
    rows = []
    for step in STEPS:
        counts = report.steps.get(step)
        if counts is None:
            continue
        cells = [number(counts.get(name) or 0) for name in ("built", "reused", "failed")]
        cells.append(duration(float(counts.get("seconds") or 0)))
        rows.append(
            tag(
                "tr",
                None,
                tag("th", {"scope": "row"}, step.replace("_", " ")),
                [tag("td", {"class": "n"}, c) for c in cells],
            )
        )
    return tag(
        "section",
        {"id": "steps"},
        tag("h2", None, "What was done"),
        _table(("step", "done", "reused", "failed", "functions worked"), rows),
    )


def unit_section(report: BuildReport) -> Markup | None:
    """Every unit, one row each."""
    if not report.units:
        return None
    few = len(report.units) <= 30
    return tag(
        "section",
        {"id": "units"},
        tag(
            "details",
            {"open": few},
            tag("summary", None, f"Units ({len(report.units):,})"),
            tag(
                "div",
                {"class": "scroll"},
                _table(
                    ("tile", "period", "status", "began", "took", "product"), [_unit(unit) for unit in report.units]
                ),
            ),
        ),
    )


def _unit(unit: ReportUnit) -> Markup:
    took = None
    if unit.started_at is not None and unit.ended_at is not None:
        took = duration((unit.ended_at - unit.started_at).total_seconds())
    badge = tag("span", {"class": f"badge b-{unit.status.lower()}"}, unit.status.lower())
    product: Any = "–"
    if unit.product is not None:
        product = tag("a", {"href": f"#product-{unit.unit_id}"}, unit.product.item_id)
    elif unit.failed_step:
        product = tag("a", {"href": "#failures"}, f"failed at {unit.failed_step.replace('_', ' ')}")
    cells = [unit.period, badge, clock(unit.started_at) if unit.started_at else "–", took or "–", product]
    return tag(
        "tr",
        {"id": f"unit-{unit.unit_id}"},
        tag("th", {"scope": "row"}, unit.tile),
        [tag("td", None, cell) for cell in cells],
    )


def _table(headings: tuple[str, ...], rows: list[Markup]) -> Markup:
    right = {"expected", "came to", "of what was expected", "done", "reused", "failed", "functions worked"}
    head = [tag("th", {"scope": "col", "class": "n" if name in right else None}, name) for name in headings]
    return tag("table", None, tag("thead", None, tag("tr", None, head)), tag("tbody", None, rows))


def _compared(
    name: str,
    before: float | None,
    after: float | None,
    *,
    money: bool = False,
    digits: int = 0,
    total: bool = False,
) -> Markup:
    shown = [dollars(value) if money else number(value, digits) for value in (before, after)]
    share = f"{after / before:.0%}".replace("%", " %") if before and after is not None else "–"
    return tag(
        "tr",
        {"class": "total" if total else None},
        tag("th", {"scope": "row"}, name),
        [tag("td", {"class": "n"}, cell) for cell in (*shown, share)],
    )


def _part(costs: Mapping[str, Any], name: str) -> float | None:
    value = (costs.get("cost_parts_usd") or {}).get(name)
    return None if value is None else float(value)
