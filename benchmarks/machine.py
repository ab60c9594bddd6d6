"""Where and with what a benchmark ran."""

from __future__ import annotations

import datetime as dt
import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import rasterio

from benchmarks.process import ROOT

_PACKAGES: Final = (
    *("numpy", "rasterio", "bottleneck", "dask", "isal", "odc-stac", "rio-cogeo", "rio-tiler", "xarray"),
)


def describe(*, threads: int, rounds: int, quick: bool) -> dict[str, Any]:
    """Machine, versions and the settings of the run."""
    return {
        "date": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "processor": _field("/proc/cpuinfo", "model name"),
        "processors": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "load_before_and_during": [round(load, 1) for load in os.getloadavg()],
        "python": platform.python_version(),
        "gdal": rasterio.__gdal_version__,
        "packages": {name: found for name in _PACKAGES if (found := _version(name))},
        "threads": threads,
        "rounds": rounds,
        "quick": quick,
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _field(file: str, name: str) -> str:
    lines = Path(file).read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), platform.machine())


def _commit() -> str:
    asked = subprocess.run(
        ["git", "describe", "--always", "--dirty"],  # noqa: S607 - whichever git there is
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.stdout.strip()
