"""Names of what a cube writes: item ids, folders and files in Brazil Data Cube's convention, and unit ids.

The convention: item ``S2-16D_V2_030019_20260306``, its files below ``s2-16d/v2/030/019/2026/03/06/``, one a band,
``<item>_<BAND>.tif``. Composites and per-date items are named alike; the collection they are in tells them apart.
"""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, Self

from stratocube.cube.timeline import Period
from stratocube.errors import InvalidRequest

DEFAULT_ITEM_FORMAT: Final = "{datacube:upper}_V{version}_{tile_id}_{start_date}"
DEFAULT_PATH_FORMAT: Final = "{prefix}/{folder}/{datacube:lower}/{version}/{path}/{row}/{year}/{month}/{day}/{filename}"

COMPOSED_FOLDER: Final = "composed"
IDENTITY_FOLDER: Final = "identity"

_MAX_NAME: Final = 200
_MAX_PATH: Final = 900
"""S3 keys end at 1,024 bytes; a bucket's prefix needs room too."""
_CASES: Final = {"upper": str.upper, "lower": str.lower, "capitalize": str.capitalize}
_SPECIFICATION = re.compile(r"(?:[^{}]?[<>^=])?[+ -]?0?(\d{0,3})(?:\.(\d{1,3}))?[sd]?")


@dataclass(frozen=True, order=True)
class UnitId:
    """One tile in one period: what is searched, composited and published together. Prints and parses
    ``011009_2023-08-01_2023-08-31``.

    >>> UnitId.parse("011009_2023-08-01_2023-08-31").tile
    '011009'
    """

    tile: str
    period: Period

    def __str__(self) -> str:
        return f"{self.tile}_{self.period}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The unit of such a text.

        Raises:
            InvalidRequest: for any other text.
        """
        tile, separator, period = str(text).partition("_")
        if not (separator and re.fullmatch(r"[0-9]{6}", tile) and "_" in period):
            raise InvalidRequest(
                f"must be TILE_START_END such as 011009_2023-08-01_2023-08-31, got {str(text)[:60]!r}", field="unit"
            )
        return cls(tile, Period.parse(period))


def split_cube_id(text: str) -> tuple[str, int | None]:
    """(name, version) of a cube id: ``S2-16D-1`` is version 1 of ``S2-16D``; None when the text ends in no version.

    >>> split_cube_id("S2-16D-1")
    ('S2-16D', 1)
    """
    match = re.fullmatch(r"(?P<name>.+)-(?P<version>[1-9][0-9]{0,2})", text)
    return (match["name"], int(match["version"])) if match else (text, None)


def composite_item_id(name: str, version: int, tile: str, period: Period, *, form: str | None = None) -> str:
    """The id of a composite: the period counts with its first day.

    >>> composite_item_id("S2-16D", 2, "030019", Period.parse("2026-03-06_2026-03-21"))
    'S2-16D_V2_030019_20260306'
    """
    return get_item_id(name, version, tile, str(period), form=form)


def identity_item_id(identity_name: str, version: int, tile: str, day: date, *, form: str | None = None) -> str:
    """The id of a per-date item of the identity cube.

    >>> identity_item_id("S2", 2, "030019", date(2026, 3, 8))
    'S2_V2_030019_20260308'
    """
    return get_item_id(identity_name, version, tile, day.isoformat(), form=form)


def item_folder(name: str, version: int, tile: str, day: date) -> str:
    """Where the files of an item are, without leading or trailing slash: ``s2-16d/v2/030/019/2026/03/06``.

    >>> item_folder("S2-16D", 2, "030019", date(2026, 3, 6))
    's2-16d/v2/030/019/2026/03/06'
    """
    return f"{name.lower()}/v{version}/{tile[:3]}/{tile[-3:]}/{day:%Y/%m/%d}"


def band_file(item_id: str, band: str, *, suffix: str = ".tif") -> str:
    """The file name of one band of an item.

    >>> band_file("S2-16D_V2_030019_20260306", "B04")
    'S2-16D_V2_030019_20260306_B04.tif'
    """
    return f"{item_id}_{band}{suffix}"


def get_item_id(datacube: str, version: int | str, tile: str, date_text: str, *, form: str | None = None) -> str:
    """An item id by a format.

    ``date_text`` is one date or a period (``START_END``). A format may hold ``{datacube}``, ``{version}`` (number),
    ``{version_legacy}`` (three digits), ``{tile_id}``, ``{path}``, ``{row}``, ``{date}`` (the text as given),
    ``{start_date}``, ``{end_date}`` (``YYYYMMDD``), ``{year}``, ``{month}`` and ``{day}``; ``:upper``, ``:lower``,
    ``:capitalize`` or a usual format specification may follow a name. Values are put in as they are, once.

    Raises:
        InvalidRequest: when the date is none, or the format holds something else.

    >>> get_item_id("s2-16d", 2, "030019", "2026-03-06_2026-03-21")
    'S2-16D_V2_030019_20260306'
    >>> get_item_id("s2-16d", 2, "030019", "2026-03-06", form="{datacube}-{version:03d}/{path}.{row}/{year}")
    's2-16d-002/030.019/2026'
    """
    number = _version(version)
    values: dict[str, str | int] = {"datacube": datacube, "version": number, "version_legacy": f"{number:03d}"}
    values |= _tile_and_date(tile, date_text)
    return _fill(form or DEFAULT_ITEM_FORMAT, values, longest=_MAX_NAME, field="format_item_cube")


def build_cube_path(
    datacube: str,
    period: str,
    tile_id: str,
    version: int | str,
    *,
    band: str | None = None,
    prefix: str = "",
    composed: bool = False,
    suffix: str = ".tif",
    format_path_cube: str | None = None,
    format_item_cube: str | None = None,
) -> str:
    """The path of a file of a cube by a format.

    ``period`` is one date or ``START_END``. ``composed`` chooses ``{folder}``: ``composed`` or ``identity``. Beside
    what :func:`get_item_id` knows, a path format may hold ``{prefix}``, ``{folder}`` and ``{filename}`` (item id,
    band and suffix); ``{version}`` is ``v2`` and ``{version_legacy}`` is ``v002`` here.

    Raises:
        InvalidRequest: when the period is none, the format holds something else, or a step of the path is ``..``.

    >>> build_cube_path("S2-16D", "2026-03-06_2026-03-21", "030019", 2, band="B04", prefix="/data", composed=True)
    '/data/composed/s2-16d/v2/030/019/2026/03/06/S2-16D_V2_030019_20260306_B04.tif'
    """
    number = _version(version)
    item_id = get_item_id(datacube, version, tile_id, period, form=format_item_cube)
    values: dict[str, str | int] = {
        "prefix": prefix,
        "folder": COMPOSED_FOLDER if composed else IDENTITY_FOLDER,
        "datacube": datacube,
        "version": f"v{number}",
        "version_legacy": f"v{number:03d}",
        "filename": band_file(item_id, band, suffix=suffix) if band else f"{item_id}{suffix}",
        "period": period,
    }
    values |= _tile_and_date(tile_id, period)
    path = _fill(format_path_cube or DEFAULT_PATH_FORMAT, values, longest=_MAX_PATH, field="format_path_cube")
    if {"..", "."} & set(path.split("/")):
        raise InvalidRequest("must not lead out of its folder: leave out '..' and '.'", field="format_path_cube")
    return path


def _version(version: int | str) -> int:
    text = str(version)
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise InvalidRequest(f"must be a whole number, got {text[:40]!r}", field="version")
    return int(text)


def _tile_and_date(tile: str, date_text: str) -> dict[str, str | int]:
    period = Period.parse(date_text)
    first = period.start
    return {
        "tile_id": tile,
        # the first and last three characters, also for names that are no column and row (23LLG: 23L, LLG)
        "path": tile[:3],
        "row": tile[-3:],
        "date": date_text,
        "start_date": f"{first:%Y%m%d}",
        "end_date": f"{period.end:%Y%m%d}",
        "year": f"{first:%Y}",
        "month": f"{first:%m}",
        "day": f"{first:%d}",
    }


def _fill(form: str, values: Mapping[str, str | int], *, longest: int, field: str) -> str:
    """``str.format`` without its doors: plain names only, no attributes, indexes, conversions or nested fields."""
    if len(form) > _MAX_PATH:
        raise InvalidRequest(f"is longer than {_MAX_PATH} characters", field=field)
    try:
        parts = list(string.Formatter().parse(form))
    except ValueError as error:
        raise InvalidRequest(f"is no format: {error}", field=field) from None
    text = ""
    for literal, name, specification, conversion in parts:
        text += literal
        if name is None:
            continue
        if name not in values or conversion:
            known = ", ".join(sorted(values))
            raise InvalidRequest(f"holds {{{name[:40]}}}: the names to use are {known}", field=field)
        text += _formatted(values[name], specification or "", field=field)
    if not text or len(text) > longest or not text.isprintable():
        raise InvalidRequest(f"must give 1 to {longest} printable characters, gave {len(text)}", field=field)
    return text


def _formatted(value: str | int, specification: str, *, field: str) -> str:
    if specification in _CASES:
        return _CASES[specification](str(value))
    match = _SPECIFICATION.fullmatch(specification)
    refusal = InvalidRequest(
        f"format specification {specification[:40]!r} does not work here: use upper, lower, capitalize, or an "
        "alignment and width such as >8 or 03d",
        field=field,
    )
    if match is None:
        raise refusal
    try:
        return format(value, specification)
    except ValueError:
        raise refusal from None
