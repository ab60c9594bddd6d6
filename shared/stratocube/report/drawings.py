"""The drawings of a report: where the units lie, and when they were worked at. SVG, without anything from elsewhere."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from stratocube.report.markup import Markup, tag
from stratocube.report.values import Box, BuildReport, ReportTile, ReportUnit
from stratocube.report.words import clock, degrees, duration, ticks

STATUSES: Final = ("SUCCEEDED", "FAILED", "RUNNING", "PLANNED", "CANCELLED")
STEPS: Final = ("search", "merge", "prepare_dates", "prepare_blend", "publish_dates", "blend", "publish")
_SIGNS: Final = {
    "SUCCEEDED": "M-.42,.02 L-.12,.32 L.44,-.3",
    "FAILED": "M-.32,-.32 L.32,.32 M.32,-.32 L-.32,.32",
    "CANCELLED": "M-.36,0 L.36,0",
}
"""Strokes around the middle of a cell: fonts need not have such signs."""
_MAP_WIDTH, _MAP_HEIGHT, _MARGIN = 720.0, 460.0, 34.0
_LABELLED_TILES, _SIGNED_UNITS, _PICTURED_UNITS = 150, 400, 16
"""More of them have no name, no sign, no picture: the page holds each picture of the map a second time."""
_CHART_WIDTH, _NAMES_WIDTH, _ROW, _HEAD = 1040.0, 210.0, 22.0, 30.0
_ROWS: Final = 80
"""Units of the timeline that have a row; a longer drawing is not looked at."""


def unit_map(report: BuildReport) -> Markup:
    """Tiles where they lie, in the projection of their grid; in each a cell a period, in order of time."""
    frame = _Frame.around([tile.bounds for tile in report.tiles])
    by_tile: dict[str, list[ReportUnit]] = {}
    for unit in report.units:
        by_tile.setdefault(unit.tile, []).append(unit)
    periods = report.periods
    columns = _columns(len(periods), report.tiles[0].bounds)
    rows = math.ceil(len(periods) / columns)
    pictured = 0 < len(report.units) <= _PICTURED_UNITS
    drawn = []
    for tile in report.tiles:
        cells = []
        for unit in by_tile.get(tile.tile, ()):
            place = _part(tile.bounds, periods.index((unit.start, unit.end)), columns, rows)
            cells.append(_cell(unit, frame.box(place), report, with_pictures=pictured))
        x, y, width, height = frame.box(tile.bounds)
        outline = tag("rect", {"x": x, "y": y, "width": width, "height": height, "class": "outline"})
        name = None
        if len(report.tiles) <= _LABELLED_TILES:
            name = tag("text", {"x": x + 6, "y": y + 15, "class": "tile-name"}, tile.tile)
        drawn.append(tag("g", {"class": "tile", "data-tile": tile.tile}, cells, outline, name))
    label = f"Map of {len(report.tiles)} tiles of grid {report.grid} with {len(report.units)} units, coloured by status"
    attributes: dict[str, object] = {
        "viewBox": f"0 0 {_MAP_WIDTH:.0f} {frame.height:.0f}",
        "role": "img",
        "aria-label": label,
        "class": "map",
    }
    return tag("svg", attributes, _hatching(), drawn, _corners(report.tiles, frame))


def timeline(report: BuildReport) -> Markup:
    """A row a unit: from when it began until it ended, and in it its steps."""
    rows = [unit for unit in report.units if unit.started_at is not None]
    rows.sort(key=lambda unit: (unit.started_at or report.created_at, unit.unit_id))
    shown = rows[:_ROWS]
    begin = report.created_at
    ends = [end for unit in rows for end in (unit.ended_at, *(span.end for span in unit.steps)) if end is not None]
    end = max([*ends, report.finished_at or begin, begin + timedelta(seconds=1)])
    scale = (_CHART_WIDTH - _NAMES_WIDTH - 16) / (end - begin).total_seconds()
    height = _HEAD + _ROW * len(shown) + 10

    def at(time: datetime) -> float:
        return _NAMES_WIDTH + (time - begin).total_seconds() * scale

    axis = []
    for seconds in ticks(end - begin):
        x = _NAMES_WIDTH + seconds * scale
        axis.append(tag("line", {"x1": x, "x2": x, "y1": _HEAD - 6, "y2": height - 6, "class": "grid-line"}))
        words = duration(seconds) if seconds else "0"
        axis.append(tag("text", {"x": x, "y": 14.0, "class": "axis", "text-anchor": "middle"}, words))
    drawn = [_row(unit, _HEAD + _ROW * position, at, end) for position, unit in enumerate(shown)]
    label = f"Timeline of {len(shown)} units over {duration((end - begin).total_seconds())} from {clock(begin)}"
    attributes: dict[str, object] = {
        "viewBox": f"0 0 {_CHART_WIDTH:.0f} {height:.0f}",
        "role": "img",
        "aria-label": label,
        "class": "timeline",
    }
    return tag("svg", attributes, axis, drawn)


class _Frame:
    """From the CRS of the grid to the drawing: north is up, both axes have one scale."""

    def __init__(self, box: Box) -> None:
        self._x, _, x_max, self._y_max = box
        width, height = x_max - box[0], self._y_max - box[1]
        self._scale = min((_MAP_WIDTH - 2 * _MARGIN) / width, (_MAP_HEIGHT - 2 * _MARGIN) / height)
        self._left = (_MAP_WIDTH - width * self._scale) / 2
        self.height = height * self._scale + 2 * _MARGIN

    @classmethod
    def around(cls, boxes: list[Box]) -> _Frame:
        """All boxes."""
        return cls(
            (
                min(box[0] for box in boxes),
                min(box[1] for box in boxes),
                max(box[2] for box in boxes),
                max(box[3] for box in boxes),
            )
        )

    def box(self, box: Box) -> tuple[float, float, float, float]:
        """x, y, width and height of a box in the drawing."""
        x = self._left + (box[0] - self._x) * self._scale
        y = _MARGIN + (self._y_max - box[3]) * self._scale
        return x, y, (box[2] - box[0]) * self._scale, (box[3] - box[1]) * self._scale


def _columns(periods: int, box: Box) -> int:
    """Columns of a tile's cells, so that they are about as wide as high."""
    ratio = (box[2] - box[0]) / (box[3] - box[1])
    return min(periods, max(1, round(math.sqrt(periods * ratio)) if periods > 3 else periods))


def _part(box: Box, position: int, columns: int, rows: int) -> Box:
    """The cell of a period within its tile."""
    width, height = (box[2] - box[0]) / columns, (box[3] - box[1]) / rows
    x, y_max = box[0] + width * (position % columns), box[3] - height * (position // columns)
    return x, y_max - height, x + width, y_max


def _cell(
    unit: ReportUnit, box: tuple[float, float, float, float], report: BuildReport, *, with_pictures: bool
) -> Markup:
    x, y, width, height = box
    words = f"Tile {unit.tile}, {unit.period}: {unit.status.lower()}"
    words += f" at {unit.failed_step}" if unit.failed_step else ""
    shape = {"x": x, "y": y, "width": width, "height": height}
    content = [tag("title", None, words), tag("rect", {**shape, "class": f"unit s-{unit.status.lower()}"})]
    if unit.status == "FAILED":
        content.append(tag("rect", {**shape, "fill": "url(#hatch)", "pointer-events": "none"}))
    if unit.product is not None and unit.product.picture is not None and with_pictures:
        data = base64.b64encode(unit.product.picture).decode()
        source = f"data:{unit.product.picture_type};base64,{data}"
        content.append(tag("rect", {**shape, "class": "behind"}))
        content.append(tag("image", {**shape, "href": source, "preserveAspectRatio": "none", "class": "under"}))
        content.append(tag("rect", {**shape, "class": f"edge e-{unit.status.lower()}"}))
    elif len(report.units) <= _SIGNED_UNITS and unit.status in _SIGNS:
        size = min(30.0, width / 2, height / 2)
        place = f"translate({x + width / 2:.1f} {y + height / 2:.1f}) scale({size:.1f})"
        content.append(tag("path", {"d": _SIGNS[unit.status], "transform": place, "class": "sign"}))
    attributes: dict[str, object] = {"href": f"#unit-{unit.unit_id}", "data-unit": unit.unit_id}
    return tag("a", attributes, content)


def _corners(tiles: tuple[ReportTile, ...], frame: _Frame) -> list[Markup]:
    """Where on Earth this is: the extent in degrees, above and below."""
    west, east = min(tile.longitudes[0] for tile in tiles), max(tile.longitudes[1] for tile in tiles)
    south, north = min(tile.latitudes[0] for tile in tiles), max(tile.latitudes[1] for tile in tiles)
    boxes = [frame.box(tile.bounds) for tile in tiles]
    left, right = min(box[0] for box in boxes), max(box[0] + box[2] for box in boxes)
    # a single column of tiles may be narrower than two captions: they stand above and below, so they never meet
    return [
        tag("text", {"x": left, "y": _MARGIN - 12, "class": "axis"}, degrees(west, north)),
        tag(
            "text",
            {"x": right, "y": frame.height - _MARGIN + 22, "class": "axis", "text-anchor": "end"},
            degrees(east, south),
        ),
    ]


def _hatching() -> Markup:
    """Failed units are hatched: colour alone does not tell everybody."""
    line = tag("path", {"d": "M-2,2 l4,-4 M0,8 l8,-8 M6,10 l4,-4", "class": "hatch"})
    pattern: dict[str, object] = {"id": "hatch", "patternUnits": "userSpaceOnUse", "width": 8, "height": 8}
    return tag("defs", None, tag("pattern", pattern, line))


def _row(unit: ReportUnit, y: float, position: Callable[[datetime], float], end: datetime) -> Markup:
    begin = unit.started_at or end
    last = max([unit.ended_at or end, *(span.end for span in unit.steps)])
    x, width = position(begin), max(2.0, position(last) - position(begin))
    words = f"Tile {unit.tile}, {unit.period}: {unit.status.lower()}, {duration((last - begin).total_seconds())}"
    name = tag("text", {"x": 0.0, "y": y + 14, "class": "row-name"}, unit.tile)
    period = tag("text", {"x": 84.0, "y": y + 14, "class": "axis"}, unit.start)
    bar = tag("rect", {"x": x, "y": y + 2, "width": width, "height": 16, "rx": 3, "class": "bar"})
    edge = tag("rect", {"x": x, "y": y + 2, "width": 3, "height": 16, "class": f"s-{unit.status.lower()}"})
    steps = []
    for span in unit.steps:
        start = position(span.start)
        title = f"{span.step.replace('_', ' ')}: {span.parts} in {duration((span.end - span.start).total_seconds())}"
        shape: dict[str, object] = {
            "x": start,
            "y": y + 5,
            "width": max(1.5, position(span.end) - start),
            "height": 10,
            "class": f"step-{span.step}",
        }
        steps.append(tag("g", None, tag("title", None, f"{words}. {title}"), tag("rect", shape)))
    return tag(
        "g", {"class": "row", "data-unit": unit.unit_id}, tag("title", None, words), name, period, bar, steps, edge
    )
