"""The page of builds in Chromium: how far they are, where, what failed and why, and what can be done about it."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.looking.conftest import BROKEN, CUBE, DEMO, LOST, Products

pytestmark = pytest.mark.slow

READY_MS = 60_000
DONE = (0x3A, 0x9D, 0x6E)
FAILED = (0xD1, 0x49, 0x5B)


def map_colours(page: Page) -> tuple[set[tuple[int, ...]], set[tuple[int, ...]]]:
    """Colours in the upper and in the lower half of the map."""
    picture = np.asarray(Image.open(io.BytesIO(page.locator("#map").screenshot())).convert("RGB"))
    middle = picture.shape[0] // 2
    halves = (picture[: middle - 20], picture[middle + 20 :])
    upper, lower = ({tuple(int(part) for part in pixel) for pixel in half.reshape(-1, 3)} for half in halves)
    return upper, lower


def opened(chromium: Browser, products: Products, build: str, cube: str) -> Page:
    page = products.opened(chromium, f"progress#cube={cube}&build={build}")
    expect(page.locator("#build")).to_be_visible(timeout=READY_MS)
    expect(page.locator("#legend")).to_contain_text("units:", timeout=READY_MS)
    return page


def test_a_build_that_succeeded_is_green_and_leads_to_its_cube(chromium: Browser, products: Products) -> None:
    page = opened(chromium, products, products.built.build_id, CUBE)

    expect(page.locator("#build-text")).to_contain_text("succeeded · 8 of 8 units done")
    expect(page.locator("#legend")).to_contain_text("8 units: 8 done")
    expect(page.locator("#steps tbody tr").nth(0)).to_contain_text("search8 / 8")
    assert [DONE in half for half in map_colours(page)] == [True, True]
    expect(page.locator("#retry")).to_be_hidden()
    expect(page.locator("#cancel")).to_be_hidden()
    assert str(page.locator("#look").get_attribute("href")).endswith(f"viewer#cube={CUBE}")
    page.context.close()


def test_a_tile_that_failed_is_red_where_it_lies_and_says_why(chromium: Browser, products: Products) -> None:
    page = opened(chromium, products, products.broken.build_id, BROKEN)

    upper, lower = map_colours(page)
    assert (DONE in upper, FAILED in upper, DONE in lower, FAILED in lower) == (True, False, False, True)
    failure = page.locator("#failures li")
    expect(failure).to_have_count(1)
    expect(failure).to_contain_text("Tile 000001")
    expect(failure).to_contain_text("merge")
    expect(failure).to_contain_text(LOST)
    page.context.close()


def test_a_build_in_progress_is_asked_for_again_until_it_ends(chromium: Browser, products: Products) -> None:
    page = products.opened(chromium, "docs")
    running = 2
    asked: list[str] = []

    def as_if_running(route: Route) -> None:
        answer = route.fetch()
        body: dict[str, Any] = answer.json()
        asked.append(body["status"])
        if len(asked) <= running:
            body |= {"status": "RUNNING", "finished_at": None}
        route.fulfill(response=answer, body=json.dumps(body))

    page.route(f"**/builds/{products.built.build_id}", as_if_running)
    page.goto(f"{products.url}/progress#cube={CUBE}&build={products.built.build_id}")
    expect(page.locator("#cancel")).to_be_visible(timeout=READY_MS)
    expect(page.locator("#build-text")).to_contain_text("running")

    expect(page.locator("#build-text")).to_contain_text("succeeded", timeout=READY_MS)
    expect(page.locator("#cancel")).to_be_hidden()
    count = len(asked)
    # Longer than between two looks.
    page.wait_for_timeout(4000)
    assert len(asked) == count == running + 1
    page.context.close()


def test_what_failed_is_retried_from_the_page(chromium: Browser, products: Products) -> None:
    scene = DEMO / "scenes" / "S2B_33TWL_20230813_0_L2A" / "S2B_33TWL_20230813_0_L2A_B04.tif"
    products.app.stack.client("s3").put_object(Bucket=products.app.landing, Key=f"demo/{LOST}", Body=scene.read_bytes())
    page = opened(chromium, products, products.broken.build_id, BROKEN)

    page.locator("#retry").click()
    expect(page.locator("#sure-dialog")).to_contain_text("One unit is built again")
    page.locator("#sure-dialog [data-yes]").click()

    expect(page.locator("#build-text")).to_contain_text("succeeded · 1 of 1 units done", timeout=180_000)
    assert products.broken.build_id not in page.locator("#build-title").inner_text()
    expect(page.locator("#builds li")).to_have_count(2)
    page.context.close()


def test_it_fits_a_phone(chromium: Browser, products: Products) -> None:
    page = products.opened(chromium, "progress", viewport={"width": 390, "height": 844})
    expect(page.locator("#build")).to_be_visible(timeout=READY_MS)

    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.context.close()
