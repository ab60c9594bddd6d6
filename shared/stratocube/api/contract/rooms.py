"""All operations, in the order of the document."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from stratocube.api.contract import (
    Operation,
    assets,
    buckets,
    builds,
    costs,
    cubes,
    grids,
    items,
    operations,
    pages,
    root,
    stac,
    tasks,
    watches,
)

OPERATIONS: tuple[Operation, ...] = (
    *root.OPERATIONS,
    *cubes.OPERATIONS,
    *grids.OPERATIONS,
    *builds.OPERATIONS,
    *costs.OPERATIONS,
    *operations.OPERATIONS,
    *watches.OPERATIONS,
    *stac.OPERATIONS,
    *items.OPERATIONS,
    *tasks.OPERATIONS,
    *buckets.OPERATIONS,
    *assets.OPERATIONS,
    *pages.OPERATIONS,
)

TAGS: Mapping[str, str] = MappingProxyType(
    {
        "root": "What this is, and where everything else is.",
        "cubes": "What a cube is made of.",
        "grids": "What tiles are cut from.",
        "builds": "Start builds, see how far they are and what failed.",
        "operations": "What is done to builds and cubes: cancel, retry, complete, rebuild what is stale.",
        "stac": "What was published, as a STAC API.",
        "arrivals": "Cubes that keep themselves up to date as scenes arrive.",
        "items": "What was published, by tile and by time.",
        "buckets": "Where products are, and buckets made on request.",
        "assets": "Links to files of published items.",
        "pages": "Pages to look with; they ask for the key themselves.",
    }
)
"""The rooms of the page, in order; every operation has one of them as its tag."""


def operation_of(method: str, route: str) -> Operation | None:
    """The operation of a route as the resolver names it (``/cubes/<cube_id>``)."""
    return _by_route().get((method, route))


def methods_of(path: str) -> tuple[str, ...]:
    """The methods that a requested path has, sorted; none for a path that there is not."""
    requested = path.rstrip("/") or "/"
    return tuple(sorted({found.method for found in OPERATIONS if _pattern(found.path).fullmatch(requested)}))


@cache
def _by_route() -> Mapping[tuple[str, str], Operation]:
    return {(found.method, re.sub(r"{([^}]+)}", r"<\1>", found.path)): found for found in OPERATIONS}


@cache
def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{[^}]+\\}", "[^/]+", re.escape(path)))
