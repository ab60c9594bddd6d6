"""STAC Collection of a cube, and how it grows with every item published."""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

import pystac

from stratocube.catalog.instants import instant, instant_text
from stratocube.catalog.product_bands import (
    COG_MEDIA_TYPE,
    DATACUBE,
    PROJECTION,
    RENDER,
    VERSION,
    BandInfo,
    band_extensions,
)
from stratocube.catalog.products import CrsInfo
from stratocube.catalog.renders import renders
from stratocube.errors import InvalidRequest

Box = tuple[float, float, float, float]

_STEP_LETTERS: Final = MappingProxyType({"day": "D", "month": "M", "year": "Y"})


@dataclass(frozen=True)
class ProviderInfo:
    """Who made, licensed, processed or hosts the data."""

    name: str
    roles: tuple[str, ...]
    """Of ``licensor``, ``producer``, ``processor``, ``host``."""
    url: str | None = None


@dataclass(frozen=True)
class ItemExtent:
    """What part of the world and of time an item covers."""

    bbox: Box
    """West, south, east, north in degrees; west > east across 180 degrees."""
    start: dt.datetime
    """Aware."""
    end: dt.datetime
    """Aware."""
    bounds: Box
    """x_min, y_min, x_max, y_max in the grid's CRS."""
    tile: str
    href: str | None = None
    """Of the item, relative to the collection: gives the collection a link to it. None gives none."""


@dataclass(frozen=True)
class CollectionInfo:
    """What the collection of a cube says of it."""

    id: str
    """``S2-16D-2``."""
    title: str
    description: str
    version: str
    bands: tuple[BandInfo, ...]
    """All layers of the items, in their order."""
    grid: str
    crs: CrsInfo
    resolution: float
    """Pixel size in units of the CRS."""
    composite_function: str
    """``LCF``, ``MED``, ``AVG`` or ``IDT``."""
    temporal_composition: Mapping[str, Any] | None = None
    """cube-builder's JSON: ``schema``, ``unit``, ``step`` and so on; None for identity cubes."""
    license: str = "other"
    """SPDX identifier, or ``other``."""
    license_href: str | None = None
    providers: tuple[ProviderInfo, ...] = ()
    keywords: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    resolution_m: float | None = None
    """Pixel size where the grid's unit is the metre, else None."""
    bands_quicklook: tuple[str, ...] = ()
    """Red, green and blue of the picture."""
    sources: tuple[tuple[str, str], ...] = ()
    """(id, href) of the collections the cube is made of."""
    related: tuple[tuple[str, str, str], ...] = ()
    """(relation, id, href) of collections that belong with this one: per-date products and composites."""
    channel_limits: tuple[tuple[float, float], ...] = ()
    """What is black and what is full in the picture's red, green and blue, in stored numbers."""
    extra_fields: Mapping[str, Any] = field(default_factory=dict)
    """Further fields of the collection, as they are; must not repeat one written here."""


def cube_collection(info: CollectionInfo, items: Sequence[ItemExtent]) -> dict[str, Any]:
    """The STAC Collection (JSON, version 1.1.0) of a cube that has these items, at least one.

    Raises:
        InvalidRequest: without items, or when values contradict each other, naming the field.
    """
    if not items:
        raise InvalidRequest("a collection begins with its first item: STAC has no empty extent", field="items")
    first = items[0]
    west, south, east, north = _unfolded(first.bbox)
    pictures = renders(info.bands, info.bands_quicklook, info.channel_limits)
    extensions = {RENDER} if pictures else set()
    collection = pystac.Collection(
        id=info.id,
        title=info.title,
        description=info.description,
        license=info.license,
        keywords=list(info.keywords) or None,
        providers=[_provider(one) for one in info.providers] or None,
        extent=pystac.Extent(
            pystac.SpatialExtent([[west, south, east, north]]), pystac.TemporalExtent([[first.start, first.end]])
        ),
        summaries=pystac.Summaries(_summaries(info, first)),
        stac_extensions=sorted({*band_extensions(info.bands), *extensions, PROJECTION, DATACUBE, VERSION}),
        extra_fields=_extra_fields(info, first) | ({"renders": pictures} if pictures else {}),
    )
    if info.license_href:
        collection.add_link(pystac.Link("license", info.license_href))
    for source_id, href in info.sources:
        collection.add_link(pystac.Link("derived_from", href, pystac.MediaType.JSON, source_id))
    for relation, other_id, href in info.related:
        collection.add_link(pystac.Link(relation, href, pystac.MediaType.JSON, other_id))
    document = collection.to_dict(include_self_link=False, transform_hrefs=False)
    # pystac names the collection its own root, by an href that it invents.
    document["links"] = [link for link in document["links"] if link["rel"] != "root"]
    return widen_extent(document, items)


def with_links_of(collection: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """The collection (JSON) with the links to other collections that ``other`` has and it lacks: cubes share the
    collection of their per-date products, and each links it to its own. The argument is not changed."""
    grown = copy.deepcopy(dict(collection))
    kinds = {"related", "derived_from"}
    linked = [link for link in (*grown["links"], *other["links"]) if link["rel"] in kinds]
    # In order of address, whichever cube came first.
    by_address = {(link["rel"], link["href"]): dict(link) for link in reversed(linked)}
    others = [link for link in grown["links"] if link["rel"] not in kinds]
    grown["links"] = [*others, *(by_address[address] for address in sorted(by_address))]
    return grown


def widen_extent(collection: Mapping[str, Any], items: Iterable[ItemExtent]) -> dict[str, Any]:
    """The collection (JSON) grown to cover more items: extents, dimensions, tiles and, where given, item links.

    Nothing ever shrinks; order and repetition of the items do not matter, so a repeated publish does no harm. The
    argument is not changed. An end of time of null (a cube without end) stays. Items across 180 degrees make the
    bbox reach from -180 to 180: a union of boxes on a ring has no other form that does not depend on the order.

    Raises:
        InvalidRequest: when the document lacks the extent of a cube's collection.
    """
    grown = copy.deepcopy(dict(collection))
    try:
        for item in items:
            _widen(grown, item)
    except (KeyError, IndexError, TypeError) as error:
        raise InvalidRequest(f"is no collection of a cube: {error!r}", field="collection") from error
    return grown


def _provider(info: ProviderInfo) -> pystac.Provider:
    known = {role.value: role for role in pystac.ProviderRole}
    unknown = sorted(set(info.roles) - known.keys())
    if unknown:
        raise InvalidRequest(f"{unknown[0]!r} is no role: use {', '.join(known)}", field="providers.roles")
    return pystac.Provider(info.name, roles=[known[role] for role in info.roles], url=info.url)


def _widen(document: dict[str, Any], item: ItemExtent) -> None:
    extent = document["extent"]
    boxes, intervals = extent["spatial"]["bbox"], extent["temporal"]["interval"]
    boxes[0] = _union(boxes[0], _unfolded(item.bbox))
    intervals[0] = _longer(intervals[0], item)
    dimensions = document["cube:dimensions"]
    x_min, y_min, x_max, y_max = item.bounds
    for axis, low, high in (("x", x_min, x_max), ("y", y_min, y_max)):
        before = dimensions[axis]["extent"]
        dimensions[axis]["extent"] = [min(before[0], low), max(before[1], high)]
    dimensions["temporal"]["extent"] = list(intervals[0])
    tiles = document["summaries"].setdefault("bdc:tiles", [])
    if item.tile not in tiles:
        document["summaries"]["bdc:tiles"] = sorted([*tiles, item.tile])
    if item.href is not None:
        document["links"] = _with_item_link(document["links"], item.href)


def _union(before: Sequence[float], box: Box) -> list[float]:
    west, south, east, north = before
    return [min(west, box[0]), min(south, box[1]), max(east, box[2]), max(north, box[3])]


def _unfolded(bbox: Box) -> Box:
    west, south, east, north = bbox
    return (-180.0, south, 180.0, north) if west > east else bbox


def _longer(interval: Sequence[str | None], item: ItemExtent) -> list[str | None]:
    start, end = interval
    return [
        start and instant_text(min(instant(start, "extent.temporal"), item.start)),
        end and instant_text(max(instant(end, "extent.temporal"), item.end)),
    ]


def _with_item_link(links: Sequence[Mapping[str, Any]], href: str) -> list[Mapping[str, Any]]:
    others = [link for link in links if link.get("rel") != "item"]
    hrefs = {link["href"] for link in links if link.get("rel") == "item"} | {href}
    return [*others, *({"rel": "item", "href": one, "type": "application/geo+json"} for one in sorted(hrefs))]


def _summaries(info: CollectionInfo, first: ItemExtent) -> dict[str, Any]:
    crs = {name: [value] for name, value in info.crs.to_stac().items() if value is not None}
    summaries: dict[str, Any] = {**crs, "bdc:tiles": [first.tile]}
    if info.platforms:
        summaries["platform"] = list(info.platforms)
    if info.resolution_m is not None:
        summaries["gsd"] = [info.resolution_m]
    return summaries


def _extra_fields(info: CollectionInfo, first: ItemExtent) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "version": info.version,
        "item_assets": {
            band.name: {"type": COG_MEDIA_TYPE, "roles": band.roles, **band.to_stac(info.resolution_m)}
            for band in info.bands
        },
        "cube:dimensions": _dimensions(info, first),
        "bdc:type": "cube",
        "bdc:grs": info.grid,
        "bdc:composite_function": info.composite_function,
    }
    if info.temporal_composition is not None:
        fields["bdc:temporal_composition"] = dict(info.temporal_composition)
    if info.bands_quicklook:
        fields["bdc:bands_quicklook"] = list(info.bands_quicklook)
    repeated = sorted(fields.keys() & info.extra_fields.keys())
    if repeated:
        raise InvalidRequest("is written by stratocube itself: leave it out", field=f"extra_fields.{repeated[0]}")
    return fields | dict(info.extra_fields)


def _dimensions(info: CollectionInfo, first: ItemExtent) -> dict[str, Any]:
    x_min, y_min, x_max, y_max = first.bounds
    space = {"type": "spatial", "reference_system": _reference_system(info.crs), "step": info.resolution}
    return {
        "x": {**space, "axis": "x", "extent": [x_min, x_max]},
        "y": {**space, "axis": "y", "extent": [y_min, y_max]},
        "temporal": {
            "type": "temporal",
            "extent": [instant_text(first.start), instant_text(first.end)],
            "step": _duration(info.temporal_composition),
        },
        "bands": {"type": "bands", "values": [band.name for band in info.bands]},
    }


def _reference_system(crs: CrsInfo) -> int | str | None:
    authority, _, code = (crs.code or "").partition(":")
    return int(code) if authority == "EPSG" and code.isdigit() else crs.wkt2 or crs.code


def _duration(temporal_composition: Mapping[str, Any] | None) -> str | None:
    """ISO 8601 duration of a period; None (no regular step) where a cycle or intervals cut periods."""
    rule = temporal_composition or {}
    letter = _STEP_LETTERS.get(str(rule.get("unit")))
    if letter is None or "step" not in rule or rule.get("intervals") or rule.get("cycle"):
        return None
    return f"P{rule['step']}{letter}"
