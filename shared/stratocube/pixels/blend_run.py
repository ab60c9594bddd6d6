"""The windows of a tile, composited side by side in threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import reduce
from operator import add
from threading import Lock
from typing import Any, Final, Protocol

import rasterio
from numpy.typing import NDArray
from rasterio.env import getenv, setenv
from rasterio.session import DummySession
from rasterio.windows import Window

from stratocube.cube.geobox import GeoBox
from stratocube.errors import InvalidRequest
from stratocube.pixels.blend_plan import BlendPlan
from stratocube.pixels.blend_window import blend_window
from stratocube.pixels.composition import Composition
from stratocube.pixels.read_ahead import ReadAhead
from stratocube.pixels.sources import environment, is_remote
from stratocube.pixels.stack import Grid, StackReader
from stratocube.pixels.statistics import QualityCounts
from stratocube.pixels.strip import Totals
from stratocube.pixels.workspace import Workspace

__all__ = ["Parts", "Totals", "grid_of", "run", "windows_of"]

_COG_BLOCK: Final = (512, 512)
_STACK_BYTES: Final = 64 << 20
"""What the dates of one window may take in one thread."""

_BLOCK_CACHE: Final = 4 << 20
"""Bytes of decoded blocks that GDAL keeps meanwhile: each block is read once, so more would cost memory and time."""


class Parts(Protocol):
    """Where the pixels go. Called from several threads, each with another part of the tile."""

    def begin(self, part: Window) -> Mapping[str, NDArray[Any]]:
        """An array of the part's shape for each product."""

    def end(self, part: Window, products: Mapping[str, NDArray[Any]]) -> None:
        """Take them when all their pixels are made."""


def grid_of(plan: BlendPlan, geobox: GeoBox | None, block_size: int = _COG_BLOCK[0]) -> Grid:
    """The pixels of the result: those asked for, else those of the first file.

    Files far away are taken to be stored in blocks of ``block_size``: to open one only to learn that would take as long
    as reading a megabyte. Where they are not, blocks are read more than once, and the pixels are the same.
    """
    if not plan.observations:
        if geobox is None:
            raise InvalidRequest("a period without observations needs the grid of the result", field="geobox")
        return Grid.of_geobox(geobox, _COG_BLOCK)
    quality = plan.observations[0].quality
    if geobox is not None and is_remote(quality):
        return Grid.of_geobox(geobox, (block_size, block_size))
    first = Grid.of_file(quality)
    return first if geobox is None else Grid.of_geobox(geobox, first.block_shape)


def windows_of(plan: BlendPlan, grid: Grid, part: Window | None = None) -> Iterator[Window]:
    """The windows that are composited at a time, of the tile or of a part of it."""
    # Two blocks at a time are fewer calls, where every date is read anyway; LCF reads the band of the next date only
    # for blocks in which pixels are open.
    every_date = any(function != "LCF" for function in plan.functions)
    return grid.windows(_most_pixels(plan), part, wide=every_date)


def run(plan: BlendPlan, grid: Grid, tile: Iterator[Window], parts: Parts, threads: int) -> Totals | None:
    """Composite a tile part by part; what its pixels add up to, None without layers.

    Without observations nothing is begun.
    """
    if not plan.observations:
        pixels = grid.geobox.width * grid.geobox.height
        return Totals(QualityCounts(total=pixels), Composition.empty(pixels, 0)) if plan.with_layers else None
    every = [_Part(part, tuple(windows_of(plan, grid, part)), parts) for part in tile]
    workers = min(max(threads, 1), sum(len(part.windows) for part in every))
    with _settings_for_threads() as in_thread, _reader(plan, grid, every, workers, in_thread) as reader:
        work = _Work(plan, reader, every)
        with ThreadPoolExecutor(workers) as pool:
            found = [
                totals for of_worker in pool.map(lambda _: work.do(in_thread), range(workers)) for totals in of_worker
            ]
    return reduce(add, found) if found else None


@contextmanager
def _settings_for_threads() -> Iterator[Callable[[], rasterio.Env]]:
    """What makes GDAL's settings of this thread those of another one, with a block cache as small as blends need."""
    with environment():
        settings = getenv()
        cache = settings.get("GDAL_CACHEMAX")
        settings["GDAL_CACHEMAX"] = _BLOCK_CACHE
        try:
            yield lambda: rasterio.Env(session=DummySession(), **settings)
        finally:
            if cache is not None:  # the one setting that belongs to the process
                setenv(GDAL_CACHEMAX=cache)


def _reader(
    plan: BlendPlan, grid: Grid, parts: Sequence[_Part], workers: int, in_thread: Callable[[], rasterio.Env]
) -> StackReader | ReadAhead:
    """Files at hand are read when it is their turn: threads that read ahead would only cost."""
    paths = [path for date in plan.observations for path in (date.band, date.quality)]
    if any(is_remote(path) for path in paths):
        return ReadAhead(plan, grid, [part.windows for part in parts], in_thread)
    return StackReader(grid, handles=workers)


class _Part:
    """A part of the tile: begun with its first window, ended with its last."""

    def __init__(self, area: Window, windows: tuple[Window, ...], parts: Parts) -> None:
        self.windows = windows
        self._area, self._parts = area, parts
        self._lock = Lock()
        self._products: Mapping[str, NDArray[Any]] = {}
        self._unfinished = len(windows)

    def begin(self, window: Window) -> Mapping[str, NDArray[Any]]:
        """Where the window's pixels go."""
        with self._lock:
            self._products = self._products or self._parts.begin(self._area)
            products = self._products
        top, left = window.row_off - self._area.row_off, window.col_off - self._area.col_off
        place = slice(top, top + window.height), slice(left, left + window.width)
        return {name: data[place] for name, data in products.items()}

    def end(self) -> None:
        """One more window is made."""
        with self._lock:
            self._unfinished -= 1
            if self._unfinished:
                return
            products, self._products = self._products, {}
        self._parts.end(self._area, products)


class _Work:
    """The windows of a tile, handed out in their order to those who composite them."""

    def __init__(self, plan: BlendPlan, reader: StackReader | ReadAhead, parts: Sequence[_Part]) -> None:
        self._plan, self._reader = plan, reader
        self._lock = Lock()
        self._waiting = iter([(part, window) for part in parts for window in part.windows])

    def do(self, in_thread: Callable[[], rasterio.Env]) -> list[Totals]:
        """Composite windows until there are no more, or one fails in any thread: what they add up to."""
        found: list[Totals] = []
        workspace = Workspace()
        try:
            with in_thread():
                while (following := self._following()) is not None:
                    part, window = following
                    totals = self._blend(part, window, workspace)
                    if totals is not None:
                        found.append(totals)
        except BaseException:
            self._give_up()
            raise
        return found

    def _blend(self, part: _Part, window: Window, workspace: Workspace) -> Totals | None:
        self._reader.begin(window)
        totals = blend_window(self._plan, self._reader, window, part.begin(window), workspace)
        self._reader.end(window)
        part.end()
        return totals

    def _following(self) -> tuple[_Part, Window] | None:
        with self._lock:
            return next(self._waiting, None)

    def _give_up(self) -> None:
        with self._lock:
            self._waiting = iter(())
        self._reader.stop()


def _most_pixels(plan: BlendPlan) -> int:
    """How many pixels a window may have for the median's stack to stay within its memory."""
    if "MED" not in plan.functions:
        return _COG_BLOCK[0] * _COG_BLOCK[1]
    # A date is held with its clear pixels; one more for the rasters of the date at hand.
    return _STACK_BYTES // ((len(plan.observations) + 1) * (plan.dtype.itemsize + 1))
