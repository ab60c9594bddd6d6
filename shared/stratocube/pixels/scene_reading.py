"""The scenes of a merge, opened and read beside the warping and ahead of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from stratocube.errors import SourceMissing, TransientRead
from stratocube.pixels.coordinates import Coordinates, fitted
from stratocube.pixels.placement import Nodes, Placement, pixels_per_pixel, place
from stratocube.pixels.scene_grid import grid_of_scene
from stratocube.pixels.sources import SourceRaster, environment_for_threads, is_remote, opened, read_pixels, reading
from stratocube.pixels.target import Piece, Target
from stratocube.pixels.warp import Scaling, ScenePart, source_nodata


@dataclass(frozen=True)
class SceneWanted:
    """A scene, and how its numbers come into the cube."""

    source: SourceRaster
    scaling: Scaling | None


@dataclass(frozen=True)
class Bands:
    """A tile cut into bands from top to bottom, and the bands into pieces."""

    target: Target
    bands: tuple[tuple[Piece, ...], ...]
    """The pieces of each band; those of one band have the same rows, and cover them."""
    margin: int = 0
    """How many pixels on each side of the tile are not asked for in the end, and must not change the others."""

    @property
    def tile(self) -> Piece:
        """All of it."""
        return Piece(0, 0, *self.target.shape)

    @property
    def nodes(self) -> Nodes:
        """Where cells begin and end: between the margins as without them."""
        rows, columns = (length - 2 * self.margin for length in self.target.shape)
        return Nodes.of([piece for band in self.bands for piece in band], (rows, columns))

    def area(self, band: int) -> Piece:
        """A band as one piece."""
        first = self.bands[band][0]
        return Piece(first.row, 0, first.rows, self.target.shape[1])


class Scene:
    """A scene that is open, where it lies on the tile, and its rows, each of which is read once."""

    def __init__(self, dataset: Any, wanted: SceneWanted, bands: Bands, nodes: Nodes) -> None:
        self._dataset, self._source, self._scaling, self._bands = dataset, wanted.source, wanted.scaling, bands
        self._grid = grid_of_scene(dataset, self._source.href)
        self.ratio = pixels_per_pixel(self._grid, bands.target)
        self.placement: Placement = place(self._grid, bands.target, nodes, self.ratio)
        met = [piece for band in bands.bands for piece in band if self.placement.reached(piece) is not None]
        self.coordinates: Mapping[Piece, Coordinates] = fitted(self._grid, bands.target, met)
        self._all = self.placement.window(bands.tile) or Window(0, 0, 0, 0)
        index = self._source.band - 1
        self._block_rows = dataset.block_shapes[index][0]
        self._nodata = source_nodata(
            dataset.nodatavals[index], self._source.nodata, bands.target.nodata, np.dtype(dataset.dtypes[index])
        )
        self._lock = Lock()
        self._kept: tuple[int, NDArray[Any]] | None = None

    def window(self, band: int) -> Window | None:
        """What a band needs of the scene; None when they do not meet."""
        return self.placement.window(self._bands.area(band))

    def part(self, band: int) -> ScenePart:
        """The pixels a band it meets needs, and more, where they are in the same blocks. Raises TransientRead."""
        window = self.window(band)
        if window is None:
            raise ValueError(f"{self._source.href} does not meet band {band}")
        with self._lock, reading(self._source.path, href=self._source.href):
            top, rows = self._rows(int(window.row_off), int(window.row_off + window.height))
        origin = int(self._all.col_off), top
        return ScenePart(rows, origin, self._grid.crs, self._grid.transform, self._nodata, self._scaling)

    def forget(self) -> None:
        """Keep no rows for the bands to come."""
        with self._lock:
            self._kept = None

    def close(self) -> None:
        """Close the file."""
        self._dataset.close()

    def _rows(self, top: int, bottom: int) -> tuple[int, NDArray[Any]]:
        # Whole rows of blocks, so that no block is fetched and decoded for one band and again for the next.
        top = max(int(self._all.row_off), top // self._block_rows * self._block_rows)
        bottom = min(int(self._all.row_off + self._all.height), -(-bottom // self._block_rows) * self._block_rows)
        first, kept = self._kept or (bottom, None)
        if kept is None or first >= bottom or first + len(kept) <= top:
            first, kept = top, np.empty((0, int(self._all.width)), self._dataset.dtypes[self._source.band - 1])
        last = first + len(kept)
        if top < first or bottom > last:
            # For the next band what lies above it is not needed any more; one that comes late keeps what it finds.
            end, start = max(bottom, last), top if bottom > last else min(top, first)
            rows = np.empty((end - start, kept.shape[1]), kept.dtype)
            rows[max(first, start) - start : last - start] = kept[max(0, start - first) :]
            for above, below in ((start, first), (last, end)):
                if above < below:
                    window = Window(self._all.col_off, above, self._all.width, below - above)
                    out = rows[above - start : below - start]
                    read_pixels(self._dataset, band=self._source.band, window=window, out=out)
            first, kept = start, rows
        self._kept = first, kept
        return self._kept


class SceneReader:
    """Scenes in their order of precedence, read when they are needed, and before where it is sure that they will be.

    To be used in a ``with`` statement, from any number of threads. A scene that cannot be opened or read is an error
    for the one who asks for it, and nobody asks for a scene that others cover.
    """

    def __init__(self, wanted: Sequence[SceneWanted], bands: Bands) -> None:
        self._wanted, self._bands = wanted, bands
        self._nodes = bands.nodes
        self._environment = environment_for_threads()
        # A thread for each scene, which mostly waits for the network, so that its bands are read in their order.
        self._threads = [ThreadPoolExecutor(1) for _ in wanted]
        self._scenes: list[Scene | SourceMissing | TransientRead] = []
        self._sure: list[list[int]] = []
        self._lock = Lock()
        self._parts: dict[tuple[int, int], Future[ScenePart]] = {}
        self._unfinished = [len(pieces) for pieces in bands.bands]

    def __enter__(self) -> Self:
        opening = [self._opening(thread, scene) for thread, scene in zip(self._threads, self._wanted, strict=True)]
        for wanted, dataset in zip(self._wanted, opening, strict=True):
            try:
                self._scenes.append(self._placed(dataset(), wanted))
            except (SourceMissing, TransientRead) as error:
                self._scenes.append(error)
        self._sure = [self._needed_for_sure(band) for band in range(len(self._bands.bands))]
        return self

    def __exit__(self, *_: object) -> None:
        for thread in self._threads:
            thread.shutdown(wait=False, cancel_futures=True)
        for thread in self._threads:
            thread.shutdown()
        for scene in self._scenes:
            if isinstance(scene, Scene):
                scene.close()

    def begin(self, band: int) -> None:
        """Have read what a band, and the one below it, are sure to need.

        Those above that are not ready come first, whichever thread is: rows kept for the next band are those of the
        last one.
        """
        with self._lock:
            for near, sure in enumerate(self._sure[: band + 2]):
                for index in sure if self._unfinished[near] else ():
                    self._ask(index, near)

    def scene(self, index: int) -> Scene:
        """A scene. Raises SourceMissing or TransientRead when it could not be opened."""
        found = self._scenes[index]
        if isinstance(found, Scene):
            return found
        raise found

    def part(self, index: int, band: int) -> ScenePart:
        """What a band needs of a scene it meets. Raises TransientRead."""
        with self._lock:
            asked = self._ask(index, band)
        return asked.result()

    def end(self, band: int) -> None:
        """One piece of a band needs nothing any more; after the last one nothing is kept for it."""
        with self._lock:
            self._unfinished[band] -= 1
            if self._unfinished[band]:
                return
            for key in [key for key in self._parts if key[1] == band]:
                del self._parts[key]
        last = band + 1 == len(self._unfinished)
        for scene in self._scenes:
            if isinstance(scene, Scene) and (last or scene.window(band + 1) is None):
                scene.forget()

    def _ask(self, index: int, band: int) -> Future[ScenePart]:
        asked = self._parts.get((index, band))
        if asked is None:
            asked = self._parts[index, band] = self._threads[index].submit(self._read, self.scene(index), band)
        return asked

    def _opening(self, thread: ThreadPoolExecutor, scene: SceneWanted) -> Callable[[], Any]:
        """Have a scene opened; calling what comes back waits for it."""
        # PROJ opens its database in every thread that makes a CRS or projects (12 ms). So all that is done here, except
        # where waiting for one scene after the other takes longer.
        if is_remote(scene.source.path):
            return thread.submit(self._open, scene.source).result
        return partial(self._open, scene.source)

    def _open(self, source: SourceRaster) -> Any:
        with self._environment():
            return opened(source.path, href=source.href)

    def _placed(self, dataset: Any, wanted: SceneWanted) -> Scene:
        try:
            return Scene(dataset, wanted, self._bands, self._nodes)
        except SourceMissing:
            dataset.close()
            raise

    def _read(self, scene: Scene, band: int) -> ScenePart:
        with self._environment():
            return scene.part(band)

    def _needed_for_sure(self, band: int) -> list[int]:
        """The scenes a band needs whatever the pixels of the others are: those that lie where no other one that takes
        precedence does."""
        cells = self._nodes.cells(self._bands.area(band))
        taken: NDArray[np.bool_] = np.zeros((1, 1), dtype=np.bool_)
        sure: list[int] = []
        for index, scene in enumerate(self._scenes):
            if isinstance(scene, Scene):
                if np.any(scene.placement.covers[cells] & ~taken):
                    sure.append(index)
                taken = taken | scene.placement.meets[cells]
        return sure
