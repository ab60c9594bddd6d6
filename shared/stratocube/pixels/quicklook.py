"""Pictures of a product: a small PNG for catalogs, and a full-size one in red, green and blue."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
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

FRAME_WIDTH: Final = 10
"""Of a frame around a picture, in pixels."""

_NO_TAGS: Final[Mapping[str, str]] = MappingProxyType({})

Limits = tuple[float, float]


@dataclass(frozen=True)
class Channels:
    """Red, green and blue as read for a picture, 768 rows high: stored numbers."""

    values: NDArray[Any]
    """(3, rows, columns)."""
    valid: NDArray[np.bool_]
    """Where a channel has a value, of the same shape."""
    source_shape: tuple[int, int]
    """(rows, columns) of the raster: where it has fewer than the picture, those of the picture are repeated."""

    def distinct(self) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Values and where they are valid, without the rows and columns that are repetitions."""
        rows, columns = (
            np.unique((np.arange(shown) + 0.5) * source // shown, return_index=True)[1]
            for shown, source in zip(self.values.shape[1:], self.source_shape, strict=True)
        )
        return self.values[:, rows][:, :, columns], self.valid[:, rows][:, :, columns]


def read_channels(paths: Sequence[str], *, nodata: float | None = None) -> Channels:
    """Read three bands (red, green, blue) for a picture: large rasters from their overviews, nearest neighbour.

    A pixel is valid that is neither ``nodata`` nor what its file is tagged with. Errors as of
    :func:`generate_quick_look`.
    """
    _require_three(paths)
    shapes: dict[str, tuple[int, ...]] = {}
    channels, valid = [], []
    for band in paths:
        with open_raster(band) as dataset:
            shapes[band] = dataset.shape
            same_shape(shapes)
            columns = max(1, round(ROWS * dataset.width / dataset.height))
            values = read_pixels(dataset, out_shape=(ROWS, columns))
            valid.append(~(is_nodata(values, nodata) | is_nodata(values, dataset.nodata)))
        channels.append(values)
    rows, columns = shapes[paths[0]]
    return Channels(np.stack(channels), np.stack(valid), (rows, columns))


def draw_channels(
    channels: Channels,
    channel_limits: Sequence[Limits] | None = None,
    *,
    darkest: int = 0,
    gamma: float = 1.0,
    frame: tuple[int, int, int] | None = None,
) -> bytes:
    """The picture of three channels as PNG, each stretched from its limits to ``darkest``-255; nodata is transparent.

    With a ``darkest`` of 1 nothing else is: with 0, black is. A ``gamma`` above 1 shows more of what is dark: the share
    of the range is raised to its inverse. ``frame`` is the colour of a frame that says "look here".
    Raises InvalidRequest for limits that are not three, or not lower < upper.
    """
    limits = tuple(DEFAULT_LIMITS if channel_limits is None else channel_limits)
    if len(limits) != len(channels.values):
        raise InvalidRequest(f"three pairs of lower and upper limit are needed, got {len(limits)}", field="limits")
    shown = []
    for values, valid, (lower, upper) in zip(channels.values, channels.valid, limits, strict=True):
        if not (math.isfinite(lower) and math.isfinite(upper) and lower < upper):
            raise InvalidRequest(f"the lower limit must be below the upper one, got {lower}, {upper}", field="limits")
        black = ~valid if darkest else ~valid | (values <= 0)
        shown.append(_bytes(values, (lower, upper), (darkest, 255), black, gamma))
    picture = np.stack(shown)
    return _png(picture if frame is None else _framed(picture, frame))


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
    picture = draw_channels(read_channels(paths, nodata=nodata), channel_limits)
    if path is not None:
        Path(path).write_bytes(picture)
    return picture


def generate_rgb(
    paths: Sequence[str],
    path: str | Path,
    *,
    input_range: Limits = (0, 10000),
    output_range: Limits = (0, 255),
    channel_limits: Sequence[Limits] | None = None,
    gamma: float = 1.0,
    tags: Mapping[str, str] = _NO_TAGS,
) -> None:
    """Write three bands (red, green, blue) as one byte COG of full size, each stretched from ``input_range``.

    ``channel_limits`` are ranges of each band, in place of one for all. Nodata pixels become 0; the file is tagged with
    nodata 0 when the bands are (another tag would not fit), or when no other pixel can be 0 by the ``output_range``.
    ``gamma`` as of :func:`draw_channels`; ``tags`` go to the file.

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
    ranges = [input_range] * len(paths) if channel_limits is None else list(channel_limits)
    if len(ranges) != len(paths):
        raise InvalidRequest(f"three pairs of lower and upper limit are needed, got {len(ranges)}", field="limits")
    grids: list[GeoBox] = []
    nodata_tags: list[float | None] = []
    shapes: dict[str, tuple[int, ...]] = {}
    channels = []
    for band, limits in zip(paths, ranges, strict=True):
        with open_raster(band) as dataset:
            shapes[band] = dataset.shape
            same_shape(shapes)
            grids.append(geobox_of(dataset))
            nodata_tags.append(dataset.nodata)
            values = read_pixels(dataset)
        channels.append(_bytes(values, limits, output_range, is_nodata(values, nodata_tags[-1]), gamma))
    nodata = 0 if low > 0 or all(tag == 0 for tag in nodata_tags) else None
    save_as_cog(path, np.stack(channels), grids[0], nodata=nodata, kind="continuous", tags=tags)


def _require_three(paths: Sequence[str]) -> None:
    if len(paths) != len(DEFAULT_LIMITS):
        raise InvalidRequest(f"three bands (red, green, blue) are needed, got {len(paths)}", field="bands")


def _bytes(
    values: NDArray[Any], limits: Limits, output: Limits, black: NDArray[np.bool_], gamma: float = 1.0
) -> NDArray[np.uint8]:
    stretched = linear_raster_scale(np.where(black, 0, values), limits, output)
    if gamma != 1:
        low, high = output
        stretched = low + (high - low) * ((stretched - low) / (high - low)) ** (1 / gamma)
    result: NDArray[np.uint8] = stretched.astype(np.uint8)
    result[black] = 0
    return result


def _framed(picture: NDArray[np.uint8], color: tuple[int, int, int]) -> NDArray[np.uint8]:
    inside = np.zeros(picture.shape[1:], dtype=np.bool_)
    inside[FRAME_WIDTH:-FRAME_WIDTH, FRAME_WIDTH:-FRAME_WIDTH] = True
    return np.where(inside, picture, np.array(color, dtype=np.uint8)[:, np.newaxis, np.newaxis])


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
