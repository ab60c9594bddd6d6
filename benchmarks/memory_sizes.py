"""What a unit's steps take of a Lambda function's time at 1, 2 and 4 processors: ``python -m benchmarks.memory_sizes``.

Lambda gives processors by memory, 1769 MB for each, so more memory makes the parallel part of a step faster and all of
it dearer. Each step runs in a process of its own, with as many threads as there are processors here. From the
processor time of the thread that waits for the others (what does not get faster) and that of all together (what does),
and from the bytes that come and go, follow seconds and GB-seconds for any number of processors. Processor time does not
depend on who else uses the machine, wall time does.

Writes ``benchmarks/memory_sizes.json``, which ``stratocube/costs/build_size.py`` has its seconds from.
"""

# ruff: noqa: E402 - rasterio is loaded as in a function, before anything here imports it
from __future__ import annotations

import argparse
import json
import platform
import resource
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

from stratocube.start_up import load_rasters

load_rasters()  # as functions do, before anything else asks for rasterio

import rasterio

from benchmarks.peers import ours
from benchmarks.process import ROOT, JobClock, run_module
from benchmarks.workload import BlendInputs, MergeInputs, blend_inputs, folder_of, load_blend, load_merge, merge_inputs
from stratocube.cube.expressions import parse_index
from stratocube.pixels import merge as merging
from stratocube.pixels.blend_cogs import Meaning, blend_cogs
from stratocube.pixels.cog import encode_cog
from stratocube.pixels.indexes import band_index_of_files
from stratocube.pixels.sources import geobox_of
from stratocube.storage.gdal import gdal_environment

RESULTS: Final = ROOT / "benchmarks" / "memory_sizes.json"
PROCESSOR_MB: Final = 1769
"""Memory that comes with one processor (AWS, "Configure Lambda function memory")."""
PROCESSORS: Final = (1, 2, 4)
NETWORK_MB_PER_S: Final = 75.0
"""An allowance for S3 to and from a function, not measured here. It grows little with memory."""

Job = Callable[[Path, Path, int], None]


def _merge(inputs: Path, out: Path, threads: int) -> None:
    # The thread that calls takes its share of the pieces; here it is to do nothing but what others cannot.
    with patch.object(merging, "_each_once", _by_others):
        ours.merge(load_merge(inputs), out, threads)


def _by_others(fill: Callable[[Any], set[int]], pieces: list[Any], threads: int) -> set[int]:
    with ThreadPoolExecutor(threads) as pool:
        return set().union(*pool.map(fill, pieces))


def _median(dates: int) -> Job:
    """One band of a composite, without observation layers."""

    def job(inputs: Path, out: Path, threads: int) -> None:
        _blend(load_blend(inputs).first(dates), out, threads, "MED", layers=False)

    return job


def _first(*, layers: bool) -> Job:
    """One band of a least-cloudy-first composite; ``layers`` are made once a unit, with one of its bands."""

    def job(inputs: Path, out: Path, threads: int) -> None:
        _blend(load_blend(inputs), out, threads, "LCF", layers=layers)

    return job


def _blend(inputs: BlendInputs, out: Path, threads: int, function: Any, *, layers: bool) -> None:
    with gdal_environment({}):
        made = blend_cogs(
            ours.observations_of(inputs),
            functions=[function],
            mask=ours.MASK,
            data_type=inputs.dtype,
            nodata=inputs.nodata,
            layers=layers,
            meaning=Meaning("continuous"),
            threads=threads,
        )
        for name, cog in made.cogs.items():
            with (out / f"{name}.tif").open("wb") as file:
                file.writelines(cog.finish())


def _index(inputs: Path, out: Path, threads: int) -> None:
    """An index of two bands of one date."""
    red, nir, *_ = load_blend(inputs).dates
    expression = parse_index("10000 * (nir - red) / (nir + red)", bands=["red", "nir"])
    with gdal_environment({}), rasterio.open(red.band) as dataset:
        data = band_index_of_files(
            expression,
            {"red": str(red.band), "nir": str(nir.band)},
            nodata_by_band={},
            data_type="int16",
            nodata=-9999,
        )
        body = encode_cog(data, geobox_of(dataset), nodata=-9999, kind="continuous", threads=threads)
    (out / "index.tif").write_bytes(body)


DATES: Final = 12
FEW_DATES: Final = 6
JOBS: Final[dict[str, Job]] = {
    "merge": _merge,
    f"median of {FEW_DATES} dates": _median(FEW_DATES),
    f"median of {DATES} dates": _median(DATES),
    f"LCF of {DATES} dates": _first(layers=False),
    f"LCF of {DATES} dates and layers": _first(layers=True),
    "index": _index,
}


@dataclass(frozen=True)
class Step:
    """What one call of a function's work takes, apart from starting it."""

    megapixels: float
    """Of the tile."""
    own_cpu_s: float
    """Of the thread that calls the others: it gets no faster with more processors."""
    all_cpu_s: float
    """With the others."""
    read_mb: float
    written_mb: float
    rss_mb: float

    def seconds(self, processors: int) -> float:
        """Time of a function with so many processors. Computed: nothing else runs, and the threads never wait."""
        network = (self.read_mb + self.written_mb) / NETWORK_MB_PER_S
        return self.own_cpu_s + (self.all_cpu_s - self.own_cpu_s) / processors + network

    def gb_seconds(self, processors: int) -> float:
        """What Lambda charges for that."""
        return self.seconds(processors) * processors * PROCESSOR_MB / 1024


def measure(name: str, inputs: BlendInputs | MergeInputs, *, threads: int, repeats: int) -> Step:
    """Of several processes the least: others on the machine can only add."""
    arguments = [name, str(folder_of(inputs)), str(threads)]
    runs = [run_module("benchmarks.memory_sizes", arguments) for _ in range(repeats)]
    return Step(
        megapixels=inputs.size**2 / 1e6,
        own_cpu_s=round(min(run.answer["own_cpu_s"] for run in runs), 3),
        all_cpu_s=round(min(run.job_cpu_s for run in runs), 3),
        read_mb=round(min(run.bytes_read for run in runs) / 1e6, 1),
        written_mb=round(runs[0].answer["written"] / 1e6, 1),
        rss_mb=round(min(run.rss_mb for run in runs)),
    )


def model(steps: dict[str, Step]) -> dict[str, float]:
    """Processor seconds and megabytes a megapixel of a tile: what the estimate of a build needs."""
    few, many = (steps[f"median of {dates} dates"] for dates in (FEW_DATES, DATES))
    a_date = (many.all_cpu_s - few.all_cpu_s) / (DATES - FEW_DATES) / many.megapixels
    composite = few.all_cpu_s / few.megapixels - FEW_DATES * a_date
    merge, index = steps["merge"], steps["index"]
    first, layers = (steps[f"LCF of {DATES} dates{more}"] for more in ("", " and layers"))
    return {
        "merge": round(merge.all_cpu_s / merge.megapixels, 4),
        "blend_date": round(a_date, 4),
        "blend": round(composite, 4),
        "layers": round((layers.all_cpu_s - first.all_cpu_s) / layers.megapixels, 4),
        "index": round(index.all_cpu_s / index.megapixels, 4),
        "merge_mb": round((merge.read_mb + merge.written_mb) / merge.megapixels, 2),
        "blend_date_mb": round((many.read_mb - few.read_mb) / (DATES - FEW_DATES) / many.megapixels, 2),
        "cog_mb": round(many.written_mb / many.megapixels, 2),
    }


def table(steps: dict[str, Step]) -> str:
    """For docs/speed.md."""
    head = [f"{count} ({count * PROCESSOR_MB:,} MB)" for count in PROCESSORS]
    lines = [
        "| step, tile of Mpx | RSS MB | CPU s, of which alone | " + " | ".join(f"s at {text}" for text in head) + " | "
        "" + " | ".join(f"GB-s at {count}" for count in PROCESSORS) + " |",
        "| --- |" + " --- |" * (2 + 2 * len(PROCESSORS)),
    ]
    for name, step in steps.items():
        cells = [f"{name}, {step.megapixels:.1f}", f"{step.rss_mb:.0f}", f"{step.all_cpu_s:.2f}, {step.own_cpu_s:.2f}"]
        cells += [f"{step.seconds(count):.2f}" for count in PROCESSORS]
        cells += [f"{step.gb_seconds(count):.2f}" for count in PROCESSORS]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _child(name: str, inputs: Path, threads: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        clock = JobClock()
        before = resource.getrusage(resource.RUSAGE_THREAD)
        JOBS[name](inputs, out, threads)
        after = resource.getrusage(resource.RUSAGE_THREAD)
        own = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        clock.report({"own_cpu_s": own, "written": sum(path.stat().st_size for path in out.iterdir())})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT / "build" / "benchmarks", help="where inputs are kept")
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    dates = blend_inputs(given.data, size=4096, dates=DATES)
    mosaic = merge_inputs(given.data, scene=5490, size=4096, resolution=20)
    steps = {
        name: measure(name, mosaic if name == "merge" else dates, threads=2, repeats=given.repeats) for name in JOBS
    }
    print(table(steps))
    found = {
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "steps": {name: asdict(step) for name, step in steps.items()},
        "a_megapixel": model(steps),
    }
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    if len(sys.argv) == 4 and sys.argv[1] in JOBS:
        _child(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
    else:
        main()
