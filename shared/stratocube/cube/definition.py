"""Cube definitions: cube-builder's ``DataCubeForm`` JSON, checked at the door.

Everything a build needs to know of a cube is here, frozen; nothing is looked up later.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator

from stratocube.cube import json_forms
from stratocube.cube.bands import Band, IndexBand
from stratocube.cube.geobox import GeoBox
from stratocube.cube.grids import Tile
from stratocube.cube.mask import QualityMask
from stratocube.cube.naming import composite_item_id, identity_item_id
from stratocube.cube.parameters import Parameters
from stratocube.cube.schema import (
    BandName,
    CubeName,
    Flag,
    GridName,
    Metadata,
    Number,
    StrictModel,
    Text,
    Version,
    at,
    refuse,
)
from stratocube.cube.timeline import Period, TemporalComposition, periods
from stratocube.errors import InvalidRequest

CompositeFunction = Literal["IDT", "LCF", "MED", "AVG"]

MAX_BANDS: Final = 64
MAX_INDEXES: Final = 64

_COMPOSITE_NAMES: Final = {
    "IDT": "IDT",
    "IDENTITY": "IDT",
    "LCF": "LCF",
    "STK": "LCF",  # what cube-builder called it before version 0.8
    "MED": "MED",
    "MEDIAN": "MED",
    "AVG": "AVG",
    "AVERAGE": "AVG",
}
_TEMPORAL_SUFFIX = re.compile(r"(?P<stem>.+?)[-_]\d+[DMY](?:[-_](?:LCF|MED|AVG|STK))?")


def _composite_function(value: object) -> object:
    return _COMPOSITE_NAMES.get(value.upper(), value) if isinstance(value, str) else value


def _temporal_composition(value: object) -> object:
    if isinstance(value, TemporalComposition):
        return value
    try:
        return TemporalComposition.parse(value)  # type: ignore[arg-type]  # parse refuses what is no mapping
    except InvalidRequest as error:
        raise at(error, "temporal_composition") from None


def _three(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(names) not in (0, 3):
        raise refuse("count", f"must name three bands (red, green, blue of the picture), got {len(names)}")
    return names


class CubeDefinition(StrictModel):
    """What a cube is: its bands, grid, resolution, timeline, composite function, mask, indexes and parameters."""

    datacube: CubeName
    """Name of the cube."""
    datacube_identity: CubeName | None = None
    """Name of the per-date product; see :attr:`identity_name` for the default."""
    version: Version
    title: Text | None = None
    description: Text | None = None
    grs: GridName
    """Name of the grid."""
    resolution: Number = Field(gt=0, le=1_000_000)
    """Pixel size in units of the grid's CRS (metres, as a rule)."""
    temporal_composition: Annotated[
        TemporalComposition | None,
        BeforeValidator(lambda value: None if value is None else _temporal_composition(value)),
        PlainSerializer(lambda rule: None if rule is None else rule.to_json()),
        WithJsonSchema(json_forms.TEMPORAL_COMPOSITION),
    ] = None
    composite_function: Annotated[
        CompositeFunction,
        BeforeValidator(_composite_function),
        WithJsonSchema({"type": "string", "enum": list(_COMPOSITE_NAMES)}),
    ]
    """How the dates of a period become one: identity, least cloud cover first, median, average."""
    bands: tuple[Band, ...] = Field(min_length=1, max_length=MAX_BANDS)
    indexes: tuple[IndexBand, ...] = Field(default=(), max_length=MAX_INDEXES)
    bands_quicklook: Annotated[tuple[BandName, ...], AfterValidator(_three)] = ()
    """Red, green and blue of the quicklook; empty for no picture."""
    quality_band: BandName | None = None
    """May be left out for identity cubes only."""
    is_combined: Flag = False
    """Built of several collections or platforms: the first valid pixel wins, and DATASOURCE tells whose it is."""
    public: Flag = True
    metadata: Metadata = Field(default_factory=dict)
    """Free; ``platform`` and ``license`` go into the STAC collection."""
    parameters: Parameters = Field(default_factory=Parameters)
    item_prefix: CubeName | None = None
    """Takes the place of the cube's name in item ids."""

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        names = [band.name for band in self.all_bands]
        _check_unique(names)
        known = [band.name for band in self.bands]
        for position, name in enumerate(self.bands_quicklook):
            _check_known(name, names, field=f"bands_quicklook.{position}")
        for position, index in enumerate(self.indexes):
            for place, name in enumerate(index.metadata.expression.bands):
                _check_known(name, known, field=f"indexes.{position}.metadata.expression.bands.{place}")
        if self.composite_function != "IDT" and self.temporal_composition is None:
            raise InvalidRequest(
                'is required for composites, for example {"schema": "Continuous", "unit": "month", "step": 1}',
                field="temporal_composition",
            )
        if self.composite_function != "IDT" and self.identity_name == self.datacube:
            raise InvalidRequest(
                "must differ from datacube: per-date items and composites would get the same ids",
                field="datacube_identity",
            )
        self._check_quality(known)
        return self

    def _check_quality(self, known: list[str]) -> None:
        if self.quality_band is None:
            if self.composite_function != "IDT":
                raise InvalidRequest(
                    "is required: without it no pixel is clear (only IDT does without)", field="quality_band"
                )
            return
        _check_known(self.quality_band, known, field="quality_band")
        if self.parameters.quality_band not in (None, self.quality_band):
            raise InvalidRequest(
                f"contradicts quality_band ({self.quality_band}): leave it out", field="parameters.quality_band"
            )
        quality = self.band(self.quality_band)
        if not quality.is_integer:
            raise InvalidRequest(
                f"{quality.name} is {quality.data_type}: quality values are classes or bits, give an integer type",
                field="quality_band",
            )
        mask = self.mask
        if mask is None:
            if self.composite_function != "IDT":
                raise InvalidRequest(
                    'is required, for example {"clear_data": [4, 5, 6], "not_clear_data": [3, 8, 9], "nodata": 0}',
                    field="parameters.mask",
                )
            return
        if mask.nodata != quality.nodata:
            raise InvalidRequest(
                f"is {mask.nodata}, but band {quality.name} says {quality.nodata:g}: give both the same",
                field="parameters.mask.nodata",
            )
        if mask.saturated_band is not None:
            _check_known(mask.saturated_band, known, field="parameters.mask.saturated_band")

    @property
    def id(self) -> str:
        """``NAME-VERSION``, the id of the STAC collection."""
        return f"{self.datacube}-{self.version}"

    @property
    def name(self) -> str:
        """The name without version."""
        return self.datacube

    @property
    def identity_name(self) -> str:
        """Name of the per-date product.

        ``datacube_identity`` where given. Otherwise as cube-builder's guide names them: the cube's name without its
        time step (``S2`` for ``S2-16D``, ``LC8_30`` for ``LC8_30_1M_LCF``), or with ``-IDT`` when it has none. The
        cube itself when it is an identity cube.
        """
        if self.composite_function == "IDT":
            return self.datacube_identity or self.datacube
        if self.datacube_identity:
            return self.datacube_identity
        match = _TEMPORAL_SUFFIX.fullmatch(self.datacube)
        return match["stem"] if match else f"{self.datacube}-IDT"

    @property
    def identity_id(self) -> str:
        """``NAME-VERSION`` of the per-date product's collection. Cubes that name the same share it."""
        return f"{self.identity_name}-{self.version}"

    @property
    def all_bands(self) -> tuple[Band, ...]:
        """Bands, then indexes, in the order of the definition."""
        return (*self.bands, *self.indexes)

    @property
    def saturation_band(self) -> str | None:
        """Name of the band of saturation bits, where the mask names one."""
        mask = self.mask
        return None if mask is None else mask.saturated_band

    @property
    def spectral_bands(self) -> tuple[Band, ...]:
        """What is composited: bands without the quality band, the saturation band and the indexes."""
        apart = {self.quality_band, self.saturation_band}
        return tuple(band for band in self.bands if band.name not in apart)

    @property
    def mask(self) -> QualityMask | None:
        """What the values of the quality band mean; None only for an identity cube without mask."""
        return self.parameters.quality_mask

    def band(self, name: str) -> Band:
        """The band or index of a name.

        Raises:
            InvalidRequest: when the cube has none.
        """
        for band in self.all_bands:
            if band.name == name:
                return band
        raise _unknown_band(name, [band.name for band in self.all_bands], field="bands")

    def resampling(self, band_name: str) -> str:
        """How a band is resampled: the quality and the saturation band nearest, for they are classes and bits;
        others as ``parameters.resampling`` says, bilinear by default."""
        if band_name in {self.quality_band, self.saturation_band}:
            return "nearest"
        return self.parameters.resampling or "bilinear"

    def periods(self, start: date | str, end: date | str) -> list[Period]:
        """The periods of a window; of an identity cube without timeline, the window as one period."""
        if self.temporal_composition is None:
            return [Period.parse(f"{start}_{end}")]
        return periods(self.temporal_composition, start, end)

    def geobox(self, tile: Tile) -> GeoBox:
        """The pixel grid of a tile of this cube.

        Raises:
            InvalidRequest: when resolution or shape do not fit the tile.
        """
        return tile.geobox(self.resolution, shape=self.parameters.shape)

    def composite_item_id(self, tile: str, period: Period) -> str:
        """The id of a composite item."""
        return composite_item_id(self.item_prefix or self.name, self.version, tile, period)

    def identity_item_id(self, tile: str, day: date) -> str:
        """The id of a per-date item."""
        prefix = self.item_prefix if self.composite_function == "IDT" else None
        return identity_item_id(prefix or self.identity_name, self.version, tile, day)

    def with_parameters(self, changes: Mapping[str, Any]) -> Self:
        """The same cube with some parameters replaced (JSON form), checked again as a whole.

        Raises:
            InvalidRequest: as :meth:`parse` does.
        """
        found = self.to_json()
        return self.parse(found | {"parameters": found.get("parameters", {}) | dict(changes)})


def _check_unique(names: list[str]) -> None:
    seen: dict[str, str] = {}
    for name in names:
        # file names of two bands must differ on file systems that ignore case, too
        if name.upper() in seen:
            raise InvalidRequest(
                f"{name} is there twice (as {seen[name.upper()]}): names must differ in more than case", field="bands"
            )
        seen[name.upper()] = name


def _check_known(name: str, known: list[str], *, field: str) -> None:
    if name not in known:
        raise _unknown_band(name, known, field=field)


def _unknown_band(name: str, known: list[str], *, field: str) -> InvalidRequest:
    return InvalidRequest(f"{name[:40]!r} is no band of the cube: it has {', '.join(known)}", field=field)
