"""Builds as reports know them, made up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from stratocube.report.values import BuildReport, Product, ReportTile, ReportUnit, StepSpan

BEGAN = datetime(2026, 8, 10, 12, 0, 0, tzinfo=UTC)
PERIODS = (("2023-08-01", "2023-08-31"), ("2023-09-01", "2023-09-30"))
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763f8cfc000000301010018dd8db0"
    "0000000049454e44ae426082"
)
"""A PNG of one pixel."""


def unit(column: int, period: tuple[str, str], status: str = "SUCCEEDED", **more: Any) -> ReportUnit:
    """A unit of the first row of the grid."""
    tile = f"{column:03d}000"
    unit_id = f"{tile}_{period[0]}_{period[1]}"
    product = Product(f"CUBE_V1_{tile}_{period[0]}", 12.5, 80.0, 6, picture=PIXEL) if status == "SUCCEEDED" else None
    begin = BEGAN + timedelta(seconds=5 + 3 * column)
    step = StepSpan("merge", begin + timedelta(seconds=2), begin + timedelta(seconds=20), 12)
    values: dict[str, Any] = {
        "started_at": begin,
        "ended_at": begin + timedelta(seconds=30),
        "steps": (step,),
        "product": product,
        **more,
    }
    return ReportUnit(unit_id, tile, period[0], period[1], status, **values)


def tile(column: int) -> ReportTile:
    """100 km of the first row, each column east of the one before."""
    x = 1_000_000.0 + 100_000 * column
    return ReportTile(f"{column:03d}000", (x, 0, x + 100_000, 100_000), (-50 + column, -49 + column), (-12, -11))


def report(*units: ReportUnit, tiles: int = 2, **changes: Any) -> BuildReport:
    """A build of these units."""
    values: dict[str, Any] = {
        "build_id": "20260810T120000000Z-9f3c2a1b4d",
        "cube_id": "CUBE-1",
        "status": "SUCCEEDED",
        "grid": "GRID",
        "crs": "EPSG:5880",
        "created_at": BEGAN,
        "started_at": BEGAN,
        "finished_at": BEGAN + timedelta(seconds=60),
        "cause": None,
        "units": units,
        "tiles": tuple(tile(column) for column in range(tiles)),
        "steps": {"merge": {"total": 12, "built": 10, "reused": 2, "failed": 0, "seconds": 61.5}},
        "costs": {
            "currency": "USD",
            "estimated": {"cost_usd": 0.02, "seconds": 90, "dates_per_unit": 7, "cost_parts_usd": {"functions": 0.02}},
            "actual": {"cost_usd": 0.01, "cost_parts_usd": {"functions": 0.01}, "region": "us-east-1"},
        },
        "unit_counts": {"total": len(units), "succeeded": sum(entry.status == "SUCCEEDED" for entry in units)},
    }
    return BuildReport(**{**values, **changes})
