"""The report of a build in Chromium: a file that loads nothing, with every unit at its place and its picture."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from typer.testing import CliRunner

from stratocube.cli.main import app as command_line
from tests.browser.looking.conftest import BROKEN, LOST, PERIODS, TILES, Products

pytestmark = pytest.mark.slow


def reported(products: Products, build_id: str, file: Path) -> Path:
    """The report of a build, made as its user makes it."""
    stack = ["--url", products.url, "--api-key", products.app.stack.api_key]
    done = CliRunner().invoke(command_line, [*stack, "report", build_id, "--output", str(file)])
    assert done.exit_code == 0, done.output
    return file


@pytest.fixture(scope="module")
def good(products: Products, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the build that succeeded."""
    return reported(products, products.built.build_id, tmp_path_factory.mktemp("good") / "report.html")


@pytest.fixture(scope="module")
def broken(products: Products, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the build of which a tile failed."""
    return reported(products, products.broken.build_id, tmp_path_factory.mktemp("broken") / "report.html")


def opened(page: Page, file: Path) -> list[str]:
    """The page with a file; every address it asked for beside."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    return [address for address in asked if not address.startswith(("data:", file.as_uri()))]


def test_there_is_a_unit_for_each_tile_and_period_at_its_place(page: Page, good: Path) -> None:
    opened(page, good)
    cells = page.locator("svg.map a[data-unit]")
    expect(cells).to_have_count(len(TILES) * len(PERIODS))
    boxes = {}
    for tile in TILES:
        for start, end in PERIODS:
            box = page.locator(f"svg.map a[data-unit='{tile}_{start}_{end}'] rect.unit").bounding_box()
            assert box is not None
            boxes[tile, start] = box
    # 000001 lies south of 000000; periods stand in order of time, in rows
    for start, _ in PERIODS:
        north, south = boxes[TILES[0], start], boxes[TILES[1], start]
        assert south["y"] > north["y"]
        assert south["x"] == pytest.approx(north["x"], abs=0.5)
    for tile in TILES:
        places = [(boxes[tile, start]["y"], boxes[tile, start]["x"]) for start, _ in PERIODS]
        assert places == sorted(places)
        assert len(set(places)) == len(PERIODS)


def test_pictures_are_in_the_file_and_are_shown(page: Page, good: Path) -> None:
    opened(page, good)
    pictures = page.locator("figure.product img")
    assert pictures.count() >= 2 * (len(PERIODS) - 1)
    widths = pictures.evaluate_all(
        "all => Promise.all(all.map(picture => picture.decode().then(() => picture.naturalWidth)))"
    )
    assert all(width > 0 for width in widths)


def test_nothing_is_asked_of_any_network(page: Page, good: Path, broken: Path) -> None:
    assert opened(page, good) == []
    assert opened(page, broken) == []


def test_a_unit_of_the_map_leads_to_its_row(page: Page, good: Path) -> None:
    opened(page, good)
    unit = f"{TILES[1]}_{PERIODS[0][0]}_{PERIODS[0][1]}"
    page.locator(f"svg.map a[data-unit='{unit}']").click()
    assert page.url.endswith(f"#unit-{unit}")
    expect(page.locator(f"[id='unit-{unit}']")).to_be_in_viewport()


def test_costs_and_the_timeline_are_told(page: Page, good: Path) -> None:
    opened(page, good)
    total = page.locator("#costs tr.total td")
    expect(total).to_have_count(3)
    assert [text.startswith("$0.0") for text in total.all_inner_texts()[:2]] == [True, True]
    expect(page.locator("svg.timeline g.row")).to_have_count(len(TILES) * len(PERIODS))
    assert page.locator("svg.timeline rect.step-merge").count() >= 2 * (len(PERIODS) - 1)


def test_a_failure_is_told_in_words_and_the_map_shows_where(page: Page, broken: Path) -> None:
    opened(page, broken)
    expect(page.locator("#failures")).to_contain_text("The archive has no such file")
    expect(page.locator("#failures")).to_contain_text(LOST)
    expect(page.locator("#failures")).to_contain_text("stratocube retry")
    expect(page.locator("h1")).to_have_text(BROKEN)
    expect(page.locator("svg.map rect.s-failed")).to_have_count(1)
    expect(page.locator("svg.map rect.s-succeeded")).to_have_count(1)


def test_it_is_readable_on_a_telephone_and_in_the_dark(chromium: Browser, good: Path) -> None:
    context = chromium.new_context(viewport={"width": 390, "height": 800}, color_scheme="dark")
    page = context.new_page()
    opened(page, good)
    # wide drawings scroll within their sections, the page does not
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert dark == "rgb(19, 24, 23)"
    context.close()
