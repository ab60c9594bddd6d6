"""From one scale to another: stored integers to stored integers, and to the range of a picture."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import DTypeLike, NDArray

from stratocube.errors import InvalidRequest
from stratocube.pixels.tables import every_value, has_table, look_up

_DECIMALS: Final = 6
"""Decimals of a scaled value that are real; the rest is noise of the double (73.0 comes out as 72.99999999999999)."""


def rescale(
    array: NDArray[Any],
    multiplier: float,
    new_scale: float,
    origin_additive: float = 0.0,
    dtype: DTypeLike | None = None,
) -> NDArray[Any]:
    """Stored values of one scale as stored values of another.

    The result is ``(array * multiplier + origin_additive) / new_scale``. ``array`` is an array or masked array
    of any shape; the result has its shape and its mask (values under the mask carry no meaning), and the type
    ``dtype``, by default that of ``array``. For integer types the exact result is truncated toward zero and
    then clamped to the limits of the type. Floating types are not clamped.

    Landsat Collection 2 reflectance in 1/10000: ``rescale(array, 0.0000275, 0.0001, -0.2, "int16")``.

    Raises :class:`InvalidRequest` for a factor that is not finite, a new scale of zero, and an unmasked value
    that is not finite when the result is of an integer type.

    >>> rescale(np.array([7320, 43636], dtype=np.uint16), 0.0000275, 0.0001, -0.2, "int16").tolist()
    [13, 9999]
    >>> rescale(np.array([25, 255], dtype=np.uint8), 0.01, 0.001).tolist()  # 2550 does not fit
    [250, 255]
    """
    for name, factor in (("multiplier", multiplier), ("origin_additive", origin_additive)):
        if not math.isfinite(factor):
            raise InvalidRequest(f"must be a finite number, got {factor!r}", field=name)
    if not math.isfinite(new_scale) or new_scale == 0:
        raise InvalidRequest(f"must be a finite number other than 0, got {new_scale!r}", field="new_scale")
    values = np.ma.getdata(array)
    target = values.dtype if dtype is None else _number_type(dtype)

    def scaled(numbers: NDArray[Any]) -> NDArray[Any]:
        exact = (numbers.astype(np.float64) * multiplier + origin_additive) / new_scale
        return exact.astype(target) if target.kind == "f" else truncated(exact.round(_DECIMALS), target)

    if target.kind != "f" and values.dtype.kind == "f":
        unknown = ~np.isfinite(values)
        if np.any(unknown & ~np.ma.getmaskarray(array)):
            raise InvalidRequest(f"holds values that are not finite; mask them to get {target}", field="array")
        values = np.where(unknown, 0, values)
    if has_table(values.dtype) and values.size > every_value(values.dtype).size:
        result = look_up(scaled(every_value(values.dtype)), values)
    else:
        result = scaled(values)
    return _masked_as(array, result)


def linear_raster_scale(
    array: NDArray[Any],
    input_range: tuple[float, float],
    output_range: tuple[float, float] = (0, 255),
) -> NDArray[Any]:
    """Clip to ``input_range`` and stretch linearly to ``output_range``.

    ``array`` is an array or masked array of any shape and number type; the result has its shape and mask,
    float32 (float64 for 32- and 64-bit integers and float64). Not-a-number stays.

    Raises :class:`InvalidRequest` when the lower limit of the input range is not below the upper one.

    >>> linear_raster_scale(np.array([-20000, 0, 20000, 32000], dtype=np.int16), (-20000, 20000)).tolist()
    [0.0, 127.5, 255.0, 255.0]
    """
    low, high = (float(limit) for limit in input_range)
    if not low < high:
        raise InvalidRequest(
            f"the lower limit must be below the upper one, got {low:g} and {high:g}", field="input_range"
        )
    start, end = (float(limit) for limit in output_range)
    values = np.ma.getdata(array)
    # In floating point before anything is subtracted: int16 cannot hold 20000 - (-20000).
    precise = np.float32 if values.dtype.itemsize <= 2 or values.dtype == np.float32 else np.float64
    clipped = np.clip(values.astype(precise), low, high)
    stretched: NDArray[Any] = (clipped - precise(low)) * precise((end - start) / (high - low)) + precise(start)
    return _masked_as(array, stretched)


def truncated(numbers: NDArray[np.floating[Any]], dtype: DTypeLike) -> NDArray[Any]:
    """Finite numbers as an integer type: truncated toward zero, clamped to the limits of the type."""
    limits = np.iinfo(np.dtype(dtype))
    # The float type may round the highest limit up, beyond the type (2**31 - 1 in float32): step back.
    high = numbers.dtype.type(limits.max)
    if int(high) > limits.max:
        high = np.nextafter(high, numbers.dtype.type(0))
    clamped: NDArray[Any] = np.clip(np.trunc(numbers), numbers.dtype.type(limits.min), high)
    return clamped.astype(dtype)


def _masked_as(array: NDArray[Any], result: NDArray[Any]) -> NDArray[Any]:
    """``result`` with a copy of the mask of ``array``: the two must not share one."""
    if not np.ma.isMaskedArray(array):
        return result
    return np.ma.masked_array(result, mask=np.ma.getmaskarray(array).copy())


def _number_type(dtype: DTypeLike) -> np.dtype[Any]:
    try:
        target = np.dtype(dtype)
    except TypeError:
        raise InvalidRequest(f"{dtype!r} is no data type", field="dtype") from None
    if target.kind not in "iuf":
        raise InvalidRequest(f"{target} is no number type", field="dtype")
    return target
