"""What the speed benchmarks found: as tables for people, and as results.json."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks.coldstart import ColdStart
from benchmarks.growth import Line
from benchmarks.process import Usage

REFERENCE: Final[Mapping[str, Mapping[str, float]]] = {
    "blend": {"wall_s": 147, "cpu_s": 146, "rss_mb": 1027},
    "merge": {"wall_s": 3.0, "cpu_s": 3.5},
    "encode": {"cpu_s": 3.6},
}
REFERENCE_SOURCE: Final = (
    "cube-builder's own blend (two calls) and merge on inputs of this kind, measured once on two processors, in "
    "issue 4 of this project; encode is rio-cogeo in two passes as cube-builder has it. Another machine, another day: "
    "its code is not run here."
)
JOB_ALONE: Final = frozenset({"encode"})
"""Jobs of which the time of the job is told, not that of the process: importing takes as long."""


@dataclass(frozen=True)
class Runs:
    """All rounds of one job."""

    usages: dict[str, list[Usage]]
    """By contender; one usage a round."""
    leaves_out: dict[str, str]


@dataclass
class Report:
    """Fills up while the benchmarks run."""

    runs: dict[str, Runs] = field(default_factory=dict)
    limits: dict[str, dict[str, float]] = field(default_factory=dict)
    kernel: dict[str, dict[str, float]] = field(default_factory=dict)
    coldstart: dict[str, ColdStart] = field(default_factory=dict)
    over_dates: Line | None = None
    over_pixels: Line | None = None
    full_size: Usage | None = None
    goals: list[dict[str, Any]] = field(default_factory=list)
    """See :mod:`benchmarks.goals`."""
    rejected: dict[str, list[str]] = field(default_factory=dict)
    meta: dict[str, Any] = field(default_factory=dict)


def times(job: str, usage: Usage) -> tuple[float, float]:
    """Wall and CPU seconds that count for a job."""
    return (usage.job_wall_s, usage.job_cpu_s) if job in JOB_ALONE else (usage.wall_s, usage.cpu_s)


def figures(job: str, usages: list[Usage]) -> dict[str, float]:
    """Medians over the rounds."""
    return {
        "wall_s": round(median(times(job, usage)[0] for usage in usages), 3),
        "cpu_s": round(median(times(job, usage)[1] for usage in usages), 3),
        "rss_mb": round(median(usage.rss_mb for usage in usages), 1),
        "bytes_read": round(median(usage.bytes_read for usage in usages)),
    }


def alone(usages: list[Usage]) -> dict[str, float]:
    """Medians of the job without the interpreter's start and imports."""
    return {
        "wall_s": round(median(usage.job_wall_s for usage in usages), 3),
        "cpu_s": round(median(usage.job_cpu_s for usage in usages), 3),
    }


def ratios(job: str, runs: Runs) -> dict[str, tuple[float, float]]:
    """How many times ours each contender takes, wall and CPU: medians of the ratios within a round."""
    found = {}
    for name, usages in runs.usages.items():
        pairs = [(times(job, usage), times(job, own)) for usage, own in zip(usages, runs.usages["ours"], strict=True)]
        wall, cpu = (median(other[part] / own[part] for other, own in pairs) for part in (0, 1))
        found[name] = round(wall, 3), round(cpu, 3)
    return found


def print_tables(report: Report) -> None:
    """Everything that was measured, on standard output."""
    lines: list[str] = []
    for job, runs in report.runs.items():
        alone = " (the job alone)" if job in JOB_ALONE else " (whole processes)"
        lines += [
            "",
            f"{job}{alone}",
            f"  {'':15}{'wall s':>8}{'CPU s':>8}{'RSS MB':>8}{'read MB':>9}{'wall ×':>8}{'CPU ×':>8}",
        ]
        by_name = ratios(job, runs)
        for name, usages in runs.usages.items():
            row = figures(job, usages)
            lines.append(
                f"  {name:15}{row['wall_s']:8.2f}{row['cpu_s']:8.2f}{row['rss_mb']:8.0f}{row['bytes_read'] / 1e6:9.1f}"
                f"{by_name[name][0]:8.2f}{by_name[name][1]:8.2f}"
                + (f"   without {runs.leaves_out[name]}" if runs.leaves_out[name] else "")
            )
        own, quoted = figures(job, runs.usages["ours"]), REFERENCE[job]
        if not report.meta["quick"]:
            wall = f"{quoted['wall_s'] / own['wall_s']:8.2f}" if "wall_s" in quoted else f"{'':8}"
            lines.append(
                f"  {'cube-builder ¹':15}{quoted.get('wall_s', ''):>8}{quoted['cpu_s']:>8}{quoted.get('rss_mb', ''):>8}"
                f"{'':9}{wall}{quoted['cpu_s'] / own['cpu_s']:8.2f}"
            )
    if report.runs and not report.meta["quick"]:
        lines += ["", f"¹ {REFERENCE_SOURCE}"]
    if report.limits:
        lines += ["", "what the machine can do", f"  {'':36}{'wall s':>8}{'CPU s':>8}"]
        lines += [f"  {name:36}{row['wall_s']:8.3f}{row['cpu_s']:8.3f}" for name, row in report.limits.items()]
    if report.kernel:
        counts = list(next(iter(report.kernel.values())))
        lines += ["", "kernel, ns per pixel and date", "  dates   " + "".join(f"{count:>8}" for count in counts)]
        lines += [f"  {dtype:8}" + "".join(f"{row[n]:8.2f}" for n in counts) for dtype, row in report.kernel.items()]
    if report.coldstart:
        lines += ["", "cold start", f"  {'':15}{'import ms':>10}{'CPU ms':>8}{'+ first call':>13}{'packages MB':>12}"]
        for name, row in report.coldstart.items():
            lines.append(
                f"  {name:15}{row.import_ms:10.0f}{row.import_cpu_ms:8.0f}"
                f"{row.with_first_call_ms:13.0f}{row.packages_mb:12.0f}"
            )
    for what, line in (("dates", report.over_dates), ("megapixels", report.over_pixels)):
        if line:
            points = ", ".join(f"{x:.3g}: {y:.2f}" for x, y in zip(line.x, line.y, strict=True))
            lines += ["", f"CPU s by {what}: {points}", f"  straight line: R² = {line.r_squared:.4f}"]
    if report.full_size:
        usage = report.full_size
        lines += [
            "",
            f"10980², 8 dates: {usage.wall_s:.1f} s wall, {usage.cpu_s:.1f} s CPU, {usage.rss_mb:.0f} MB, "
            f"{usage.bytes_read / 1e6:.0f} MB read",
        ]
    if report.goals:
        lines += ["", f"{'goal':56}{'measured':>10}{'target':>10}"]
        lines += [
            f"  {goal['what']:54}{goal['measured']:10.2f}{goal['side']:>5}{goal['target']:5g}"
            + ("" if goal["met"] else "   missed")
            for goal in report.goals
        ]
    lines += [f"DOES NOT COUNT {who}: {'; '.join(why)}" for who, why in report.rejected.items()]
    sys.stdout.write("\n".join(lines) + "\n")


def as_json(report: Report) -> dict[str, Any]:
    """The content of results.json."""
    content: dict[str, Any] = {
        job: {name: figures(job, usages) for name, usages in runs.usages.items()} for job, runs in report.runs.items()
    }
    content["kernel"] = report.kernel
    content["coldstart"] = {name: row.import_ms for name, row in report.coldstart.items()}
    content["meta"] = {
        **report.meta,
        "about": {
            "wall_s, cpu_s": "medians; blend and merge: whole processes, encode: the job alone",
            "work_alone": "the same without the interpreter's start and imports",
            "rss_mb": "most resident memory, MB of 10⁶ bytes",
            "bytes_read": "by the job from files, /proc/self/io rchar",
            "kernel": "CPU ns per pixel and date, one thread",
            "coldstart": "ms to import app.py, warm page cache",
        },
        "reference": {"source": REFERENCE_SOURCE, **REFERENCE},
        "ratios_to_ours": {
            job: {name: {"wall": wall, "cpu": cpu} for name, (wall, cpu) in ratios(job, runs).items()}
            for job, runs in report.runs.items()
        },
        "work_alone": {
            job: {name: alone(usages) for name, usages in runs.usages.items()} for job, runs in report.runs.items()
        },
        "leaves_out": {
            job: {name: text for name, text in runs.leaves_out.items() if text} for job, runs in report.runs.items()
        },
        "output_bytes": {
            job: {name: usages[-1].answer for name, usages in runs.usages.items() if usages[-1].answer}
            for job, runs in report.runs.items()
        },
        "limits": report.limits,
        "coldstart": {name: asdict(row) for name, row in report.coldstart.items()},
        "growth": {
            "cpu_s_by_dates": asdict(report.over_dates) if report.over_dates else None,
            "cpu_s_by_megapixels": asdict(report.over_pixels) if report.over_pixels else None,
        },
        "blend_10980_8_dates": figures("blend", [report.full_size]) if report.full_size else None,
        "goals": report.goals,
        "does_not_count": report.rejected,
    }
    return content


def write_results(report: Report, path: Path) -> None:
    """Write results.json."""
    path.write_text(json.dumps(as_json(report), indent=1, ensure_ascii=False) + "\n")
