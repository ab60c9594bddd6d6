"""What reading the scenes of a merge, or the dates of a blend, costs over a network, by the settings of GDAL.

    python -m benchmarks.reading FOLDER [--rounds 3]
    python -m benchmarks.reading FOLDER --blend LCF [--layers] [--only "as in storage/gdal.py"]

FOLDER holds a workload (:mod:`benchmarks.workload`). :mod:`benchmarks.range_server` serves its files as a bucket of S3
(``/vsis3/``, as functions read); every variant reads them in a process of its own, the variants in turn: a merge by
:func:`stratocube.pixels.merge.merge` with the warp left out, all of a blend by
:func:`stratocube.pixels.blend_cogs.blend_cogs`. ``link`` is how often the time was needed that one connection needs for
the bytes; with a link ten times slower (``--latency 0.3 --megabytes-per-second 10``) the work of the processors hardly
counts.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final
from unittest.mock import patch

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.session import DummySession
from rasterio.windows import Window

from benchmarks.peers.ours import MASK, observations_of, tile_of
from benchmarks.process import ROOT
from benchmarks.range_server import Link, serving
from benchmarks.workload import load_blend, load_merge
from stratocube.pixels import merge as merge_module
from stratocube.pixels.blend_cogs import Meaning, blend_cogs
from stratocube.pixels.composite import CompositeFunction
from stratocube.pixels.coordinates import Coordinates
from stratocube.pixels.merge import merge
from stratocube.pixels.sources import SourceRaster, geobox_of
from stratocube.pixels.target import Piece, Target
from stratocube.pixels.warp import ScenePart
from stratocube.storage.gdal import gdal_environment

VARIANTS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "as in storage/gdal.py": {},
        "GDAL_INGESTED_BYTES_AT_OPEN=0": {"GDAL_INGESTED_BYTES_AT_OPEN": "0"},
        "GDAL_INGESTED_BYTES_AT_OPEN=131072": {"GDAL_INGESTED_BYTES_AT_OPEN": "131072"},
        "CPL_VSIL_CURL_CHUNK_SIZE=1 MB": {"CPL_VSIL_CURL_CHUNK_SIZE": str(1 << 20)},
        "VSI_CACHE=TRUE": {"VSI_CACHE": "TRUE"},
        "GDAL_HTTP_MULTIPLEX=NO": {"GDAL_HTTP_MULTIPLEX": "NO"},
        "GDAL_HTTP_MERGE_CONSECUTIVE_RANGES=NO": {"GDAL_HTTP_MERGE_CONSECUTIVE_RANGES": "NO"},
        "GDAL_NUM_THREADS=2": {"GDAL_NUM_THREADS": "2"},
        "CPL_VSIL_CURL_NON_CACHED=": {"CPL_VSIL_CURL_NON_CACHED": ""},
    }
)

_UNSIGNED: Final[Mapping[str, str]] = MappingProxyType({"AWS_NO_SIGN_REQUEST": "YES"})
"""The server asks for no signature, and this machine may have no key."""


@dataclass(frozen=True)
class Reading:
    """One run of one variant."""

    seconds: float
    cpu_seconds: float
    requests: int
    bytes: int
    connections: int


def read(folder: Path, url: str, settings: Mapping[str, str]) -> tuple[float, float]:
    """Read the scenes of a workload from a server: seconds, and seconds of processors."""
    inputs = load_merge(folder)
    scenes = [SourceRaster(href=path.name, path=_far(path)) for path in inputs.scenes]
    with (
        patch.object(merge_module, "warp", _not_warped),
        gdal_environment({"AWS_ENDPOINT_URL": url}),
        rasterio.Env(session=DummySession(), **_UNSIGNED, **settings),
    ):
        wall, cpu = time.perf_counter(), time.process_time()
        merge(scenes, tile_of(inputs), data_type=inputs.dtype, nodata=inputs.nodata, threads=2)
        return time.perf_counter() - wall, time.process_time() - cpu


def _not_warped(
    part: ScenePart,
    window: Window,
    piece: Piece,
    target: Target,
    ratio: tuple[float, float],
    coordinates: Coordinates | None,
    out: NDArray[Any] | None = None,
) -> NDArray[Any]:
    """The pixels are there when a piece is to be warped; what would be made of them does not matter here."""
    warped = np.empty(piece.shape, target.dtype) if out is None else out
    warped.fill(1)
    return warped


def composite(
    folder: Path, url: str, settings: Mapping[str, str], function: CompositeFunction, *, layers: bool
) -> tuple[float, float]:
    """Blend the dates of a workload from a server: seconds, and seconds of processors."""
    inputs = load_blend(folder)
    with rasterio.open(inputs.dates[0].quality) as first:
        tile = geobox_of(first)
    dates = [
        replace(date, band=_far(Path(date.band)), quality=_far(Path(date.quality))) for date in observations_of(inputs)
    ]
    with (
        gdal_environment({"AWS_ENDPOINT_URL": url}),
        rasterio.Env(session=DummySession(), **_UNSIGNED, **settings),
    ):
        wall, cpu = time.perf_counter(), time.process_time()
        blend_cogs(
            dates,
            functions=[function],
            mask=MASK,
            data_type=inputs.dtype,
            nodata=inputs.nodata,
            layers=layers,
            meaning=Meaning("continuous"),
            geobox=tile,
            threads=2,
        )
        return time.perf_counter() - wall, time.process_time() - cpu


def _far(path: Path) -> str:
    """A file as an object of S3, in a bucket that is called as its folder."""
    return f"/vsis3/{path.parent.name}/{path.name}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--latency", type=float, default=Link.latency)
    parser.add_argument("--megabytes-per-second", type=float, default=Link.bytes_per_second / 1e6)
    parser.add_argument("--blend", choices=["LCF", "MED", "AVG"], help="read the dates of a blend by this function")
    parser.add_argument("--layers", action="store_true", help="make the observation layers as well")
    parser.add_argument("--only", choices=list(VARIANTS), help="one of the settings")
    parser.add_argument("--url", help=argparse.SUPPRESS)
    parser.add_argument("--settings", type=json.loads, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.url:
        given = options.folder, options.url, options.settings
        seconds = composite(*given, options.blend, layers=options.layers) if options.blend else read(*given)
        print(json.dumps(seconds))
        return
    link = Link(options.latency, options.megabytes_per_second * 1e6)
    variants = {name: settings for name, settings in VARIANTS.items() if options.only in {None, name}}
    job = [*(["--blend", options.blend] if options.blend else []), *(["--layers"] if options.layers else [])]
    runs: dict[str, list[Reading]] = {name: [] for name in variants}
    with serving(options.folder.resolve().parent, link) as server:
        for _ in range(options.rounds):
            for name, settings in variants.items():
                server.counts()
                command = [sys.executable, "-m", "benchmarks.reading", str(options.folder)]
                command += ["--url", server.url, "--settings", json.dumps(settings), *job]
                answer = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout  # noqa: S603 - this module
                counts = server.counts()
                runs[name].append(Reading(*json.loads(answer), counts.requests, counts.bytes, counts.connections))
    print("| settings | s | link | CPU s | requests | MB | connections |\n|---|---|---|---|---|---|---|")
    for name, readings in runs.items():
        seconds, last = statistics.median(reading.seconds for reading in readings), readings[-1]
        cpu = statistics.median(reading.cpu_seconds for reading in readings)
        print(
            f"| {name} | {seconds:.2f} | {seconds / link.seconds(last.bytes):.2f} | {cpu:.2f} | {last.requests} "
            f"| {last.bytes / 1e6:.1f} | {last.connections} |"
        )


if __name__ == "__main__":
    main()
