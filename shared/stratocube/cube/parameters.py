"""Parameters of a cube: how its scenes are searched, masked, warped, composited and shown."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, WithJsonSchema, model_validator

from stratocube.cube import json_forms
from stratocube.cube.mask import QualityMask, parse_mask
from stratocube.cube.radiometry import MAX_RULES, RadiometryRule
from stratocube.cube.scene_sources import MAX_SOURCES, Query, RefusedToken, SceneSource, SourceUrl, refuse_idle_token
from stratocube.cube.schema import (
    BandName,
    Flag,
    Number,
    SourceName,
    StrictModel,
    Text,
    Whole,
    plain_json,
    refuse,
)

MAX_SIDE: Final = 32_768
"""Pixels of a tile's side."""

Resampling = Literal[
    "nearest", "bilinear", "cubic", "cubic_spline", "lanczos", "average", "mode", "max", "min", "med", "q1", "q3"
]


def lower(value: object) -> object:
    """Lower case of a text; anything else as it is, for the next validator to refuse."""
    return value.lower() if isinstance(value, str) else value


def checked_mask(value: object, *, field: str) -> dict[str, Any]:
    """A mask in its JSON form, as it is, once it parses; ``field`` is where it stands, for the error."""
    plain = plain_json(value)
    parse_mask(plain, field=field)
    return plain


def _block_size(value: int) -> int:
    if value % 16:
        raise refuse("multiple", f"must be a multiple of 16 (GeoTIFF tiles are), got {value}: 512 is usual")
    return value


def _channel(limits: tuple[float, float]) -> tuple[float, float]:
    if limits[0] >= limits[1]:
        raise refuse("order", f"must rise, got {limits[0]:g} to {limits[1]:g}")
    return limits


BlockSize = Annotated[Whole, Field(ge=64, le=4096), AfterValidator(_block_size)]
Side = Annotated[Whole, Field(ge=1, le=MAX_SIDE)]
Shape = tuple[Side, Side]
"""Width and height of a tile in pixels."""
Channel = Annotated[tuple[Number, Number], AfterValidator(_channel)]
MaskMapping = Annotated[
    dict[str, Any],
    BeforeValidator(partial(checked_mask, field="parameters.mask")),
    WithJsonSchema(json_forms.MASK),
]
ReferenceDay = Annotated[Whole, Field(ge=0, le=366)]
ProviderNames = Annotated[dict[SourceName, SourceName], Field(max_length=16)]
"""Names of provider files by collection."""
RadiometryRules = Annotated[tuple[RadiometryRule, ...], Field(max_length=MAX_RULES)]
Baseline = Annotated[str, StringConstraints(pattern=r"^[0-9]{2}\.[0-9]{2}$")]


class Parameters(StrictModel):
    """The ``parameters`` of cube-builder's definition."""

    mask: MaskMapping | None = None
    quality_band: BandName | None = None
    """Another place to say it; must agree with the definition."""
    resampling: Annotated[Resampling | None, BeforeValidator(lower)] = None
    """Kernel of spectral bands."""
    reference_day: ReferenceDay | None = None
    """Rank dates by their closeness to this day of the period, counted from the first date, instead of by efficacy."""
    histogram_matching: Flag = False
    no_post_process: Flag = False
    """True leaves the quality as it is where bands have no data."""
    apply_valid_range: Flag = False
    """True: a value outside min_value to max_value is not clear. Each band is judged by itself, so with it the bands of
    a pixel may be of different dates."""
    skip_vi_identity: Flag = False
    """True leaves indexes out of per-date items."""
    shape: Shape | None = None
    """(width, height) of tiles in pixels, in place of the resolution."""
    block_size: BlockSize | None = None
    """Block of the COGs in pixels."""
    channel_limits: tuple[Channel, Channel, Channel] | None = None
    """What is black and what is full in the red, green and blue of the quicklook."""
    with_rgb: Flag = False
    """True writes a colour GeoTIFF beside the quicklook."""
    stac_url: SourceUrl | None = None
    """Where scenes are searched unless a start request says otherwise."""
    token: RefusedToken = None
    token_secret: SourceName | None = None
    """Name of the secret with the STAC token."""
    sources: tuple[SceneSource, ...] | None = Field(default=None, min_length=1, max_length=MAX_SOURCES)
    """Several archives to search, in order of preference; in place of ``stac_url`` and ``token_secret``."""
    query: Query | None = None
    """Which scenes to use, by their properties, in every source: ``{"eo:cloud_cover": {"lt": 60}}``."""
    processing_baselines: tuple[Baseline, ...] | None = Field(default=None, min_length=1, max_length=64)
    """Sentinel-2 processing baselines to use (``05.09``); scenes of others are left out, and named."""
    mixed_baselines: Literal["report", "refuse"] = "report"
    """What becomes of a unit whose scenes are of several processing baselines: it says so, or it fails."""
    providers: ProviderNames = Field(default_factory=dict)
    """Which archive's file speaks for the scenes of a collection, where address and collection do not tell."""
    radiometry: RadiometryRules = ()
    """Scale and offset of scenes whose archive or item is wrong about them; the first rule that applies decides."""
    reuse_from: Text | None = None
    """Cube whose identity cube this one works over: merges that are equal are then shared, and published once."""
    local: Text | None = None
    """Directory of scenes. cube-builder reads it; a serverless build cannot, see ``StartRequest.resolve``."""
    recursive: Flag = False
    format: Text | None = None
    """Description of file names in ``local``."""
    pattern: Text | None = None
    """File name ending in ``local``."""

    @model_validator(mode="after")
    def _sources_are_said_once(self) -> Self:
        if self.sources is not None and (self.stac_url is not None or self.token_secret is not None):
            raise refuse("sources", "sources stands for stac_url and token_secret: give one or the other")
        refuse_idle_token(self.stac_url, self.token_secret)
        return self

    @property
    def scene_sources(self) -> tuple[SceneSource, ...]:
        """The archives to search, in order of preference; empty when none is named."""
        if self.sources is not None:
            return self.sources
        if self.stac_url is None:
            return ()
        given = {"stac_url": self.stac_url, "token_secret": self.token_secret}
        return (SceneSource.parse({name: value for name, value in given.items() if value is not None}),)

    @property
    def quality_mask(self) -> QualityMask | None:
        """The mask as a value."""
        return None if self.mask is None else parse_mask(self.mask, field="parameters.mask")
