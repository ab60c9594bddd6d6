"""Rasters: what they are called, how they are opened and read, whole or in strips, and what a failure means.

A read that fails is an error that names the source, never nodata. rasterio raises one class for everything, so
the messages of GDAL decide here between :class:`SourceMissing` (asking again does not help) and
:class:`TransientRead` (it may).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio._err import CPLE_BaseError
from rasterio.crs import CRS
from rasterio.enums import Resampling
from rasterio.env import getenv, hasenv
from rasterio.errors import RasterioIOError
from rasterio.session import DummySession
from rasterio.warp import transform
from rasterio.windows import Window

from stratocube.cube.geobox import GeoBox
from stratocube.errors import InvalidRequest, SourceMissing, TransientRead

SAFE_SETTINGS: Final[Mapping[str, str | int]] = MappingProxyType(
    {
        # Blocks of /vsis3/ and /vsicurl/ outlive a file in GDAL's cache, and so do failures: an object rewritten
        # under the same key would read as it was. With this nothing is kept once the file is closed.
        "CPL_VSIL_CURL_NON_CACHED": "/vsis3/:/vsicurl/",
        "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
        "GDAL_HTTP_MAX_RETRY": "3",
        "GDAL_HTTP_RETRY_DELAY": "0.5",
        "GDAL_HTTP_TIMEOUT": "60",
        "GDAL_HTTP_CONNECTTIMEOUT": "10",
        # Bytes of decoded blocks. Every block is read once; without a limit a twentieth of the memory fills with them.
        "GDAL_CACHEMAX": 64 * 1024 * 1024,
    }
)
"""What reading depends on, where a ``rasterio.Env`` of the caller does not say otherwise."""

STRIP_ROWS: Final = 512
"""Rows read at a time: one row of blocks of a COG, so no block is decoded twice."""

Points = tuple[NDArray[np.float64], NDArray[np.float64]]
"""x and y of some points."""

_READ_FAILURES: Final = (RasterioIOError, CPLE_BaseError)

_REMOTE: Final = re.compile(r"/vsi(curl|s3|gs|az|adls|oss|swift|hdfs|webhdfs)|^(https?|s3|gs|ftp)://", re.IGNORECASE)

_MISSING: Final = re.compile(
    r"response code: (401|403|404|410)\b|no such file|key does not exist|bucket does not exist|access denied",
    re.IGNORECASE,
)

_QUERY: Final = re.compile(r"(https?://[^\s'\"?]+\?)[^\s'\"]+")

_NO_RASTER: Final = re.compile(
    r"not recognized as (being in )?a supported|does not exist in the file system", re.IGNORECASE
)


@dataclass(frozen=True)
class SourceRaster:
    """One band of one scene: where it is and what its numbers mean."""

    href: str
    """What the user knows it by, and what errors name; carries no token."""
    path: str
    """What GDAL opens: a file name, /vsis3/…, /vsicurl/…"""
    nodata: float | None = None
    """Nodata as the catalog tells; the tag of the file itself is believed first."""
    dataset: str = ""
    """Collection (or platform, in a cube of one collection) the scene belongs to: what DATASOURCE tells apart."""
    scale: float | None = None
    """Physical value = stored value × scale + offset. None: the numbers are already on the scale of the cube."""
    offset: float | None = None
    """See ``scale``, without which it is refused; None is 0."""
    band: int = 1
    """Band of the file, counted from 1."""


@dataclass(frozen=True)
class Raster:
    """One band in memory with its grid."""

    data: NDArray[Any]
    """(rows, columns), type of the file; nodata pixels hold ``nodata``."""
    geobox: GeoBox
    nodata: float | None
    """None: every pixel is valid."""


def environment() -> AbstractContextManager[Any]:
    """GDAL set up for reading, in this thread; to be entered with ``with``.

    What a ``rasterio.Env`` of the caller sets counts, its credentials too; what it leaves open is filled in, for
    libraries leave environments behind that nobody knows of (odc-stac does). Outside of one, rasterio would make a
    boto3 session at its first call wherever AWS credentials are in the environment; a dummy session leaves them to
    GDAL, which reads the same variables.
    """
    given = getenv() if hasenv() else {}
    missing = {name: value for name, value in SAFE_SETTINGS.items() if name not in given}
    return rasterio.Env(session=DummySession(), **missing) if missing else nullcontext()


def environment_for_threads() -> Callable[[], AbstractContextManager[Any]]:
    """What makes, in another thread, the environment of this one: rasterio keeps one for each thread."""
    with environment():
        settings = dict(getenv())
    return lambda: rasterio.Env(session=DummySession(), **settings)


def opened(path: str, *, href: str | None = None, threads: int = 1) -> Any:
    """A raster opened for reading, to be closed by the caller. Arguments and errors: see :func:`open_raster`."""
    options = {"num_threads": threads} if threads > 1 else {}
    try:
        return rasterio.open(path, **options)
    except _READ_FAILURES as error:
        raise _failed_open(path, path if href is None else href, error) from error


@contextmanager
def open_raster(path: str, *, href: str | None = None, threads: int = 1) -> Iterator[Any]:
    """A raster opened for reading (a rasterio dataset), to be used in a ``with`` statement.

    ``path`` is what GDAL opens; ``href`` is what errors name, ``path`` itself when not given. ``threads`` decode
    blocks side by side where the format can. Failures of rasterio inside the ``with`` block are taken for failed
    reads of this source, so write outputs outside of it.

    Raises:
        SourceMissing: there is no such object, it may not be read, or (a local file) it is no raster.
        TransientRead: anything else, such as a timeout, a throttled request, a file that ends too early. GDAL
            reports a throttled object as of an unknown format, so a remote object that is no raster ends here too.
    """
    with environment(), opened(path, href=href, threads=threads) as dataset, reading(path, href=href):
        yield dataset


@contextmanager
def reading(path: str, *, href: str | None = None) -> Iterator[None]:
    """Turn failures of rasterio inside the ``with`` block into :class:`TransientRead` of ``href`` (or ``path``)."""
    name = path if href is None else href
    try:
        yield
    except _READ_FAILURES as error:
        raise TransientRead(name, _reason(path, name, error)) from error


def read_raster(path: str, *, href: str | None = None, band: int = 1) -> Raster:
    """One whole band in memory. Raises what :func:`open_raster` raises, and InvalidRequest for a rotated grid.

    >>> from stratocube.pixels.cog import create_empty_raster
    >>> grid = GeoBox("EPSG:32723", 300000, 8000000, 30, 30, width=2, height=1)
    >>> create_empty_raster("CLEAROB.tif", grid, data_type="uint8", nodata=0)
    >>> read_raster("CLEAROB.tif").data.tolist()
    [[0, 0]]
    """
    with open_raster(path, href=href) as dataset:
        return Raster(read_pixels(dataset, band=band), geobox_of(dataset), dataset.nodatavals[band - 1])


def read_pixels(
    dataset: Any,
    *,
    band: int = 1,
    window: Window | None = None,
    out_shape: tuple[int, int] | None = None,
    resampling: Resampling = Resampling.nearest,
    out: NDArray[Any] | None = None,
) -> NDArray[Any]:
    """Pixels of one band, (rows, columns) in the type of the file, of ``window`` or of the whole.

    ``out_shape`` (rows, columns) asks for fewer pixels, from overviews where there are any. ``out`` is the array to
    put them into, instead of a new one; only one of the two can be given. Use it inside
    :func:`open_raster` or :func:`reading`, which turn a failure into an error with a name.
    """
    values: NDArray[Any] = dataset.read(band, window=window, out=out, out_shape=out_shape, resampling=resampling)
    return values


def read_window(dataset: Any, window: Window) -> NDArray[Any]:
    """Part of the first band, (rows, columns) in the type of the file.

    For several rasters open at a time: a failure is a :class:`TransientRead` of this one, whatever ``with`` block it
    happens in.
    """
    with reading(dataset.name):
        return read_pixels(dataset, window=window)


def strips(height: int, width: int, rows: int = STRIP_ROWS) -> Iterator[Window]:
    """Windows of ``rows`` whole rows that cover a raster from top to bottom; the last one may be lower."""
    for top in range(0, height, rows):
        yield Window(0, top, width, min(rows, height - top))


def rows_of(window: Window) -> slice:
    """The rows of a strip, as an index into the full array."""
    return slice(int(window.row_off), int(window.row_off + window.height))


def is_nodata(values: NDArray[Any], nodata: float | None) -> NDArray[np.bool_]:
    """Where an array is nodata: equal to ``nodata``, masked, or not a number. Bool array of the same shape."""
    # Of plain arrays numpy.ma need not be known: to import it takes 20 ms.
    masked = type(values) is not np.ndarray and np.ma.isMaskedArray(values)
    data = np.ma.getdata(values) if masked else values
    missing: NDArray[np.bool_]
    if data.dtype.kind == "f":
        missing = np.isnan(data)
        if nodata is not None and not math.isnan(nodata):
            missing |= data == nodata
    elif nodata is None or not float(nodata).is_integer():
        missing = np.zeros(data.shape, dtype=np.bool_)
    else:  # as int: numpy would compare integers with a float as doubles, in twice the time
        missing = np.asarray(data == int(nodata))
    if masked:
        missing |= np.ma.getmaskarray(values)
    return missing


def same_shape(shapes: Mapping[str, tuple[int, ...]]) -> tuple[int, ...]:
    """The one shape of all bands. Raises :class:`InvalidRequest` naming two bands that differ."""
    (first, shape), *others = shapes.items()
    for name, other in others:
        if other != shape:
            raise InvalidRequest(f"has {other} pixels, {first} has {shape}: bring them on one grid", field=name)
    return shape


def geobox_of(dataset: Any) -> GeoBox:
    """The pixel grid of an open raster.

    Raises:
        InvalidRequest: for a raster without CRS, or one whose rows do not run west to east, north to south.
    """
    a, b, x_min, d, e, y_max = tuple(dataset.transform)[:6]
    if dataset.crs is None:
        raise InvalidRequest(f"{dataset.name} has no coordinate reference system", field="raster")
    if b != 0 or d != 0 or a <= 0 or e >= 0:
        raise InvalidRequest(f"{dataset.name} is not north up: bring it on a north-up grid first", field="raster")
    return GeoBox(
        crs=dataset.crs.to_wkt(),
        x_min=x_min,
        y_max=y_max,
        resolution_x=a,
        resolution_y=-e,
        width=dataset.width,
        height=dataset.height,
    )


def is_remote(path: str) -> bool:
    """Whether GDAL reads a path over a network, where a failure may pass."""
    return _REMOTE.search(path) is not None


def crs_of(geobox: GeoBox) -> CRS:
    """The CRS of a geobox for rasterio. Raises InvalidRequest for text that names none."""
    with environment():
        try:
            return CRS.from_user_input(geobox.crs)
        except ValueError as error:  # rasterio's CRSError is one
            raise InvalidRequest(f"{geobox.crs!r} is no coordinate reference system: {error}", field="crs") from error


def projected(xs: Sequence[float], ys: Sequence[float], source: CRS, target: CRS) -> Points:
    """Points of one CRS in another: their x and y, infinite where the other has no coordinates for them."""
    with environment():
        try:
            there = transform(source, target, xs, ys)
        except CPLE_BaseError:
            # One bad point fails all of them: one at a time, then.
            if len(xs) == 1:
                return np.array([np.inf]), np.array([np.inf])
            single = [projected([x], [y], source, target) for x, y in zip(xs, ys, strict=True)]
            return np.concatenate([x for x, _ in single]), np.concatenate([y for _, y in single])
    return np.asarray(there[0], dtype=np.float64), np.asarray(there[1], dtype=np.float64)


def _failed_open(path: str, name: str, error: BaseException) -> SourceMissing | TransientRead:
    reason = _reason(path, name, error)
    if _MISSING.search(reason) or (_NO_RASTER.search(reason) and not is_remote(path)):
        return SourceMissing(name, reason)
    return TransientRead(name, reason)


def _reason(path: str, name: str, error: BaseException) -> str:
    # "Read failed. See previous exception for details": the cause is what says something. Signed paths hold a
    # token, which must not reach a log.
    messages: list[str] = []
    link: BaseException | None = error
    while link is not None:
        text = _QUERY.sub(r"\1…", str(link).replace(path, name))
        if "See previous exception" not in text and text not in messages:
            messages.append(text)
        link = link.__cause__ or link.__context__
    return "; ".join(messages) or "the read failed"
