"""One band of one file of a scene, and what STAC says about its pixels, whatever version of STAC says it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeGuard

from stratocube.catalog.hrefs import resolve_href
from stratocube.errors import InvalidRequest

# Files that no cube reads: documents, and pictures for the eye. What has no media type may be a raster.
_NO_RASTER_TYPES = {"image/png", "image/jpeg", "image/gif", "image/webp"}
_NO_RASTER_ROLES = {"thumbnail", "overview", "metadata"}
_RASTER_TYPES = (
    "image/",
    "application/x-hdf",
    "application/hdf",
    "application/x-netcdf",
    "application/netcdf",
    "application/octet-stream",
    "application/geotiff",
)

# Where each fact about the pixels may stand: STAC 1.1 band, raster v1 band, eo v1 band as Brazil Data Cube writes it.
_SCALE_KEYS = ("raster:scale", "scale")
_OFFSET_KEYS = ("raster:offset", "offset", "scale_add")


@dataclass(frozen=True)
class SceneAsset:
    """One band of one raster file of a scene. ``None`` everywhere means: the item does not say."""

    key: str
    """Key of the asset in the item."""
    href: str
    """Absolute: ``s3://…``, ``https://…`` or a path."""
    band_index: int = 1
    """Which band of the file, counted from 1 as GDAL does."""
    band_count: int = 1
    """How many bands the item says the file has."""
    band_name: str | None = None
    common_name: str | None = None
    """Common name of the eo extension, such as ``red`` or ``nir08``."""
    nodata: float | None = None
    """May be NaN or infinite."""
    scale: float | None = None
    """Physical value = stored value × scale + offset."""
    offset: float | None = None
    data_type: str | None = None
    """``uint16``, ``int16``, …: the names of the raster extension, which are numpy's."""
    media_type: str | None = None
    roles: tuple[str, ...] = ()
    checksum: str | None = None
    """Multihash of the whole file, hexadecimal."""
    alternate_hrefs: tuple[tuple[str, str], ...] = ()
    """(name, href) of further places of the same file, such as ``("s3", "s3://usgs-landsat/…")``."""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; ``from_json`` is the inverse. What is not said is left out."""
        document: dict[str, Any] = {"key": self.key, "href": self.href}
        defaults = SceneAsset("", "")
        for name in _PLAIN_FIELDS:
            value = getattr(self, name)
            if value != getattr(defaults, name):
                document[name] = value
        if self.nodata is not None:
            document["nodata"] = nodata_to_json(self.nodata)
        if self.roles:
            document["roles"] = list(self.roles)
        if self.alternate_hrefs:
            document["alternate_hrefs"] = dict(self.alternate_hrefs)
        return document

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> SceneAsset:
        """The asset that ``to_json`` wrote.

        Raises:
            InvalidRequest: when ``key`` or ``href`` is missing.
        """
        for name in ("key", "href"):
            if not isinstance(document.get(name), str):
                raise InvalidRequest("is missing from this asset", field=name)
        return cls(
            key=document["key"],
            href=document["href"],
            nodata=_nodata(document.get("nodata"), "nodata"),
            roles=tuple(document.get("roles", ())),
            alternate_hrefs=tuple(document.get("alternate_hrefs", {}).items()),
            **{name: document[name] for name in _PLAIN_FIELDS if name in document},
        )


_PLAIN_FIELDS = (
    "band_index",
    "band_count",
    "band_name",
    "common_name",
    "scale",
    "offset",
    "data_type",
    "media_type",
    "checksum",
)


def nodata_to_json(value: float) -> float | int | str:
    """A nodata value as STAC writes it: whole numbers as such, ``"nan"``, ``"inf"`` and ``"-inf"`` as text."""
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return int(value) if value == int(value) else value


def assets_of_item(item: Mapping[str, Any], location: str | None) -> tuple[SceneAsset, ...]:
    """The raster bands of a STAC Item (a dict of any STAC version from 0.7), in the item's order.

    Thumbnails, overviews, metadata and other documents are left out. ``location`` resolves relative hrefs.

    Raises:
        InvalidRequest: names the field (``assets.red.href``) that is missing or wrong.
    """
    assets = item.get("assets")
    if not isinstance(assets, Mapping):
        raise InvalidRequest("must be an object of assets", field="assets")
    properties = item.get("properties", {})
    found: list[SceneAsset] = []
    for key, asset in assets.items():
        field = f"assets.{key}"
        if not isinstance(asset, Mapping):
            raise InvalidRequest("must be an object", field=field)
        if _is_raster(asset, _roles(asset, field)):
            found.extend(_bands_of_asset(key, asset, properties, location, field))
    return tuple(found)


def _roles(asset: Mapping[str, Any], field: str) -> tuple[str, ...]:
    roles = asset.get("roles") or ()
    if not isinstance(roles, list | tuple) or not all(isinstance(role, str) for role in roles):
        raise InvalidRequest("must be a list of texts", field=f"{field}.roles")
    return tuple(roles)


def _is_raster(asset: Mapping[str, Any], roles: tuple[str, ...]) -> bool:
    if not _NO_RASTER_ROLES.isdisjoint(roles):
        return False
    media_type = asset.get("type")
    if not isinstance(media_type, str):
        return True
    kind = media_type.partition(";")[0].strip().lower()
    return kind.startswith(_RASTER_TYPES) and kind not in _NO_RASTER_TYPES


def _bands_of_asset(
    key: str, asset: Mapping[str, Any], properties: Mapping[str, Any], location: str | None, field: str
) -> list[SceneAsset]:
    whole = SceneAsset(
        key=key,
        href=resolve_href(asset.get("href", ""), location, field=f"{field}.href"),
        media_type=_text(asset.get("type"), f"{field}.type"),
        roles=_roles(asset, field),
        checksum=_text(asset.get("file:checksum", asset.get("checksum:multihash")), f"{field}.file:checksum"),
        alternate_hrefs=_alternates(asset.get("alternate"), location, f"{field}.alternate"),
    )
    eo_bands = _eo_bands(asset, properties, field)
    raster_bands = _objects(asset.get("raster:bands"), f"{field}.raster:bands")
    core_bands = _objects(asset.get("bands"), f"{field}.bands")
    count = max(len(eo_bands), len(raster_bands), len(core_bands), 1)
    shared = {**_pixel_facts(properties), **_pixel_facts(asset)}
    return [
        _one_band(
            replace(whole, band_index=index + 1, band_count=count),
            {**shared, **_nth(eo_bands, index), **_nth(raster_bands, index), **_nth(core_bands, index)},
            f"{field}.bands.{index}",
        )
        for index in range(count)
    ]


def _one_band(whole: SceneAsset, facts: Mapping[str, Any], field: str) -> SceneAsset:
    scale = _first_number(facts, _SCALE_KEYS, field)
    if scale == 0:
        raise InvalidRequest("a scale of 0 would make every pixel the same", field=f"{field}.scale")
    common_name = facts.get("eo:common_name", facts.get("common_name"))
    return replace(
        whole,
        band_name=_text(facts.get("name"), f"{field}.name"),
        common_name=_text(common_name, f"{field}.common_name"),
        nodata=_nodata(facts.get("nodata"), f"{field}.nodata"),
        scale=scale,
        offset=_first_number(facts, _OFFSET_KEYS, field),
        data_type=_text(facts.get("data_type"), f"{field}.data_type"),
    )


def _pixel_facts(owner: Mapping[str, Any]) -> dict[str, Any]:
    """What STAC 1.1 lets an asset, or the item's properties, say for all bands below."""
    names = ("nodata", "data_type", "raster:scale", "raster:offset")
    return {name: owner[name] for name in names if name in owner}


def _eo_bands(asset: Mapping[str, Any], properties: Mapping[str, Any], field: str) -> list[Mapping[str, Any]]:
    bands = asset.get("eo:bands")
    if isinstance(bands, list) and all(isinstance(band, int) for band in bands):
        # Before STAC 1.0.0-beta.1 an asset listed positions in the item's eo:bands.
        known = _objects(properties.get("eo:bands"), "properties.eo:bands")
        if any(not 0 <= position < len(known) for position in bands):
            raise InvalidRequest(f"{bands} points outside the item's eo:bands", field=f"{field}.eo:bands")
        return [known[position] for position in bands]
    return _objects(bands, f"{field}.eo:bands")


def _alternates(alternate: object, location: str | None, field: str) -> tuple[tuple[str, str], ...]:
    if not isinstance(alternate, Mapping):
        return ()
    return tuple(
        (name, resolve_href(place["href"], location, field=f"{field}.{name}.href"))
        for name, place in alternate.items()
        if isinstance(place, Mapping) and "href" in place
    )


def _objects(value: object, field: str) -> list[Mapping[str, Any]]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(entry, Mapping) for entry in value):
        raise InvalidRequest("must be a list of objects", field=field)
    return value


def _nth(bands: list[Mapping[str, Any]], index: int) -> dict[str, Any]:
    # A null says nothing: it must not hide what a more general place says.
    return {name: value for name, value in bands[index].items() if value is not None} if index < len(bands) else {}


def _first_number(facts: Mapping[str, Any], names: tuple[str, ...], field: str) -> float | None:
    for name in names:
        value = facts.get(name)
        if value is None:
            continue
        if not is_finite(value):
            raise InvalidRequest(f"must be a finite number, got {value!r}", field=f"{field}.{name}")
        return float(value)
    return None


def is_finite(value: object) -> TypeGuard[int | float]:
    """Whether a JSON value is a number that a float can hold; true and false are none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond all floats
        return False


def _nodata(value: object, field: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, str) and value.lower() in {"nan", "inf", "-inf"}:
        return float(value)
    if is_finite(value) or (isinstance(value, float) and not math.isfinite(value)):
        return value
    raise InvalidRequest(f'must be a number, "nan", "inf" or "-inf", got {value!r}', field=field)


def _text(value: object, field: str) -> str | None:
    if value is not None and not isinstance(value, str):
        raise InvalidRequest(f"must be text, got {value!r}", field=field)
    return value
