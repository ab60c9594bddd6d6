"""The page of a build, section by section: :func:`page` makes one file of it that loads nothing from elsewhere."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from stratocube.report.drawings import STATUSES, STEPS, timeline, unit_map
from stratocube.report.markup import Content, Markup, tag
from stratocube.report.style import STYLE
from stratocube.report.tables import cost_section, step_section, unit_section
from stratocube.report.values import BuildReport, ReportUnit
from stratocube.report.words import advice, clock, dollars, duration, number, percent

_PICTURES: Final = frozenset({"image/png", "image/jpeg", "image/webp"})
_SAID_STEPS: Final = {
    "search": "search",
    "merge": "merge",
    "prepare_dates": "prepare",
    "publish_dates": "publish dates",
    "blend": "blend",
    "publish": "publish",
}


def page(report: BuildReport, *, made_at: datetime, version: str) -> str:
    """The HTML document."""
    # whatever slips through the escaping may load nothing and run nothing
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    head = tag(
        "head",
        None,
        tag("meta", {"charset": "utf-8"}),
        tag("meta", {"http-equiv": "Content-Security-Policy", "content": policy}),
        tag("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}),
        tag("title", None, f"{report.cube_id}: build {report.build_id}"),
        tag("style", None, Markup(STYLE)),
    )
    sections = [
        _cards(report),
        _failures(report),
        _map(report),
        _timeline(report),
        _gallery(report),
        _clouds(report),
        cost_section(report),
        step_section(report),
        unit_section(report),
    ]
    footer = tag(
        "footer",
        None,
        tag("p", None, f"Made {clock(made_at)} by stratocube {version}. All times are UTC. "),
        [tag("p", None, note) for note in report.notes],
    )
    body = tag("body", None, _header(report), tag("main", None, sections), footer)
    return "<!DOCTYPE html>\n" + tag("html", {"lang": "en"}, head, body) + "\n"


def _header(report: BuildReport) -> Markup:
    badge = tag("span", {"class": f"badge b-{report.status.lower()}"}, report.status.capitalize())
    periods = report.periods
    window = f"{periods[0][0]} to {periods[-1][1]}" if periods else "no units were planned"
    facts = f"{_many(len(report.tiles), 'tile')} of grid {report.grid}, {_many(len(periods), 'period')}, {window}."
    return tag(
        "header",
        None,
        tag("p", {"class": "eyebrow"}, "Build report"),
        tag("div", {"class": "title"}, tag("h1", None, report.cube_id), badge),
        tag(
            "p",
            {"class": "facts"},
            facts,
            tag("br"),
            f"Asked for on {clock(report.created_at)} as build ",
            tag("code", None, report.build_id),
            ".",
        ),
    )


def _cards(report: BuildReport) -> Markup:
    counts = report.unit_counts
    merges = report.steps.get("merge", {})
    ended = [unit.product for unit in report.units if unit.product is not None]
    clouds = [entry.cloud_cover for entry in ended if entry.cloud_cover is not None and not entry.is_empty]
    actual, estimated = report.costs.get("actual") or {}, report.costs.get("estimated") or {}
    begin, end = report.created_at, report.finished_at
    took = "still at it" if end is None else duration((end - begin).total_seconds())
    expected = f"expected {duration(estimated['seconds'])}" if estimated.get("seconds") else None
    return tag(
        "div",
        {"class": "cards"},
        _card("Units built", f"{counts.get('succeeded', 0)} of {counts.get('total', 0)}", _bad_units(counts)),
        _card("Took", took, expected),
        _card("Merges", number(_sum(merges, "built", "reused")), f"{number(_sum(merges, 'reused'))} reused"),
        _card(
            "Cloud in the composites",
            percent(sum(clouds) / len(clouds)) if clouds else "–",
            "of what was observed" if clouds else None,
        ),
        _card(
            "Cost on AWS",
            dollars(actual.get("cost_usd")),
            f"expected {dollars(estimated['cost_usd'])}" if estimated.get("cost_usd") is not None else None,
        ),
    )


def _bad_units(counts: Mapping[str, int]) -> str:
    said = [f"{counts[name]} {name}" for name in ("failed", "running", "planned", "cancelled") if counts.get(name)]
    return ", ".join(said) or "none failed"


def _card(label: str, value: str, more: str | None) -> Markup:
    return tag(
        "div",
        {"class": "card"},
        tag("div", {"class": "label"}, label),
        tag("div", {"class": "value"}, value),
        tag("div", {"class": "more"}, more) if more else None,
    )


def _failures(report: BuildReport) -> Markup | None:
    failed = [unit for unit in report.units if unit.status == "FAILED"]
    if not failed and not report.cause:
        return None
    alike: dict[tuple[str | None, str], list[ReportUnit]] = {}
    for unit in failed:
        alike.setdefault((unit.failed_step, unit.cause or "no cause was recorded"), []).append(unit)
    entries = [
        tag(
            "tr",
            None,
            tag("td", None, ", ".join(f"{unit.tile} ({unit.period})" for unit in units[:5]), _beyond(len(units), 5)),
            tag("td", None, (step or "the whole unit").replace("_", " ")),
            tag("td", {"class": "cause"}, tag("p", None, advice(cause)), tag("code", None, cause)),
        )
        for (step, cause), units in alike.items()
    ]
    headings = [tag("th", {"scope": "col"}, words) for words in ("Unit", "At", "Why, and what can be done")]
    return tag(
        "section",
        {"class": "alert", "id": "failures"},
        tag("h2", None, f"What failed: {_many(len(failed), 'unit')}" if failed else "What failed"),
        tag("p", {"class": "cause"}, advice(report.cause), tag("br"), tag("code", None, report.cause))
        if report.cause
        else None,
        tag("table", None, tag("thead", None, tag("tr", None, headings)), tag("tbody", None, entries))
        if entries
        else None,
        tag(
            "p",
            {"class": "soft"},
            "Build again what failed: ",
            tag("code", None, f"stratocube retry {report.build_id}"),
        ),
    )


def _map(report: BuildReport) -> Markup | None:
    if not report.tiles:
        return None
    there = [status for status in STATUSES if any(unit.status == status for unit in report.units)]
    how = "each tile is a unit" if len(report.periods) == 1 else "in each tile a cell a period, in order of time"
    return tag(
        "section",
        {"id": "map"},
        tag("h2", None, "Where"),
        unit_map(report),
        _legend([(f"s-{status.lower()}", status.lower()) for status in there], f"{how}; north is up."),
    )


def _timeline(report: BuildReport) -> Markup | None:
    if not any(unit.started_at for unit in report.units):
        return None
    there = {span.step for unit in report.units for span in unit.steps}
    steps = [(f"step-{step}", _SAID_STEPS[step]) for step in STEPS if step in there and step in _SAID_STEPS]
    return tag(
        "section",
        {"id": "timeline"},
        tag("h2", None, "When"),
        tag("div", {"class": "scroll"}, timeline(report)),
        _legend(steps, "Each row is a unit: tile, and the first day of its period."),
    )


def _legend(entries: Sequence[tuple[str, str]], words: str) -> Markup:
    swatches = [
        tag("li", None, tag("span", {"class": f"swatch {name}", "aria-hidden": "true"}), text) for name, text in entries
    ]
    return tag("ul", {"class": "legend"}, swatches, tag("li", None, words[0].upper() + words[1:]))


def _gallery(report: BuildReport) -> Markup | None:
    shown = [_product(unit) for unit in report.units if unit.product is not None]
    if not shown:
        return None
    return tag(
        "section", {"id": "composites"}, tag("h2", None, "What was made"), tag("div", {"class": "gallery"}, shown)
    )


def _product(unit: ReportUnit) -> Markup:
    product = unit.product
    if product is None:
        return Markup("")
    if product.picture is not None and product.picture_type in _PICTURES:
        data = base64.b64encode(product.picture).decode()
        words = f"Quicklook of tile {unit.tile}, {unit.period}"
        picture = tag(
            "img", {"src": f"data:{product.picture_type};base64,{data}", "alt": words, "data-item": product.item_id}
        )
    else:
        picture = tag("div", {"class": "empty"}, "no picture")
    seen = not product.is_empty
    facts = [f"{percent(product.cloud_cover)} cloud"] if seen and product.cloud_cover is not None else []
    facts += [f"{percent(product.clear)} clear"] if seen and product.clear is not None else []
    facts += [_many(product.dates, "date")] if product.dates is not None else []
    facts += [flag.replace("-", " ").replace("_", " ") for flag in product.flags]
    caption = tag(
        "figcaption",
        None,
        tag("span", {"class": "name"}, f"Tile {unit.tile}"),
        unit.period,
        tag("br"),
        tag("span", {"class": "soft"}, " · ".join(facts)),
        tag("br"),
        tag("code", {"class": "soft"}, product.item_id),
    )
    return tag("figure", {"class": "product", "id": f"product-{unit.unit_id}"}, picture, caption)


def _clouds(report: BuildReport) -> Markup | None:
    found = {
        (unit.tile, unit.start): unit.product.cloud_cover
        for unit in report.units
        if unit.product is not None and unit.product.cloud_cover is not None and not unit.product.is_empty
    }
    if not found:
        return None
    periods = report.periods
    tiles = sorted({tile for tile, _ in found})
    head = tag(
        "tr",
        None,
        tag("th", {"scope": "col"}, "Tile"),
        [tag("th", {"scope": "col", "class": "heat-of"}, _short(start, end)) for start, end in periods],
    )
    rows: list[Content] = [
        tag("tr", None, tag("th", {"scope": "row"}, tile), [_heat(found.get((tile, start))) for start, _ in periods])
        for tile in tiles
    ]
    if len(tiles) > 1:
        means = [_mean([found[key] for key in found if key[1] == start]) for start, _ in periods]
        rows.append(
            tag("tr", {"class": "total"}, tag("th", {"scope": "row"}, "all tiles"), [_heat(mean) for mean in means])
        )
    return tag(
        "section",
        {"id": "clouds"},
        tag("h2", None, "Cloud that is left"),
        tag(
            "p", {"class": "soft"}, "Percent of what was observed that no date shows clear; – where there was no scene."
        ),
        tag(
            "div",
            {"class": "scroll"},
            tag("table", {"class": "heats"}, tag("thead", None, head), tag("tbody", None, rows)),
        ),
    )


def _heat(value: float | None) -> Markup:
    if value is None:
        return tag("td", {"class": "heat soft", "style": "--h:0"}, "–")
    return tag("td", {"class": "heat", "style": f"--h:{min(0.55, value / 100 * 0.7):.2f}"}, percent(value))


def _short(start: str, end: str) -> str:
    return start[:7] if start[:7] == end[:7] and start.endswith("-01") else start


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _sum(counts: Mapping[str, Any], *names: str) -> int:
    return sum(int(counts.get(name) or 0) for name in names)


def _beyond(count: int, shown: int) -> str:
    return f" and {count - shown} more" if count > shown else ""


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}" + ("" if count == 1 else "s")
