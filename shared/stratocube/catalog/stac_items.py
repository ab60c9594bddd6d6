"""From a STAC Item of any catalogue to a Scene, or a message that says what is wrong with the item."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pystac

from stratocube.catalog.acquisitions import acquisition_of
from stratocube.catalog.assets import SceneAsset, assets_of_item, is_finite
from stratocube.catalog.footprints import Box, bbox_of, polygon_of_bbox, read_footprint
from stratocube.catalog.hrefs import is_absolute, resolve_href
from stratocube.catalog.instants import instant, instant_text
from stratocube.catalog.scenes import Scene
from stratocube.errors import InvalidRequest

# Where archives write when they made the pixels, best first.
_GENERATED = ("s2:generation_time", "processing:datetime", "odc:processing_datetime")


def scene_from_item(item: Mapping[str, Any] | pystac.Item, *, location: str | None = None) -> Scene:
    """The scene a STAC Item describes.

    ``item`` is a ``pystac.Item`` or the item's JSON of any STAC version from 0.7. Relative hrefs are resolved against
    the item's absolute self link, else against ``location``, the place of the document the item was read from.

    Raises:
        InvalidRequest: names the item and the field that is missing or wrong.
    """
    if isinstance(item, pystac.Item):
        location = location or item.get_self_href()
        item = item.to_dict(include_self_link=True, transform_hrefs=False)
    if not isinstance(item, Mapping):
        raise InvalidRequest(f"a STAC Item must be a JSON object, got {type(item).__name__}")
    item_id = item.get("id")
    if not isinstance(item_id, str) or not item_id:
        raise InvalidRequest("a STAC Item needs an id", field="id")
    try:
        return _scene(item_id, item, location)
    except InvalidRequest as error:
        raise InvalidRequest(f"{error.reason} (item {item_id})", field=error.field) from error


def collection_of(item: Mapping[str, Any]) -> str:
    """The collection an item's JSON belongs to, where older catalogues write it too; empty when it does not say."""
    properties = _properties(item)
    named = item.get("collection") or properties.get("collection") or properties.get("odc:product")
    return named if isinstance(named, str) else ""


def _properties(item: Mapping[str, Any]) -> Mapping[str, Any]:
    properties = item.get("properties")
    return properties if isinstance(properties, Mapping) else {}


def _scene(item_id: str, item: Mapping[str, Any], location: str | None) -> Scene:
    if item.get("type", "Feature") != "Feature":
        raise InvalidRequest(f"a STAC Item has type Feature, not {item['type']!r}", field="type")
    if not isinstance(item.get("properties"), Mapping):
        raise InvalidRequest("must be an object", field="properties")
    properties = _properties(item)
    item_href = _item_href(item, location)
    assets = assets_of_item(item, item_href)
    updated = _optional_instant(properties, ("updated",))
    generated = _optional_instant(properties, _GENERATED)
    baseline = properties.get("s2:processing_baseline")
    bbox, geometry = _footprint(item)
    return Scene(
        id=item_id,
        collection=collection_of(item),
        datetime=_acquired(properties),
        platform=_platform(properties),
        bbox=bbox,
        geometry=geometry,
        assets=assets,
        version_text=_version_text(updated, generated, baseline, properties, assets),
        cloud_cover_percent=_cloud_cover(properties),
        updated=updated,
        generated=generated,
        processing_baseline=str(baseline) if baseline is not None else "",
        boa_offset_applied=_optional_flag(properties, "earthsearch:boa_offset_applied"),
        item_href=item_href or "",
        acquisition=acquisition_of(item_id, properties),
    )


def _item_href(item: Mapping[str, Any], location: str | None) -> str | None:
    links = item.get("links") or []
    for link in links if isinstance(links, list) else []:
        if isinstance(link, Mapping) and link.get("rel") == "self" and isinstance(link.get("href"), str):
            href = link["href"]
            if is_absolute(href) or location:
                return resolve_href(href, location, field="links.self")
    return location


def _acquired(properties: Mapping[str, Any]) -> datetime:
    for name in ("datetime", "start_datetime", "dtr:start_datetime"):
        if properties.get(name) is not None:
            return instant(properties[name], f"properties.{name}")
    raise InvalidRequest("is missing, and so is start_datetime", field="properties.datetime")


def _platform(properties: Mapping[str, Any]) -> str:
    for name in ("platform", "eo:platform", "constellation"):
        value = properties.get(name)
        if isinstance(value, str) and value:
            return platform_name(value)
    return ""


def platform_name(text: str) -> str:
    """The name of a platform however it is spelled: ``LANDSAT_8`` and ``Landsat 8`` are ``landsat-8``."""
    return text.strip().lower().replace("_", "-").replace(" ", "-")


def _cloud_cover(properties: Mapping[str, Any]) -> float | None:
    value = properties.get("eo:cloud_cover")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidRequest(f"must be a number, got {value!r}", field="properties.eo:cloud_cover")
    # Landsat archives write -1 for "not computed"; percentages summed from parts come out as 100.0000001.
    return None if value < 0 else min(float(value), 100.0)


def _optional_instant(properties: Mapping[str, Any], names: tuple[str, ...]) -> datetime | None:
    for name in names:
        if properties.get(name) is not None:
            return instant(properties[name], f"properties.{name}")
    return None


def _optional_flag(properties: Mapping[str, Any], name: str) -> bool | None:
    value = properties.get(name)
    if value is not None and not isinstance(value, bool):
        raise InvalidRequest(f"must be true or false, got {value!r}", field=f"properties.{name}")
    return value


def _footprint(item: Mapping[str, Any]) -> tuple[Box, Mapping[str, Any]]:
    bbox, geometry = item.get("bbox"), item.get("geometry")
    if geometry is not None:
        read_footprint(geometry, "geometry")
        return _box(bbox) if bbox is not None else bbox_of(geometry), geometry
    if bbox is None:
        raise InvalidRequest("is missing, and so is bbox: the scene is nowhere", field="geometry")
    geometry = polygon_of_bbox(_box(bbox))
    read_footprint(geometry, "bbox")
    return _box(bbox), geometry


def _box(bbox: object) -> Box:
    numbers = bbox if isinstance(bbox, list | tuple) else []
    if len(numbers) in {4, 6} and all(map(is_finite, numbers)):
        half = len(numbers) // 2
        return float(numbers[0]), float(numbers[1]), float(numbers[half]), float(numbers[half + 1])
    raise InvalidRequest("must be 4 or 6 numbers", field="bbox")


def _version_text(
    updated: datetime | None,
    generated: datetime | None,
    baseline: object,
    properties: Mapping[str, Any],
    assets: tuple[SceneAsset, ...],
) -> str:
    checksums = sorted({f"{asset.key}={asset.checksum}" for asset in assets if asset.checksum})
    digest = hashlib.sha256("\n".join(checksums).encode()).hexdigest()[:32] if checksums else ""
    facts = {
        "updated": instant_text(updated) if updated else "",
        "generated": instant_text(generated) if generated else "",
        "baseline": str(baseline) if baseline is not None else "",
        "version": str(properties.get("version") or ""),
        "checksums": digest,
    }
    return ";".join(f"{name}={value}" for name, value in facts.items() if value)
