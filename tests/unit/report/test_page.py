"""The page of a build: what stands where, and that nothing in it is taken for markup."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest

from stratocube.report.drawings import unit_map
from stratocube.report.page import page
from stratocube.report.values import BuildReport, step_spans, tile_of
from stratocube.report.words import advice
from tests.unit.report.a_build import PERIODS, report, unit

MADE = datetime(2026, 8, 10, 13, 0, 0, tzinfo=UTC)


class Elements(HTMLParser):
    """Elements with their attributes, and whether all that are opened are closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in {"meta", "br", "img", "hr"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def having(self, tag: str, name: str) -> list[dict[str, str | None]]:
        return [attributes for found, attributes in self.found if found == tag and name in attributes]


def elements(made: BuildReport) -> Elements:
    found = Elements(page(made, made_at=MADE, version="1.2.3"))
    assert found.open == []
    return found


def boxes(made: BuildReport) -> dict[str, tuple[float, ...]]:
    """x, y, width, height of each unit's cell in the map."""
    text = str(unit_map(made))
    shape = " ".join(rf'{name}="([\d.]+)"' for name in ("x", "y", "width", "height"))
    cells = re.findall(rf'data-unit="([^"]+)".*?<rect {shape}', text)
    return {name: tuple(float(number) for number in numbers) for name, *numbers in cells}


def test_a_page_has_all_sections_and_ids_that_its_links_lead_to() -> None:
    found = elements(report(*(unit(column, period) for column in (0, 1) for period in PERIODS)))
    sections = [attributes["id"] for tag, attributes in found.found if tag == "section"]
    assert sections == ["map", "timeline", "composites", "clouds", "costs", "steps", "units"]
    ids = {attributes["id"] for _, attributes in found.found if "id" in attributes}
    targets = {str(attributes["href"])[1:] for attributes in found.having("a", "href")}
    assert targets <= ids
    assert len(found.having("a", "data-unit")) == 4


def test_nothing_is_loaded_from_elsewhere() -> None:
    found = elements(report(unit(0, PERIODS[0]), tiles=1))
    assert {tag for tag, _ in found.found} & {"script", "link", "iframe", "object"} == set()
    addresses = [attributes[name] or "" for name in ("src", "href") for attributes in found.having("img", name)]
    addresses += [attributes["href"] or "" for attributes in found.having("image", "href")]
    assert addresses
    assert all(address.startswith("data:image/png;base64,") for address in addresses)


def test_units_lie_in_their_tiles_east_to_the_right_and_periods_in_order() -> None:
    made = report(*(unit(column, period) for column in (0, 1) for period in PERIODS))
    found = boxes(made)
    first, second, east, _ = (found[entry.unit_id] for entry in made.units)
    # two periods stand side by side in a tile as wide as high; the tile east of it begins where it ends
    assert second[0] == pytest.approx(first[0] + first[2])
    assert east[0] == pytest.approx(second[0] + second[2])
    assert first[1] == second[1] == east[1]
    assert first[3] == pytest.approx(2 * first[2], rel=0.01)


def test_a_tile_with_many_periods_is_cut_into_rows() -> None:
    periods = [(f"2023-{month:02d}-01", f"2023-{month:02d}-28") for month in range(1, 13)]
    found = boxes(report(*(unit(0, period) for period in periods), tiles=1))
    assert len({box[1] for box in found.values()}) == 4
    assert len({box[:2] for box in found.values()}) == 12


def test_failures_are_told_once_for_all_units_alike_with_what_can_be_done() -> None:
    cause = "TransientRead: https://archive.example/B04.tif: timed out"
    units = [unit(column, PERIODS[0], "FAILED", failed_step="merge", cause=cause) for column in (0, 1)]
    text = page(report(*units, status="FAILED"), made_at=MADE, version="1")
    assert text.count(cause) == 1
    assert advice(cause) in text
    assert "stratocube retry 20260810T120000000Z-9f3c2a1b4d" in text
    assert 'fill="url(#hatch)"' in text


def test_text_of_others_is_never_markup() -> None:
    nasty = '</style><script>alert("1")</script>&amp;'
    units = unit(0, PERIODS[0], "FAILED", failed_step=nasty, cause=nasty)
    made = report(units, tiles=1, cube_id=nasty, grid=nasty, cause=nasty, notes=(nasty,))
    found = elements(made)
    assert found.having("script", "src") == []
    assert "script" not in {tag for tag, _ in found.found}


def test_a_build_of_which_nothing_is_known_yet_has_a_page() -> None:
    made = report(tiles=0, status="QUEUED", started_at=None, finished_at=None, steps={}, costs={}, unit_counts={})
    found = elements(made)
    assert [attributes["id"] for tag, attributes in found.found if tag == "section"] == ["steps"]


def test_what_was_expected_stands_beside_what_it_came_to() -> None:
    text = page(report(unit(0, PERIODS[0]), tiles=1), made_at=MADE, version="1")
    row = re.search(r"<tr class=\"total\"><th scope=\"row\">Together</th>(.*?)</tr>", text)
    assert row is not None
    assert re.findall(r">([^<>]+)</td>", row[1]) == ["$0.020", "$0.010", "50 %"]


def test_every_picture_and_drawing_has_a_text() -> None:
    found = elements(report(unit(0, PERIODS[0]), tiles=1))
    assert all(attributes["alt"] for attributes in found.having("img", "src"))
    assert all(attributes["aria-label"] for tag, attributes in found.found if tag == "svg")


def test_a_step_lasts_from_the_begin_of_its_first_part_to_the_end_of_its_last() -> None:
    (span,) = step_spans(
        [
            {"step": "merge", "seconds": 4.0, "ended_at": "2026-08-10T12:00:10Z"},
            {"step": "merge", "seconds": 1.0, "ended_at": "2026-08-10T12:00:12.500000Z"},
            {"step": "merge", "seconds": 1.0, "ended_at": None},
        ]
    )
    assert (span.start.second, span.end.second, span.parts) == (6, 12, 2)


def test_a_tile_across_180_degrees_has_an_extent() -> None:
    ring = [[179.0, 0.0], [180.0, 0.0], [180.0, 1.0], [179.0, 0.0]]
    other = [[-180.0, 0.0], [-179.0, 0.0], [-179.0, 1.0], [-180.0, 0.0]]
    outline = {"type": "MultiPolygon", "coordinates": [[ring], [other]]}
    found = tile_of({"id": "000000", "bounds": [0, 0, 10, 10], "footprint": outline})
    assert (found.longitudes, found.latitudes) == ((-180.0, 180.0), (0.0, 1.0))
