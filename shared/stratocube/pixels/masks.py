"""From quality values to classes: clear, not clear, saturated, other, nodata."""

from __future__ import annotations

from collections.abc import Collection
from enum import IntEnum
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from stratocube.cube.mask import CIRRUS_BIT, HIGHEST_BIT, ConfidenceRules, QualityMask
from stratocube.errors import InvalidRequest
from stratocube.pixels.confidence import OliFlag, QAConfidence, flags_of, matches, refuse_float_bits
from stratocube.pixels.tables import every_value, has_table, look_up

IntOrArray = TypeVar("IntOrArray", int, NDArray[Any])


class PixelClass(IntEnum):
    """What the quality says about an observation. The numbers rise with usefulness, nodata is 0."""

    NODATA = 0
    """Not observed: never used, not counted."""
    OTHER = 1
    """In no list of the mask (with bits: no listed bit set). Not clear; fall-back only."""
    NOT_CLEAR = 2
    """Cloud, shadow and the like, or a confidence rule matched. Fall-back only."""
    SATURATED = 3
    """Fall-back only."""
    CLEAR = 4


def classify(quality: NDArray[Any], mask: QualityMask, oli: OliFlag = True) -> NDArray[np.uint8]:
    """The :class:`PixelClass` of every pixel, as a new uint8 array of the same shape.

    ``quality`` is an integer array (floats are accepted for masks of values, not of bits); masked pixels of a
    masked array are NODATA. ``oli`` says where the observation comes from an OLI sensor (one flag, or a bool
    array of the same shape): only there count the cirrus bit 2 and the cirrus rule; a flag in the rules of
    the mask goes before it. When several lists claim a pixel, nodata goes before not clear, before saturated,
    before clear.

    8- and 16-bit types cost one table look-up a pixel. Raises :class:`InvalidRequest` for floats with bits
    and for flags that do not fit.

    >>> fmask = QualityMask(clear=(0, 1), not_clear=(2, 3, 4), nodata=255)
    >>> [PixelClass(code).name for code in classify(np.array([0, 4, 255, 77]), fmask)]
    ['CLEAR', 'NOT_CLEAR', 'NODATA', 'OTHER']
    """
    values = np.ma.getdata(quality)
    classes = _look_up if has_table(values.dtype) else _classify_values
    result = classes(values, mask, oli)
    if np.ma.is_masked(quality):
        result[np.ma.getmaskarray(quality)] = PixelClass.NODATA
    return result


def saturated_pixels(radsat: NDArray[np.integer[Any]], mask: QualityMask) -> NDArray[np.bool_]:
    """Where the saturation band has one of the mask's ``saturated_bits`` set: bool array of its shape.

    >>> saturated_pixels(np.array([0, 1, 128]), QualityMask(nodata=1, saturated_bits=(0, 6))).tolist()
    [False, True, False]
    """
    first, last = mask.saturated_bits
    return np.asarray(radsat_extract_bits(np.ma.getdata(radsat), first, last) != 0)


def get_qa_mask(
    data: NDArray[Any] | np.integer[Any] | int,
    clear_data: Collection[int] = (),
    not_clear_data: Collection[int] = (),
    nodata: int | None = None,
    confidence: QAConfidence | None = None,
) -> np.ma.MaskedArray[Any, Any]:
    """Mask everything that is not clear in a raster of quality bits.

    A pixel stays unmasked when it was not masked before, is not ``nodata``, has at least one bit of
    ``clear_data`` and none of ``not_clear_data`` set (the cirrus bit 2 counts only where ``confidence`` says
    OLI), and matches no rule of ``confidence``. ``data`` is an integer array of any shape, or one integer
    (the result is int64 of shape (1,)). The values and the argument are left as they are; the mask of the result is
    always a full array.

    >>> qa_pixel = np.array([21824, 22280, 1], dtype=np.uint16)  # clear land, cloud, fill
    >>> get_qa_mask(qa_pixel, clear_data=[6], not_clear_data=[1, 2, 3, 4], nodata=1).tolist()
    [21824, None, None]
    """
    values = np.ma.getdata(data)
    if values.ndim == 0:
        values = values.astype(np.int64).reshape(1)
    refuse_float_bits(values)
    rules, oli = (None, True) if confidence is None else (confidence.rules, confidence.oli_flag)
    clear = _any_bit(values, clear_data) & ~_not_clear_bits(values, not_clear_data, rules, oli)
    if nodata is not None:
        clear &= values != nodata
    return np.ma.masked_array(values.copy(), mask=np.ma.getmaskarray(data).reshape(values.shape) | ~clear)


def extract_qa_bits(band_data: IntOrArray, bit_location: int) -> IntOrArray:
    """One bit of each value, at its weight: 0 or ``2 ** bit_location``.

    ``band_data`` is an integer, an integer array or a masked array (the mask is kept); the result is of the
    same kind.

    >>> extract_qa_bits(22280, 3), extract_qa_bits(21824, 3)  # bit 3 of QA_PIXEL: cloud
    (8, 0)
    """
    _check_bit(bit_location, field="bit_location")
    if isinstance(band_data, int):
        return band_data & (1 << bit_location)
    result: NDArray[Any] = band_data & _weight(band_data.dtype, bit_location)
    return result


def radsat_extract_bits(bit_value: IntOrArray, bit_start: int, bit_end: int | None = None) -> IntOrArray:
    """The bits ``bit_start`` to ``bit_end`` as a number: 0 when none of them is set.

    Both ends are included; without ``bit_end`` it is one bit. ``bit_value`` is an integer or an integer
    array, the result is of the same kind. Landsat Collection 2 QA_RADSAT has band n + 1 in bit n. Raises
    :class:`InvalidRequest` when the end lies below the start.

    >>> radsat_extract_bits(0b0110, 1, 2), radsat_extract_bits(0b0001, 1, 7)
    (3, 0)
    """
    end = bit_start if bit_end is None else bit_end
    _check_bit(bit_start, field="bit_start")
    _check_bit(end, field="bit_end")
    if end < bit_start:
        raise InvalidRequest(f"bit_end {end} lies below bit_start {bit_start}", field="bit_end")
    if isinstance(bit_value, int):
        return (bit_value >> bit_start) & ((1 << (end - bit_start + 1)) - 1)
    # Shift as unsigned: the sign of int16 storage is bit 15, not a row of ones above it.
    unsigned = bit_value.view(f"u{bit_value.dtype.itemsize}")
    width = min(end - bit_start + 1, 8 * bit_value.dtype.itemsize)
    selected = (unsigned >> unsigned.dtype.type(bit_start)) & unsigned.dtype.type((1 << width) - 1)
    result: NDArray[Any] = selected.view(bit_value.dtype)
    return result


def weight_of_bits(dtype: np.dtype[Any], bits: Collection[int]) -> Any:
    """The number of an integer type that has these bits set and no others; bits it does not have are left out.

    Raises :class:`InvalidRequest` for a bit position that no type has.
    """
    weight = dtype.type(0)
    for bit in bits:
        _check_bit(bit, field="bits")
        weight = weight | _weight(dtype, bit)
    return weight


def _look_up(values: NDArray[Any], mask: QualityMask, oli: OliFlag) -> NDArray[np.uint8]:
    flag = np.asarray(oli, dtype=np.bool_)
    if flag.ndim == 0 or not _sensor_matters(mask):
        return look_up(_table(mask, values.dtype.name, bool(flag.all())), values)
    oli_class = look_up(_table(mask, values.dtype.name, True), values)
    other_class = look_up(_table(mask, values.dtype.name, False), values)
    return np.where(flags_of(flag, values.shape), oli_class, other_class)


@lru_cache(maxsize=32)
def _table(mask: QualityMask, dtype: str, oli: bool) -> NDArray[np.uint8]:
    """The class of every value of an 8- or 16-bit integer type.

    Remembered because composites ask for it block by block; it depends on nothing but its arguments and is
    read-only.
    """
    table = _classify_values(every_value(np.dtype(dtype)), mask, oli)
    table.flags.writeable = False
    return table


def _classify_values(values: NDArray[Any], mask: QualityMask, oli: OliFlag) -> NDArray[np.uint8]:
    result = np.full(values.shape, PixelClass.OTHER, dtype=np.uint8)
    if mask.bits:
        refuse_float_bits(values)
        result[_any_bit(values, mask.clear)] = PixelClass.CLEAR
        result[_any_bit(values, mask.saturated)] = PixelClass.SATURATED
        result[_not_clear_bits(values, mask.not_clear, mask.confidence, oli)] = PixelClass.NOT_CLEAR
    else:
        result[np.isin(values, mask.clear)] = PixelClass.CLEAR
        result[np.isin(values, mask.saturated)] = PixelClass.SATURATED
        result[np.isin(values, mask.not_clear)] = PixelClass.NOT_CLEAR
    result[values == mask.nodata] = PixelClass.NODATA
    return result


def _not_clear_bits(
    values: NDArray[Any], not_clear: Collection[int], rules: ConfidenceRules | None, oli: OliFlag
) -> NDArray[np.bool_]:
    flag = oli if rules is None or rules.oli is None else rules.oli
    found = _any_bit(values, [bit for bit in not_clear if bit != CIRRUS_BIT])
    if CIRRUS_BIT in not_clear:
        found |= _any_bit(values, [CIRRUS_BIT]) & flags_of(flag, values.shape)
    if rules is not None:
        found |= matches(rules, values, flag)
    return found


def _sensor_matters(mask: QualityMask) -> bool:
    if not mask.bits:
        return False
    return CIRRUS_BIT in mask.not_clear or (mask.confidence is not None and mask.confidence.cirrus is not None)


def _any_bit(values: NDArray[Any], bits: Collection[int]) -> NDArray[np.bool_]:
    return np.asarray((values & weight_of_bits(values.dtype, bits)) != 0)


def _weight(dtype: np.dtype[Any], bit: int) -> Any:
    """``2 ** bit`` in an integer type: the sign bit of a signed type too, 0 for bits it does not have."""
    width = 8 * dtype.itemsize
    unsigned = np.array(1 << bit if bit < width else 0, dtype=f"u{dtype.itemsize}")
    return unsigned.view(dtype)[()]


def _check_bit(bit: int, *, field: str) -> None:
    if not 0 <= bit <= HIGHEST_BIT:
        raise InvalidRequest(f"bit positions run from 0 to {HIGHEST_BIT}, got {bit}", field=field)
