"""Numbers, times and failures as people read them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

_ADVICE: Final = (
    ("TooExpensive", "The build would have cost more than its request allows. Allow more, or ask for less."),
    ("SourceMissing", "The archive has no such file, or it is no raster. Ask the archive, or leave the scene out."),
    ("TransientRead", "The archive did not answer in time, several times over. A retry may do."),
    ("InvalidRequest", "What was asked for cannot be built this way. Mend the definition or the request."),
    ("AccessDenied", "The functions may not read or write this. Check the bucket in the stack's parameters."),
    ("Forbidden", "The functions may not read or write this. Check the bucket in the stack's parameters."),
    ("was stopped", "It was stopped from outside. A retry goes on where it ended."),
    ("ran out of time", "It took longer than its function may. Smaller tiles, or more memory for it."),
    ("Busy", "Other builds were at the same unit all the time. Retry it later."),
)
_OTHERWISE: Final = "A retry does what is missing again; what is done is reused."


def advice(cause: str) -> str:
    """What can be done about a failure."""
    return next((words for part, words in _ADVICE if part.lower() in cause.lower()), _OTHERWISE)


def duration(seconds: float) -> str:
    """``48 s``, ``3 min 20 s``, ``2 h 5 min``, ``4 d 3 h``.

    >>> [duration(s) for s in (0.42, 48, 200, 7500, 360_000)]
    ['0.4 s', '48 s', '3 min 20 s', '2 h 5 min', '4 d 4 h']
    """
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for size, name, smaller, less in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size} {name}" + (f" {rest} {less}" if rest else "")
    return f"{whole} s"


def dollars(amount: float | None) -> str:
    """``$12.30``, ``$0.0042``; small amounts with two digits that count.

    >>> [dollars(amount) for amount in (0.0, 0.00421, 0.0521, 12.3, 12345.6)]
    ['$0', '$0.0042', '$0.052', '$12.30', '$12,346']
    """
    if amount is None:
        return "–"
    if amount == 0:
        return "$0"
    if amount >= 1000:
        return f"${amount:,.0f}"
    if amount >= 1:
        return f"${amount:.2f}"
    digits = 2
    while round(amount, digits) == 0 or amount < 10 ** (1 - digits):
        digits += 1
        if digits > 8:
            return "< $0.00000001"
    return f"${amount:.{digits}f}"


def number(value: float | None, digits: int = 0) -> str:
    """With thousands apart; a dash where there is none."""
    return "–" if value is None else f"{value:,.{digits}f}"


def gigabytes(value: float) -> str:
    """``1.2 GB``, ``340 MB``, ``0.4 MB``.

    >>> [gigabytes(size) for size in (1.234, 0.34, 0.0004)]
    ['1.2 GB', '340 MB', '0.4 MB']
    """
    if value >= 1:
        return f"{value:,.1f} GB"
    return f"{value * 1000:.0f} MB" if value >= 0.01 else f"{value * 1000:.1f} MB"


def percent(value: float | None) -> str:
    """``12 %``, or ``0.4 %``."""
    return "–" if value is None else f"{value:.0f} %" if value >= 1 or value == 0 else f"{value:.1f} %"


def clock(time: datetime) -> str:
    """To the second, in UTC."""
    return f"{time:%Y-%m-%d %H:%M:%S} UTC"


def degrees(longitude: float, latitude: float) -> str:
    """``45.30° W, 12.10° S``."""
    east, north = ("E" if longitude >= 0 else "W"), ("N" if latitude >= 0 else "S")
    return f"{abs(latitude):.2f}° {north}, {abs(longitude):.2f}° {east}"


def ticks(span: timedelta, most: int = 8) -> list[float]:
    """Seconds at which a time axis of this length is marked: round ones, few enough.

    >>> ticks(timedelta(seconds=55))
    [0, 10, 20, 30, 40, 50]
    """
    length = max(span.total_seconds(), 1e-3)
    steps = (0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 21600, 43200, 86400, 172800, 604800)
    step = next((step for step in steps if length / step <= most), steps[-1])
    return [n * step for n in range(int(length / step) + 1)]
