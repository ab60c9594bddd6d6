"""GDAL's COG driver with its own choices: DEFLATE at level 6, overviews made by the driver."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from benchmarks.peers.cogs import write_cogs


def encode(products: Mapping[str, NDArray[Any]], like: Path, out: Path, threads: int) -> None:
    write_cogs(out, products, like, threads)
