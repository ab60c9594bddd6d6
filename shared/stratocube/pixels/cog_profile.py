"""What a COG says about its pixels, and how they are compressed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple

import numpy as np

from stratocube.cube.geobox import GeoBox

Kind = Literal["continuous", "categorical"]
"""``continuous``: reflectance, indexes, temperatures. ``categorical``: classes, bits, counts, days, indexes of
sources: numbers that must not be averaged."""

NO_PREDICTOR: Final = 1
HORIZONTAL: Final = 2
_FLOATING: Final = 3
"""TIFF's predictors (tag 317), for integers and for floating numbers."""

_PICTURE_BANDS: Final = 3


class Encoding(NamedTuple):
    """How pixels are compressed by DEFLATE."""

    level: int
    """Of libdeflate, in GDAL; see :mod:`stratocube.pixels.tile_encoding` for what is compressed without it."""
    predictor: int
    """What is done to the pixels before."""


def encoding_of(kind: Kind, dtype: np.dtype[Any]) -> Encoding:
    """The level and predictor that pay.

    Behind the predictor reflectance does not get smaller beyond level 1 (16.7 MB at 1, 16.5 at 3, 16.7 at 6) and takes
    a quarter of the time. Classes and counts are smaller without predictor than with it. Level 6 makes days and bits of
    two bytes a tenth to a third smaller than level 5, in a third more time; classes and counts of one byte 2 to 7 %
    smaller in up to three times the time, and those are few of a cube's bytes.

    >>> encoding_of("categorical", np.dtype("uint8"))
    Encoding(level=5, predictor=1)
    """
    if kind == "continuous":
        return Encoding(1, _FLOATING if dtype.kind == "f" else HORIZONTAL)
    return Encoding(5 if dtype.itemsize == 1 else 6, NO_PREDICTOR)


@dataclass(frozen=True)
class Meaning:
    """What a COG says about its numbers; see :func:`stratocube.pixels.cog.save_as_cog`."""

    kind: Kind
    description: str = ""
    """Name of the band: programs show it, and address bands by it."""
    scale: float | None = None
    offset: float | None = None
    unit: str = ""
    block_size: int = 512
    long_name: str = ""
    """What the band is, in words."""
    colors: Mapping[int, str] = field(default_factory=dict)
    """Colour of each class, six hexadecimal digits: the colour table of one band of uint8. Others have none."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Of the file."""


@dataclass(frozen=True)
class CogProfile:
    """A COG but for its pixels: its grid, the type of its numbers, and what they mean."""

    geobox: GeoBox
    dtype: np.dtype[Any]
    nodata: float | None
    meaning: Meaning
    bands: int = 1

    @property
    def has_colours(self) -> bool:
        """Whether the file has a colour table: TIFF knows one for bytes, and one for 16 bits that is 400 KB large."""
        return bool(self.meaning.colors) and self.bands == 1 and self.dtype == np.uint8

    @property
    def encoding(self) -> Encoding:
        """How the tiles are compressed."""
        return encoding_of(self.meaning.kind, self.dtype)

    def options(self) -> dict[str, Any]:
        """How GDAL encodes the tiles."""
        return {
            "driver": "GTiff",
            "count": self.bands,
            "dtype": self.dtype.name,
            "tiled": True,
            "blockxsize": self.meaning.block_size,
            "blockysize": self.meaning.block_size,
            "compress": "DEFLATE",
            "zlevel": self.encoding.level,
            "predictor": self.encoding.predictor,
            "interleave": "pixel",
            "photometric": "RGB" if self.bands == _PICTURE_BANDS else "MINISBLACK",
            "bigtiff": "NO",
        }
