"""All scenes of one date, warped and mosaicked on the tile: one band."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, Literal

import numpy as np
from affine import Affine
from numpy.typing import DTypeLike, NDArray
from rasterio.windows import Window

from stratocube.cube.geobox import GeoBox
from stratocube.cube.layers import DATASOURCE
from stratocube.errors import InvalidRequest
from stratocube.pixels.cog import Kind, empty
from stratocube.pixels.placement import Placement
from stratocube.pixels.resampling import get_resample_method
from stratocube.pixels.scene_reading import Bands, SceneReader, SceneWanted
from stratocube.pixels.sources import (
    SourceRaster,
    crs_of,
    environment,
    environment_for_threads,
    geobox_of,
    is_nodata,
    open_raster,
)
from stratocube.pixels.target import Piece, Target
from stratocube.pixels.warp import Scaling, ScenePart, warp

_PIECE_ROWS: Final = 1024
_PIECE_COLUMNS: Final = 1024
"""Sides of the pieces a tile is warped in: small enough for the threads and the edges of scenes, and not smaller, as
each costs a millisecond. Scenes are read for one row of pieces at a time. The columns are part of the result:
coordinates are interpolated between the ends of the rows of a piece."""

_HOLED_SIDE: Final = 512
"""Areas of a scene with holes are not cut into smaller ones than this."""


@dataclass(frozen=True)
class Merge:
    """One band of one date on the tile."""

    data: NDArray[Any]
    """(rows, columns); pixels without a valid observation hold ``nodata``."""
    geobox: GeoBox
    nodata: float
    datasource: NDArray[np.uint8] | None
    """(rows, columns): index of the dataset each pixel comes from, 255 where there is none. None: not asked for."""
    used: tuple[str, ...]
    """hrefs of the scenes that gave at least one pixel, in the order of the sources."""


def merge(
    sources: Sequence[SourceRaster],
    geobox: GeoBox,
    *,
    data_type: DTypeLike,
    nodata: float,
    kind: Kind = "continuous",
    resampling: str = "bilinear",
    overlap: Literal["last", "first"] = "last",
    scale: float | None = None,
    offset: float | None = None,
    datasource: Sequence[str] | None = None,
    margin: int = 0,
    tolerance: float = 0.001,
    threads: int = 1,
) -> Merge:
    """Crop, warp and mosaic all scenes of a date on a tile; they may have any mix of CRS, pixel size and type.

    ``sources`` are in the order of acquisition. Where they overlap, pixel by pixel, the ``last`` valid one wins (a
    cube of one collection) or the ``first`` (a cube that combines several). A scene that has nothing to give (off
    the tile, or covered by others) is not read.

    The result has ``data_type`` and ``nodata`` of the cube's band. Each scene has its own nodata (see
    :func:`stratocube.pixels.warp.source_nodata`), and nodata never bleeds into valid neighbours. A source with a
    ``scale`` is brought to ``scale`` and ``offset`` of the cube's band: truncated toward zero, clamped to the type. A
    valid pixel never becomes nodata: it is moved by one unit. ``kind="categorical"`` (classes, bits) is warped with
    nearest neighbour and never rescaled, whatever else is asked for.

    ``datasource`` names the datasets whose index is wanted for each pixel. ``margin`` makes so many pixels more beyond
    each edge of the tile, for what looks at neighbours: the result has the larger grid, and on the tile the same pixels
    as without. ``tolerance`` is the greatest error of approximated coordinates in source pixels (0: none). ``threads``
    decode and warp side by side; the result does not depend on them. Memory: the tile, and the window of one scene.

    Raises:
        InvalidRequest: no source, an unknown resampling, a nodata the type cannot hold, a source with a scale while
            the cube has none, a source of a dataset that ``datasource`` does not name.
        SourceMissing, TransientRead: a scene that cannot be read, named by its href. Nothing is skipped silently.

    Two scenes that overlap in the middle pixel, where the later one wins:

    >>> from stratocube.pixels.cog import save_as_cog
    >>> tile = GeoBox("EPSG:32723", 300000, 8000000, 30, 30, width=3, height=1)
    >>> for name, row in {"morning": [10, 20, -9999], "noon": [-9999, 21, 31]}.items():
    ...     save_as_cog(f"{name}.tif", np.array([row], dtype=np.int16), tile, nodata=-9999, kind="continuous")
    >>> scenes = [SourceRaster(href=path, path=path) for path in ("morning.tif", "noon.tif")]
    >>> merge(scenes, tile, data_type="int16", nodata=-9999, resampling="nearest").data.tolist()
    [[10, 21, 31]]
    """
    if not sources:
        raise InvalidRequest("no scene to merge; a date without scenes is an empty merge", field="sources")
    geobox = geobox.padded(margin)
    result = empty_merge(geobox, data_type=data_type, nodata=nodata, datasource=datasource)
    method = get_resample_method("nearest" if kind == "categorical" else resampling)
    target = Target(
        crs_of(geobox), Affine(*geobox.transform), geobox.shape, result.data.dtype, nodata, method, tolerance
    )
    in_order = list(sources if overlap == "first" else reversed(sources))
    indexes = [_index(source, datasource) for source in in_order]
    wanted = [SceneWanted(source, _scaling(source, kind, scale, offset)) for source in in_order]
    bands = _bands(target, margin)
    pieces = [(band, piece) for band, pieces in enumerate(bands.bands) for piece in pieces]
    with environment():
        inherited = environment_for_threads()

        def fill(at: tuple[int, Piece]) -> set[int]:
            with inherited():
                return _fill(result, reader, bands, at, indexes)

        with SceneReader(wanted, bands) as reader:
            places = _each_once(fill, pieces, threads)
    used = {in_order[place] for place in places}
    hrefs = tuple(source.href for source in sources if source in used)
    return Merge(result.data, geobox, nodata, result.datasource, hrefs)


def merge_on_scene_grid(
    sources: Sequence[SourceRaster],
    size: tuple[int, int],
    *,
    data_type: DTypeLike,
    nodata: float,
    kind: Kind = "continuous",
    overlap: Literal["last", "first"] = "last",
    scale: float | None = None,
    offset: float | None = None,
    datasource: Sequence[str] | None = None,
) -> Merge:
    """Mosaic scenes that share one grid already, without warping: the result is on the grid of the scenes.

    ``size`` is (width, height) in pixels, and every scene must have it. The other arguments are those of
    :func:`merge`, and so are the errors; InvalidRequest also names a scene of another size or grid.

    >>> from stratocube.pixels.cog import save_as_cog
    >>> grid = GeoBox("EPSG:32723", 300000, 8000000, 30, 30, width=2, height=1)
    >>> save_as_cog("scene.tif", np.array([[10, 20]], dtype=np.int16), grid, nodata=-9999, kind="continuous")
    >>> scene = SourceRaster(href="scene.tif", path="scene.tif")
    >>> merge_on_scene_grid([scene], (2, 1), data_type="int16", nodata=-9999).data.tolist()
    [[10, 20]]
    """
    if not sources:
        raise InvalidRequest("no scene to merge; a date without scenes is an empty merge", field="sources")
    grids = []
    for source in sources:
        with open_raster(source.path, href=source.href) as dataset:
            if (dataset.width, dataset.height) != tuple(size):
                raise InvalidRequest(
                    f"{source.href} has {dataset.width} x {dataset.height} pixels (width x height), "
                    f"not {size[0]} x {size[1]}; leave the shape out to have it warped",
                    field="shape",
                )
            grids.append(geobox_of(dataset))
            if grids[-1] != grids[0]:
                raise InvalidRequest(
                    f"{source.href} is on another grid than {sources[0].href}; leave the shape out to have it warped",
                    field="shape",
                )
    return merge(
        sources,
        grids[0],
        data_type=data_type,
        nodata=nodata,
        kind=kind,
        resampling="nearest",
        overlap=overlap,
        scale=scale,
        offset=offset,
        datasource=datasource,
    )


def empty_merge(
    geobox: GeoBox, *, data_type: DTypeLike, nodata: float, datasource: Sequence[str] | None = None
) -> Merge:
    """A date without scenes: nodata everywhere, in the type of the band (and 255 in the datasource, when asked for).

    Raises InvalidRequest for a nodata the type cannot hold, or more than 255 datasets.

    >>> tile = GeoBox("EPSG:32723", 300000, 8000000, 30, 30, width=2, height=1)
    >>> empty_merge(tile, data_type="uint8", nodata=255).data.tolist()
    [[255, 255]]
    """
    if datasource is not None and len(datasource) > DATASOURCE.nodata:
        raise InvalidRequest(f"at most 255 datasets can be told apart, got {len(datasource)}", field="datasource")
    data = empty(geobox, data_type=data_type, nodata=nodata)
    origin = None if datasource is None else np.full(geobox.shape, DATASOURCE.nodata, dtype=np.uint8)
    return Merge(data, geobox, nodata, origin, ())


def _each_once(
    fill: Callable[[tuple[int, Piece]], set[int]], pieces: list[tuple[int, Piece]], threads: int
) -> set[int]:
    """Fill all pieces, this thread being one of them: it has PROJ's database open, which takes 12 ms in each."""
    waiting = iter(pieces)  # of a list: threads may share it

    def work() -> set[int]:
        try:
            return set().union(*(fill(piece) for piece in waiting))
        except BaseException:
            deque(waiting, maxlen=0)  # the others need not go on
            raise

    with ThreadPoolExecutor(max(1, threads - 1)) as pool:
        others = [pool.submit(work) for _ in range(threads - 1)]
        return work().union(*(other.result() for other in others))


def _fill(result: Merge, reader: SceneReader, bands: Bands, at: tuple[int, Piece], indexes: Sequence[int]) -> set[int]:
    """Put scenes into a piece of the tile, in their order, until there is no gap left: those that gave a pixel."""
    band, piece = at
    reader.begin(band)
    used: set[int] = set()
    gaps = np.ones(piece.shape, dtype=np.bool_)
    for place, index in enumerate(indexes):
        still_open = _still_open(gaps, piece)
        if still_open is None:
            break
        scene = reader.scene(place)
        reached = scene.placement.reached(still_open)
        if reached is None:
            continue
        part, where = reader.part(place, band), scene.coordinates.get(piece)
        for area, window in _evenly(scene.placement, part, reached):
            open_there, there = gaps[area.index_in(piece)], result.data[area.index]
            if not open_there.any():
                continue
            out = there if open_there.all() else None
            warped = warp(part, window, area, bands.target, scene.ratio, where, out)
            if warped is None:
                continue
            take = open_there & ~is_nodata(warped, bands.target.nodata)
            if out is None:
                np.copyto(there, warped, where=take)
            if result.datasource is not None:
                result.datasource[area.index][take] = index
            open_there &= ~take
            if take.any():
                used.add(place)
    reader.end(band)
    return used


def _evenly(placement: Placement, part: ScenePart, area: Piece) -> Iterator[tuple[Piece, Window]]:
    """An area of the tile in parts, and what each needs of a scene: what has holes is kept apart from what has none,
    since the warp looks for them in twice the time."""
    window = placement.window(area)
    if window is None:
        return
    parts = placement.nodes.quarters(area, _HOLED_SIDE) if part.has_holes(window) else [area]
    if len(parts) == 1:
        yield area, window
        return
    for quarter in parts:
        yield from _evenly(placement, part, quarter)


def _still_open(gaps: NDArray[np.bool_], piece: Piece) -> Piece | None:
    """The rows and columns of a piece between the first and the last gap; None when there are none."""
    rows = np.flatnonzero(gaps.any(axis=1))
    if not rows.size:
        return None
    columns = np.flatnonzero(gaps[rows[0] : rows[-1] + 1].any(axis=0))
    return Piece(
        piece.row + int(rows[0]), piece.column + int(columns[0]), int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1
    )


def _bands(target: Target, margin: int) -> Bands:
    across = list(_spans(target.shape[1], margin, _PIECE_COLUMNS))
    return Bands(
        target,
        tuple(
            tuple(Piece(row, column, rows, columns) for column, columns in across)
            for row, rows in _spans(target.shape[0], margin, _PIECE_ROWS)
        ),
        margin,
    )


def _spans(length: int, margin: int, step: int) -> Iterator[tuple[int, int]]:
    """(start, length) of the pieces along one axis: the margins are pieces of their own, those between lie as they
    would without."""
    edges = sorted({0, *range(margin, length - margin, step), length - margin, length})
    for start, end in pairwise(edges):
        yield start, end - start


def _scaling(source: SourceRaster, kind: Kind, scale: float | None, offset: float | None) -> Scaling | None:
    if kind == "categorical":
        return None
    if source.scale is None:
        if source.offset:
            raise InvalidRequest(f"{source.href} has an offset but no scale; give both", field="scale")
        return None
    if scale is None:
        raise InvalidRequest(
            f"{source.href} has scale {source.scale:g}, but the band of the cube has none; define it", field="scale"
        )
    shift = (source.offset or 0.0) - (offset or 0.0)
    return None if source.scale == scale and shift == 0 else Scaling(source.scale, shift, scale)


def _index(source: SourceRaster, datasource: Sequence[str] | None) -> int:
    if datasource is None:
        return DATASOURCE.nodata
    if source.dataset not in datasource:
        raise InvalidRequest(
            f"{source.href} is of {source.dataset!r}, which is none of {', '.join(datasource)}", field="datasource"
        )
    return list(datasource).index(source.dataset)
