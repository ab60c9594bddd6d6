"""The page of the API in Chromium: it loads from its own host, shows the routes, and sends requests with the key."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from stratocube.api.contract.rooms import OPERATIONS
from tests.api_gateway import KEY, served
from tests.unit.api.api_client import Client
from tests.unit.api.conftest import shared_client, stack  # noqa: F401 - fixtures
from tests.unit.api.forms import grid_form

PATIENCE = 60_000
"""Milliseconds: Swagger UI draws some thousand elements, here without a graphics card."""

SHOWN = [operation for operation in OPERATIONS if not operation.hidden]


@pytest.fixture
def root(shared_client: Client) -> Iterator[str]:  # noqa: F811 - the fixture of that name
    """The API on this machine."""
    with served(shared_client.api) as url:
        yield url


@pytest.fixture
def docs(page: Page, root: str) -> Page:
    """The page, loaded."""
    page.goto(f"{root}/docs")
    expect(page.locator(".opblock").first).to_be_visible(timeout=PATIENCE)
    return page


def operation(page: Page, name: str) -> Locator:
    """The block of an operation, opened."""
    block = page.locator(f"[id$='-{name}'].opblock")
    block.locator(".opblock-summary-control").click()
    return block


def authorize(page: Page, key: str) -> None:
    page.locator("button.authorize").first.click()
    dialog = page.locator(".dialog-ux .modal-ux")
    dialog.locator("input").fill(key)
    dialog.locator("button.authorize").click()
    dialog.locator("button.btn-done").click()


def test_the_page_loads_from_its_own_host_and_shows_every_route(page: Page, root: str) -> None:
    asked, errors = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)

    page.goto(f"{root}/docs")
    expect(page.locator(".opblock")).to_have_count(len(SHOWN), timeout=PATIENCE)

    assert {urlsplit(url).netloc for url in asked if not url.startswith("data:")} == {urlsplit(root).netloc}
    assert errors == []
    assert page.title() == "stratocube API"
    shown = page.locator(".opblock-summary-description").all_inner_texts()
    assert sorted(shown) == sorted(operation.summary for operation in SHOWN)


def test_a_request_is_refused_without_a_key_and_answered_with_one(docs: Page) -> None:
    block = operation(docs, "listCubes")
    block.locator("button.execute").click()
    expect(block.locator(".live-responses-table tbody .response-col_status").first).to_contain_text(
        "403", timeout=PATIENCE
    )

    authorize(docs, KEY)
    block.locator("button.execute").click()

    expect(block.locator(".live-responses-table tbody .response-col_status").first).to_contain_text(
        "200", timeout=PATIENCE
    )
    assert KEY in (block.locator(".curl-command").text_content() or "")


def test_the_key_lasts_as_long_as_the_tab(docs: Page) -> None:
    authorize(docs, KEY)

    docs.reload()
    block = operation(docs, "listGrids")
    block.locator("button.execute").click()

    expect(block.locator(".live-responses-table tbody .response-col_status").first).to_contain_text(
        "200", timeout=PATIENCE
    )
    assert docs.evaluate("Object.keys(localStorage).length") == 0


def test_a_body_is_sent_and_a_problem_names_its_field(docs: Page) -> None:
    authorize(docs, KEY)
    block = operation(docs, "createGrids")

    expect(block.locator("textarea.body-param__text")).to_contain_text("BDC_SM", timeout=PATIENCE)
    block.locator("textarea.body-param__text").fill('{"name": "UTM", "crs": "EPSG:32723"}')
    block.locator("button.execute").click()

    answer = block.locator(".live-responses-table")
    expect(answer.locator("tbody .response-col_status").first).to_contain_text("400", timeout=PATIENCE)
    expect(answer.locator("tbody .response-col_description").first).to_contain_text("bbox", timeout=PATIENCE)


def test_a_grid_made_on_the_page_is_there(docs: Page, shared_client: Client) -> None:  # noqa: F811 - as above
    authorize(docs, KEY)
    block = operation(docs, "createGrids")

    block.locator("textarea.body-param__text").fill(str(grid_form(names=["MADE_HERE"])).replace("'", '"'))
    block.locator("button.execute").click()

    expect(block.locator(".live-responses-table tbody .response-col_status").first).to_contain_text(
        "201", timeout=PATIENCE
    )
    assert shared_client.get("/grids/MADE_HERE").status == 200
