"""Bands of a cube: what a definition lists."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from stratocube.cube.expressions import Expression, parse_index
from stratocube.cube.layers import OBSERVATION_LAYERS
from stratocube.cube.schema import BandName, Metadata, Number, StrictModel, Text, plain_json, refuse, shown
from stratocube.errors import InvalidRequest

DataType = Literal["uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64"]

INTEGER_RANGES: Final = MappingProxyType(
    {
        "uint8": (0, 255),
        "int8": (-128, 127),
        "uint16": (0, 65_535),
        "int16": (-32_768, 32_767),
        "uint32": (0, 4_294_967_295),
        "int32": (-2_147_483_648, 2_147_483_647),
    }
)
"""Smallest and largest value of each integer type."""

_LARGEST_FLOAT32: Final = 3.4028234663852886e38

MAX_EXPRESSION_BANDS: Final = 32


def check_value(value: float, data_type: str | None) -> int | float:
    """The value as the type has it: an int for integer types.

    Raises a validation error when the type cannot hold it. None (a type that was refused already) lets pass.
    """
    limits = INTEGER_RANGES.get(data_type or "")
    if limits is None:
        if data_type == "float32" and abs(value) > _LARGEST_FLOAT32:
            raise refuse("range", f"{shown(value)} does not fit float32: give a smaller value, or use float64")
        return value
    if value != int(value) or not limits[0] <= value <= limits[1]:
        raise refuse(
            "range",
            f"{value:g} does not fit {data_type}, which holds whole numbers from {limits[0]} to {limits[1]}: "
            "give a value it holds, or another data_type",
        )
    return int(value)


def _not_reserved(name: str) -> str:
    if name.upper() in OBSERVATION_LAYERS:
        raise refuse("reserved", f"{name} is written beside every composite: leave it out")
    return name


class Band(StrictModel):
    """A band as cube-builder's definitions have it."""

    name: Annotated[BandName, AfterValidator(_not_reserved)]
    common_name: Text | None = None
    data_type: DataType
    nodata: Number
    """The value that means: no observation here. Tagged in every file of the band."""
    description: Text | None = None
    min_value: Number | None = None
    """Smallest valid value."""
    max_value: Number | None = None
    """Largest valid value."""
    scale: Number | None = None
    """Physical value of one unit (0.0001 for reflectance in ten-thousandths)."""
    scale_mult: Number | None = None
    """Another name for ``scale``."""
    scale_add: Number | None = None
    """Physical value of zero."""
    resolution: Number | None = Field(default=None, gt=0)
    """Pixel size of the source band, informative: every band is written at the resolution of the cube."""
    resolution_x: Number | None = Field(default=None, gt=0)
    resolution_y: Number | None = Field(default=None, gt=0)
    center_wavelength: Number | None = Field(default=None, gt=0)
    """In micrometres."""
    full_width_half_max: Number | None = Field(default=None, gt=0)
    """In micrometres."""
    mime_type: Text | None = None
    metadata: Metadata | None = None

    @field_validator("nodata", "min_value", "max_value")
    @classmethod
    def _fits_type(cls, value: float | None, info: ValidationInfo) -> float | None:
        return None if value is None else check_value(value, info.data.get("data_type"))

    @field_validator("max_value")
    @classmethod
    def _above_minimum(cls, value: float | None, info: ValidationInfo) -> float | None:
        least = info.data.get("min_value")
        if value is not None and least is not None and value <= least:
            raise refuse("order", f"must be larger than min_value ({least:g}), got {value:g}")
        return value

    @field_validator("scale", "scale_mult")
    @classmethod
    def _not_zero(cls, value: float | None, info: ValidationInfo) -> float | None:
        if value == 0:
            raise refuse("zero", "must not be 0: every value would mean the same")
        other = info.data.get("scale")
        if info.field_name == "scale_mult" and None not in (value, other) and value != other:
            raise refuse("contradiction", f"contradicts scale ({other:g}): give one of them")
        return value

    @property
    def scale_factor(self) -> float | None:
        """Physical value of one unit; None when the definition does not say."""
        return self.scale if self.scale is not None else self.scale_mult

    @property
    def scale_offset(self) -> float:
        """Physical value of zero."""
        return self.scale_add or 0.0

    @property
    def is_integer(self) -> bool:
        """Whether the data type is one of the integer types."""
        return self.data_type in INTEGER_RANGES


class IndexExpression(StrictModel):
    """How an index is made of bands."""

    bands: tuple[BandName, ...] = Field(min_length=1, max_length=MAX_EXPRESSION_BANDS)
    value: str = Field(min_length=1)

    @field_validator("bands")
    @classmethod
    def _are_names(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name):
                raise refuse("name", f"{name} cannot stand in an expression: rename it with letters, digits and _")
        return names

    @field_validator("value")
    @classmethod
    def _parses(cls, value: str, info: ValidationInfo) -> str:
        if "bands" not in info.data:
            return value  # the bands were refused already
        try:
            expression = parse_index(value, bands=info.data["bands"], field="value")
        except InvalidRequest as error:
            raise refuse("expression", error.reason) from None
        if expression.kind != "number":
            raise refuse("expression", "must give a number, not true or false: leave the comparison out")
        return value


class IndexMetadata(StrictModel):
    """Metadata of an index; anything may stand beside the expression."""

    model_config = StrictModel.model_config | {"extra": "allow"}

    expression: IndexExpression


class IndexBand(Band):
    """A band computed from others (NDVI, EVI …) when an item is published."""

    metadata: Annotated[IndexMetadata, BeforeValidator(plain_json)]  # type: ignore[assignment]  # narrower: the expression is required

    @property
    def expression(self) -> Expression:
        """The checked formula. Its names are bands of the cube."""
        formula = self.metadata.expression
        return parse_index(formula.value, bands=formula.bands)
