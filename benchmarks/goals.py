"""The goals of speed beside what was measured. For people: nothing fails by them, machines differ."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from benchmarks.report import REFERENCE, Report, Runs, alone, figures, ratios

RASTER_FUNCTIONS: Final = ("blend", "merge", "prepare_blend", "publish")
_NO_PEERS: Final = ("ours", "limit", "limit-gdal")
_COMPARE: Final[dict[str, Callable[[float, float], bool]]] = {"≥": operator.ge, "≤": operator.le}


@dataclass(frozen=True)
class Goal:
    """One number, and where it should lie."""

    what: str
    measured: float
    side: str
    """≥ or ≤."""
    target: float

    @property
    def met(self) -> bool:
        """Whether it is there."""
        return _COMPARE[self.side](self.measured, self.target)


def goals(report: Report) -> Iterator[Goal]:
    """Those of which the run has a measurement."""
    if "blend" in report.runs:
        yield from _blend(report.runs["blend"])
    if report.full_size:
        yield Goal("blend of 10980²: RSS, MB", report.full_size.rss_mb, "≤", 700)
    if "merge" in report.runs:
        yield from _merge(report.runs["merge"])
    if "encode" in report.runs:
        yield from _encode(report.runs["encode"])
    for dtype, row in report.kernel.items():
        yield Goal(f"kernel {dtype}: ns, slowest count", max(row.values()), "≤", 2.2 if dtype == "float32" else 1.0)
    rasters = [report.coldstart[name] for name in RASTER_FUNCTIONS if name in report.coldstart]
    if rasters:
        yield Goal("import of a raster function: ms, slowest", max(row.import_ms for row in rasters), "≤", 130)
    if "api" in report.coldstart:
        yield Goal("import of the API function: ms", report.coldstart["api"].import_ms, "≤", 150)
    for what, line in (("dates", report.over_dates), ("pixels", report.over_pixels)):
        if line:
            yield Goal(f"CPU over {what}: R² of a straight line", line.r_squared, "≥", 0.99)


def _over_reference(job: str, runs: Runs, *, wall: float, cpu: float) -> Iterator[Goal]:
    """The quoted figures are of the work alone, of which ours is told first; whole processes take imports besides."""
    quoted = REFERENCE[job]
    for which, own in (("work", alone(runs.usages["ours"])), ("process", figures(job, runs.usages["ours"]))):
        yield Goal(f"{job}: cube-builder's wall (quoted) over our {which}", quoted["wall_s"] / own["wall_s"], "≥", wall)
        yield Goal(f"{job}: cube-builder's CPU (quoted) over our {which}", quoted["cpu_s"] / own["cpu_s"], "≥", cpu)


def _blend(runs: Runs) -> Iterator[Goal]:
    own, others = figures("blend", runs.usages["ours"]), ratios("blend", runs)
    yield from _over_reference("blend", runs, wall=100, cpu=60)
    peers = [wall for name, (wall, _) in others.items() if name not in _NO_PEERS]
    if peers:
        yield Goal("blend: wall of the best peer over ours", min(peers), "≥", 4)
    if "limit" in others:
        yield Goal("blend: our wall over the limit's", 1 / others["limit"][0], "≤", 1.5)
        yield Goal("blend: our CPU over the limit's", 1 / others["limit"][1], "≤", 1.5)
    yield Goal("blend: RSS, MB", own["rss_mb"], "≤", 300)


def _merge(runs: Runs) -> Iterator[Goal]:
    own, others = figures("merge", runs.usages["ours"]), ratios("merge", runs)
    yield from _over_reference("merge", runs, wall=5, cpu=3.5)
    for name in ("gdalwarp", "odc-stac"):
        if name in others:
            yield Goal(f"merge: wall of {name} over ours", others[name][0], "≥", 3)
    if "limit" in runs.usages:
        least = figures("merge", runs.usages["limit"])["bytes_read"]
        yield Goal("merge: bytes read over those of the windows needed", own["bytes_read"] / least, "≤", 1.1)


def _encode(runs: Runs) -> Iterator[Goal]:
    yield Goal("encode: CPU seconds of the five COGs", figures("encode", runs.usages["ours"])["cpu_s"], "≤", 1.0)
    if "rio-cogeo" in runs.usages:
        sizes = [sum(runs.usages[name][-1].answer.values()) for name in ("ours", "rio-cogeo")]
        yield Goal("encode: bytes over those of the reference's way", sizes[0] / sizes[1], "≤", 1.0)
