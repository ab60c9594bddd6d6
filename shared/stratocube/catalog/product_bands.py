"""How a band of a product stands in STAC: one description, written for readers of STAC 1.1 and of 1.0.

STAC 1.1 has one list, ``bands``. Most readers still look for ``eo:bands`` and ``raster:bands`` (pystac's extensions,
odc-stac's aliases, sits, QGIS plugins), which the schemas of eo 1.1 and raster 1.1 allow and those of their 2.0
forbid. So both are written and the 1.1 schemas are declared; the two say the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from stratocube.catalog.assets import nodata_to_json
from stratocube.errors import InvalidRequest

EO: Final = "https://stac-extensions.github.io/eo/v1.1.0/schema.json"
RASTER: Final = "https://stac-extensions.github.io/raster/v1.1.0/schema.json"
PROJECTION: Final = "https://stac-extensions.github.io/projection/v2.0.0/schema.json"
FILE: Final = "https://stac-extensions.github.io/file/v2.1.0/schema.json"
CLASSIFICATION: Final = "https://stac-extensions.github.io/classification/v2.0.0/schema.json"
PROCESSING: Final = "https://stac-extensions.github.io/processing/v1.0.0/schema.json"
GRID: Final = "https://stac-extensions.github.io/grid/v1.1.0/schema.json"
RENDER: Final = "https://stac-extensions.github.io/render/v2.0.0/schema.json"
DATACUBE: Final = "https://stac-extensions.github.io/datacube/v2.2.0/schema.json"
VERSION: Final = "https://stac-extensions.github.io/version/v1.2.0/schema.json"

COG_MEDIA_TYPE: Final = "image/tiff; application=geotiff; profile=cloud-optimized"

_COMMON_NAMES: Final = frozenset(
    (
        *("coastal", "blue", "green", "yellow", "red", "rededge", "pan"),
        *("nir", "nir08", "nir09", "cirrus", "swir16", "swir22", "lwir", "lwir11", "lwir12"),
    )
)
"""What eo 1.1 allows; a name outside (BDC's ``quality``, ``ndvi``) would make the document invalid."""

_NEWER_COMMON_NAMES: Final = MappingProxyType(
    {"rededge071": "rededge", "rededge075": "rededge", "rededge078": "rededge", "green05": "green"}
)
"""Names eo 2.0 added, and what eo 1.1 calls them."""

_CLASS_NAME = re.compile(r"[0-9A-Za-z_-]+")
_COLOUR = re.compile(r"[0-9A-F]{6}")


class BandKind(StrEnum):
    """What the values of a band are."""

    SPECTRAL = "spectral"
    INDEX = "index"
    QUALITY = "quality"
    COUNT = "count"
    PROVENANCE = "provenance"
    SOURCE = "source"


@dataclass(frozen=True)
class ClassInfo:
    """What one value of a band of classes means."""

    value: int
    name: str
    """For machines: letters, digits, ``-`` and ``_``."""
    description: str = ""
    color_hint: str | None = None
    """Six hexadecimal digits, upper case, for maps."""
    nodata: bool = False

    def __post_init__(self) -> None:
        if not _CLASS_NAME.fullmatch(self.name):
            raise InvalidRequest(f"must be letters, digits, - and _, got {self.name!r}", field="classes.name")
        if self.color_hint is not None and not _COLOUR.fullmatch(self.color_hint):
            raise InvalidRequest(
                f"must be six hexadecimal digits in upper case, got {self.color_hint!r}", field="classes.color_hint"
            )

    def to_stac(self) -> dict[str, Any]:
        """A class object of the classification extension."""
        return _given(
            {
                "value": self.value,
                "name": self.name,
                "description": self.description or None,
                "color_hint": self.color_hint,
                "nodata": True if self.nodata else None,
            }
        )


@dataclass(frozen=True)
class BandInfo:
    """A band of a cube as its products describe it."""

    name: str
    data_type: str
    """numpy's name: ``int16``, ``uint8``, …"""
    nodata: float | None
    """As tagged in the files: both must be the same."""
    kind: BandKind = BandKind.SPECTRAL
    common_name: str | None = None
    description: str = ""
    scale: float | None = None
    """Physical value = stored value × scale + offset."""
    offset: float | None = None
    center_wavelength: float | None = None
    """In micrometres."""
    full_width_half_max: float | None = None
    """In micrometres."""
    classes: tuple[ClassInfo, ...] = ()
    unit: str = ""
    """Of the physical value, as UDUNITS has it: ``1`` is a number without dimension."""

    @property
    def colors(self) -> dict[int, str]:
        """Colours of the classes, by value: what the file's colour table holds."""
        return {one.value: one.color_hint for one in self.classes if one.color_hint is not None}

    @property
    def roles(self) -> list[str]:
        """Asset roles."""
        return ["data", "quality"] if self.kind is BandKind.QUALITY else ["data"]

    def to_stac(
        self, resolution_m: float | None = None, statistics: Mapping[str, float] | None = None
    ) -> dict[str, Any]:
        """The fields of an asset, or of an entry of ``item_assets``, that describe the band.

        ``resolution_m`` is the pixel size, given only where the grid's unit is the metre. ``statistics`` are those in
        the file: of the stored numbers (:class:`stratocube.pixels.band_statistics.BandStatistics`).
        """
        newer = self.common_name if self.common_name in _NEWER_COMMON_NAMES else None
        older = _NEWER_COMMON_NAMES.get(self.common_name or "", self.common_name)
        common_name = older if older in _COMMON_NAMES else None
        nodata = None if self.nodata is None else nodata_to_json(self.nodata)
        optics = {"center_wavelength": self.center_wavelength, "full_width_half_max": self.full_width_half_max}
        named = {"name": self.name, "description": self.description or None}
        pixels = {
            "nodata": nodata,
            "data_type": self.data_type,
            "unit": self.unit or None,
            "statistics": dict(statistics) if statistics else None,
        }
        meaning = {"scale": self.scale, "offset": self.offset, "spatial_resolution": resolution_m}
        fields: dict[str, Any] = {
            "bands": [
                _given(
                    named
                    | pixels
                    | {"eo:common_name": newer or common_name}
                    | {f"eo:{name}": value for name, value in optics.items()}
                    | {f"raster:{name}": value for name, value in meaning.items()}
                )
            ],
            "eo:bands": [_given(named | {"common_name": common_name} | optics)],
            "raster:bands": [_given(pixels | meaning)],
        }
        if self.classes:
            fields["classification:classes"] = [one.to_stac() for one in self.classes]
        return fields


def band_extensions(bands: tuple[BandInfo, ...]) -> list[str]:
    """Schemas of the extensions that ``to_stac`` of these bands uses."""
    return [EO, RASTER, CLASSIFICATION] if any(band.classes for band in bands) else [EO, RASTER]


def picture_bands(names: tuple[str, ...], resolution_m: float | None) -> dict[str, Any]:
    """The fields that describe a raster of red, green and blue bytes, made of the bands of these names."""
    pixels = _given({"nodata": 0, "data_type": "uint8", "spatial_resolution": resolution_m})
    named = [
        {"name": colour, "description": f"{colour} for the eye, of {name}", "common_name": colour}
        for colour, name in zip(("red", "green", "blue"), names, strict=True)
    ]
    return {
        "bands": [
            _given(
                {
                    "name": one["name"],
                    "description": one["description"],
                    "nodata": 0,
                    "data_type": "uint8",
                    "eo:common_name": one["common_name"],
                    "raster:spatial_resolution": resolution_m,
                }
            )
            for one in named
        ],
        "eo:bands": named,
        "raster:bands": [pixels for _ in named],
    }


def _given(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
