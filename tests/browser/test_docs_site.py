"""The documentation site in a browser: all of it comes from where the site is, and from nowhere else."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.docs.test_site import site

__all__ = ["site"]


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    handler = functools.partial(Quiet, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_pages_ask_no_other_host_for_anything(page: Page, address: str) -> None:
    asked: list[str] = []
    broken: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("response", lambda response: broken.append(response.url) if response.status >= 400 else None)
    for name in ("", "define/", "api/", "reference/", "architecture/", "speed/"):
        page.goto(address + name)
        page.wait_for_load_state("networkidle")
    assert len(asked) > 6
    assert [url for url in asked if not url.startswith(address)] == []
    assert broken == []


def test_the_search_finds_a_page(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_role("textbox", name="Search").first.click()
    page.keyboard.type("dead letters")
    expect(page.locator(".md-search-result__link").first).to_be_visible(timeout=20_000)


def test_the_picture_of_the_architecture_is_drawn(page: Page, address: str) -> None:
    page.goto(address + "architecture/")
    picture = page.locator("article img").first
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.naturalWidth") > 500
