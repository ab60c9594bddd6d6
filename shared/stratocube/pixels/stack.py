"""Many rasters on one grid, read window by window: each is opened when first needed and checked against the grid."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from threading import Condition
from types import TracebackType
from typing import Any, Final, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.windows import Window

from stratocube.cube.geobox import GeoBox
from stratocube.errors import InvalidRequest, SourceMissing, TransientRead
from stratocube.pixels.pixel_memory import PixelMemory
from stratocube.pixels.sources import crs_of, environment, geobox_of, open_raster, opened, read_pixels, reading

_SIDE: Final = 512
"""Side of the windows aimed at, in pixels: one block of a COG."""
_MOST_OPEN: Final = 256
"""Files kept open: a process may have 1024 in a Lambda function, and there are several readers."""
_SAME_PLACE: Final = 1e-6
"""How far two grids may lie apart, in pixels: what is lost when a transform is written and read."""


@dataclass(frozen=True)
class Grid:
    """Pixels that all rasters of a stack share, and the blocks the first one is stored in."""

    geobox: GeoBox
    crs: CRS
    block_shape: tuple[int, int]
    """(rows, columns)."""

    @classmethod
    def of_file(cls, path: str) -> Grid:
        """The grid of a raster. Raises what open_raster and geobox_of raise."""
        with open_raster(path) as dataset:
            return cls(geobox_of(dataset), dataset.crs, tuple(dataset.block_shapes[0]))

    @classmethod
    def of_geobox(cls, geobox: GeoBox, block_shape: tuple[int, int]) -> Grid:
        """A grid that is asked for. Raises InvalidRequest for text that names no CRS."""
        return cls(geobox, crs_of(geobox), block_shape)

    def check(self, dataset: Any, path: str) -> None:
        """Raise InvalidRequest naming the file when an open raster does not lie pixel on pixel on this grid."""
        other = geobox_of(dataset)
        if other.shape != self.geobox.shape:
            raise InvalidRequest(f"{path} has {other.shape} pixels, the grid {self.geobox.shape}", field="observations")
        apart = max(abs(here - there) for here, there in zip(other.bounds, self.geobox.bounds, strict=True))
        if apart > _SAME_PLACE * min(self.geobox.resolution_x, self.geobox.resolution_y):
            raise InvalidRequest(f"{path} lies {apart:g} CRS units beside the grid", field="observations")
        if dataset.crs != self.crs:
            raise InvalidRequest(f"{path} has another coordinate reference system than the grid", field="observations")

    def windows(self, most_pixels: int, part: Window | None = None, *, wide: bool = False) -> Iterator[Window]:
        """Windows that cover the grid, or a part of it, of about 512 × 512 pixels and at most ``most_pixels``.

        ``wide`` ones have twice as many columns where that is not too many pixels. They lie along the blocks, as the
        part should. Where one block alone has more pixels than that, windows are parts of blocks, which are then
        decoded again and again.
        """
        rows, columns = self._window_shape(max(most_pixels, 1), _SIDE * _SIDE * (2 if wide else 1))
        whole = part or Window(0, 0, self.geobox.width, self.geobox.height)
        bottom, right = whole.row_off + whole.height, whole.col_off + whole.width
        for top in range(whole.row_off, bottom, rows):
            for left in range(whole.col_off, right, columns):
                yield Window(left, top, min(columns, right - left), min(rows, bottom - top))

    def parts(self, side: int) -> Iterator[Window]:
        """Windows that cover the grid in multiples of ``side``: as small as its blocks allow."""
        block_rows, block_columns = self.block_shape
        rows, columns = (-(-block // side) * side for block in (block_rows, block_columns))
        height, width = self.geobox.shape
        for top in range(0, height, rows):
            for left in range(0, width, columns):
                yield Window(left, top, min(columns, width - left), min(rows, height - top))

    def _window_shape(self, most_pixels: int, aim: int) -> tuple[int, int]:
        block_rows, block_columns = self.block_shape
        within = min(aim, most_pixels)
        columns = min(_whole_blocks(block_columns, max(within // max(block_rows, _SIDE), _SIDE)), self.geobox.width)
        rows = min(_whole_blocks(block_rows, max(within // columns, 1)), self.geobox.height)
        if rows * columns > most_pixels:
            rows = max(most_pixels // columns, 1)
            columns = min(columns, most_pixels)
        return rows, columns


class WindowReader(Protocol):
    """Reads windows of rasters on one grid."""

    def read(self, path: str, window: Window) -> NDArray[Any]:
        """Pixels of the first band: (rows, columns) of the window, in the type of the file."""

    def nodata(self, path: str) -> float | None:
        """The nodata tag of a file, None when it has none."""


class StackReader:
    """Reads windows of rasters on one grid and keeps the rasters open. To be used in a ``with`` statement.

    Any number of threads, each in an environment of GDAL, may read: a file is opened once more, up to ``handles``
    times, when all its handles are in use, and then they wait for each other.
    """

    def __init__(self, grid: Grid, handles: int = 1) -> None:
        self._grid, self._handles = grid, handles
        self._files: OrderedDict[str, _File] = OrderedDict()
        """The one used last comes last."""
        self._open = 0
        self._changed = Condition()
        self._environment = ExitStack()

    def __enter__(self) -> Self:
        self._environment.enter_context(environment())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            for file in self._files.values():
                for dataset in file.idle:
                    dataset.close()
            self._files.clear()
        self._environment.close()

    def read(self, path: str, window: Window, memory: PixelMemory | None = None) -> NDArray[Any]:
        """Pixels of the first band: (rows, columns) of the window, in the type of the file; from ``memory`` if given.

        Raises SourceMissing or TransientRead naming the file, and InvalidRequest when it is not on the grid.
        """
        with self._borrowed(path) as dataset, reading(path):
            if memory is None:
                return read_pixels(dataset, window=window)
            out = memory.empty((int(window.height), int(window.width)), np.dtype(dataset.dtypes[0]))
            return read_pixels(dataset, window=window, out=out)

    def nodata(self, path: str) -> float | None:
        """The nodata tag of a file, None when it has none. Raises as :meth:`read`."""
        with self._changed:
            file = self._files.get(path)
            if file is not None and file.opened:
                return file.nodata
        with self._borrowed(path) as dataset:
            tag: float | None = dataset.nodata
            return tag

    def begin(self, window: Window) -> None:
        """Nothing: this reader reads what it is asked for, when it is asked."""

    def end(self, window: Window) -> None:
        """Nothing: pixels are not kept."""

    def stop(self) -> None:
        """Nothing: no reads are under way but those that were asked for."""

    def open_ahead(self, paths: Iterable[str], opening: Executor) -> None:
        """Have files opened, so that those who read wait for it instead of opening them themselves.

        A file that cannot be opened is an error only for one who reads it.
        """
        with self._changed:
            wanted = [path for path in dict.fromkeys(paths) if path not in self._files][: _MOST_OPEN - self._open]
            for path in wanted:
                self._files[path] = _File(handles=1)
            self._open += len(wanted)
        for path in wanted:
            opening.submit(self._open_announced, path)

    def _open_announced(self, path: str) -> None:
        with suppress(SourceMissing, TransientRead, InvalidRequest):
            self._give_back(path, self._opened(path))

    @contextmanager
    def _borrowed(self, path: str) -> Iterator[Any]:
        dataset = self._idle(path)
        if dataset is None:
            dataset = self._opened(path)
        try:
            yield dataset
        finally:
            self._give_back(path, dataset)

    def _idle(self, path: str) -> Any:
        """A handle of a file that nobody uses; None when another one is to be opened, which is counted already."""
        with self._changed:
            file = self._files.setdefault(path, _File())
            # While a file is opened for the first time it is better to wait: its header is fetched once.
            while not file.idle and file.handles and (file.handles == self._handles or not file.opened):
                self._changed.wait()
                file = self._files.setdefault(path, _File())
            self._files.move_to_end(path)
            if file.idle:
                return file.idle.pop()
            file.handles += 1
            self._open += 1
            if self._open > _MOST_OPEN:
                self._close_oldest()
            return None

    def _close_oldest(self) -> None:
        for path, file in self._files.items():
            if file.idle:
                file.idle.pop().close()
                self._forget_one(path)
                return

    def _opened(self, path: str) -> Any:
        try:
            dataset = opened(path)
            try:
                self._grid.check(dataset, path)
            except InvalidRequest:
                dataset.close()
                raise
        except BaseException:
            with self._changed:
                self._forget_one(path)
            raise
        with self._changed:
            file = self._files[path]
            file.opened, file.nodata = True, dataset.nodata
        return dataset

    def _forget_one(self, path: str) -> None:
        file = self._files[path]
        file.handles -= 1
        self._open -= 1
        if not file.handles:
            del self._files[path]
        self._changed.notify_all()

    def _give_back(self, path: str, dataset: Any) -> None:
        with self._changed:
            self._files[path].idle.append(dataset)
            self._changed.notify_all()


@dataclass
class _File:
    handles: int = 0
    """How many are open, or are being opened."""
    idle: list[Any] = field(default_factory=list)
    """The open datasets that nobody uses."""
    opened: bool = False
    nodata: float | None = None


def _whole_blocks(block: int, wanted: int) -> int:
    """The largest multiple of ``block`` that is at most ``wanted``, one block at least."""
    return max(wanted // block, 1) * block
