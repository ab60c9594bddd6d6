"""Requests at the door: start a build, create grids. Checked whole, before any work begins."""

from __future__ import annotations

import re
from datetime import date
from functools import partial
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BeforeValidator, Field, StringConstraints, WithJsonSchema, field_validator, model_validator

from stratocube.cube import json_forms
from stratocube.cube.bands import Band
from stratocube.cube.definition import CubeDefinition
from stratocube.cube.naming import UnitId, split_cube_id
from stratocube.cube.parameters import (
    Baseline,
    BlockSize,
    Channel,
    ProviderNames,
    RadiometryRules,
    ReferenceDay,
    Resampling,
    Shape,
    checked_mask,
    lower,
)
from stratocube.cube.scene_sources import MAX_COLLECTIONS, MAX_SOURCES, Query, RefusedToken, SceneSource, SourceUrl
from stratocube.cube.schema import (
    MAX_COST,
    BandName,
    CubeName,
    Flag,
    GridName,
    Number,
    SourceName,
    StrictModel,
    Text,
    TileId,
    Version,
    Whole,
    refuse,
    shown,
)
from stratocube.cube.timeline import Period, parse_date
from stratocube.errors import InvalidRequest

MAX_WINDOW_DAYS: Final = 366 * 60
"""Longer than any archive of scenes."""
MAX_TILES: Final = 5_000
MAX_UNITS: Final = 100_000
"""Tiles times periods of one build."""
Priority = Literal["live", "backfill"]

FIRST_YEAR: Final = 1970
LAST_YEAR: Final = 2100

_OVERRIDES: Final = (
    "mask",
    "resampling",
    "reference_day",
    "histogram_matching",
    "no_post_process",
    "apply_valid_range",
    "skip_vi_identity",
    "shape",
    "block_size",
    "channel_limits",
    "with_rgb",
    "stac_url",
    "token_secret",
    "sources",
    "query",
    "processing_baselines",
    "mixed_baselines",
    "providers",
    "radiometry",
    "reuse_from",
)


def _day(value: object, field: str) -> date:
    if not isinstance(value, (str, date)):
        raise InvalidRequest(f"must be a date such as 2023-08-01, got {shown(value)}", field=field)
    day = parse_date(value, field=field)
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise InvalidRequest(f"must lie between {FIRST_YEAR} and {LAST_YEAR}, got {day}", field=field)
    return day


def _once(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


class StartRequest(StrictModel):
    """A request to build: which cube, which tiles, which dates, out of which collections."""

    datacube: CubeName
    """Cube id (``S2-16D-1``), or its name when ``datacube_version`` is given or the newest version is meant."""
    datacube_version: Version | None = None
    collections: tuple[SourceName, ...] = Field(min_length=1, max_length=MAX_COLLECTIONS)
    """STAC collections of the scenes, in order of preference where a cube combines several."""
    tiles: tuple[TileId, ...] = Field(min_length=1, max_length=MAX_TILES)
    start_date: Annotated[date, BeforeValidator(lambda value: _day(value, "start_date"))]
    end_date: Annotated[date, BeforeValidator(lambda value: _day(value, "end_date"))]
    """Included."""
    bands: tuple[BandName, ...] | None = Field(default=None, max_length=128)
    """Build these bands only; the quality band always comes along."""
    force: Flag = False
    """Build again what is there already."""
    validate_only: Flag = False
    """Check the request and say what would be built."""
    priority: Annotated[Priority, BeforeValidator(lower)] = "live"
    """``backfill`` leaves room for the builds that are ``live``: fewer units at the same time."""
    max_cost: Annotated[Number, Field(gt=0, le=MAX_COST)] | None = None
    """US dollars: a build that is expected to cost more is refused."""
    token: RefusedToken = None
    mask: (
        Annotated[dict[str, Any], BeforeValidator(partial(checked_mask, field="mask")), WithJsonSchema(json_forms.MASK)]
        | None
    ) = None
    resampling: Annotated[Resampling | None, BeforeValidator(lower)] = None
    reference_day: ReferenceDay | None = None
    histogram_matching: Flag | None = None
    no_post_process: Flag | None = None
    apply_valid_range: Flag | None = None
    skip_vi_identity: Flag | None = None
    shape: Shape | None = None
    block_size: BlockSize | None = None
    channel_limits: tuple[Channel, Channel, Channel] | None = None
    with_rgb: Flag | None = None
    stac_url: SourceUrl | None = None
    """A STAC API, or the href of a static ItemCollection (``s3://bucket/key.json`` or https)."""
    token_secret: SourceName | None = None
    """Name of the secret with the STAC token."""
    sources: tuple[SceneSource, ...] | None = Field(default=None, min_length=1, max_length=MAX_SOURCES)
    """Several archives to search, in order of preference; in place of ``stac_url`` and ``token_secret``."""
    query: Query | None = None
    """Which scenes to use, by their properties: ``{"eo:cloud_cover": {"lt": 60}}``."""
    processing_baselines: tuple[Baseline, ...] | None = Field(default=None, min_length=1, max_length=64)
    mixed_baselines: Literal["report", "refuse"] | None = None
    providers: ProviderNames | None = None
    radiometry: RadiometryRules | None = None
    reuse_from: Text | None = None

    @field_validator("tiles", "collections", "bands")
    @classmethod
    def _without_repeats(cls, values: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return None if values is None else _once(values)

    @model_validator(mode="after")
    def _window_is_sound(self) -> Self:
        days = (self.end_date - self.start_date).days
        if days < 0:
            raise InvalidRequest(
                f"must not be before start_date ({self.start_date}), got {self.end_date}", field="end_date"
            )
        if days > MAX_WINDOW_DAYS:
            raise InvalidRequest(
                f"is {days} days after start_date, a build covers at most {MAX_WINDOW_DAYS}: split it", field="end_date"
            )
        return self

    @property
    def cube_name(self) -> str:
        """Name of the cube without version."""
        return self._cube[0]

    @property
    def cube_version(self) -> int | None:
        """Version of the cube; None when the newest is meant."""
        return self._cube[1]

    @property
    def cube_id(self) -> str | None:
        """``NAME-VERSION``; None when the newest version is meant."""
        name, version = self._cube
        return None if version is None else f"{name}-{version}"

    @property
    def _cube(self) -> tuple[str, int | None]:
        if self.datacube_version is not None:
            return self.datacube, self.datacube_version
        return split_cube_id(self.datacube)

    @property
    def overrides(self) -> dict[str, Any]:
        """What this request says in place of the definition's parameters, in their JSON form."""
        given = self.to_json()
        return {name: given[name] for name in _OVERRIDES if given.get(name) is not None}

    def resolve(self, definition: CubeDefinition) -> CubeDefinition:
        """The cube as this request wants it built.

        Raises:
            InvalidRequest: when a band is none of the cube's, a parameter contradicts the definition, or no source
                of scenes is given.
        """
        for position, name in enumerate(self.bands or ()):
            if name not in {band.name for band in definition.all_bands}:
                known = ", ".join(band.name for band in definition.all_bands)
                raise InvalidRequest(f"{name} is no band of {definition.id}: it has {known}", field=f"bands.{position}")
        resolved = definition.with_parameters(self._parameters(definition))
        if not resolved.parameters.scene_sources:
            remedy = "give a STAC API's root, or the href of an ItemCollection such as s3://bucket/items.json"
            if resolved.parameters.local is not None:
                remedy = f"scenes in a directory cannot be read from here: upload them, and {remedy}"
            raise InvalidRequest(f"is required, in the request or the cube's parameters: {remedy}", field="stac_url")
        if len(self.collections) > 1 and not definition.is_combined:
            raise InvalidRequest(
                f"names {len(self.collections)} collections, but {definition.id} is not combined: name one, or define "
                "the cube with is_combined",
                field="collections",
            )
        served = {name for source in resolved.parameters.scene_sources for name in source.serves(self.collections)}
        for position, name in enumerate(self.collections):
            if name not in served:
                raise InvalidRequest(
                    f"{name} is in none of the sources: name it in one of their collections",
                    field=f"collections.{position}",
                )
        return resolved

    def merged_bands(self, definition: CubeDefinition) -> tuple[Band, ...]:
        """The bands this request has merged, in the order of the definition: those it names, and always the quality
        band, the saturation band, and what a named index is made of."""
        if self.bands is None:
            return definition.bands
        wanted = {*self.bands, definition.quality_band, definition.saturation_band}
        for index in definition.indexes:
            if index.name in wanted:
                wanted.update(index.expression.names)
        return tuple(band for band in definition.bands if band.name in wanted)

    def _parameters(self, definition: CubeDefinition) -> dict[str, Any]:
        """The overrides; whoever names other places to search takes none of those of the cube, nor its token."""
        given = self.overrides
        if "sources" in given:
            return {"stac_url": None, "token_secret": None} | given
        if "stac_url" in given:
            of_cube = definition.parameters
            keeps_token = given["stac_url"] == of_cube.stac_url
            return {"sources": None, "token_secret": of_cube.token_secret if keeps_token else None} | given
        return given

    def units(self, definition: CubeDefinition) -> list[UnitId]:
        """The units of this request, by tile, then period. Errors as :meth:`periods`."""
        periods = self.periods(definition)
        return [UnitId(tile, period) for tile in self.tiles for period in periods]

    def periods(self, definition: CubeDefinition) -> tuple[Period, ...]:
        """The periods of this request: each tile has a unit in each.

        Every period that begins in the window (or, with intervals, meets it) is built, also one that reaches beyond
        its end: cube-builder leaves that one out (OR-1).

        Raises:
            InvalidRequest: when there are none, or more than ``MAX_UNITS``.
        """
        periods = definition.periods(self.start_date, self.end_date)
        if not periods:
            raise InvalidRequest(
                f"no period of {definition.id} begins between {self.start_date} and {self.end_date}: widen the window",
                field="end_date",
            )
        if len(periods) * len(self.tiles) > MAX_UNITS:
            raise InvalidRequest(
                f"{len(self.tiles)} tiles times {len(periods)} periods are more than {MAX_UNITS} units: split it",
                field="tiles",
            )
        return tuple(periods)


_CRS_CODE = re.compile(r"[A-Za-z]{3,8}:[0-9]{1,7}")
_CRS_PROJ = re.compile(r"(?:\+(?P<key>[a-z_0-9A-Z]+)(?:=[-+.,0-9A-Za-z]+)?\s*)+")
_CRS_WKT = re.compile(r"(?:PROJCS|GEOGCS|PROJCRS|GEOGCRS|GEODCRS|BOUNDCRS|COMPD_CS|PROJECTEDCRS|GEOGRAPHICCRS)\[")
_PROJ_FILES: Final = ("nadgrids", "geoidgrids", "init", "proj=pipeline", "file", "grids")
NAMED_PROJECTIONS: Final = ("aea", "sinu", "longlat")


def _crs(text: str) -> str:
    # GDAL also takes file names and URLs for a CRS: neither is ours to open
    text = text.strip()
    if text.startswith("+"):
        if _CRS_PROJ.fullmatch(text) and not any(word in text for word in _PROJ_FILES):
            return text
    elif _CRS_CODE.fullmatch(text) or _CRS_WKT.match(text):
        return text
    raise refuse("crs", f"must be a CRS such as EPSG:32723, a PROJ string or WKT, got {shown(text)}")


def _bbox(value: object) -> object:
    if not isinstance(value, str):
        return value
    parts = value.split(",")
    return parts if len(parts) == 4 else value


CrsText = Annotated[str, StringConstraints(max_length=8192)]
Factor = Annotated[Number, Field(gt=0, le=1_000_000)]
Size = Annotated[Number, Field(gt=0, le=100_000_000)]


class GridRequest(StrictModel):
    """A request to create grids, in cube-builder's form or as a plain grid.

    cube-builder's: ``names``, ``projection`` (``aea``, ``sinu``, ``longlat``), ``meridian``, ``bbox``, ``shape`` in
    pixels and one ``tile_factor`` (CRS units a pixel) a name: a tile is as wide as shape times factor. Plain: ``name``,
    ``crs``, ``bbox``, ``tile_size`` in CRS units, and ``origin`` to fix the upper left corner of tile 000000. Both may
    be mixed.
    """

    names: tuple[GridName, ...] | None = Field(default=None, min_length=1, max_length=8)
    name: GridName | None = None
    description: Text = ""
    projection: Text | None = None
    crs: CrsText | None = None
    meridian: Number | None = Field(default=None, ge=-180, le=180)
    bbox: Annotated[tuple[Number, Number, Number, Number], BeforeValidator(_bbox)]
    """west, south, east, north in degrees."""
    shape: tuple[Size, Size] | None = None
    tile_factor: tuple[tuple[Factor, Factor], ...] | None = Field(default=None, min_length=1, max_length=8)
    tile_size: tuple[Size, Size] | None = None
    origin: tuple[Number, Number] | None = None
    srid: Whole | None = Field(default=None, ge=0, le=999_999_999)

    @field_validator("projection")
    @classmethod
    def _known_projection(cls, value: str | None) -> str | None:
        if value is None or value.lower() in NAMED_PROJECTIONS:
            return None if value is None else value.lower()
        if ":" in value or "+" in value or "[" in value:
            return _crs(value)
        raise refuse(
            "projection",
            f"must be one of {', '.join(NAMED_PROJECTIONS)}, or a CRS such as EPSG:32723, got {shown(value)}",
        )

    @field_validator("crs")
    @classmethod
    def _known_crs(cls, value: str | None) -> str | None:
        return None if value is None else _crs(value)

    @field_validator("bbox")
    @classmethod
    def _is_a_box(cls, box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
        west, south, east, north = box
        if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
            raise refuse(
                "box",
                "must be west, south, east, north in degrees, west below east (split a box that lies across 180 "
                f"degrees) and south below north, got {west:g}, {south:g}, {east:g}, {north:g}",
            )
        return box

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        if (self.names is None) == (self.name is None):
            raise InvalidRequest("give either names (a list) or name", field="names")
        if len({name.upper() for name in self.grid_names}) != len(self.grid_names):
            raise InvalidRequest("must differ from each other in more than case", field="names")
        if (self.projection is None) == (self.crs is None):
            raise InvalidRequest("give either projection or crs", field="projection")
        if self.projection in NAMED_PROJECTIONS and self.meridian is None:
            raise InvalidRequest(
                f"is required for projection {self.projection}: its central meridian", field="meridian"
            )
        if self.tile_size is not None:
            if self.shape is not None or self.tile_factor is not None or len(self.grid_names) != 1:
                raise InvalidRequest(
                    "stands for itself: leave out shape and tile_factor, and name one grid", field="tile_size"
                )
        elif self.shape is None or self.tile_factor is None:
            raise InvalidRequest("give shape and tile_factor, or tile_size", field="shape")
        elif len(self.tile_factor) != len(self.grid_names):
            raise InvalidRequest(
                f"holds {len(self.tile_factor)} entries for {len(self.grid_names)} names: give one a name",
                field="tile_factor",
            )
        return self

    @property
    def grid_names(self) -> tuple[str, ...]:
        """Names of the grids, in the order of the request."""
        return self.names or (self.name or "",)

    @property
    def tile_sizes(self) -> tuple[tuple[float, float], ...]:
        """(width, height) of the tiles of each grid in CRS units."""
        if self.tile_size is not None:
            return (self.tile_size,)
        width, height = self.shape or (0.0, 0.0)
        return tuple((width * x, height * y) for x, y in self.tile_factor or ())

    @property
    def box(self) -> tuple[float, float, float, float]:
        """west, south, east, north in degrees."""
        return self.bbox
