"""The picture of a run: who takes how long, and how ours grows."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from matplotlib.figure import Figure

from benchmarks.growth import Line
from benchmarks.report import REFERENCE, Report, figures

_OURS, _LIMIT, _OTHERS, _REFERENCE = "#1b6ca8", "#7fb069", "#b9b9b9", "#d1495b"
_TITLES: Final = {
    "blend": "Composite: 5 products of 12 dates, 4096²",
    "merge": "Mosaic: 4 UTM scenes to an Albers tile, 4096²",
    "encode": "Encoding the five COGs",
}


def draw(report: Report, path: Path) -> None:
    """Write the picture as PNG."""
    figure = Figure(figsize=(15, 8), layout="constrained")
    axes = figure.subplots(2, 3)
    for axis, job in zip(axes[0], _TITLES, strict=True):
        if job in report.runs:
            _bars(axis, report, job)
    _kernel(axes[1][0], report)
    _line(axes[1][1], report.over_dates, "dates (2048²)")
    _line(axes[1][2], report.over_pixels, "megapixels (12 dates)")
    figure.savefig(path, dpi=110)


def _bars(axis: Any, report: Report, job: str) -> None:
    rows = [(name, figures(job, usages)["cpu_s"]) for name, usages in report.runs[job].usages.items()]
    rows.append(("cube-builder ¹", REFERENCE[job]["cpu_s"]))
    rows.sort(key=lambda row: row[1], reverse=True)
    colours = [
        _OURS if name == "ours" else _LIMIT if name.startswith("limit") else _REFERENCE if "¹" in name else _OTHERS
        for name, _ in rows
    ]
    bars = axis.barh([name for name, _ in rows], [value for _, value in rows], color=colours)
    axis.bar_label(bars, fmt="%.2f", padding=3, fontsize=9)
    axis.margins(x=0.15)
    if job == "blend":
        axis.set_xscale("log")
    axis.set_title(_TITLES[job], fontsize=11)
    axis.set_xlabel("CPU seconds" + (" (log)" if job == "blend" else ""))
    axis.spines[["top", "right"]].set_visible(False)


def _kernel(axis: Any, report: Report) -> None:
    for dtype, row in report.kernel.items():
        axis.plot([int(count) for count in row], list(row.values()), marker="o", label=dtype)
    axis.set_ylim(bottom=0)
    axis.set_title("Kernel: all five products in memory", fontsize=11)
    axis.set_xlabel("dates")
    axis.set_ylabel("ns per pixel and date")
    axis.legend(frameon=False)
    axis.spines[["top", "right"]].set_visible(False)


def _line(axis: Any, line: Line | None, unit: str) -> None:
    axis.set_title(f"Work grows linearly: CPU over {unit.partition(' ')[0]}", fontsize=11)
    axis.set_xlabel(unit)
    axis.set_ylabel("CPU seconds")
    axis.spines[["top", "right"]].set_visible(False)
    if line is not None:
        axis.plot([0, line.x[-1]], [line.intercept, line.intercept + line.slope * line.x[-1]], color=_OTHERS)
        axis.plot(line.x, line.y, "o", color=_OURS)
        axis.annotate(f"R² = {line.r_squared:.4f}", (0.05, 0.9), xycoords="axes fraction")
        axis.set_ylim(bottom=0)
