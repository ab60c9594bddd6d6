"""All scenes of one date, warped and mosaicked on the tile: one band."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, Literal

import numpy as np
from affine import Affine
from numpy.typing import DTypeLike, NDArray
from rasterio.windows import Window, union
from rasterio.windows import transform as window_transform

from stratocube.cube.geobox import GeoBox
from stratocube.errors import InvalidRequest
from stratocube.pixels.cog import Kind, empty
from stratocube.pixels.resampling import get_resample_method
from stratocube.pixels.sources import SourceRaster, crs_of, environment, geobox_of, is_nodata, open_raster, read_pixels
from stratocube.pixels.warp import (
    Piece,
    Scaling,
    ScenePart,
    Target,
    grid_of_scene,
    pixels_per_pixel,
    source_nodata,
    warp,
    window_for,
)

DATASOURCE_NODATA: Final = 255
"""Pixels of the datasource raster that come from no scene."""

_PIECE: Final = 2048
"""Side of the pieces a tile is warped in. Part of the result, not a matter of taste: coordinates are approximated
between the edges of a piece."""


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
    tolerance: float = 0.125,
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
    plan = [
        (source, _scaling(source, kind, scale, offset), _index(source, datasource))
        for source in (sources if overlap == "first" else reversed(sources))
    ]
    used: set[SourceRaster] = set()
    still_open = list(_pieces(geobox, margin))
    with environment(), ThreadPoolExecutor(threads) as pool:
        for source, scaling, index in plan:
            if not still_open:
                break
            scene = _read(source, scaling, still_open, target, threads)
            if scene is None:
                continue
            filled = list(pool.map(lambda piece, s=scene, i=index: _fill(result, piece, s, i, target), still_open))
            if any(gave for gave, _ in filled):
                used.add(source)
            still_open = [piece for piece, (_, gaps) in zip(still_open, filled, strict=True) if gaps]
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
    if datasource is not None and len(datasource) > DATASOURCE_NODATA:
        raise InvalidRequest(f"at most 255 datasets can be told apart, got {len(datasource)}", field="datasource")
    data = empty(geobox, data_type=data_type, nodata=nodata)
    origin = None if datasource is None else np.full(geobox.shape, DATASOURCE_NODATA, dtype=np.uint8)
    return Merge(data, geobox, nodata, origin, ())


@dataclass(frozen=True)
class _Scene:
    """A scene with the part of it that was read, and what each open piece needs of that part."""

    part: ScenePart
    windows: dict[Piece, Window]
    ratio: tuple[float, float]


def _read(
    source: SourceRaster, scaling: Scaling | None, pieces: Sequence[Piece], target: Target, threads: int
) -> _Scene | None:
    with open_raster(source.path, href=source.href, threads=threads) as dataset:
        grid = grid_of_scene(dataset, source.href)
        ratio = pixels_per_pixel(grid, target)
        needed = {piece: window_for(piece, grid, target, ratio) for piece in pieces}
        windows = {piece: window for piece, window in needed.items() if window is not None}
        if not windows:
            return None
        whole = union(*windows.values())
        data = read_pixels(dataset, band=source.band, window=whole)
        own_nodata = source_nodata(
            dataset.nodatavals[source.band - 1], source.nodata, target.nodata, np.dtype(data.dtype)
        )
    part = ScenePart(data, grid.crs, window_transform(whole, grid.transform), own_nodata, scaling)
    inside = {
        piece: Window(w.col_off - whole.col_off, w.row_off - whole.row_off, w.width, w.height)
        for piece, w in windows.items()
    }
    return _Scene(part, inside, ratio)


def _fill(result: Merge, piece: Piece, scene: _Scene, index: int, target: Target) -> tuple[bool, bool]:
    """Put a scene into the gaps of a piece. (Whether it gave a pixel, whether there are gaps left.)"""
    if piece not in scene.windows:
        return False, True
    with environment():
        warped = warp(scene.part, scene.windows[piece], piece, target, scene.ratio)
    if warped is None:
        return False, True
    tile = result.data[piece.index]
    gaps = is_nodata(tile, target.nodata)
    valid = ~is_nodata(warped, target.nodata)
    take = gaps & valid
    np.copyto(tile, warped, where=take)
    if result.datasource is not None:
        result.datasource[piece.index][take] = index
    return bool(take.any()), bool((gaps & ~valid).any())


def _pieces(geobox: GeoBox, margin: int) -> Iterator[Piece]:
    for row, rows in _spans(geobox.height, margin):
        for column, columns in _spans(geobox.width, margin):
            yield Piece(row, column, rows, columns)


def _spans(length: int, margin: int) -> Iterator[tuple[int, int]]:
    """(start, length) of the pieces along one axis: the margins are pieces of their own, those between lie as they
    would without."""
    edges = sorted({0, *range(margin, length - margin, _PIECE), length - margin, length})
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
        return DATASOURCE_NODATA
    if source.dataset not in datasource:
        raise InvalidRequest(
            f"{source.href} is of {source.dataset!r}, which is none of {', '.join(datasource)}", field="datasource"
        )
    return list(datasource).index(source.dataset)
