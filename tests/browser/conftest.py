"""A browser, and pages in it. `.ci/run` runs these tests (`pytest -m browser`), `make test` does not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.install import LIBRARIES, PROGRAM, install

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs the browser."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser, with WebGL drawn by the processor."""
    install()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=PROGRAM,
            # No sandbox: containers have none to give, and nothing but our own pages is opened.
            args=["--no-sandbox", "--no-zygote", "--use-gl=angle", "--use-angle=swiftshader"],
            env={**os.environ, "LD_LIBRARY_PATH": str(LIBRARIES), "FONTCONFIG_PATH": str(PROGRAM.parent)},
        )
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page that no other test has used, 1280 × 800 pixels."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    yield context.new_page()
    context.close()
