"""The form of ``POST /estimate-cost``: cube-builder-aws's fields, or a start request, with prices of one's own."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from stratocube.cube.requests import MAX_TILES, MAX_UNITS, MAX_WINDOW_DAYS
from stratocube.cube.schema import GridName, Metadata, Number, StrictModel, Text, Whole
from stratocube.cube.timeline import parse_date
from stratocube.errors import InvalidRequest

MAX_BANDS: Final = 128
_MONTH_DAYS: Final = 30.4375
_OF_CUBE_BUILDER: Final = ("grid", "resolution", "start_date", "last_date", "quantity_bands", "quantity_tiles")


def _day(field: str) -> BeforeValidator:
    def parse(value: object) -> object:
        if not isinstance(value, str):
            raise InvalidRequest("must be a date such as 2023-08-01", field=field)
        return parse_date(value[:10], field=field)

    return BeforeValidator(parse)


class CostForm(StrictModel):
    """What is to be estimated: ``start``, or numbers of bands, tiles and indexes on a grid, as for cube-builder-aws."""

    start: Metadata | None = None
    """A start request (as for ``POST /start``): estimated as what it would build."""
    dates_per_unit: Whole | None = Field(default=None, ge=1, le=366)
    """Dates a tile and period; by how often the satellite comes by where it is left out."""
    region: Text | None = None
    """AWS region whose prices count; the stack's own where it is left out."""
    prices: Metadata | None = None
    """Prices in place of the list's, by name."""
    satellite: Text | None = None
    grid: GridName | None = None
    resolution: Number | None = Field(default=None, gt=0)
    """Of a pixel, in units of the grid's CRS."""
    start_date: Annotated[date | None, _day("start_date")] = None
    last_date: Annotated[date | None, _day("last_date")] = None
    quantity_bands: Whole | None = Field(default=None, ge=1, le=MAX_BANDS)
    quantity_tiles: Whole | None = Field(default=None, ge=1, le=MAX_TILES)
    quantity_indexes: Whole = Field(default=0, ge=0, le=MAX_BANDS)
    t_schema: Literal["M", "A", "D"] = "M"
    """Months, days counted anew each year, or days."""
    t_step: Whole = Field(default=1, ge=1, le=366)

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.start is not None:
            return self
        for name in _OF_CUBE_BUILDER:
            if getattr(self, name) is None:
                raise InvalidRequest("is required, unless start has a start request", field=name)
        if not timedelta(0) <= self.last - self.first <= timedelta(days=MAX_WINDOW_DAYS):
            raise InvalidRequest(
                f"must be on or after start_date ({self.first}), at most {MAX_WINDOW_DAYS} days", field="last_date"
            )
        if self.periods * (self.quantity_tiles or 0) > MAX_UNITS:
            raise InvalidRequest(
                f"times {self.periods} periods are more than {MAX_UNITS} units", field="quantity_tiles"
            )
        return self

    @property
    def first(self) -> date:
        """The first day."""
        return self.start_date or date.min

    @property
    def last(self) -> date:
        """The last day."""
        return self.last_date or date.min

    @property
    def days(self) -> int:
        """Days from the first to the last, both included."""
        return (self.last - self.first).days + 1

    @property
    def periods(self) -> int:
        """Periods in the window."""
        if self.t_schema == "M":
            months = (self.last.year - self.first.year) * 12 + self.last.month - self.first.month + 1
            return -(-months // self.t_step)
        if self.t_schema == "D":
            return -(-self.days // self.t_step)
        years = range(self.first.year, self.last.year + 1)
        spans = ((max(self.first, date(year, 1, 1)), min(self.last, date(year, 12, 31))) for year in years)
        return sum(-(-((end - begin).days + 1) // self.t_step) for begin, end in spans)

    @property
    def period_days(self) -> float:
        """Days of a period."""
        return self.t_step * (_MONTH_DAYS if self.t_schema == "M" else 1.0)

    def to_start(self) -> dict[str, Any]:
        """The start request."""
        return dict(self.start or {})
