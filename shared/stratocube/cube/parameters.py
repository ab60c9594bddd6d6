"""Parameters of a cube: how its scenes are searched, masked, warped, composited and shown."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Final, Literal
from urllib.parse import parse_qsl, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

from stratocube.cube.mask import QualityMask, parse_mask
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
    shown,
)

MAX_SIDE: Final = 32_768
"""Pixels of a tile's side."""

Resampling = Literal[
    "nearest", "bilinear", "cubic", "cubic_spline", "lanczos", "average", "mode", "max", "min", "med", "q1", "q3"
]

_SECRET_WORDS: Final = ("token", "key", "secret", "password", "sig", "signature", "credential")
_ITEM_COLLECTION_SUFFIXES: Final = (".json", ".geojson")


def lower(value: object) -> object:
    """Lower case of a text; anything else as it is, for the next validator to refuse."""
    return value.lower() if isinstance(value, str) else value


def _refuse_token(value: object) -> None:
    # web clients send an empty token when they have none
    if value in (None, ""):
        return
    raise refuse(
        "token",
        "must not be sent as a plain value: put it into AWS Secrets Manager and give the secret's name as token_secret",
    )


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


def check_source_url(text: str) -> str:
    """A STAC API's root, or the href of a static ItemCollection (``s3://bucket/key.json`` or https).

    Which hosts and buckets may be read is the stack's allow-list, checked where it is read.

    Raises a validation error for another scheme, and for a URL that carries a credential.
    """
    if not text.isprintable() or any(sign in text for sign in " \\<>\"'"):
        raise refuse("url", "must be a URL without spaces, quotes and control characters")
    try:
        parts = urlsplit(text)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        raise refuse("url", f"is no URL: {shown(text)}") from None
    if parts.scheme not in {"https", "http", "s3"} or not host:
        raise refuse("url", f"must begin with https:// or s3://bucket/, got {shown(text)}")
    if parts.username is not None or parts.password is not None:
        raise refuse("credential", "must not hold a user or password: give a token's secret name as token_secret")
    for name, _ in parse_qsl(parts.query, keep_blank_values=True):
        if any(word in name.lower() for word in _SECRET_WORDS):
            raise refuse("credential", "must not hold a credential in its query: give its secret name as token_secret")
    if parts.scheme == "s3" and not parts.path.lower().endswith(_ITEM_COLLECTION_SUFFIXES):
        raise refuse("url", "must name a JSON object when it is on S3, such as s3://bucket/items.json")
    return text


def is_item_collection(url: str) -> bool:
    """Whether a checked source URL is a static ItemCollection, and not the root of a STAC API."""
    return urlsplit(url).path.lower().endswith(_ITEM_COLLECTION_SUFFIXES)


RefusedToken = Annotated[None, BeforeValidator(_refuse_token)]
"""A field that exists so that its misuse is explained: tokens are given by the name of a secret."""

SourceUrl = Annotated[Text, AfterValidator(check_source_url)]
BlockSize = Annotated[Whole, Field(ge=64, le=4096), AfterValidator(_block_size)]
Side = Annotated[Whole, Field(ge=1, le=MAX_SIDE)]
Shape = tuple[Side, Side]
"""Width and height of a tile in pixels."""
Channel = Annotated[tuple[Number, Number], AfterValidator(_channel)]
MaskMapping = Annotated[dict[str, Any], BeforeValidator(partial(checked_mask, field="parameters.mask"))]
ReferenceDay = Annotated[Whole, Field(ge=0, le=366)]


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
    reuse_from: Text | None = None
    """Cube whose identity cube this one works over: merges that are equal are then shared, and published once."""
    local: Text | None = None
    """Directory of scenes. cube-builder reads it; a serverless build cannot, see ``StartRequest.resolve``."""
    recursive: Flag = False
    format: Text | None = None
    """Description of file names in ``local``."""
    pattern: Text | None = None
    """File name ending in ``local``."""

    @property
    def quality_mask(self) -> QualityMask | None:
        """The mask as a value."""
        return None if self.mask is None else parse_mask(self.mask, field="parameters.mask")
