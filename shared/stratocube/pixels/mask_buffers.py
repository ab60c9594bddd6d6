"""Quality classes cleaned of specks and widened by margins: ``buffers`` of a mask.

The result is a quality raster like any other. A pixel within the margin of a class gets the value of that class (with
bits: its bit is set), and a speck gets the value of what surrounds it, so statistics, ranks, composites and whoever
opens the file see the buffered classes and need no second raster (docs/adr/0004-mask-buffers.md).

In this order, nodata pixels staying as they are:

1. *Cleaning*, buffer by buffer as listed, where there is ``erode_m``: morphological opening of the class. Where no disk
   of that radius fits into the class, its pixels take the value of the nearest observed pixel (by rows and columns)
   outside of the class. What is not observed, and what lies beyond the raster, counts as the class: a cloud that is cut
   off there is no speck. With bits, what else of ``not_clear_data`` and ``saturated_data`` the pixel had stays set.
2. *Margins*, of all buffers at once and of the cleaned classes, so that margins have no margins. With values, only
   pixels that are clear or in no list change: the others are not clear on their own account.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from stratocube.cube.geobox import GeoBox
from stratocube.cube.mask import MaskBuffer, QualityMask
from stratocube.errors import InvalidRequest
from stratocube.pixels.masks import PixelClass, classify, weight_of_bits
from stratocube.pixels.merge import Merge
from stratocube.pixels.morphology import MOST_PIXELS, Disk, dilate
from stratocube.pixels.selection import select
from stratocube.pixels.sources import crs_of, rows_of, strips

_NO_DISK: Final = Disk((0,))


def buffer_margin(mask: QualityMask, geobox: GeoBox) -> int:
    """How many pixels beyond the edges of a tile have a say in its buffered quality; 0 without buffers.

    Raises:
        InvalidRequest: naming the length, for a grid in degrees, and for a radius of less than one pixel (it would do
            nothing) or more than :data:`stratocube.pixels.morphology.MOST_PIXELS`.

    >>> from stratocube.cube.mask import parse_mask
    >>> mask = parse_mask({"nodata": 0, "clear_data": [4], "not_clear_data": [9],
    ...                    "buffers": [{"values": [9], "dilate_m": 40}]})
    >>> buffer_margin(mask, GeoBox("EPSG:32723", 300000, 8000000, 20, 20, width=5, height=5))
    2
    """
    disks = _disks(mask, geobox)
    # Opening looks twice the radius far: an erosion, then a dilation.
    return sum(2 * erosion.reach for erosion, _ in disks) + max((margin.reach for _, margin in disks), default=0)


def buffered_merge(merged: Merge, mask: QualityMask, margin: int) -> Merge:
    """A merge of the quality with its buffers applied, cut back to the tile.

    ``merged`` was made with a ``margin`` of that many pixels beyond each edge, see :func:`buffer_margin`. Errors as
    there.
    """
    quality = buffered_quality(merged.data, mask, merged.geobox)
    rows, columns = merged.geobox.shape
    inside = slice(margin, rows - margin), slice(margin, columns - margin)
    return replace(
        merged,
        data=np.ascontiguousarray(quality[inside]),
        geobox=merged.geobox.padded(-margin),
        datasource=None if merged.datasource is None else np.ascontiguousarray(merged.datasource[inside]),
    )


def buffered_quality(quality: NDArray[Any], mask: QualityMask, geobox: GeoBox) -> NDArray[Any]:
    """The quality with the buffers of the mask applied: a new array of the same shape and type.

    ``quality`` is an integer array (rows, columns) on ``geobox``. Errors as :func:`buffer_margin`.

    >>> from stratocube.cube.mask import parse_mask
    >>> mask = parse_mask({"nodata": 0, "clear_data": [4], "not_clear_data": [9],
    ...                    "buffers": [{"values": [9], "dilate_m": 20}]})
    >>> grid = GeoBox("EPSG:32723", 300000, 8000000, 20, 20, width=5, height=1)
    >>> buffered_quality(np.array([[4, 4, 9, 4, 4]], dtype=np.uint8), mask, grid).tolist()
    [[4, 9, 9, 9, 4]]
    """
    result = quality.copy()
    disks = _disks(mask, geobox)
    for buffer, (erosion, _) in zip(mask.buffers, disks, strict=True):
        if erosion != _NO_DISK:
            _clean(result, mask, buffer, erosion)
    for buffer, (_, margin) in zip(mask.buffers, disks, strict=True):
        if margin != _NO_DISK:
            _widen(result, mask, buffer, margin)
    return result


def _disks(mask: QualityMask, geobox: GeoBox) -> list[tuple[Disk, Disk]]:
    """Erosion and margin of each buffer, in pixels of the grid."""
    if not mask.buffers:
        return []
    width, height = _pixel_size_m(geobox)
    return [
        (
            _disk(buffer.erode_m, width, height, field=f"mask.buffers.{place}.erode_m"),
            _disk(buffer.dilate_m, width, height, field=f"mask.buffers.{place}.dilate_m"),
        )
        for place, buffer in enumerate(mask.buffers)
    ]


def _disk(metres: float, width: float, height: float, *, field: str) -> Disk:
    if metres == 0:
        return _NO_DISK
    shorter = min(width, height)
    if metres < shorter:
        raise InvalidRequest(
            f"{metres:g} m is less than a pixel ({shorter:g} m) and would do nothing: give more, or leave it out",
            field=field,
        )
    if metres > MOST_PIXELS * shorter:
        raise InvalidRequest(f"{metres:g} m is more than {MOST_PIXELS} pixels of {shorter:g} m: give less", field=field)
    return Disk.of_radius(metres, width, height)


def _pixel_size_m(geobox: GeoBox) -> tuple[float, float]:
    crs = crs_of(geobox)
    if not crs.is_projected:
        raise InvalidRequest(
            "are in metres, but the grid is in degrees, where a pixel is not as wide as it is high: use a projected "
            "grid, or leave the buffers out",
            field="mask.buffers",
        )
    _, metres = crs.linear_units_factor
    return geobox.resolution_x * metres, geobox.resolution_y * metres


def _members(quality: NDArray[Any], mask: QualityMask, buffer: MaskBuffer) -> NDArray[Any]:
    """Where the class is, not 0 there: with bits the bits that are set, else a number that is higher the earlier the
    value is listed. An unsigned array."""
    if mask.bits:
        unsigned = quality.view(f"u{quality.dtype.itemsize}")
        bits: NDArray[Any] = unsigned & weight_of_bits(unsigned.dtype, buffer.values)
        select(bits, 0, quality == mask.nodata)
        return bits
    numbers = np.zeros(quality.shape, dtype=np.uint8)
    for number, value in _numbered(buffer):
        select(numbers, number, quality == value)
    return numbers


def _numbered(buffer: MaskBuffer) -> list[tuple[int, int]]:
    """(number, value): the first value has the highest number."""
    return list(zip(range(len(buffer.values), 0, -1), buffer.values, strict=True))


def _clean(quality: NDArray[Any], mask: QualityMask, buffer: MaskBuffer, erosion: Disk) -> None:
    """Give the specks of a class to their surroundings, in place."""
    others = np.empty(quality.shape, dtype=np.bool_)
    for rows in _parts(quality):
        part = quality[rows]
        np.logical_and(part != mask.nodata, _members(part, mask, buffer) == 0, out=others[rows])
    covered = _covered(others, erosion)
    for rows in _parts(quality):
        part = quality[rows]
        specks = np.argwhere((part != mask.nodata) & ~others[rows] & ~covered[rows])
        # The others stay as they are, so it does not matter that specks above have new values already.
        values = _nearest(quality, others, np.add(specks, (rows.start, 0)), erosion)
        of_speck = tuple(specks.T)
        if mask.bits:
            values |= part[of_speck] & weight_of_bits(part.dtype, _excluding(mask) - {*buffer.values})
        part[of_speck] = values


def _excluding(mask: QualityMask) -> set[int]:
    return {*mask.not_clear, *mask.saturated}


def _covered(others: NDArray[np.bool_], disk: Disk) -> NDArray[np.bool_]:
    """Where a disk that has none of the others in it covers the pixel; its middle may lie beyond the raster."""
    free = dilate(np.pad(others, disk.reach), disk)
    np.logical_not(free, out=free)
    rows, columns = others.shape
    return dilate(free, disk)[disk.reach : disk.reach + rows, disk.reach : disk.reach + columns]


def _nearest(quality: NDArray[Any], others: NDArray[np.bool_], places: NDArray[np.intp], disk: Disk) -> NDArray[Any]:
    """The quality of the nearest of the others at each of ``places`` (number × (row, column)), all of which have one
    within the disk; of equally near ones the upper, then the left one."""
    result = np.empty(len(places), dtype=quality.dtype)
    waiting = np.arange(len(places))
    for row, column in sorted(disk.offsets(), key=lambda offset: (offset[0] ** 2 + offset[1] ** 2, offset)):
        if not waiting.size:
            break
        there = np.add(places[waiting], (row, column))
        inside = ((there >= 0) & (there < others.shape)).all(axis=1)
        there[~inside] = 0
        found = others[there[:, 0], there[:, 1]] & inside
        result[waiting[found]] = quality[there[found, 0], there[found, 1]]
        waiting = waiting[~found]
    return result


def _spread(quality: NDArray[Any], mask: QualityMask, buffer: MaskBuffer, margin: Disk) -> NDArray[Any]:
    """The members of a class and what they reach."""
    members = np.concatenate([_members(quality[rows], mask, buffer) for rows in _parts(quality)])
    return dilate(members, margin, combine=np.bitwise_or if mask.bits else np.maximum)


def _widen(quality: NDArray[Any], mask: QualityMask, buffer: MaskBuffer, margin: Disk) -> None:
    """Give a class its margin, in place. What other classes have as margin already is none of its members: a value or
    bit is in one buffer."""
    reached = _spread(quality, mask, buffer, margin)
    for rows in _parts(quality):
        part, of_part = quality[rows], reached[rows]
        if mask.bits:
            select(of_part, 0, part == mask.nodata)
            unsigned = part.view(of_part.dtype)
            unsigned |= of_part
            continue
        classes = classify(part, mask)
        select(of_part, 0, (classes != PixelClass.CLEAR) & (classes != PixelClass.OTHER))
        for number, value in _numbered(buffer):
            taken = of_part == number
            if taken.any():  # a value that the type cannot hold is nowhere
                select(part, value, taken)


def _parts(quality: NDArray[Any]) -> list[slice]:
    """Rows to work on at a time, for the arrays in between to be small."""
    rows, columns = quality.shape
    return [rows_of(window) for window in strips(rows, columns)]
