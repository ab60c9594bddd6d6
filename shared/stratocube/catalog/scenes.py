"""A scene: what stratocube needs to know of one STAC Item of a source collection."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from stratocube.catalog.acquisitions import Acquisition
from stratocube.catalog.assets import SceneAsset
from stratocube.catalog.instants import instant, instant_text
from stratocube.errors import InvalidRequest


@dataclass(frozen=True)
class Scene:
    """One STAC Item of a source collection. ``None`` and empty text mean: the item does not say."""

    id: str
    collection: str
    """Id of the source collection."""
    datetime: dt.datetime
    """Acquisition, aware, in UTC; the start where the item gives only a range."""
    platform: str
    """Lower case with hyphens (``sentinel-2a``, ``landsat-8``), however the archive spells it."""
    bbox: tuple[float, float, float, float]
    """West, south, east, north in degrees; west > east at the antimeridian."""
    geometry: Mapping[str, Any]
    """Footprint, GeoJSON Polygon or MultiPolygon in longitude and latitude."""
    assets: tuple[SceneAsset, ...]
    """One entry a band of each raster file, in the item's order."""
    version_text: str
    """Whatever the item says that differs when the archive processes the scene again; part of product identities."""
    cloud_cover_percent: float | None = None
    updated: dt.datetime | None = None
    """Last change of the item, aware, in UTC."""
    generated: dt.datetime | None = None
    """When the archive produced the pixels, aware, in UTC."""
    processing_baseline: str = ""
    """Sentinel-2 only, such as ``05.09``."""
    boa_offset_applied: bool | None = None
    """Earth Search only: whether the offset of baseline 04.00 is out of the pixels already, as the item claims."""
    item_href: str = ""
    """Where the item can be read: its self link, else the document it was found in."""
    acquisition: Acquisition = field(default_factory=Acquisition)
    """Which look at the ground this is."""

    @property
    def key(self) -> str:
        """``<collection>/<id>``: unique where the id alone is not."""
        return f"{self.collection}/{self.id}"

    def asset_for(self, band_name: str, common_name: str | None = None) -> SceneAsset:
        """The asset that holds a band.

        Looked up by, in this order: asset key, band name, the common name as asset key, the common name, the band
        name taken as a common name; first as written, then whatever the case and without the ending of a key
        (``SCL`` finds ``scl``, ``QA_PIXEL`` finds ``QA_PIXEL.TIF``). The first of these that finds anything decides;
        files of one band go before files of several.

        Raises:
            InvalidRequest: nothing or more than one is found; the message lists what the item offers.
        """
        for normal in (_as_written, _relaxed):
            for candidates in self._lookups(band_name, common_name, normal):
                if candidates:
                    return self._only_one(candidates, band_name)
        wanted = f"{band_name!r}" + (f" (common name {common_name!r})" if common_name else "")
        raise InvalidRequest(
            f"scene {self.id} has no asset for {wanted}; it offers {_listed(self.assets)}."
            " Use one of these as the band's name or common name",
            field=f"bands.{band_name}",
        )

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; ``from_json`` is the inverse. What is not said is left out."""
        document: dict[str, Any] = {
            "id": self.id,
            "collection": self.collection,
            "datetime": instant_text(self.datetime),
            "platform": self.platform,
            "bbox": list(self.bbox),
            "geometry": dict(self.geometry),
            "assets": [asset.to_json() for asset in self.assets],
            "version_text": self.version_text,
            "cloud_cover_percent": self.cloud_cover_percent,
            "updated": instant_text(self.updated) if self.updated else None,
            "generated": instant_text(self.generated) if self.generated else None,
            "processing_baseline": self.processing_baseline or None,
            "boa_offset_applied": self.boa_offset_applied,
            "item_href": self.item_href or None,
            "acquisition": asdict(self.acquisition) if self.acquisition != Acquisition() else None,
        }
        return {name: value for name, value in document.items() if value is not None}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Scene:
        """The scene that ``to_json`` wrote.

        Raises:
            InvalidRequest: when a field that every scene has is missing.
        """
        required = ("id", "collection", "datetime", "platform", "bbox", "geometry", "assets", "version_text")
        for name in required:
            if name not in document:
                raise InvalidRequest("is missing from this scene", field=name)
        west, south, east, north = document["bbox"]
        return cls(
            id=document["id"],
            collection=document["collection"],
            datetime=instant(document["datetime"], "datetime"),
            platform=document["platform"],
            bbox=(west, south, east, north),
            geometry=document["geometry"],
            assets=tuple(SceneAsset.from_json(asset) for asset in document["assets"]),
            version_text=document["version_text"],
            cloud_cover_percent=document.get("cloud_cover_percent"),
            updated=instant(document["updated"], "updated") if "updated" in document else None,
            generated=instant(document["generated"], "generated") if "generated" in document else None,
            processing_baseline=document.get("processing_baseline", ""),
            boa_offset_applied=document.get("boa_offset_applied"),
            item_href=document.get("item_href", ""),
            acquisition=Acquisition.from_json(document.get("acquisition", {})),
        )

    def _lookups(
        self, band_name: str, common_name: str | None, normal: Callable[[str], str]
    ) -> Iterable[list[SceneAsset]]:
        band = normal(band_name)
        yield [a for a in self.assets if normal(a.key) == band]
        yield [a for a in self.assets if a.band_name and normal(a.band_name) == band]
        if common_name:
            common = normal(common_name)
            yield [a for a in self.assets if normal(a.key) == common]
            yield [a for a in self.assets if a.common_name and normal(a.common_name) == common]
        yield [a for a in self.assets if a.common_name and normal(a.common_name) == band]

    def _only_one(self, candidates: list[SceneAsset], band_name: str) -> SceneAsset:
        fewest = min(asset.band_count for asset in candidates)
        best = [asset for asset in candidates if asset.band_count == fewest]
        if len(best) > 1:
            raise InvalidRequest(
                f"scene {self.id} has several assets for this band, {_listed(best)}: name the band by the asset's key",
                field=f"bands.{band_name}",
            )
        return best[0]


def _as_written(name: str) -> str:
    return name


def _relaxed(name: str) -> str:
    stem, dot, ending = name.rpartition(".")
    return (stem if dot and ending.lower() in {"tif", "tiff", "jp2"} else name).lower()


def _listed(assets: Iterable[SceneAsset]) -> str:
    return ", ".join(_described(asset) for asset in assets) or "no raster assets"


def _described(asset: SceneAsset) -> str:
    names = [name for name in (asset.band_name, asset.common_name) if name and name != asset.key]
    return f"{asset.key} ({', '.join(dict.fromkeys(names))})" if names else asset.key
