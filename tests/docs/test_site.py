"""The site builds without a warning, needs nothing from elsewhere, and its generated pages are up to date."""

from __future__ import annotations

import doctest
import importlib.util
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.docs.blocks import DOCS, REPOSITORY

CONFIG = REPOSITORY / "mkdocs.yml"
LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}
"""Which attribute of which element a browser fetches by itself."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("site")
    answer = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--config-file", str(CONFIG), "--site-dir", str(target)],
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    return target


class Fetched(HTMLParser):
    """What a page makes a browser fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "link" and given.get("rel") in {"canonical", "prev", "next"}:
            return
        address = given.get(LOADED.get(tag, ""))
        if address:
            self.addresses.append(address)


@pytest.mark.parametrize("page", sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")))
def test_every_page_is_in_the_site_and_fetches_nothing_from_elsewhere(site: Path, page: str) -> None:
    folder = page.removesuffix("index.md") if page.endswith("index.md") else page.removesuffix(".md") + "/"
    html = (site / folder / "index.html").read_text(encoding="utf-8")
    fetched = Fetched()
    fetched.feed(html)
    assert fetched.addresses
    assert [address for address in fetched.addresses if "//" in address] == []


def test_stylesheets_fetch_nothing_from_elsewhere(site: Path) -> None:
    styles = list(site.rglob("*.css"))
    assert styles
    for path in styles:
        found = re.findall(r"url\(\s*['\"]?((?:https?:)?//[^)]*)", path.read_text(encoding="utf-8"))
        assert found == [], path.name


def test_the_search_knows_every_page(site: Path) -> None:
    index = (site / "search" / "search_index.json").read_text(encoding="utf-8")
    for page in DOCS.rglob("*.md"):
        place = page.relative_to(DOCS).with_suffix("").as_posix().removesuffix("index")
        assert f'"location":"{place}' in index, page


def test_the_python_reference_has_the_documented_functions(site: Path) -> None:
    html = (site / "reference" / "index.html").read_text(encoding="utf-8")
    for name in ("blend", "merge", "get_qa_mask", "create_grids", "timeline"):
        assert f'id="stratocube.processing.{name}"' in html
    assert ":func:`" not in html
    assert ":class:`" not in html


def test_every_page_has_its_place_in_the_menu() -> None:
    class Loader(yaml.SafeLoader):
        pass

    menu = yaml.load(CONFIG.read_text(encoding="utf-8"), Loader)["nav"]  # noqa: S506 - a SafeLoader
    pages = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
    assert set(leaves(menu)) == pages
    assert next(iter(leaves(menu))) == "index.md"


def leaves(menu: Any) -> list[str]:
    if isinstance(menu, str):
        return [menu]
    branches = menu.values() if isinstance(menu, dict) else menu
    return [leaf for branch in branches for leaf in leaves(branch)]


def test_generated_pages_are_up_to_date() -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "docs.site_tools.pages", "--check"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr


def test_the_picture_of_the_architecture_names_functions_that_exist() -> None:
    drawn = ET.parse(DOCS / "images" / "architecture.svg")  # noqa: S314 - our own file
    space = "{http://www.w3.org/2000/svg}"
    texts = {"".join(text.itertext()).split(",")[0] for text in drawn.iter(f"{space}text")}
    functions = {path.parent.name for path in (REPOSITORY / "functions").glob("*/app.py")}
    assert {name for name in functions if name in texts} | {"api"} == functions


LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)#\s]+)")


@pytest.mark.parametrize("name", ["README.md", "SECURITY.md", "CHANGELOG.md"])
def test_the_links_of_the_readme_lead_to_files(name: str) -> None:
    page = REPOSITORY / name
    local = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if "://" not in link]
    assert [link for link in local if not (page.parent / link).exists()] == []


def test_documents_link_to_nothing_outside_the_site() -> None:
    """The site has no sources to link to: names of files are written as code."""
    for page in DOCS.rglob("*.md"):
        outside = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if link.startswith("../..")]
        assert outside == [], page


def test_docstrings_become_markdown() -> None:
    spec = importlib.util.spec_from_file_location("docstring_roles", DOCS / "site_tools" / "docstring_roles.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert doctest.testmod(module) == (0, 1)
    text = "One line.\n\n>>> add(\n...     1)\n2\n>>> 3\n3\n\nMore, with :class:`stratocube.errors.NotFound`.\n"
    expected = "One line.\n\n```pycon\n>>> add(\n...     1)\n2\n>>> 3\n3\n```\n\nMore, with `NotFound`.\n"
    assert module.as_markdown(text) == expected
