"""Relative hrefs become absolute."""

from __future__ import annotations

import pytest

from stratocube.catalog.hrefs import resolve_href
from stratocube.errors import InvalidRequest


@pytest.mark.parametrize(
    ("href", "location", "absolute"),
    [
        ("./b.tif", "s3://bucket/a/items.json", "s3://bucket/a/b.tif"),
        ("../b.tif", "s3://bucket/a/items.json", "s3://bucket/b.tif"),
        ("../../b.tif", "s3://bucket/a/items.json", "s3://bucket/b.tif"),
        ("c/b.tif", "s3://bucket/a//items.json", "s3://bucket/a//c/b.tif"),
        ("b.tif", "https://h.org/a/items.json?sig=1", "https://h.org/a/b.tif"),
        ("b.tif?x=../y", "https://h.org/a/items.json", "https://h.org/a/b.tif?x=../y"),
        ("/c/b.tif", "https://h.org/a/items.json", "https://h.org/c/b.tif"),
        ("//k.org/b.tif", "https://h.org/a/items.json", "https://k.org/b.tif"),
        ("b.tif", "https://h.org", "https://h.org/b.tif"),
        ("b.tif", "/data/a/items.json", "/data/a/b.tif"),
        ("../b.tif", "data/items.json", "b.tif"),
        ("../../b.tif", "data/items.json", "../b.tif"),
        ("b c.tif", "file:///data/a%20a/items.json", "/data/a a/b c.tif"),
        ("file:///data/b%20c.tif", None, "/data/b c.tif"),
        ("/data/b.tif", "/other/items.json", "/data/b.tif"),
        ("s3://bucket/b.tif", "https://h.org/a", "s3://bucket/b.tif"),
        ("https://h.org/b.tif", None, "https://h.org/b.tif"),
    ],
)
def test_an_href_is_resolved_against_its_document(href: str, location: str | None, absolute: str) -> None:
    assert resolve_href(href, location) == absolute


@pytest.mark.parametrize("href", ["", "  "])
def test_an_empty_href_is_refused(href: str) -> None:
    with pytest.raises(InvalidRequest, match=r"assets\.a\.href: must be an address"):
        resolve_href(href, "s3://bucket/x", field="assets.a.href")


def test_a_relative_href_of_nowhere_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="is relative"):
        resolve_href("b.tif", None)
