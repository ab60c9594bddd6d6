"""A published item or collection as others are given it: with absolute hrefs, wherever it is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from stratocube.catalog.hrefs import is_absolute
from stratocube.catalog.static_tree import resolved

_OF_THE_TREE = frozenset({"self", "root", "parent", "collection", "item", "items", "child"})
"""Relations that lead about the static catalog."""


def published_item(
    document: Mapping[str, Any], *, key: str, href: Callable[[str], str], links: Sequence[Mapping[str, str]]
) -> dict[str, Any]:
    """An item (JSON, under ``key``) whose assets have absolute hrefs, made of their keys by ``href``.

    ``links`` take the place of those that lead about the static catalog.
    """

    def absolute(asset: Mapping[str, Any]) -> dict[str, Any]:
        return {**asset, "href": _absolute(asset["href"], key, href)}

    assets = {name: absolute(asset) for name, asset in document.get("assets", {}).items()}
    return {**document, "assets": assets, "links": _links(document, key, href, links)}


def published_collection(
    document: Mapping[str, Any], *, key: str, href: Callable[[str], str], links: Sequence[Mapping[str, str]]
) -> dict[str, Any]:
    """A collection (JSON, under ``key``), likewise."""
    return {**document, "links": _links(document, key, href, links)}


def _links(
    document: Mapping[str, Any], key: str, href: Callable[[str], str], links: Sequence[Mapping[str, str]]
) -> list[dict[str, str]]:
    kept = [
        {**link, "href": _absolute(link["href"], key, href)}
        for link in document.get("links", [])
        if link["rel"] not in _OF_THE_TREE
    ]
    return [*(dict(link) for link in links), *kept]


def _absolute(text: str, key: str, href: Callable[[str], str]) -> str:
    return text if is_absolute(text) else href(resolved(text, key))
