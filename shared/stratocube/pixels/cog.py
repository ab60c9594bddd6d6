"""Cloud Optimized GeoTIFFs: how every product is written.

Each raster is encoded once, by GDAL's COG driver: tiles of 512 × 512, DEFLATE with predictor, overviews down to one
tile. The bytes depend on the input alone (not on threads, time or path), so the same product has the same checksum.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal

import numpy as np
import rasterio
import rasterio.shutil
from affine import Affine
from numpy.typing import DTypeLike, NDArray
from rasterio.enums import ColorInterp, Resampling
from rasterio.io import MemoryFile

from stratocube.cube.geobox import GeoBox
from stratocube.errors import InvalidRequest
from stratocube.pixels.sources import crs_of, environment, open_raster

Kind = Literal["continuous", "categorical"]
"""``continuous``: reflectance, indexes, temperatures. ``categorical``: classes, bits, counts, days, indexes of
sources: numbers that must not be averaged."""

_OVERVIEWS: Final[Mapping[str, Resampling]] = MappingProxyType(
    {"continuous": Resampling.average, "categorical": Resampling.nearest}
)

_LEVELS: Final[Mapping[str, str]] = MappingProxyType({"continuous": "1", "categorical": "6"})
"""DEFLATE levels. Behind the predictor reflectance does not get smaller beyond level 1 (measured on Sentinel-2 bands:
6.6 MB at level 1, 6.8 at 6, 6.6 at 9) and takes a quarter of the time; classes shrink by a third."""

_SIZES: Final[Mapping[str, tuple[int, ...]]] = MappingProxyType({"i": (1, 2, 4, 8), "u": (1, 2, 4, 8), "f": (4, 8)})

_COLOURS: Final = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)

_PICTURE: Final = 3
"""Dimensions of an array with more than one band."""

_NO_TAGS: Final[Mapping[str, str]] = MappingProxyType({})


def save_as_cog(
    path: str | Path,
    data: NDArray[Any],
    geobox: GeoBox,
    *,
    nodata: float | None,
    kind: Kind,
    description: str = "",
    tags: Mapping[str, str] = _NO_TAGS,
    scale: float | None = None,
    offset: float | None = None,
    unit: str = "",
    block_size: int = 512,
    threads: int | None = None,
) -> None:
    """Write one band as a COG to a local file, which appears whole or not at all.

    ``data`` is (rows, columns) on ``geobox``, of a number type GDAL knows; it is written as it is: nodata pixels
    hold ``nodata`` (None: every pixel is valid). Three bands, (3, rows, columns), make a picture in red, green, blue.
    ``scale`` and ``offset`` tell readers physical value = stored value
    × scale + offset, in ``unit``. ``description`` is the name of the band; ``tags`` go to the file. ``block_size`` is
    a multiple of 16. ``threads`` compress side by side (None: as many as there are processors).

    Raises:
        InvalidRequest: data not two-dimensional or not of the shape of the geobox, a type GDAL cannot hold, a nodata
            value the type cannot hold, a block size that is no positive multiple of 16.

    >>> grid = GeoBox("EPSG:32723", 300000, 8000000, 30, 30, width=2, height=1)
    >>> save_as_cog("ndvi.tif", np.array([[7500, -9999]], dtype=np.int16), grid, nodata=-9999, kind="continuous")
    >>> with open_raster("ndvi.tif") as raster:
    ...     raster.nodata, raster.read(1).tolist()
    (-9999.0, [[7500, -9999]])
    """
    options = _options(kind, block_size, threads)
    meaning = _Meaning(description, tags, scale, offset, unit)
    with _dataset(data, geobox, nodata, meaning) as source, _whole(path) as partial:
        _build_overviews(source, kind, block_size)
        rasterio.shutil.copy(source, str(partial), driver="COG", **options)


def encode_cog(
    data: NDArray[Any],
    geobox: GeoBox,
    *,
    nodata: float | None,
    kind: Kind,
    description: str = "",
    tags: Mapping[str, str] = _NO_TAGS,
    scale: float | None = None,
    offset: float | None = None,
    unit: str = "",
    block_size: int = 512,
    threads: int | None = None,
) -> bytes:
    """The COG that :func:`save_as_cog` writes, as bytes, for one atomic PUT. Arguments and errors as there.

    >>> grid = GeoBox("EPSG:32723", 300000, 8000000, 30, 30, width=2, height=1)
    >>> encode_cog(np.array([[1, 255]], dtype=np.uint8), grid, nodata=255, kind="categorical")[:2]  # a TIFF
    b'II'
    """
    options = _options(kind, block_size, threads)
    meaning = _Meaning(description, tags, scale, offset, unit)
    with _dataset(data, geobox, nodata, meaning) as source, MemoryFile(ext=".tif") as memory:
        _build_overviews(source, kind, block_size)
        rasterio.shutil.copy(source, memory.name, driver="COG", **options)
        return bytes(memory.getbuffer())


def generate_cogs(
    source: str | Path, path: str | Path, *, kind: Kind, block_size: int = 512, threads: int | None = None
) -> None:
    """Write an existing raster, with all its bands and tags, as a COG to a local file (which may be the same one).

    Raises SourceMissing or TransientRead for a source that cannot be read, InvalidRequest for a bad block size.

    >>> grid = GeoBox("EPSG:32723", 300000, 8000000, 30, 30, width=2, height=1)
    >>> create_empty_raster("scl.tif", grid, data_type="uint8", nodata=0)
    >>> generate_cogs("scl.tif", "scl_256.tif", kind="categorical", block_size=256)
    >>> with open_raster("scl_256.tif") as raster:
    ...     raster.tags(ns="IMAGE_STRUCTURE")["LAYOUT"]
    'COG'
    """
    options = _options(kind, block_size, threads)
    with open_raster(str(source)) as dataset, _whole(path) as partial:
        rasterio.shutil.copy(dataset, str(partial), driver="COG", **options)


def create_empty_raster(
    path: str | Path, geobox: GeoBox, *, data_type: DTypeLike, nodata: float, kind: Kind = "categorical"
) -> None:
    """Write a COG in which every pixel is nodata. Raises InvalidRequest for a nodata the type cannot hold.

    >>> grid = GeoBox("EPSG:32723", 300000, 8000000, 30, 30, width=2, height=1)
    >>> create_empty_raster("empty.tif", grid, data_type="int16", nodata=-9999)
    >>> with open_raster("empty.tif") as raster:
    ...     raster.read(1).tolist()
    [[-9999, -9999]]
    """
    save_as_cog(path, empty(geobox, data_type=data_type, nodata=nodata), geobox, nodata=nodata, kind=kind)


def empty(geobox: GeoBox, *, data_type: DTypeLike, nodata: float) -> NDArray[Any]:
    """An array of nodata on ``geobox``. Raises InvalidRequest for a nodata the type cannot hold.

    >>> empty(GeoBox("EPSG:32723", 300000, 8000000, 30, 30, width=2, height=1), data_type="uint8", nodata=255).tolist()
    [[255, 255]]
    """
    dtype = number_type(data_type)
    require_fit(nodata, dtype)
    return np.full(geobox.shape, nodata, dtype=dtype)


def number_type(data_type: DTypeLike) -> np.dtype[Any]:
    """A data type by its name. Raises InvalidRequest for one GDAL cannot store."""
    try:
        dtype = np.dtype(data_type)
    except TypeError:
        raise InvalidRequest(f"{data_type!r} is no data type; int16, uint8, float32 are", field="data_type") from None
    if dtype.kind not in "iuf" or dtype.itemsize not in _SIZES[dtype.kind]:
        raise InvalidRequest(f"{dtype} cannot be stored in a GeoTIFF; use int16, uint8, float32 …", field="data_type")
    return dtype


def fits(value: float, dtype: np.dtype[Any]) -> bool:
    """Whether a data type can hold a number: integer types exactly, floating types within their range or as NaN."""
    if dtype.kind == "f":
        return not math.isfinite(value) or abs(value) <= float(np.finfo(dtype).max)
    limits = np.iinfo(dtype)
    return math.isfinite(value) and float(value).is_integer() and limits.min <= value <= limits.max


def require_fit(nodata: float | None, dtype: np.dtype[Any]) -> None:
    """Raise InvalidRequest when a data type cannot hold a nodata value."""
    if nodata is not None and not fits(nodata, dtype):
        raise InvalidRequest(f"{dtype} cannot hold {nodata:g}; choose a value within the type", field="nodata")


@dataclass(frozen=True)
class _Meaning:
    description: str
    tags: Mapping[str, str]
    scale: float | None
    offset: float | None
    unit: str


@contextmanager
def _dataset(data: NDArray[Any], geobox: GeoBox, nodata: float | None, meaning: _Meaning) -> Iterator[Any]:
    bands = data if data.ndim == _PICTURE else data[np.newaxis]
    if bands.ndim != _PICTURE or len(bands) not in {1, 3} or bands.shape[1:] != geobox.shape:
        raise InvalidRequest(f"has shape {data.shape}, the grid has {geobox.shape} (rows, columns)", field="data")
    dtype = number_type(data.dtype)
    require_fit(nodata, dtype)
    with (
        environment(),
        rasterio.open(
            "",
            "w",
            driver="MEM",
            width=geobox.width,
            height=geobox.height,
            count=len(bands),
            dtype=dtype.name,
            crs=crs_of(geobox),
            transform=Affine(*geobox.transform),
            nodata=nodata,
        ) as dataset,
    ):
        dataset.write(bands)
        if len(bands) > 1:
            dataset.colorinterp = _COLOURS
        if meaning.description:
            dataset.set_band_description(1, meaning.description)
        if meaning.tags:
            dataset.update_tags(**meaning.tags)
        if meaning.scale is not None:
            dataset.scales = (meaning.scale,) * len(bands)
        if meaning.offset is not None:
            dataset.offsets = (meaning.offset,) * len(bands)
        if meaning.unit:
            dataset.units = (meaning.unit,) * len(bands)
        yield dataset


def _build_overviews(dataset: Any, kind: Kind, block_size: int) -> None:
    # The driver would make them itself, by way of compressed temporary files: measured three times the work.
    factors: list[int] = []
    while max(dataset.shape) > block_size << len(factors):
        factors.append(2 << len(factors))
    if factors:
        dataset.build_overviews(factors, _OVERVIEWS[kind])


def _options(kind: Kind, block_size: int, threads: int | None) -> dict[str, str]:
    if kind not in _OVERVIEWS:
        raise InvalidRequest(f"must be one of {', '.join(_OVERVIEWS)}, got {kind!r}", field="kind")
    if block_size <= 0 or block_size % 16:
        raise InvalidRequest(f"must be a positive multiple of 16, got {block_size}", field="block_size")
    return {
        "BLOCKSIZE": str(block_size),
        "COMPRESS": "DEFLATE",
        "PREDICTOR": "YES",
        "LEVEL": _LEVELS[kind],
        "OVERVIEW_RESAMPLING": _OVERVIEWS[kind].name,
        "OVERVIEW_COMPRESS": "DEFLATE",
        "OVERVIEW_PREDICTOR": "YES",
        "NUM_THREADS": "ALL_CPUS" if threads is None else str(threads),
        "BIGTIFF": "IF_SAFER",
    }


@contextmanager
def _whole(path: str | Path) -> Iterator[Path]:
    # Written beside the target under another name and moved over it: a reader never sees half a file, and a source
    # may be its own target.
    target = Path(path)
    partial = target.with_name(f".{target.name}.{uuid.uuid4().hex}.tif")
    try:
        yield partial
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
