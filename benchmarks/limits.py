"""What this machine can do at all: the parts of the limit one by one. ``python -m benchmarks.limits BLEND_FOLDER``."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import numpy as np
from isal import isal_zlib

from benchmarks.peers import PRODUCTS
from benchmarks.peers.limit import decode, encode, saved
from benchmarks.process import JobClock
from benchmarks.windows import Raster, compressed_blocks
from benchmarks.workload import load_blend

_COPIED: Final = 256 << 20
_REPEATS: Final = 3


def main() -> None:
    folder, threads = Path(sys.argv[1]), int(sys.argv[2])
    inputs = load_blend(folder)
    paths = [path for files in inputs.dates for path in (files.band, files.quality)]
    blocks = [block for path in paths for block in compressed_blocks(path)]
    products = saved(folder, PRODUCTS)
    here, there = np.ones(_COPIED, np.uint8), np.ones(_COPIED, np.uint8)

    def decompress() -> None:
        with ThreadPoolExecutor(threads) as pool:
            for _ in pool.map(isal_zlib.decompress, blocks, chunksize=16):
                pass

    with tempfile.TemporaryDirectory() as out:
        parts: dict[str, Callable[[], object]] = {
            "read the files, not decoded": lambda: [path.read_bytes() for path in paths],
            "decode in memory (ISA-L)": decompress,
            "read and decode (GDAL)": lambda: decode([Raster(path) for path in paths], threads),
            "encode the five products (ISA-L)": lambda: encode(products, paths[0], Path(out), threads),
            "copy 256 MiB in memory": lambda: np.copyto(there, here),
        }
        clock = JobClock()
        clock.report({name: _best(work) for name, work in parts.items()})


def _best(work: Callable[[], object]) -> dict[str, float]:
    runs = []
    for _ in range(_REPEATS):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        runs.append((time.perf_counter() - wall, time.process_time() - cpu))
    return {"wall_s": round(min(wall for wall, _ in runs), 4), "cpu_s": round(min(cpu for _, cpu in runs), 4)}


if __name__ == "__main__":
    main()
