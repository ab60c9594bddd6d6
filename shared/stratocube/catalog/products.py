"""STAC Items of what a cube publishes: composites of a period, and identity items of a date.

Items are STAC 1.1.0, made with pystac. All hrefs of a product's own files are relative and there is no self link, so
that a tree of products can be copied elsewhere and still reads. Fields of no extension have the prefix
``stratocube:``; ``bdc:tiles`` is what Brazil Data Cube's clients ask for.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pystac

from stratocube.catalog.hrefs import is_absolute
from stratocube.catalog.instants import instant_text
from stratocube.catalog.product_bands import (
    COG_MEDIA_TYPE,
    EO,
    FILE,
    GRID,
    PROCESSING,
    PROJECTION,
    BandInfo,
    band_extensions,
    picture_bands,
)
from stratocube.cube.geobox import GeoBox
from stratocube.errors import InvalidRequest

_MULTIHASH = re.compile(r"(?:[0-9a-f]{2}){3,}")
_SOFTWARE = "stratocube"


@dataclass(frozen=True)
class CrsInfo:
    """How STAC names a coordinate reference system: by code where it has one, else by WKT."""

    code: str | None = None
    """``EPSG:32633``."""
    wkt2: str | None = None
    """WKT 2 (ISO 19162), required without a code."""
    proj4: str | None = None
    """The same as a text of PROJ.4, for programs that know neither codes nor WKT, such as maps in a browser."""

    def __post_init__(self) -> None:
        if not self.code and not self.wkt2:
            raise InvalidRequest("a CRS needs a code such as EPSG:32633, or its WKT2", field="crs")
        if self.code and not re.fullmatch(r"[A-Za-z0-9_]+:[A-Za-z0-9_.-]+", self.code):
            raise InvalidRequest(f"must be AUTHORITY:CODE, got {self.code!r}", field="crs.code")

    def to_stac(self) -> dict[str, Any]:
        """Fields of projection 2.0: a code alone, or a null code and the WKT; and ``stratocube:proj4``."""
        named = {"proj:code": self.code} if self.code else {"proj:code": None, "proj:wkt2": self.wkt2}
        return named | ({"stratocube:proj4": self.proj4} if self.proj4 else {})


@dataclass(frozen=True)
class BandFile:
    """The file of one band of a product."""

    band: BandInfo
    href: str
    """Relative to the item: ``./S2-16D_V2_030019_20260306_NDVI.tif``."""
    size_bytes: int
    checksum: str
    """Multihash, hexadecimal: ``1220`` + SHA-256."""
    statistics: Mapping[str, float] | None = None
    """Of the stored numbers, as they are in the file; None where they are not known."""

    def __post_init__(self) -> None:
        _check_file(self.href, self.size_bytes, self.checksum, self.band.name)


@dataclass(frozen=True)
class Picture:
    """A picture of a product, for the eye."""

    href: str
    """Relative to the item."""
    size_bytes: int
    checksum: str
    shape: tuple[int, int]
    """(rows, columns)."""
    key: str = "thumbnail"
    media_type: str = "image/png"
    roles: tuple[str, ...] = ("thumbnail", "overview")
    title: str = ""
    band_names: tuple[str, ...] = ()
    """Of a picture that is a raster of red, green and blue: the bands they are made of."""

    def __post_init__(self) -> None:
        _check_file(self.href, self.size_bytes, self.checksum, self.key)


@dataclass(frozen=True)
class InputItem:
    """A scene, or an item of another cube, that a product was made of."""

    id: str
    href: str
    """Where its STAC Item can be read; relative to the product's item, or absolute."""

    def __post_init__(self) -> None:
        if not self.href:
            raise InvalidRequest("must say where the item can be read", field=f"inputs.{self.id}.href")


@dataclass(frozen=True)
class ProductInfo:
    """What composites and identity items have in common."""

    collection_id: str
    item_id: str
    collection_href: str
    """Relative to the item: ``../../../../../../collection.json``."""
    grid: str
    tile: str
    geobox: GeoBox
    crs: CrsInfo
    """The CRS of ``geobox``."""
    footprint: Mapping[str, Any]
    """GeoJSON Polygon or MultiPolygon in longitude and latitude."""
    bbox: tuple[float, float, float, float]
    """West, south, east, north of the footprint."""
    files: tuple[BandFile, ...]
    identity: str
    """Identity of the product: same inputs, same parameters, same algorithms."""
    software_version: str
    created: dt.datetime
    """When the item was written; aware."""
    pictures: tuple[Picture, ...] = ()
    inputs: tuple[InputItem, ...] = ()
    sources: tuple[str, ...] = ()
    """Input collections, or platforms, in the order of the values of DATASOURCE."""
    platforms: tuple[str, ...] = ()
    resolution_m: float | None = None
    """Pixel size where the grid's unit is the metre, else None."""
    efficacy_percent: float | None = None
    """Share of clear pixels among all pixels of the tile."""
    cloud_ratio_percent: float | None = None
    """Share of not clear pixels among the observed ones."""
    flags: tuple[str, ...] = ()
    """What is doubtful about the product (:mod:`stratocube.pixels.picture_checks`)."""
    quicklook_facts: Mapping[str, Any] | None = None
    """The numbers behind the flags."""
    extra_properties: Mapping[str, Any] = field(default_factory=dict)
    """Further item properties, as they are; must not repeat one written here."""


def composite_item(
    product: ProductInfo,
    *,
    start: dt.date,
    end: dt.date,
    composite_function: str,
    dates: Sequence[dt.date],
) -> dict[str, Any]:
    """The STAC Item (JSON) of the composite of one tile and period.

    ``start`` and ``end`` are the closed dates of the period; ``datetime`` is the start, as Brazil Data Cube has it.
    ``dates`` are the solar days composited, in rank order (the order of the blend); none means an empty period.

    Raises:
        InvalidRequest: when values contradict each other, naming the field.
    """
    if end < start:
        raise InvalidRequest(f"{end} is before the start, {start}", field="end")
    first = dt.datetime.combine(start, dt.time(), dt.UTC)
    last = dt.datetime.combine(end, dt.time(23, 59, 59), dt.UTC)
    return _item(
        product,
        (first, first, last),
        {
            "stratocube:composite_function": composite_function,
            "stratocube:dates": [day.isoformat() for day in dates],
            "stratocube:date_count": len(dates),
            "stratocube:empty": not dates,
            "processing:lineage": (
                f"{composite_function} composite of {len(dates)} dates, {start} to {end}, on tile {product.tile} of "
                f"{product.grid}"
            ),
        },
    )


def identity_item(product: ProductInfo, *, day: dt.date, acquired: Sequence[dt.datetime]) -> dict[str, Any]:
    """The STAC Item (JSON) of one tile on one solar day: warped and mosaicked, not composited.

    ``day`` is the solar day, ``acquired`` the aware acquisition times of its scenes, in any order. ``datetime`` is the
    first acquisition.

    Raises:
        InvalidRequest: when values contradict each other, naming the field.
    """
    if not acquired:
        raise InvalidRequest("an identity item needs the acquisition time of a scene", field="acquired")
    if any(moment.tzinfo is None for moment in acquired):
        raise InvalidRequest("must have a time zone", field="acquired")
    # STAC wants UTC: pystac would write the zone as it comes.
    first, last = min(acquired).astimezone(dt.UTC), max(acquired).astimezone(dt.UTC)
    return _item(
        product,
        (first, first, last),
        {
            "stratocube:solar_day": day.isoformat(),
            "stratocube:date_count": 1,
            "processing:lineage": (
                f"{len(acquired)} scenes of {day}, warped and mosaicked on tile {product.tile} of {product.grid}"
            ),
        },
    )


def grid_code(grid: str, tile: str) -> str:
    """A tile as the grid extension names it, with capitals and digits before the dash: ``SLOVENIADEMO-000001``."""
    return f"{re.sub(r'[^A-Z0-9]', '', grid.upper()) or 'GRID'}-{tile}"


def _item(
    product: ProductInfo, times: tuple[dt.datetime, dt.datetime, dt.datetime], facts: Mapping[str, Any]
) -> dict[str, Any]:
    moment, first, last = times
    own = _properties(product) | dict(facts)
    repeated = sorted(own.keys() & product.extra_properties.keys())
    if repeated:
        raise InvalidRequest("is written by stratocube itself: leave it out", field=f"extra_properties.{repeated[0]}")
    bands = tuple(file.band for file in product.files)
    item = pystac.Item(
        id=product.item_id,
        geometry=dict(product.footprint),
        bbox=list(product.bbox),
        datetime=moment,
        start_datetime=first,
        end_datetime=last,
        properties=own | dict(product.extra_properties),
        stac_extensions=sorted({*band_extensions(bands), EO, PROJECTION, FILE, PROCESSING, GRID}),
        assets=_assets(product),
        collection=product.collection_id,
    )
    for rel in ("collection", "parent"):
        item.add_link(pystac.Link(rel, product.collection_href, pystac.MediaType.JSON, product.collection_id))
    for source in product.inputs:
        item.add_link(pystac.Link("derived_from", source.href, pystac.MediaType.GEOJSON, source.id))
    return item.to_dict(include_self_link=False, transform_hrefs=False)


def _properties(product: ProductInfo) -> dict[str, Any]:
    geobox = product.geobox
    created = instant_text(product.created)
    properties: dict[str, Any] = {
        "created": created,
        "updated": created,
        **product.crs.to_stac(),
        "proj:shape": list(geobox.shape),
        "proj:transform": list(geobox.transform),
        "proj:bbox": list(geobox.bounds),
        "grid:code": grid_code(product.grid, product.tile),
        "bdc:tiles": [product.tile],
        "processing:software": {_SOFTWARE: product.software_version},
        "stratocube:grid": product.grid,
        "stratocube:identity": product.identity,
        "stratocube:flags": list(product.flags),
    }
    optional = {
        "platform": product.platforms[0] if len(product.platforms) == 1 else None,
        "gsd": product.resolution_m,
        "eo:cloud_cover": _percent(product.cloud_ratio_percent, "cloud_ratio_percent"),
        "stratocube:efficacy": _percent(product.efficacy_percent, "efficacy_percent"),
        "stratocube:cloud_ratio": product.cloud_ratio_percent,
        "stratocube:sources": list(product.sources) or None,
        "stratocube:quicklook": dict(product.quicklook_facts) if product.quicklook_facts else None,
        "stratocube:platforms": list(product.platforms) if len(product.platforms) > 1 else None,
    }
    return properties | {name: value for name, value in optional.items() if value is not None}


def _percent(value: float | None, name: str) -> float | None:
    if value is not None and not 0 <= value <= 100:
        raise InvalidRequest(f"must be within 0 and 100, got {value!r}", field=name)
    return value


def _assets(product: ProductInfo) -> dict[str, pystac.Asset]:
    if not product.files:
        raise InvalidRequest("a product needs the file of at least one band", field="files")
    assets: dict[str, pystac.Asset] = {}
    for file in product.files:
        described = file.band.to_stac(product.resolution_m, file.statistics)
        if file.band.description:
            described["title"] = file.band.description
        _put(assets, file.band.name, _asset(file, COG_MEDIA_TYPE, file.band.roles, described))
    for picture in product.pictures:
        # Without its own grid a picture would inherit the item's, and be taken for as large as the bands.
        fields = _picture_grid(picture, product) | ({"title": picture.title} if picture.title else {})
        if picture.band_names:
            fields |= picture_bands(picture.band_names, product.resolution_m)
        _put(assets, picture.key, _asset(picture, picture.media_type, list(picture.roles), fields))
    return assets


def _asset(file: BandFile | Picture, media_type: str, roles: list[str], fields: dict[str, Any]) -> pystac.Asset:
    stored = {"file:size": file.size_bytes, "file:checksum": file.checksum}
    return pystac.Asset(href=file.href, media_type=media_type, roles=roles, extra_fields=fields | stored)


def _put(assets: dict[str, pystac.Asset], key: str, asset: pystac.Asset) -> None:
    if key in assets:
        raise InvalidRequest(f"{key} is there twice", field="files")
    assets[key] = asset


def _picture_grid(picture: Picture, product: ProductInfo) -> dict[str, Any]:
    rows, columns = picture.shape
    x_min, y_min, x_max, y_max = product.geobox.bounds
    transform = [(x_max - x_min) / columns, 0.0, x_min, 0.0, (y_min - y_max) / rows, y_max]
    return {"proj:shape": [rows, columns], "proj:transform": transform}


def _check_file(href: str, size_bytes: int, checksum: str, key: str) -> None:
    if is_absolute(href):
        raise InvalidRequest(f"must be relative to the item, such as ./file.tif, got {href!r}", field=f"{key}.href")
    if size_bytes < 0:
        raise InvalidRequest(f"must not be negative, got {size_bytes}", field=f"{key}.size_bytes")
    if not _MULTIHASH.fullmatch(checksum):
        raise InvalidRequest(
            f"must be a multihash in hexadecimal (1220 + SHA-256), got {checksum!r}", field=f"{key}.checksum"
        )
