"""Index bands (NDVI, EVI, ...): an expression over bands, as a new band."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from stratocube.cube.expressions import Expression
from stratocube.errors import InvalidRequest
from stratocube.pixels.evaluate import Evaluated, evaluate
from stratocube.pixels.scaling import truncated
from stratocube.pixels.sources import is_nodata, open_raster, read_window, rows_of, same_shape, strips

T = TypeVar("T")

_PIECE: Final = 1 << 18
DATA_TYPES: Final = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "float32", "float64")


def band_index(
    expression: Expression,
    bands: Mapping[str, NDArray[Any]],
    *,
    nodata_by_band: Mapping[str, float | None],
    data_type: str,
    nodata: float,
    minimum: float | None = None,
    maximum: float | None = None,
) -> NDArray[Any]:
    """Evaluate an index over arrays.

    ``bands`` gives each band that the expression reads, all of one shape and any number type; masked arrays
    are fine. A pixel is ``nodata`` in the result when any band the expression reads is nodata there (its
    value in ``nodata_by_band``, masked, or not a number), or when the expression has no finite value
    (division by zero).

    The arithmetic is float32 (float64 for 32-bit integer and float64 results). For an integer ``data_type``
    the result is truncated toward zero and clamped to the limits of the type; ``minimum`` and ``maximum``
    clamp further, floats too. A valid result that would equal ``nodata`` is moved by one unit (for floats by
    the smallest step) toward zero, or off it: an NDVI of -0.9999 is not nodata.

    Raises :class:`InvalidRequest` for a data type not in :data:`DATA_TYPES`, a nodata that it cannot hold, an
    expression that reads no band, a band that is not given, shapes that differ.

    >>> from stratocube.cube.expressions import parse_index
    >>> bands = {"red": np.array([500, 0, -9999], dtype=np.int16), "nir": np.array([3500, 0, 3000], dtype=np.int16)}
    >>> ndvi = parse_index("10000 * (nir - red) / (nir + red)", bands=list(bands))
    >>> band_index(ndvi, bands, nodata_by_band={"red": -9999, "nir": -9999}, data_type="int16", nodata=-9999).tolist()
    [7500, -9999, -9999]
    """
    output = _output(data_type, nodata, minimum, maximum)
    used = {name: np.asanyarray(values) for name, values in _used(expression, bands).items()}
    shape = same_shape({name: values.shape for name, values in used.items()})
    flat = {name: values.reshape(-1) for name, values in used.items()}
    result = np.empty(math.prod(shape), dtype=output.dtype)
    # Piece by piece the intermediate arrays stay in the cache: measured 3 against 6 ns a pixel for NDVI.
    for start in range(0, result.size, _PIECE):
        piece = slice(start, start + _PIECE)
        part = {name: values[piece] for name, values in flat.items()}
        gaps = np.zeros(result[piece].shape, dtype=np.bool_)
        for name, values in part.items():
            gaps |= is_nodata(values, nodata_by_band.get(name))
        result[piece] = output.of(evaluate(expression, part, dtype=output.arithmetic), gaps)
    return result.reshape(shape)


def band_index_of_files(
    expression: Expression,
    paths: Mapping[str, str],
    *,
    nodata_by_band: Mapping[str, float | None],
    data_type: str,
    nodata: float,
    minimum: float | None = None,
    maximum: float | None = None,
) -> NDArray[Any]:
    """Evaluate an index over rasters; see :func:`band_index`.

    ``paths`` gives the file of each band that the expression reads (the first band of the file counts). The
    nodata of a band is the tag of its file, or when there is none that of ``nodata_by_band``. The rasters are
    read in strips: beside the result, memory is a few strips.

    Raises as :func:`band_index`, and :class:`SourceMissing` or :class:`TransientRead` naming the file.

    >>> from stratocube.processing import GeoBox, parse_index, save_as_cog
    >>> grid = GeoBox("EPSG:32723", 300000, 8000000, 30, 30, width=2, height=1)
    >>> paths = {"red": "red.tif", "nir": "nir.tif"}
    >>> for name, row in {"red": [500, -9999], "nir": [3500, 3000]}.items():
    ...     save_as_cog(paths[name], np.array([row], dtype=np.int16), grid, nodata=-9999, kind="continuous")
    >>> ndvi = parse_index("10000 * (nir - red) / (nir + red)", bands=list(paths))
    >>> band_index_of_files(ndvi, paths, nodata_by_band={}, data_type="int16", nodata=-9999).tolist()
    [[7500, -9999]]
    """
    output = _output(data_type, nodata, minimum, maximum)
    used = _used(expression, paths)
    with ExitStack() as stack:
        rasters = {name: stack.enter_context(open_raster(path)) for name, path in used.items()}
        height, width = same_shape({name: raster.shape for name, raster in rasters.items()})
        tags = {
            name: nodata_by_band.get(name) if raster.nodata is None else raster.nodata
            for name, raster in rasters.items()
        }
        result = np.empty((height, width), dtype=output.dtype)
        for window in strips(height, width):
            result[rows_of(window)] = band_index(
                expression,
                {name: read_window(raster, window) for name, raster in rasters.items()},
                nodata_by_band=tags,
                data_type=data_type,
                nodata=nodata,
                minimum=minimum,
                maximum=maximum,
            )
    return result


def _used(expression: Expression, given: Mapping[str, T]) -> dict[str, T]:
    if not expression.names:
        raise InvalidRequest("uses no band", field="expression")
    missing = sorted(expression.names - set(given))
    if missing:
        raise InvalidRequest(f"reads {', '.join(missing)}, which is not given", field="expression")
    return {name: given[name] for name in sorted(expression.names)}


@dataclass(frozen=True)
class _Output:
    """The band that an index becomes."""

    dtype: np.dtype[Any]
    nodata: float
    minimum: float | None
    maximum: float | None

    def __post_init__(self) -> None:
        if self.dtype.kind == "f":
            return
        limits = np.iinfo(self.dtype)
        if not (limits.min <= self.nodata <= limits.max and self.nodata == int(self.nodata)):
            raise InvalidRequest(f"{self.nodata:g} is no {self.dtype} value", field="nodata")

    @property
    def arithmetic(self) -> type[np.floating[Any]]:
        """The floating type that holds every value of the band."""
        small = self.dtype.itemsize <= 2 or self.dtype == np.float32
        return np.float32 if small else np.float64

    def of(self, outcome: Evaluated, gaps: NDArray[np.bool_]) -> NDArray[Any]:
        """Evaluated numbers as the band: clamped, truncated, off the nodata value, nodata in the gaps."""
        gaps = gaps | outcome.undefined
        numbers: NDArray[np.floating[Any]] = outcome.values.astype(self.arithmetic)
        numbers[gaps] = 0
        if self.minimum is not None or self.maximum is not None:
            numbers = np.clip(numbers, self.minimum, self.maximum)
        result = numbers.astype(self.dtype) if self.dtype.kind == "f" else truncated(numbers, self.dtype)
        result[(result == self.nodata) & ~gaps] = self.beside_nodata()
        result[gaps] = self.nodata
        return result

    def beside_nodata(self) -> Any:
        """What a valid result equal to nodata becomes: one step toward zero (up from 0), else the other way."""
        value = self.dtype.type(self.nodata)
        if self.dtype.kind == "f":
            up, down = np.nextafter(value, np.inf, dtype=self.dtype), np.nextafter(value, -np.inf, dtype=self.dtype)
        else:
            limits = np.iinfo(self.dtype)
            up, down = min(int(value) + 1, limits.max), max(int(value) - 1, limits.min)
        first, second = (down, up) if value > 0 else (up, down)
        low = -np.inf if self.minimum is None else self.minimum
        high = np.inf if self.maximum is None else self.maximum
        return first if low <= first <= high else second


def _output(data_type: str, nodata: float, minimum: float | None, maximum: float | None) -> _Output:
    if data_type not in DATA_TYPES:
        raise InvalidRequest(f"{data_type!r} is none of {', '.join(DATA_TYPES)}", field="data_type")
    return _Output(np.dtype(data_type), nodata, minimum, maximum)
