"""Many rasters on one grid, read window by window: each is opened when first needed and checked against the grid."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.windows import Window

from stratocube.cube.geobox import GeoBox
from stratocube.errors import InvalidRequest
from stratocube.pixels.sources import crs_of, environment, geobox_of, open_raster, read_pixels, reading

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

    def windows(self, most_pixels: int) -> Iterator[Window]:
        """Windows that cover the grid, along its blocks, of about 512 × 512 pixels and at most ``most_pixels``.

        Where one block alone has more pixels than that, windows are parts of blocks, which are then decoded again and
        again.
        """
        rows, columns = self._window_shape(max(most_pixels, 1))
        for top in range(0, self.geobox.height, rows):
            for left in range(0, self.geobox.width, columns):
                width, height = min(columns, self.geobox.width - left), min(rows, self.geobox.height - top)
                yield Window(left, top, width, height)

    def _window_shape(self, most_pixels: int) -> tuple[int, int]:
        block_rows, block_columns = self.block_shape
        columns = min(_whole_blocks(block_columns, _SIDE), self.geobox.width)
        rows = min(_whole_blocks(block_rows, max(_SIDE * _SIDE // columns, 1)), self.geobox.height)
        if rows * columns > most_pixels:
            rows = max(most_pixels // columns, 1)
            columns = min(columns, most_pixels)
        return rows, columns


class StackReader:
    """Reads windows of rasters on one grid and keeps the rasters open. For one thread, in a ``with`` statement."""

    def __init__(self, grid: Grid) -> None:
        self._grid = grid
        self._files: OrderedDict[str, _OpenFile] = OrderedDict()
        self._environment = ExitStack()

    def __enter__(self) -> Self:
        self._environment.enter_context(environment())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self._files.values():
            file.closing.close()
        self._files.clear()
        self._environment.close()

    def read(self, path: str, window: Window) -> NDArray[Any]:
        """Pixels of the first band: (rows, columns) of the window, in the type of the file.

        Raises SourceMissing or TransientRead naming the file, and InvalidRequest when it is not on the grid.
        """
        dataset = self._dataset(path)
        with reading(path):
            return read_pixels(dataset, window=window)

    def nodata(self, path: str) -> float | None:
        """The nodata tag of a file, None when it has none. Raises as :meth:`read`."""
        tag: float | None = self._dataset(path).nodata
        return tag

    def _dataset(self, path: str) -> Any:
        if path not in self._files:
            if len(self._files) == _MOST_OPEN:
                _, oldest = self._files.popitem(last=False)
                oldest.closing.close()
            closing = ExitStack()
            self._files[path] = _OpenFile(closing.enter_context(open_raster(path)), closing)
            self._grid.check(self._files[path].dataset, path)
        self._files.move_to_end(path)
        return self._files[path].dataset


class _OpenFile(NamedTuple):
    dataset: Any
    closing: ExitStack


def _whole_blocks(block: int, wanted: int) -> int:
    """The largest multiple of ``block`` that is at most ``wanted``, one block at least."""
    return max(wanted // block, 1) * block
