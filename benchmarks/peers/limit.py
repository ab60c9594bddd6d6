"""The least that any tool has to do: decode every block it needs once, compress the tiles of its results once.

What is left out is the work itself: no composite, no warp, no TIFF around the tiles. Decoding is GDAL's (libdeflate),
a thread a file. Compressing is DEFLATE by ISA-L, the fastest encoder that a package index has, behind the difference
predictor; overviews are every second pixel. The results come from a run of ours and are mapped into memory.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import numpy as np
import rasterio
from isal import isal_zlib
from numpy.typing import NDArray
from rasterio.windows import Window

from benchmarks.peers import MOSAIC, PRODUCTS
from benchmarks.windows import Raster, needed_window
from benchmarks.workload import BlendInputs, MergeInputs, folder_of

_TILE: Final = 512
_LEVEL: Final = 2
"""Of ISA-L's 0 to 3: the one whose files are no larger than GDAL's at level 6 without predictor."""


def blend(inputs: BlendInputs, out: Path, threads: int) -> None:
    rasters = [Raster(path) for files in inputs.dates for path in (files.band, files.quality)]
    decode(rasters, threads)
    encode(saved(folder_of(inputs), PRODUCTS), inputs.dates[0].band, out, threads)


def merge(inputs: MergeInputs, out: Path, threads: int) -> None:
    rasters = [Raster(path, needed_window(path, inputs)) for path in inputs.scenes]
    decode(rasters, threads)
    encode(saved(folder_of(inputs), (MOSAIC,)), inputs.scenes[0], out, threads)


def saved(folder: Path, names: Iterable[str]) -> dict[str, NDArray[Any]]:
    """The results that a run of ours has left beside the inputs."""
    return {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in names}


def decode(rasters: Iterable[Raster], threads: int) -> None:
    """Read windows, each block once, into buffers that are used again and again."""
    of_thread = threading.local()

    def read(raster: Raster) -> None:
        with rasterio.open(raster.path) as dataset:
            window = raster.window or Window(0, 0, dataset.width, dataset.height)
            right, bottom = window.col_off + window.width, window.row_off + window.height
            top = window.row_off
            while top < bottom:
                rows = min((top // _TILE + 1) * _TILE, bottom) - top
                part = Window(window.col_off, top, right - window.col_off, rows)
                dataset.read(1, window=part, out=_buffer(of_thread, (rows, int(part.width)), dataset.dtypes[0]))
                top += rows

    with (
        rasterio.Env(GDAL_CACHEMAX=64 << 20, GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR"),
        ThreadPoolExecutor(threads) as pool,
    ):
        list(pool.map(read, rasters))


def _buffer(of_thread: threading.local, shape: tuple[int, int], dtype: str) -> NDArray[Any]:
    held = of_thread.__dict__.setdefault(dtype, np.empty(0, dtype))
    if held.size < shape[0] * shape[1]:
        held = of_thread.__dict__[dtype] = np.empty(shape[0] * shape[1], dtype)
    return np.asarray(held[: shape[0] * shape[1]].reshape(shape))


def encode(products: Mapping[str, NDArray[Any]], like: Path, out: Path, threads: int) -> None:
    with ThreadPoolExecutor(threads) as pool:
        for name, data in products.items():
            with (out / f"{name}.tiles").open("wb") as file:
                for level in _levels(data):
                    tiles = [
                        level[row : row + _TILE, column : column + _TILE]
                        for row in range(0, level.shape[0], _TILE)
                        for column in range(0, level.shape[1], _TILE)
                    ]
                    file.writelines(pool.map(_compressed, tiles))


def _levels(data: NDArray[Any]) -> Iterable[NDArray[Any]]:
    yield data
    while max(data.shape) > _TILE:
        data = data[::2, ::2]
        yield data


def _compressed(tile: NDArray[Any]) -> bytes:
    numbers = tile.view(f"u{tile.itemsize}") if tile.dtype.kind == "f" else tile
    differences = np.empty(numbers.shape, numbers.dtype)
    differences[:, 0] = numbers[:, 0]
    np.subtract(numbers[:, 1:], numbers[:, :-1], out=differences[:, 1:])
    return bytes(isal_zlib.compress(differences, _LEVEL))
