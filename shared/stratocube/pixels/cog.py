"""Cloud Optimized GeoTIFFs: how every product is written.

Each pixel is encoded once: tiles of 512 × 512, DEFLATE, overviews down to one tile. The bytes depend on the input alone
(not on threads, time or path), so the same product has the same checksum.
"""

from __future__ import annotations

import math
import os
import re
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import rasterio.shutil
from numpy.typing import DTypeLike, NDArray

from stratocube.cube.geobox import GeoBox
from stratocube.errors import InvalidRequest
from stratocube.pixels.cog_profile import NO_PREDICTOR, CogProfile, Kind, Meaning, encoding_of
from stratocube.pixels.cog_writer import CogWriter
from stratocube.pixels.sources import open_raster

__all__ = [
    "CogProfile",
    "CogWriter",
    "Kind",
    "Meaning",
    "cog_of",
    "cog_writer",
    "create_empty_raster",
    "empty",
    "encode_cog",
    "fits",
    "generate_cogs",
    "number_type",
    "require_fit",
    "save_as_cog",
]

_RESAMPLING: Final[Mapping[str, str]] = MappingProxyType({"continuous": "AVERAGE", "categorical": "NEAREST"})
"""Of overviews."""

_SIZES: Final[Mapping[str, tuple[int, ...]]] = MappingProxyType({"i": (1, 2, 4, 8), "u": (1, 2, 4, 8), "f": (4, 8)})

_PICTURE: Final = 3
"""Dimensions of an array with more than one band, and its bands."""

_NO_TAGS: Final[Mapping[str, str]] = MappingProxyType({})
_NO_COLOURS: Final[Mapping[int, str]] = MappingProxyType({})
_COLOUR: Final = re.compile(r"[0-9A-Fa-f]{6}")
_BYTE: Final = 255


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
    long_name: str = "",
    colors: Mapping[int, str] = _NO_COLOURS,
) -> None:
    """Write one band as a COG to a local file, which appears whole or not at all.

    ``data`` is (rows, columns) on ``geobox``, of a number type GDAL knows; it is written as it is: nodata pixels
    hold ``nodata`` (None: every pixel is valid). Three bands, (3, rows, columns), make a picture in red, green, blue.
    ``scale`` and ``offset`` tell readers physical value = stored value × scale + offset, in ``unit``. ``description``
    is the name of the band, ``long_name`` says what it is; ``tags`` go to the file. ``block_size`` is a multiple of 16.
    ``threads`` compress side by side (None: as many as there are processors). ``colors`` are those of classes (six
    hexadecimal digits, by value): one band of uint8 gets a colour table of them. Statistics of the valid pixels of each
    band are written beside.

    Raises:
        InvalidRequest: data not two-dimensional or not of the shape of the geobox, a type GDAL cannot hold, a nodata
            value the type cannot hold, a block size that is no positive multiple of 16, a colour that is none.

    >>> grid = GeoBox("EPSG:32723", 300000, 8000000, 30, 30, width=2, height=1)
    >>> save_as_cog("ndvi.tif", np.array([[7500, -9999]], dtype=np.int16), grid, nodata=-9999, kind="continuous")
    >>> with open_raster("ndvi.tif") as raster:
    ...     raster.nodata, raster.read(1).tolist()
    (-9999.0, [[7500, -9999]])
    """
    meaning = Meaning(kind, description, scale, offset, unit, block_size, long_name, colors, tags)
    with _whole(path) as partial, partial.open("wb") as file:
        file.writelines(cog_of(data, geobox, nodata=nodata, meaning=meaning, threads=threads).finish())


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
    long_name: str = "",
    colors: Mapping[int, str] = _NO_COLOURS,
) -> bytes:
    """The COG that :func:`save_as_cog` writes, as bytes, for one atomic PUT. Arguments and errors as there.

    >>> grid = GeoBox("EPSG:32723", 300000, 8000000, 30, 30, width=2, height=1)
    >>> encode_cog(np.array([[1, 255]], dtype=np.uint8), grid, nodata=255, kind="categorical")[:2]  # a TIFF
    b'II'
    """
    meaning = Meaning(kind, description, scale, offset, unit, block_size, long_name, colors, tags)
    return b"".join(cog_of(data, geobox, nodata=nodata, meaning=meaning, threads=threads).finish())


def cog_of(
    data: NDArray[Any], geobox: GeoBox, *, nodata: float | None, meaning: Meaning, threads: int | None = None
) -> CogWriter:
    """A writer that has taken a whole image: its file by ``finish``, its statistics beside. As :func:`encode_cog`."""
    bands = _bands(data, geobox)
    profile = CogProfile(geobox, number_type(data.dtype), nodata, meaning, bands)
    return _filled(data, profile, threads)


def cog_writer(profile: CogProfile) -> CogWriter:
    """A writer for pixels that come piece by piece. Raises InvalidRequest for what cannot be written.

    >>> grid = GeoBox("EPSG:32723", 300000, 8000000, 30, 30, width=2, height=1)
    >>> writer = cog_writer(CogProfile(grid, np.dtype("uint8"), 255, Meaning("categorical")))
    >>> writer.add(0, 0, np.array([[1, 255]], dtype=np.uint8))
    >>> whole = encode_cog(np.array([[1, 255]], dtype=np.uint8), grid, nodata=255, kind="categorical")
    >>> b"".join(writer.finish()) == whole
    True
    """
    _check_kind(profile.meaning.kind)
    _check_block_size(profile.meaning.block_size)
    _check_colors(profile.meaning.colors)
    require_fit(profile.nodata, number_type(profile.dtype))
    return CogWriter(profile)


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
    _check_kind(kind)
    _check_block_size(block_size)
    with open_raster(str(source)) as dataset, _whole(path) as partial:
        options = _options(kind, np.dtype(dataset.dtypes[0]), block_size, threads)
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


def _bands(data: NDArray[Any], geobox: GeoBox) -> int:
    bands = len(data) if data.ndim == _PICTURE else 1
    if data.ndim not in {2, _PICTURE} or bands not in {1, _PICTURE} or data.shape[-2:] != geobox.shape:
        raise InvalidRequest(f"has shape {data.shape}, the grid has {geobox.shape} (rows, columns)", field="data")
    return bands


def _filled(data: NDArray[Any], profile: CogProfile, threads: int | None) -> CogWriter:
    writer = cog_writer(profile)
    size, (rows, columns) = writer.piece_size, profile.geobox.shape
    places = [(row, column) for row in range(0, rows, size) for column in range(0, columns, size)]

    def add(place: tuple[int, int]) -> None:
        row, column = place
        writer.add(row, column, data[..., row : row + size, column : column + size])

    workers = min(threads or os.cpu_count() or 1, len(places))
    if workers == 1:
        for place in places:
            add(place)
    else:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(add, places))
    return writer


def _options(kind: Kind, dtype: np.dtype[Any], block_size: int, threads: int | None) -> dict[str, str]:
    encoding = encoding_of(kind, dtype)
    predictor = "NO" if encoding.predictor == NO_PREDICTOR else "YES"
    return {
        "BLOCKSIZE": str(block_size),
        "COMPRESS": "DEFLATE",
        "PREDICTOR": predictor,
        "LEVEL": str(encoding.level),
        "OVERVIEW_RESAMPLING": _RESAMPLING[kind],
        "OVERVIEW_COMPRESS": "DEFLATE",
        "OVERVIEW_PREDICTOR": predictor,
        "NUM_THREADS": "ALL_CPUS" if threads is None else str(threads),
        "BIGTIFF": "IF_SAFER",
    }


def _check_kind(kind: Kind) -> None:
    if kind not in _RESAMPLING:
        raise InvalidRequest(f"must be one of {', '.join(_RESAMPLING)}, got {kind!r}", field="kind")


def _check_block_size(block_size: int) -> None:
    if block_size <= 0 or block_size % 16:
        raise InvalidRequest(f"must be a positive multiple of 16, got {block_size}", field="block_size")


def _check_colors(colors: Mapping[int, str]) -> None:
    for value, color in colors.items():
        if not 0 <= value <= _BYTE or not _COLOUR.fullmatch(color):
            raise InvalidRequest(
                f"must be six hexadecimal digits for a value of 0 to 255, got {value!r}: {color!r}", field="colors"
            )


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
