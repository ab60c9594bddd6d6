"""Pictures of a product: a small PNG for catalogs, and a full-size one in red, green and blue."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import rasterio
import rasterio.shutil
from affine import Affine
from numpy.typing import NDArray
from rasterio.enums import ColorInterp
from rasterio.io import MemoryFile

from stratocube.cube.geobox import GeoBox
from stratocube.errors import InvalidRequest
from stratocube.pixels.cog import save_as_cog
from stratocube.pixels.scaling import linear_raster_scale
from stratocube.pixels.sources import environment, geobox_of, is_nodata, open_raster, read_pixels, same_shape

ROWS: Final = 768
"""Height of every quick look, in pixels."""

DEFAULT_LIMITS: Final = ((0.0, 10000.0),) * 3
"""Reflectance in 1/10000, for red, green and blue."""

Limits = tuple[float, float]


def generate_quick_look(
    paths: Sequence[str],
    *,
    channel_limits: Sequence[Limits] | None = None,
    nodata: float | None = None,
    path: str | Path | None = None,
) -> bytes:
    """A picture of three bands (red, green, blue) as PNG, 768 rows high; also written to ``path`` when given.

    Each channel is stretched from its limits (lower, upper) to 0-255, by default from 0-10000. Values of zero and
    below are black, and so are nodata pixels: ``nodata`` of the band and the tag of its file. Black is transparent.
    Large rasters are read from their overviews, nearest neighbour.

    Raises:
        InvalidRequest: not three bands of one shape, limits that are not three, or not lower < upper.
        SourceMissing, TransientRead: a band that cannot be read, named by its path.

    >>> grid = GeoBox("EPSG:32723", 300000, 8000000, 30, 30, width=2, height=1)
    >>> for band, value in {"red": 800, "green": 600, "blue": 400}.items():
    ...     save_as_cog(f"{band}.tif", np.full(grid.shape, value, dtype=np.int16), grid, nodata=0, kind="continuous")
    >>> png = generate_quick_look(["red.tif", "green.tif", "blue.tif"], channel_limits=[(0, 3000)] * 3)
    >>> png[1:4]
    b'PNG'
    """
    limits = tuple(DEFAULT_LIMITS if channel_limits is None else channel_limits)
    _require_three(paths)
    if len(limits) != len(paths):
        raise InvalidRequest(f"three pairs of lower and upper limit are needed, got {len(limits)}", field="limits")
    shapes: dict[str, tuple[int, ...]] = {}
    channels = []
    for band, (lower, upper) in zip(paths, limits, strict=True):
        if not (math.isfinite(lower) and math.isfinite(upper) and lower < upper):
            raise InvalidRequest(f"the lower limit must be below the upper one, got {lower}, {upper}", field="limits")
        with open_raster(band) as dataset:
            shapes[band] = dataset.shape
            same_shape(shapes)
            columns = max(1, round(ROWS * dataset.width / dataset.height))
            values = read_pixels(dataset, out_shape=(ROWS, columns))
            black = is_nodata(values, nodata) | is_nodata(values, dataset.nodata) | (values <= 0)
        channels.append(_bytes(values, (lower, upper), (0, 255), black))
    picture = _png(np.stack(channels))
    if path is not None:
        Path(path).write_bytes(picture)
    return picture


def generate_rgb(
    paths: Sequence[str],
    path: str | Path,
    *,
    input_range: Limits = (0, 10000),
    output_range: Limits = (0, 255),
) -> None:
    """Write three bands (red, green, blue) as one byte COG of full size, each stretched from ``input_range``.

    Nodata pixels become 0; the file is tagged with nodata 0 when the bands are (another tag would not fit).

    Raises what :func:`generate_quick_look` raises, and InvalidRequest for an output range beyond 0-255.

    >>> grid = GeoBox("EPSG:32723", 300000, 8000000, 30, 30, width=2, height=1)
    >>> for band, value in {"red": 1000, "green": 2500, "blue": 4000}.items():
    ...     save_as_cog(f"{band}.tif", np.full(grid.shape, value, dtype=np.int16), grid, nodata=0, kind="continuous")
    >>> generate_rgb(["red.tif", "green.tif", "blue.tif"], "rgb.tif", input_range=(1000, 4000))
    >>> with open_raster("rgb.tif") as picture:
    ...     picture.read()[:, 0, 0].tolist()
    [0, 127, 255]
    """
    _require_three(paths)
    low, high = output_range
    if not 0 <= low < high <= np.iinfo(np.uint8).max:
        raise InvalidRequest(f"must lie within 0 to 255, got {low} to {high}", field="output_range")
    grids: list[GeoBox] = []
    tags: list[float | None] = []
    shapes: dict[str, tuple[int, ...]] = {}
    channels = []
    for band in paths:
        with open_raster(band) as dataset:
            shapes[band] = dataset.shape
            same_shape(shapes)
            grids.append(geobox_of(dataset))
            tags.append(dataset.nodata)
            values = read_pixels(dataset)
        channels.append(_bytes(values, input_range, output_range, is_nodata(values, tags[-1])))
    nodata = 0 if all(tag == 0 for tag in tags) else None
    save_as_cog(path, np.stack(channels), grids[0], nodata=nodata, kind="continuous")


def _require_three(paths: Sequence[str]) -> None:
    if len(paths) != len(DEFAULT_LIMITS):
        raise InvalidRequest(f"three bands (red, green, blue) are needed, got {len(paths)}", field="bands")


def _bytes(values: NDArray[Any], limits: Limits, output: Limits, black: NDArray[np.bool_]) -> NDArray[np.uint8]:
    stretched = linear_raster_scale(np.where(black, 0, values), limits, output)
    result: NDArray[np.uint8] = stretched.astype(np.uint8)
    result[black] = 0
    return result


def _png(channels: NDArray[np.uint8]) -> bytes:
    count, rows, columns = channels.shape
    with (
        environment(),
        rasterio.open(
            "",
            "w",
            driver="MEM",
            width=columns,
            height=rows,
            count=count,
            dtype="uint8",
            nodata=0,
            # A picture has no place on Earth; a made-up transform keeps rasterio from warning.
            transform=Affine(2, 0, 0, 0, -2, 0),
        ) as source,
        MemoryFile(ext=".png") as memory,
    ):
        source.write(channels)
        source.colorinterp = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
        rasterio.shutil.copy(source, memory.name, driver="PNG")
        return bytes(memory.getbuffer())
