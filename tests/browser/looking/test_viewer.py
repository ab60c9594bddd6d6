"""The viewer in Chromium: what it shows is what is in the COGs, where it is."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.looking.conftest import CUBE, PERIODS, TILES, Products

pytestmark = pytest.mark.slow

READY_MS = 60_000
"""For what is asked of functions that start: a laptop with two cores takes its time."""
ZOOMED = 3
"""Presses of the plus key after which a pixel of the COGs is some eight of the screen."""


@pytest.fixture
def viewer(chromium: Browser, products: Products) -> Iterator[Page]:
    """The viewer on the cube, its newest period that has scenes in it."""
    page = products.opened(chromium, f"viewer#cube={CUBE}&period={'/'.join(PERIODS[1])}")
    drawn(page)
    yield page
    page.context.close()


def drawn(page: Page) -> None:
    """Wait until both maps show all they have."""
    for side in ("left", "right"):
        expect(page.locator(f'#{side} .map[aria-busy="false"]')).to_be_visible(timeout=READY_MS)
    expect(page.locator("#status.bad")).to_have_count(0)


def choose(page: Page, side: str, look: str) -> None:
    page.locator(f"#{side} .look").select_option(look)
    drawn(page)


@dataclass(frozen=True)
class Place:
    """Where a map is, and what its screen shows."""

    centre: tuple[float, float]
    resolution: float
    picture: np.ndarray[Any, Any]

    @classmethod
    def of(cls, page: Page, side: str) -> Place:
        target = page.locator(f"#{side} .map")
        x, y = (float(value) for value in (target.get_attribute("data-center") or "").split(","))
        resolution = float(target.get_attribute("data-resolution") or "nan")
        picture = np.asarray(Image.open(io.BytesIO(target.screenshot())).convert("RGB"))
        return cls((x, y), resolution, picture)

    def screen(self, x: float, y: float) -> tuple[int, int]:
        """(row, column) on the screen of a place in the cube's CRS."""
        rows, columns = self.picture.shape[:2]
        return (
            math.floor(rows / 2 - (y - self.centre[1]) / self.resolution),
            math.floor(columns / 2 + (x - self.centre[0]) / self.resolution),
        )

    def shows(self, row: int, column: int) -> bool:
        """Whether that is on the map, and under none of its buttons, scales and labels."""
        rows, columns = self.picture.shape[:2]
        near_middle = abs(row - rows / 2) < 12 and abs(column - columns / 2) < 40
        return 90 < row < rows - 60 and 90 < column < columns - 60 and not near_middle


def colours(products: Products, place: Place, tile: str, start: str, asset: str) -> tuple[list[int], list[Any]]:
    """Values of the COG's pixels that the map shows, and the colours it shows in their middle."""
    item = products.item(tile, start)
    values = products.pixels(tile, start, asset)
    a, _, west, _, e, north = item["properties"]["proj:transform"][:6]
    found, seen = [], []
    for row in range(values.shape[0]):
        for column in range(values.shape[1]):
            spot = place.screen(west + (column + 0.5) * a, north + (row + 0.5) * e)
            if place.shows(*spot) and 3 < row < values.shape[0] - 3:
                found.append(int(values[row, column]))
                seen.append(tuple(int(part) for part in place.picture[spot]))
    return found, seen


def zoom_in(page: Page, side: str = "left") -> None:
    page.locator(f"#{side} .map").focus()
    for _ in range(ZOOMED):
        page.keyboard.press("+")
        page.wait_for_timeout(300)
    page.locator("#period").focus()
    drawn(page)


def test_classes_have_their_colours_at_the_place_of_their_pixels(viewer: Page, products: Products) -> None:
    choose(viewer, "left", "SCL")
    zoom_in(viewer)
    place = Place.of(viewer, "left")
    start = PERIODS[1][0]
    hints = {
        one["value"]: tuple(bytes.fromhex(one["color_hint"]))
        for one in products.item(TILES[0], start)["assets"]["SCL"]["classification:classes"]
    }

    for tile in TILES:
        values, seen = colours(products, place, tile, start, "SCL")
        assert len(values) > 200
        wrong = [(value, shown) for value, shown in zip(values, seen, strict=True) if hints[value] != shown]
        assert wrong == []


def test_the_picture_is_where_its_pixels_are(viewer: Page, products: Products) -> None:
    zoom_in(viewer)
    place = Place.of(viewer, "left")

    bands = [colours(products, place, TILES[0], PERIODS[1][0], band) for band in ("B04", "B03", "B02")]

    seen = np.array(bands[0][1], np.float64)
    for channel, (values, _) in enumerate(bands):
        stored = np.array(values, np.float64)
        inside = (seen[:, channel] > 0) & (seen[:, channel] < 255)
        assert inside.sum() > 200
        # Brighter pixels are brighter on the screen, without an exception: a shift by a pixel would break it.
        order = np.argsort(stored[inside], kind="stable")
        assert (np.diff(seen[inside, channel][order]) >= 0).all()


def test_the_slider_changes_the_period_on_both_maps(viewer: Page, products: Products) -> None:
    choose(viewer, "left", "SCL")
    choose(viewer, "right", "CLEAROB")
    before = [Place.of(viewer, side).picture for side in ("left", "right")]
    expect(viewer.locator("#period-text")).to_have_text(re.compile("11.*15 Aug 2023"))

    viewer.locator("#period").press("ArrowRight")

    expect(viewer.locator("#period-text")).to_have_text(re.compile("16.*20 Aug 2023"))
    drawn(viewer)
    after = [Place.of(viewer, side).picture for side in ("left", "right")]
    assert all((one != other).any() for one, other in zip(before, after, strict=True))
    assert "period=2023-08-16" in viewer.url
    zoom_in(viewer)
    values, seen = colours(products, Place.of(viewer, "left"), TILES[0], PERIODS[2][0], "SCL")
    classes = products.item(TILES[0], PERIODS[2][0])["assets"]["SCL"]["classification:classes"]
    hints = {one["value"]: tuple(bytes.fromhex(one["color_hint"])) for one in classes}
    pairs = [(hints[value], shown) for value, shown in zip(values, seen, strict=True) if value]
    assert [pair for pair in pairs if pair[0] != pair[1]] == []


def test_the_chart_shows_the_values_of_the_cogs(viewer: Page, products: Products) -> None:
    box = viewer.locator("#left .map").bounding_box()
    assert box is not None
    viewer.mouse.click(box["x"] + box["width"] / 2 + 30, box["y"] + box["height"] / 2 - 60)
    expect(viewer.locator("#chart")).to_be_visible(timeout=READY_MS)
    text = viewer.locator("#pixel-text").inner_text()
    found = re.search(r"tile (\d+), column (\d+), row (\d+)", text)
    assert found, text
    tile, column, row = found[1], int(found[2]), int(found[3])

    viewer.locator("#numbers summary").click()
    lines = [line.split("\t") for line in viewer.locator("#numbers tbody").inner_text().splitlines()]

    assert len(lines) == len(PERIODS)
    shown = {}
    for line, (start, _) in zip(lines, PERIODS, strict=True):
        stored = int(products.pixels(tile, start, "NDVI")[row, column])
        day = int(products.pixels(tile, start, "PROVENANCE")[row, column])
        clear = int(products.pixels(tile, start, "CLEAROB")[row, column])
        total = int(products.pixels(tile, start, "TOTALOB")[row, column])
        value = "no data" if stored == -9999 else f"{round(stored * 0.0001, 6):g}"
        # 1 August is the 213th day of a common year.
        seen = f"{day - 212} Aug 2023" if day > 0 else "–"
        assert line[1:] == [value, str(stored), seen, f"{clear} of {total}"]
        if stored != -9999:
            shown[start] = stored * 0.0001
    points = viewer.locator("#chart .point")
    assert {
        str(point.get_attribute("data-period")): pytest.approx(float(point.get_attribute("data-value") or "nan"))
        for point in points.all()
    } == shown
    assert len(shown) >= 2


def test_the_keyboard_alone_reads_a_pixel(viewer: Page) -> None:
    viewer.locator("#right .map").focus()
    viewer.keyboard.press("Enter")

    expect(viewer.locator("#pixel-text")).to_contain_text(re.compile(r"46\.\d+° N, 15\.\d+° E · tile 00000[01]"))
    expect(viewer.locator("#numbers")).to_be_visible(timeout=READY_MS)


def test_an_empty_period_says_so(viewer: Page) -> None:
    viewer.locator("#period").press("End")

    expect(viewer.locator("#status")).to_contain_text("no scene was found for this period")


def test_nothing_is_asked_of_other_hosts(chromium: Browser, products: Products) -> None:
    page = products.opened(chromium, "docs")
    hosts: set[str] = set()
    page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    page.goto(f"{products.url}/viewer#cube={CUBE}&period={'/'.join(PERIODS[0])}")
    drawn(page)
    page.locator("#left .map").press("Enter")
    expect(page.locator("#numbers")).to_be_visible(timeout=READY_MS)
    page.goto(f"{products.url}/progress")
    expect(page.locator("#build")).to_be_visible(timeout=READY_MS)

    assert {host for host in hosts if host} == {products.host}
    page.context.close()


def test_files_are_read_by_ranges_from_another_origin(chromium: Browser, products: Products) -> None:
    # The page comes from localhost, the files from 127.0.0.1: for the browser as far apart as API Gateway and S3.
    page = products.opened(chromium, "docs")
    answers: list[tuple[str, int]] = []
    page.on(
        "response",
        lambda response: ".tif?" in response.url and answers.append((urlsplit(response.url).netloc, response.status)),
    )
    page.goto(f"{products.url.replace('127.0.0.1', 'localhost')}/viewer#cube={CUBE}&period={'/'.join(PERIODS[1])}")
    drawn(page)

    assert set(answers) == {(products.host, 206)}
    assert Place.of(page, "left").picture.std() > 10
    page.context.close()


def test_links_that_expired_are_asked_for_again(chromium: Browser, products: Products) -> None:
    page = products.opened(chromium, "docs")
    refused: set[str] = set()

    def expire_once(route: Route) -> None:
        key = urlsplit(route.request.url).path
        if key in refused:
            route.continue_()
        else:
            refused.add(key)
            route.fulfill(status=403, body="<Error><Code>AccessDenied</Code></Error>")

    page.route(re.compile(r"\.tif\?"), expire_once)
    page.goto(f"{products.url}/viewer#cube={CUBE}&period={'/'.join(PERIODS[1])}")
    drawn(page)

    assert refused
    assert Place.of(page, "left").picture.std() > 10
    page.context.close()


def test_a_file_that_cannot_be_read_is_named(chromium: Browser, products: Products) -> None:
    page = products.opened(chromium, "docs")
    page.route(re.compile(r"\.tif\?"), lambda route: route.fulfill(status=403, body=""))
    page.goto(f"{products.url}/viewer#cube={CUBE}&period={'/'.join(PERIODS[1])}")

    expect(page.locator("#status.bad")).to_contain_text("cannot be read (status 403)", timeout=READY_MS)
    page.context.close()


def test_a_wrong_key_is_told_and_a_right_one_lets_in(page: Page, products: Products) -> None:
    page.goto(f"{products.url}/viewer")
    dialog = page.locator("#key-dialog")
    expect(dialog).to_contain_text("The API wants a key.", timeout=READY_MS)

    page.keyboard.type("not-the-key")
    page.keyboard.press("Enter")
    expect(dialog).to_contain_text("The API does not know this key.", timeout=READY_MS)
    page.keyboard.type(products.app.stack.api_key)
    page.keyboard.press("Enter")

    expect(dialog).not_to_be_visible()
    drawn(page)
    assert page.evaluate("[localStorage.length, document.cookie]") == [0, ""]
    assert products.app.stack.api_key not in page.url


def test_it_fits_a_phone(chromium: Browser, products: Products) -> None:
    page = products.opened(chromium, f"viewer#cube={CUBE}", viewport={"width": 390, "height": 844}, has_touch=True)
    drawn(page)

    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    left, right = (page.locator(f"#{side} .map").bounding_box() for side in ("left", "right"))
    assert left is not None
    assert right is not None
    assert right["y"] >= left["y"] + left["height"]
    page.context.close()
