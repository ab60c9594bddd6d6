"""Which scenes a unit needs: search of a STAC API or of a static item collection, with one meaning for both."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import quote

from stratocube.catalog.footprints import folded, overlap, read_footprint
from stratocube.catalog.scenes import Scene
from stratocube.catalog.solar_day import acquisition_order, solar_day
from stratocube.catalog.stac_api import ApiSource, ItemSearch, search_api
from stratocube.catalog.stac_items import collection_of, scene_from_item
from stratocube.cube.item_query import matches, read_query
from stratocube.errors import InvalidRequest

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class StaticSource:
    """One document with all items: an ItemCollection (GeoJSON FeatureCollection), or a single Item."""

    href: str
    fetch: Callable[[str], bytes] = field(repr=False, compare=False)
    """Bytes of an href. Raises SourceMissing when there is nothing, TransientRead when it may work later."""


def search(
    source: ApiSource | StaticSource,
    *,
    collections: Collection[str],
    footprint: Mapping[str, Any],
    start: date,
    end: date,
    longitude: float,
    check_href: Callable[[str], object],
    query: Mapping[str, Any] | None = None,
) -> list[Scene]:
    """The scenes of ``collections`` that cover some of ``footprint`` on a solar day from ``start`` to ``end``.

    ``footprint`` is a GeoJSON Polygon or MultiPolygon in longitude and latitude, ``start`` and ``end`` are both
    included, ``longitude`` is where solar days are counted (the centre of the tile). ``query`` filters by properties
    as the query extension of STAC APIs does. ``check_href`` refuses addresses that may not be read, see
    :func:`stratocube.catalog.hosts.check_href`; hrefs of assets are not asked about here, whoever picks one asks.

    Both kinds of source are filtered here too, so that an API that ignores part of a search does not let more scenes
    in. Of an id that comes twice in one collection the item updated last stays. Scenes are in order of acquisition.

    Raises:
        InvalidRequest: the search itself is wrong, the source refuses it, or it, or an item of it, is malformed.
        TransientRead: the source cannot be reached now.
        SourceMissing: the static document does not exist.
    """
    area = read_footprint(footprint, "footprint")
    if not collections:
        raise InvalidRequest("name at least one collection to search", field="collections")
    if end < start:
        raise InvalidRequest(f"{end} is before the start, {start}", field="end")
    conditions = read_query(query or {})
    items: Iterable[Mapping[str, Any]]
    if isinstance(source, StaticSource):
        check_href(source.href)
        items = _static_items(source)
    else:
        wanted_items = ItemSearch(tuple(sorted(collections)), folded(area), _padded(start, end), query or {})
        items = search_api(source, wanted_items, check_href)
    scenes = (
        scene_from_item(item, location=_place(source, item))
        for item in items
        if collection_of(item) in collections and matches(item.get("properties"), conditions)
    )
    wanted = (
        scene
        for scene in scenes
        if start <= solar_day(scene.datetime, longitude) <= end
        and overlap(area, read_footprint(scene.geometry, f"{scene.id}.geometry"))
    )
    return sorted(_newest(wanted), key=acquisition_order)


def _place(source: ApiSource | StaticSource, item: Mapping[str, Any]) -> str:
    """Where an item can be read, if it does not say so itself: STAC APIs have one address for that."""
    if isinstance(source, StaticSource):
        return source.href
    names = quote(collection_of(item), safe=""), quote(str(item.get("id")), safe="")
    return f"{source.url.rstrip('/')}/collections/{names[0]}/items/{names[1]}"


def _padded(start: date, end: date) -> str:
    # A solar day begins up to twelve hours before or after the day of UTC: a day more on both sides misses none.
    return f"{start - timedelta(days=1)}T00:00:00Z/{end + timedelta(days=1)}T23:59:59Z"


def _static_items(source: StaticSource) -> Iterator[Mapping[str, Any]]:
    try:
        document = json.loads(source.fetch(source.href))
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(f"{source.href} is no JSON: {error}", field="stac_url") from error
    features = _features(document, source.href)
    for position, item in enumerate(features):
        if not isinstance(item, Mapping):
            raise InvalidRequest(f"{source.href} has something there that is no item", field=f"features.{position}")
        yield item


def _features(document: object, href: str) -> Sequence[object]:
    kind = document.get("type") if isinstance(document, Mapping) else None
    if isinstance(document, Mapping) and kind == "Feature":
        return [document]
    features = document.get("features") if isinstance(document, Mapping) else None
    if kind != "FeatureCollection" or not isinstance(features, list):
        raise InvalidRequest(
            f"{href} is no item collection ({kind or type(document).__name__}):"
            " give the address of a FeatureCollection of STAC Items, or of a STAC API",
            field="stac_url",
        )
    return features


def _newest(scenes: Iterable[Scene]) -> list[Scene]:
    newest: dict[str, Scene] = {}
    for scene in scenes:
        other = newest.get(scene.key)
        if other is None or _age(scene) > _age(other):
            newest[scene.key] = scene
    return list(newest.values())


def _age(scene: Scene) -> tuple[datetime, datetime, str]:
    # The version text decides between equals, so that the answer does not depend on the order of the source.
    return scene.updated or _LONG_AGO, scene.generated or _LONG_AGO, scene.version_text
