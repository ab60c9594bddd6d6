"""Is what was written what was meant? Checks of files against the definition of their cube."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from stratocube.cube.geobox import GeoBox
from stratocube.errors import SourceMissing, TransientRead
from stratocube.pixels.sources import crs_of, is_remote, open_raster, read_pixels, strips

_GRID_TOLERANCE: Final = 1e-6
"""Of a pixel."""


@dataclass(frozen=True)
class Expected:
    """What a band of a cube must be like."""

    data_type: str
    nodata: float | None


@dataclass(frozen=True)
class Problem:
    """Something wrong with one merge."""

    date: str
    band: str
    href: str
    reason: str


def check_file_integrity(path: str, *, read_bytes: bool = False) -> bool:
    """Whether a file is a raster that can be opened and, with ``read_bytes``, read to the last pixel.

    Raises TransientRead for a remote raster that cannot be read just now, which says nothing about it.

    >>> from pathlib import Path
    >>> _ = Path("broken.tif").write_bytes(b"no raster")
    >>> check_file_integrity("broken.tif")
    False
    """
    try:
        with open_raster(path) as dataset:
            if read_bytes:
                _read_all(dataset)
    except SourceMissing:
        return False
    except TransientRead:
        if is_remote(path):
            raise
        return False
    return True


def validate(
    path: str, expected: Expected, geobox: GeoBox, *, href: str | None = None, read_bytes: bool = False
) -> tuple[str, ...]:
    """What is wrong with a file that should hold one band on ``geobox``; nothing when the result is empty.

    Looks at CRS, pixel grid, data type, nodata and, with ``read_bytes``, reads every pixel. A file that cannot be
    read has that as its only reason.

    >>> from stratocube.pixels.cog import create_empty_raster
    >>> tile = GeoBox("EPSG:32723", 300000, 8000000, 30, 30, width=2, height=1)
    >>> create_empty_raster("nir.tif", tile, data_type="int16", nodata=-9999)
    >>> validate("nir.tif", Expected("int16", -9999), tile)
    ()
    >>> validate("nir.tif", Expected("uint16", 0), tile)
    ('is int16, not uint16', 'has nodata -9999.0, not 0')
    """
    try:
        with open_raster(path, href=href) as dataset:
            reasons = tuple(_differences(dataset, expected, geobox))
            if read_bytes:
                _read_all(dataset)
    except (SourceMissing, TransientRead) as error:
        return (f"cannot be read: {error}",)
    return reasons


def validate_merges(
    merges: Mapping[str, Mapping[str, str]],
    bands: Mapping[str, Expected],
    geobox: GeoBox,
    *,
    read_bytes: bool = False,
) -> tuple[Problem, ...]:
    """What is wrong with the merges of a period, by date and band, in the order given.

    ``merges`` is path by band by date, ``bands`` what each band must be like. A band that a date lacks is a problem,
    and so is one that the cube does not have.

    >>> tile = GeoBox("EPSG:32723", 300000, 8000000, 30, 30, width=2, height=1)
    >>> problems = validate_merges({"2023-08-04": {}}, {"nir": Expected("int16", -9999)}, tile)
    >>> [(problem.date, problem.band, problem.reason) for problem in problems]
    [('2023-08-04', 'nir', 'is missing')]
    """
    problems: list[Problem] = []
    for date, paths in merges.items():
        problems += [Problem(date, band, "", "is missing") for band in bands if band not in paths]
        for band, path in paths.items():
            reasons = (
                validate(path, bands[band], geobox, read_bytes=read_bytes)
                if band in bands
                else ("is no band of the cube",)
            )
            problems += [Problem(date, band, path, reason) for reason in reasons]
    return tuple(problems)


def _differences(dataset: Any, expected: Expected, geobox: GeoBox) -> Iterator[str]:
    if dataset.count != 1:
        yield f"has {dataset.count} bands, not one"
    if dataset.dtypes[0] != expected.data_type:
        yield f"is {dataset.dtypes[0]}, not {expected.data_type}"
    if not _same_number(dataset.nodata, expected.nodata):
        yield f"has nodata {dataset.nodata}, not {expected.nodata}"
    if dataset.crs is None or dataset.crs != crs_of(geobox):
        yield "has another CRS than the tile"
    if dataset.shape != geobox.shape:
        yield f"has {dataset.shape} pixels (rows, columns), not {geobox.shape}"
    tolerances = (geobox.resolution_x * _GRID_TOLERANCE, geobox.resolution_y * _GRID_TOLERANCE)
    found = tuple(dataset.transform)[:6]
    if any(
        abs(have - want) > tolerances[place // 3]
        for place, (have, want) in enumerate(zip(found, geobox.transform, strict=True))
    ):
        yield f"lies at {found}, not {geobox.transform}"


def _same_number(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return one == other or (math.isnan(one) and math.isnan(other))


def _read_all(dataset: Any) -> None:
    for band in range(1, dataset.count + 1):
        for window in strips(dataset.height, dataset.width):
            read_pixels(dataset, band=band, window=window)
