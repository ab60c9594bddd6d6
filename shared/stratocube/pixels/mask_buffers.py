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
from stratocube.pixels.sources import crs_of

_NO_DISK: Final = Disk((0,))


def buffer_margin(mask: QualityMask, geobox: GeoBox) -> int:
    """How many pixels beyond the edges of a tile have a say in its buffered quality; 0 without buffers.

    Raises:
        InvalidRequest: naming the length, for a grid in degrees, and for a radius of less than one pixel (it would do
            nothing) or more than :data:`stratocube.pixels.morphology.MOST_PIXELS`.
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
    """
    result = quality.copy()
    observed = quality != mask.nodata
    disks = _disks(mask, geobox)
    for buffer, (erosion, _) in zip(mask.buffers, disks, strict=True):
        if erosion != _NO_DISK:
            _clean(result, observed, mask, buffer, erosion)
    if mask.bits:
        _widen_bits(result, observed, mask, [margin for _, margin in disks])
    else:
        _widen_values(result, observed, mask, [margin for _, margin in disks])
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


def _members(quality: NDArray[Any], observed: NDArray[np.bool_], mask: QualityMask, buffer: MaskBuffer) -> NDArray[Any]:
    """Where the class is, not 0 there: with bits the bits that are set, else a number that is higher the earlier the
    value is listed."""
    if mask.bits:
        unsigned = quality.view(f"u{quality.dtype.itemsize}")
        found: NDArray[Any] = unsigned & weight_of_bits(unsigned.dtype, buffer.values)
        select(found, 0, ~observed)
        return found
    found = np.zeros(quality.shape, dtype=np.uint8)
    for number, value in zip(range(len(buffer.values), 0, -1), buffer.values, strict=True):
        select(found, number, quality == value)
    return found


def _clean(
    quality: NDArray[Any], observed: NDArray[np.bool_], mask: QualityMask, buffer: MaskBuffer, erosion: Disk
) -> None:
    """Give the specks of a class to their surroundings, in place."""
    members = _members(quality, observed, mask, buffer) != 0
    others = observed & ~members
    specks = np.argwhere(members & ~_fits(others, erosion))
    values = _nearest(quality, others, specks, erosion)
    rows, columns = specks.T
    if mask.bits:
        kept = weight_of_bits(quality.dtype, {*mask.not_clear, *mask.saturated} - {*buffer.values})
        values |= quality[rows, columns] & kept
    quality[rows, columns] = values


def _fits(others: NDArray[np.bool_], disk: Disk) -> NDArray[np.bool_]:
    """Where a disk that has none of the others in it covers the pixel; its middle may lie beyond the raster."""
    around = np.pad(others, disk.reach)
    covered = dilate(~dilate(around, disk), disk)
    rows, columns = others.shape
    return covered[disk.reach : disk.reach + rows, disk.reach : disk.reach + columns]


def _nearest(quality: NDArray[Any], others: NDArray[np.bool_], places: NDArray[np.intp], disk: Disk) -> NDArray[Any]:
    """The quality of the nearest of the others at each of ``places`` (number × (row, column)), all of which have one
    within the disk; of equally near ones the upper, then the left one."""
    result = np.empty(len(places), dtype=quality.dtype)
    waiting = np.arange(len(places))
    for row, column in sorted(disk.offsets(), key=lambda offset: (offset[0] ** 2 + offset[1] ** 2, offset)):
        if not waiting.size:
            break
        there = places[waiting] + (row, column)
        inside = ((there >= 0) & (there < others.shape)).all(axis=1)
        there[~inside] = 0
        found = others[there[:, 0], there[:, 1]] & inside
        result[waiting[found]] = quality[there[found, 0], there[found, 1]]
        waiting = waiting[~found]
    return result


def _widen_values(quality: NDArray[Any], observed: NDArray[np.bool_], mask: QualityMask, margins: list[Disk]) -> None:
    classes = classify(quality, mask)
    free = (classes == PixelClass.CLEAR) | (classes == PixelClass.OTHER)
    for buffer, margin in zip(mask.buffers, margins, strict=True):
        if margin == _NO_DISK:
            continue
        # What an earlier margin has taken is not free, and its value not among these: values have one buffer.
        reached = dilate(_members(quality, observed, mask, buffer), margin)
        for number, value in zip(range(len(buffer.values), 0, -1), buffer.values, strict=True):
            taken = free & (reached == number)
            if taken.any():  # a value that the type cannot hold is nowhere
                select(quality, value, taken)
        free &= reached == 0


def _widen_bits(quality: NDArray[Any], observed: NDArray[np.bool_], mask: QualityMask, margins: list[Disk]) -> None:
    unsigned = quality.view(f"u{quality.dtype.itemsize}")
    for buffer, margin in zip(mask.buffers, margins, strict=True):
        if margin == _NO_DISK:
            continue
        # A bit has one buffer: the margins set before do not take part.
        reached = dilate(_members(quality, observed, mask, buffer), margin, combine=np.bitwise_or)
        select(reached, 0, ~observed)
        unsigned |= reached
