"""Descriptions of file names: which files are the bands of which scene, and when it was taken.

The JSON is that of gdalcubes' image collection formats, which cube-builder reads too: regular expressions for the
image, its date and time, and each band. Source: https://github.com/appelmar/gdalcubes_formats.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import BeforeValidator, ConfigDict, Field

from stratocube.cube.schema import Number, StrictModel, Text, Whole, refuse
from stratocube.errors import InvalidRequest

_LONGEST_PATTERN = 1024


def _pattern(value: object) -> object:
    if not isinstance(value, str) or not value or len(value) > _LONGEST_PATTERN:
        raise refuse("pattern", f"must be a regular expression of at most {_LONGEST_PATTERN} characters")
    try:
        re.compile(value)
    except (re.error, OverflowError) as error:
        raise refuse("pattern", f"is no regular expression: {error}") from None
    return value


Pattern = Annotated[str, BeforeValidator(_pattern)]


class _Described(StrictModel):
    """What gdalcubes writes beside (``tags``, ``subdatasets``, ``srs``, …) is read over."""

    model_config = ConfigDict(extra="ignore")


class _ImagePattern(_Described):
    pattern: Pattern
    """Matches the whole path; its first group is the name of the image."""


class _DatetimePattern(_Described):
    pattern: Pattern
    """Matches the whole path; its first group is the time."""
    format: Text = "%Y-%m-%d"
    """Of the time, as ``strptime`` takes it; UTC."""


class BandPattern(_Described):
    """Which files hold a band, and what its numbers mean."""

    pattern: Pattern
    band: Whole = Field(default=1, ge=1)
    """Which band of the file, counted from 1."""
    nodata: Number | None = None
    scale: Number | None = None
    offset: Number | None = None
    unit: Text | None = None


class FileFormat(_Described):
    """One format."""

    description: Text = ""
    pattern: Pattern | None = None
    """Files that do not match are no part of any image."""
    images: _ImagePattern
    datetime: _DatetimePattern
    bands: dict[str, BandPattern] = Field(min_length=1, max_length=256)


@dataclass(frozen=True)
class BandLocation:
    """Where one band of a scene is."""

    path: str
    pattern: BandPattern


@dataclass
class FoundScene:
    """The files of one image."""

    id: str
    taken: dt.datetime
    """UTC."""
    bands: dict[str, BandLocation] = field(default_factory=dict)


def scenes_of_files(paths: Iterable[str], file_format: FileFormat) -> list[FoundScene]:
    """Group files by image, images by time and name. Files of no image or no band are left out.

    Raises:
        InvalidRequest: a time that is not of the format's form, two files for one band of an image, files of one image
            with different times.
    """
    found: dict[str, FoundScene] = {}
    for path in sorted(paths):
        if file_format.pattern is not None and not re.fullmatch(file_format.pattern, path):
            continue
        image = re.fullmatch(file_format.images.pattern, path)
        bands = [name for name, band in file_format.bands.items() if re.fullmatch(band.pattern, path)]
        if image is None or not bands:
            continue
        name, taken = _group(image, "images.pattern"), _taken(path, file_format)
        scene = found.setdefault(name, FoundScene(name, taken))
        if scene.taken != taken:
            raise InvalidRequest(
                f"image {name} has files of {scene.taken} and of {taken}: its name must tell them apart",
                field="images.pattern",
            )
        for band in bands:
            if band in scene.bands:
                raise InvalidRequest(
                    f"image {name} has two files, {scene.bands[band].path} and {path}", field=f"bands.{band}.pattern"
                )
            scene.bands[band] = BandLocation(path, file_format.bands[band])
    return sorted(found.values(), key=lambda scene: (scene.taken, scene.id))


def _taken(path: str, file_format: FileFormat) -> dt.datetime:
    match = re.fullmatch(file_format.datetime.pattern, path)
    if match is None:
        raise InvalidRequest(f"does not match {path}, which is a file of an image", field="datetime.pattern")
    text = _group(match, "datetime.pattern")
    try:
        return dt.datetime.strptime(text, file_format.datetime.format).replace(tzinfo=dt.UTC)
    except ValueError as error:
        raise InvalidRequest(f"{error} (file {path})", field="datetime.format") from error


def _group(match: re.Match[str], field_name: str) -> str:
    if not match.re.groups or match[1] is None:
        raise InvalidRequest("needs a group in parentheses around what it is to find", field=field_name)
    return match[1]
