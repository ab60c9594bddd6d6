"""What a report tells of a build, as values; made of what the REST API answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

Box = tuple[float, float, float, float]
"""x_min, y_min, x_max, y_max."""


@dataclass(frozen=True)
class StepSpan:
    """When a step of a unit was worked at."""

    step: str
    start: datetime
    end: datetime
    parts: int


@dataclass(frozen=True)
class Product:
    """A published composite."""

    item_id: str
    cloud_cover: float | None
    """Percent of what was observed."""
    clear: float | None
    """Percent of all pixels that show clear ground."""
    dates: int | None
    """Dates it is made of."""
    flags: tuple[str, ...] = ()
    """What its picture shows to be wrong."""
    picture: bytes | None = None
    picture_type: str = "image/png"

    @property
    def is_empty(self) -> bool:
        """Whether there was no scene: nothing was observed, so nothing can be said of clouds."""
        return "empty" in self.flags or self.dates == 0


@dataclass(frozen=True)
class ReportUnit:
    """A tile and period of the build."""

    unit_id: str
    tile: str
    start: str
    end: str
    status: str
    failed_step: str | None = None
    cause: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    steps: tuple[StepSpan, ...] = ()
    product: Product | None = None

    @property
    def period(self) -> str:
        """Its first and last day, as people write them; one day alone is written once."""
        return self.start if self.start == self.end else f"{self.start} to {self.end}"


@dataclass(frozen=True)
class ReportTile:
    """Where a tile lies."""

    tile: str
    bounds: Box
    """In the CRS of the grid."""
    longitudes: tuple[float, float]
    latitudes: tuple[float, float]


@dataclass(frozen=True)
class BuildReport:
    """Everything the page tells."""

    build_id: str
    cube_id: str
    status: str
    grid: str
    crs: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    cause: str | None
    units: tuple[ReportUnit, ...]
    tiles: tuple[ReportTile, ...]
    steps: Mapping[str, Mapping[str, Any]]
    """Counts by step, as ``GET /builds/{id}`` has them."""
    costs: Mapping[str, Any]
    """``estimated`` and ``actual``, as ``GET /builds/{id}`` has them."""
    unit_counts: Mapping[str, int] = field(default_factory=dict)
    """Units by status, all of them."""
    request: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    """What the page leaves out."""

    @property
    def periods(self) -> tuple[tuple[str, str], ...]:
        """First and last days of the periods, in order."""
        return tuple(sorted({(unit.start, unit.end) for unit in self.units}))


def moment(text: str | None) -> datetime | None:
    """A time of the API, in UTC; None where there is none."""
    if not text:
        return None
    time = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)


def step_spans(activities: Iterable[Mapping[str, Any]]) -> tuple[StepSpan, ...]:
    """When each step of a unit began and ended, out of its activities."""
    found: dict[str, StepSpan] = {}
    for activity in activities:
        end = moment(activity.get("ended_at"))
        if end is None:
            continue
        start = end - timedelta(seconds=float(activity["seconds"]))
        step, before = str(activity["step"]), found.get(str(activity["step"]))
        found[step] = (
            StepSpan(step, start, end, 1)
            if before is None
            else StepSpan(step, min(before.start, start), max(before.end, end), before.parts + 1)
        )
    return tuple(sorted(found.values(), key=lambda span: span.start))


def tile_of(value: Mapping[str, Any]) -> ReportTile:
    """A tile of ``GET /grids/{name}``."""
    outline = value["footprint"]
    polygons = [outline["coordinates"]] if outline["type"] == "Polygon" else outline["coordinates"]
    points: Sequence[Any] = [point for polygon in polygons for point in polygon[0]]
    longitudes, latitudes = [float(point[0]) for point in points], [float(point[1]) for point in points]
    x_min, y_min, x_max, y_max = (float(edge) for edge in value["bounds"])
    return ReportTile(
        str(value["id"]),
        (x_min, y_min, x_max, y_max),
        (min(longitudes), max(longitudes)),
        (min(latitudes), max(latitudes)),
    )
