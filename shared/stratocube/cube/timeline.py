"""Timelines: the periods of a cube, and how they print.

A period is a pair of closed dates: an observation of the first and of the last day belongs to it.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final, Self, cast

from stratocube.cube.schema import shown
from stratocube.errors import InvalidRequest

MAX_PERIODS: Final = 10_000
"""A timeline longer than this is a slip in the request: 27 years of days, or 438 years of 16 days."""

MAX_STEP: Final = 3_660
"""Ten years of days."""

FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 2200

UNITS: Final = ("day", "month", "year")
SCHEMAS: Final = ("Continuous", "Cyclic")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_INTERVAL = re.compile(r"(\d{2})-(\d{2})_(\d{2})-(\d{2})")


@dataclass(frozen=True, order=True)
class Period:
    """Closed dates. Prints and parses ``2023-08-01_2023-08-31``; sorts by start, then end.

    >>> period = Period.parse("2023-08-01_2023-08-31")
    >>> period.days, date(2023, 8, 31) in period
    (31, True)
    """

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise InvalidRequest(f"a period must not end ({self.end}) before it starts ({self.start})", field="period")

    def __str__(self) -> str:
        return f"{self.start.isoformat()}_{self.end.isoformat()}"

    def __contains__(self, day: date) -> bool:
        return self.start <= day <= self.end

    @property
    def days(self) -> int:
        """Number of days, first and last included."""
        return (self.end - self.start).days + 1

    @classmethod
    def parse(cls, text: str) -> Self:
        """The period of ``START_END``, or of one date (a period of one day).

        Raises:
            InvalidRequest: for any other text.
        """
        first, separator, last = str(text).partition("_")
        start = parse_date(first, field="period")
        return cls(start, parse_date(last, field="period") if separator else start)


@dataclass(frozen=True)
class Cycle:
    """How often a cyclic timeline starts over."""

    unit: str
    step: int


@dataclass(frozen=True)
class TemporalComposition:
    """The rule that cuts time into periods. Make one with :meth:`parse`.

    >>> rule = {"schema": "Cyclic", "step": 16, "unit": "day", "cycle": {"unit": "year", "step": 1}}
    >>> TemporalComposition.parse(rule).cycle
    Cycle(unit='year', step=1)
    """

    schema: str
    """``Continuous``: periods follow each other from the start of the request. ``Cyclic``: they begin anew with each
    cycle (each year, say), and the last one of a cycle is cut at its end."""
    unit: str
    """``day``, ``month`` or ``year``."""
    step: int
    cycle: Cycle | None = None
    intervals: tuple[str, ...] = ()
    """``MM-DD_MM-DD``: parts of the year instead of steps, such as seasons. May run over the new year."""

    @classmethod
    def parse(cls, mapping: Mapping[str, Any]) -> Self:
        """From cube-builder's JSON: ``schema``, ``step``, ``unit``, and ``cycle`` or ``intervals`` where they apply.

        Raises:
            InvalidRequest: naming the field, for an unknown schema, unit or field, a step below 1, a cyclic schema
                without cycle, or an interval that is none.
        """
        if not isinstance(mapping, Mapping):
            raise InvalidRequest("must be an object with schema, unit and step")
        unknown = sorted(str(key) for key in mapping if key not in {"schema", "unit", "step", "cycle", "intervals"})
        if unknown:
            raise InvalidRequest(
                "unknown field: leave it out (known are cycle, intervals, schema, step, unit)", field=unknown[0][:64]
            )
        schema = _choice(mapping.get("schema"), SCHEMAS, field="schema")
        intervals = _intervals(mapping.get("intervals"), field="intervals")
        cycle = None
        given = mapping.get("cycle")
        if given is not None:
            if not isinstance(given, Mapping):
                raise InvalidRequest("must be an object with unit and step", field="cycle")
            beside = sorted(str(key) for key in given if key not in {"unit", "step", "intervals"})
            if beside:
                raise InvalidRequest(
                    "unknown field: leave it out (known are intervals, step, unit)", field=f"cycle.{beside[0][:64]}"
                )
            cycle = Cycle(
                unit=_choice(given.get("unit"), UNITS, field="cycle.unit"),
                step=_step(given.get("step"), field="cycle.step"),
            )
            intervals = intervals or _intervals(given.get("intervals"), field="cycle.intervals")
        if schema == "Cyclic" and cycle is None:
            raise InvalidRequest(
                'a cyclic schema needs a cycle, for example {"unit": "year", "step": 1}', field="cycle"
            )
        if schema == "Continuous" and cycle is not None:
            raise InvalidRequest("only a cyclic schema has a cycle: leave it out, or say Cyclic", field="cycle")
        if intervals and cycle is not None and cycle.unit != "year":
            raise InvalidRequest(
                f"intervals are parts of a year: the cycle's unit must be year, got {cycle.unit}", field="cycle.unit"
            )
        return cls(
            schema=schema,
            unit=_choice(mapping.get("unit"), UNITS, field="unit"),
            step=_step(mapping.get("step"), field="step"),
            cycle=cycle,
            intervals=intervals,
        )

    def to_json(self) -> dict[str, Any]:
        """cube-builder's JSON form; intervals of a cyclic schema stand in its cycle."""
        found: dict[str, Any] = {"schema": self.schema, "unit": self.unit, "step": self.step}
        if self.cycle is not None:
            found["cycle"] = {"unit": self.cycle.unit, "step": self.cycle.step}
        if self.intervals:
            (found["cycle"] if self.cycle is not None else found)["intervals"] = list(self.intervals)
        return found


def timeline(
    schema: str,
    unit: str,
    step: int | str,
    start: date | str,
    end: date | str,
    *,
    cycle: Mapping[str, Any] | None = None,
    intervals: Sequence[str] | None = None,
) -> list[Period]:
    """The periods of a rule given field by field; see :func:`periods`.

    >>> for period in timeline("Cyclic", "day", 16, "2019-12-20", "2020-02-01", cycle={"unit": "year", "step": 1}):
    ...     print(period)
    2020-01-01_2020-01-16
    2020-01-17_2020-02-01
    """
    rule = {"schema": schema, "unit": unit, "step": step, "cycle": cycle, "intervals": intervals}
    return periods(TemporalComposition.parse(rule), start, end)


def periods(rule: TemporalComposition, start: date | str, end: date | str) -> list[Period]:
    """The periods of a window, in order.

    *Continuous*: one after the other from ``start`` while they begin inside the window; a month or year step ends
    with the calendar month or year, so a first period that begins later in it is shorter. *Cyclic*: those that begin
    inside the window; cycles of months and years begin with the calendar month or year of ``start``, cycles of days
    with ``start``. *Intervals*: every instance that meets the window (continuous) or begins in it (cyclic). A last
    period may reach beyond ``end``: it is never cut by the window. An interval on 29 February means the 28th in years
    that have none. The list is empty when nothing begins in the window.

    Raises:
        InvalidRequest: when a date is none, the window ends before it starts, lies outside 1900 to 2200, or holds
            more than ``MAX_PERIODS`` periods.

    >>> monthly = TemporalComposition("Continuous", "month", 1)
    >>> [str(period) for period in periods(monthly, "2024-01-15", "2024-02-10")]
    ['2024-01-15_2024-01-31', '2024-02-01_2024-02-29']
    """
    window = _window(start, end)
    if rule.intervals:
        found = _interval_periods(rule, window)
    elif rule.cycle is not None:
        found = _cyclic_periods(rule, rule.cycle, window)
    else:
        found = _continuous_periods(rule, window)
    listed: list[Period] = []
    for period in found:
        listed.append(period)
        if len(listed) > MAX_PERIODS:
            raise InvalidRequest(
                f"{window} holds more than {MAX_PERIODS} periods: shorten the window or widen the step",
                field="end_date",
            )
    return sorted(listed)


def parse_date(value: date | str, *, field: str) -> date:
    """A day from ``YYYY-MM-DD``; a time behind it (``T00:00:00Z``) is left out.

    Raises:
        InvalidRequest: when the text is no day of the calendar.

    >>> parse_date("2023-08-01T13:20:00Z", field="start_date")
    datetime.date(2023, 8, 1)
    """
    if isinstance(value, date):
        return date(value.year, value.month, value.day)
    text = value if isinstance(value, str) else shown(value)
    day, _, time = text.partition("T")
    if not _DATE.fullmatch(day) or (time and not re.fullmatch(r"\d{2}:\d{2}[0-9:.Z+-]{0,24}", time)):
        raise InvalidRequest(f"must be a date such as 2023-08-01, got {text[:40]!r}", field=field)
    try:
        return date.fromisoformat(day)
    except ValueError:
        raise InvalidRequest(f"{text[:40]!r} is no day of the calendar", field=field) from None


def _window(start: date | str, end: date | str) -> Period:
    first, last = parse_date(start, field="start_date"), parse_date(end, field="end_date")
    for day, field in ((first, "start_date"), (last, "end_date")):
        if not FIRST_YEAR <= day.year <= LAST_YEAR:
            raise InvalidRequest(f"must lie between {FIRST_YEAR} and {LAST_YEAR}, got {day}", field=field)
    if last < first:
        raise InvalidRequest(f"must not be before start_date ({first}), got {last}", field="end_date")
    return Period(first, last)


def _continuous_periods(rule: TemporalComposition, window: Period) -> Iterator[Period]:
    begin = window.start
    while begin <= window.end:
        following = _following(begin, rule.unit, rule.step)
        yield Period(begin, following - timedelta(days=1))
        begin = following


def _cyclic_periods(rule: TemporalComposition, cycle: Cycle, window: Period) -> Iterator[Period]:
    begin_of_cycle = window.start
    if cycle.unit != "day":
        begin_of_cycle = begin_of_cycle.replace(day=1)
    if cycle.unit == "year":
        begin_of_cycle = begin_of_cycle.replace(month=1)
    while begin_of_cycle <= window.end:
        next_cycle = _following(begin_of_cycle, cycle.unit, cycle.step)
        begin = begin_of_cycle
        while begin < next_cycle and begin <= window.end:
            following = min(_following(begin, rule.unit, rule.step), next_cycle)
            if begin >= window.start:
                yield Period(begin, following - timedelta(days=1))
            begin = following
        begin_of_cycle = next_cycle


def _interval_periods(rule: TemporalComposition, window: Period) -> Iterator[Period]:
    years = rule.cycle.step if rule.cycle is not None and rule.cycle.unit == "year" else 1
    # the year before: an interval over the new year that begins there may meet the window
    for year in range(window.start.year - 1, window.end.year + 1):
        if years > 1 and (year - window.start.year) % years:
            continue
        for text in rule.intervals:
            first_month, first_day, last_month, last_day = map(int, text.replace("_", "-").split("-"))
            over_new_year = (last_month, last_day) < (first_month, first_day)
            begin = _day_of(year, first_month, first_day)
            instance = Period(begin, _day_of(year + over_new_year, last_month, last_day))
            begins_inside = begin in window
            meets = instance.start <= window.end and instance.end >= window.start
            if begins_inside or (meets and rule.schema == "Continuous"):
                yield instance


def _following(day: date, unit: str, step: int) -> date:
    """The first day after ``step`` units that begin at ``day``; months and years end with the calendar's."""
    if unit == "day":
        return day + timedelta(days=step)
    months = day.year * 12 + day.month - 1 + step if unit == "month" else (day.year + step) * 12
    return date(months // 12, months % 12 + 1, 1)


def _day_of(year: int, month: int, day: int) -> date:
    return date(year, month, min(day, calendar.monthrange(year, month)[1]))


def _choice(value: object, allowed: Sequence[str], *, field: str) -> str:
    found = next((word for word in allowed if isinstance(value, str) and value.lower() == word.lower()), None)
    if found is None:
        given = "nothing" if value is None else shown(value)
        raise InvalidRequest(f"must be one of {', '.join(allowed)}, got {given}", field=field)
    return found


def _step(value: object, *, field: str) -> int:
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole and not (isinstance(value, str) and re.fullmatch(r"[0-9]{1,6}", value)):
        given = "nothing" if value is None else shown(value)
        raise InvalidRequest(f"must be a whole number of 1 or more, got {given}", field=field)
    step = int(cast("int | str", value))
    if not 1 <= step <= MAX_STEP:
        raise InvalidRequest(f"must be 1 to {MAX_STEP}, got {shown(step)}", field=field)
    return step


def _intervals(value: object, *, field: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        raise InvalidRequest('must be a list such as ["12-21_03-20"]', field=field)
    if len(value) > 366:
        raise InvalidRequest(f"holds {len(value)} intervals, a year has no more than 366 days", field=field)
    for position, text in enumerate(value):
        match = _INTERVAL.fullmatch(text) if isinstance(text, str) else None
        numbers = [int(part) for part in match.groups()] if match else []
        if not numbers or not all(_is_day(*numbers[first : first + 2]) for first in (0, 2)):
            raise InvalidRequest(
                f"must be MM-DD_MM-DD, for example 12-21_03-20, got {shown(text)}", field=f"{field}.{position}"
            )
    return tuple(value)


def _is_day(month: int, day: int) -> bool:
    return 1 <= month <= 12 and 1 <= day <= (29 if month == 2 else calendar.monthrange(2000, month)[1])
