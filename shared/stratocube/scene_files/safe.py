"""Sentinel-2 products as ESA hands them out: a SAFE folder, zipped or not, described by its ``MTD_MSIL*.xml``.

Source: ESA, Sentinel-2 Products Specification Document (S2-PDGS-TAS-DI-PSD), user product metadata.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

from stratocube.errors import InvalidRequest

_METADATA = re.compile(r"(?:.*/)?MTD_MSIL(?:1C|2A)\.xml")
_IMAGE = re.compile(r".*_(?P<band>B\d[0-9A]|SCL|AOT|WVP|TCI)(?:_(?P<metres>10|20|60)m)?")
_PICTURES: Final = frozenset({"TCI"})
_REFLECTANCE: Final = re.compile(r"B\d[0-9A]")
_BAND_IDS: Final = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12")
"""Bands in the order of the ids in the metadata."""
_COMMON_NAMES: Final = {
    "B01": "coastal",
    "B02": "blue",
    "B03": "green",
    "B04": "red",
    "B05": "rededge071",
    "B06": "rededge075",
    "B07": "rededge078",
    "B08": "nir",
    "B8A": "nir08",
    "B09": "nir09",
    "B10": "cirrus",
    "B11": "swir16",
    "B12": "swir22",
}
_MOST_XML_BYTES: Final = 8 << 20


@dataclass(frozen=True)
class SafeProduct:
    """A product on disk."""

    path: Path
    """The zip file, or the folder that holds the metadata."""
    metadata: str
    """Path of the metadata within it."""

    @property
    def is_zip(self) -> bool:
        """Whether it is an archive."""
        return self.path.is_file()

    def item(self, collection: str) -> dict[str, Any]:
        """The product as a STAC Item. The href of an asset is its path within the product.

        Raises:
            InvalidRequest: the metadata is no XML, or lacks what a scene needs.
        """
        root = _Metadata(self._xml(), str(self.path))
        name = root.text("PRODUCT_URI").removesuffix(".SAFE")
        baseline = root.text("PROCESSING_BASELINE")
        granule = root.first("Granule")
        ring = _ring(root.text("EXT_POS_LIST"), str(self.path))
        properties: dict[str, Any] = {
            "datetime": root.text("PRODUCT_START_TIME"),
            "platform": root.text("SPACECRAFT_NAME").lower(),
            "s2:processing_baseline": baseline,
            "s2:product_uri": f"{name}.SAFE",
            "s2:generation_time": root.text("GENERATION_TIME"),
            "s2:datatake_id": root.first("Datatake").get("datatakeIdentifier", ""),
            "s2:datastrip_id": granule.get("datastripIdentifier", ""),
        }
        tile = re.search(r"_T(\d{2}[C-X][A-Z]{2})_", f"{name}_")
        if tile:
            properties["grid:code"] = f"MGRS-{tile[1]}"
        cloud = root.optional("Cloud_Coverage_Assessment")
        if cloud:
            properties["eo:cloud_cover"] = float(cloud)
        longitudes, latitudes = zip(*ring, strict=True)
        return {
            "type": "Feature",
            "stac_version": "1.0.0",
            "id": name,
            "collection": collection,
            "geometry": {"type": "Polygon", "coordinates": [ring]},
            "bbox": [min(longitudes), min(latitudes), max(longitudes), max(latitudes)],
            "properties": properties,
            "links": [],
            "assets": dict(self._assets(root)),
        }

    def _assets(self, root: _Metadata) -> Iterator[tuple[str, dict[str, Any]]]:
        quantification = root.optional("BOA_QUANTIFICATION_VALUE") or root.optional("QUANTIFICATION_VALUE")
        scale = 1 / float(quantification) if quantification else None
        offsets = _offsets(root)
        for band, image in _finest(root.texts("IMAGE_FILE")).items():
            facts: dict[str, Any] = {"nodata": 0}
            if scale is not None and _REFLECTANCE.fullmatch(band):
                facts |= {"scale": scale, "offset": offsets.get(band, 0.0) * scale}
            described: dict[str, Any] = {"name": band}
            if band in _COMMON_NAMES:
                described["common_name"] = _COMMON_NAMES[band]
            yield (
                band,
                {
                    "href": posixpath.join(posixpath.dirname(self.metadata), f"{image}.jp2"),
                    "type": "image/jp2",
                    "roles": ["data"],
                    "eo:bands": [described],
                    "raster:bands": [facts],
                },
            )

    def _xml(self) -> bytes:
        if not self.is_zip:
            return (self.path / self.metadata).read_bytes()
        with zipfile.ZipFile(self.path) as archive, archive.open(self.metadata) as document:
            content = document.read(_MOST_XML_BYTES + 1)
        if len(content) > _MOST_XML_BYTES:
            raise InvalidRequest(f"the metadata of {self.path} is larger than {_MOST_XML_BYTES} bytes", field="safe")
        return content


def safe_products(files: list[Path]) -> Iterator[SafeProduct]:
    """The SAFE products among files: zip archives with the metadata in them, and folders that hold it.

    Raises:
        InvalidRequest: an archive that is damaged.
    """
    for path in files:
        if _METADATA.fullmatch(path.name):
            yield SafeProduct(path.parent, path.name)
        elif path.suffix.lower() == ".zip":
            try:
                with zipfile.ZipFile(path) as archive:
                    inside = [name for name in archive.namelist() if _METADATA.fullmatch(name)]
            except (zipfile.BadZipFile, OSError) as error:
                raise InvalidRequest(f"{path} is no whole zip archive: {error}", field="directory") from error
            if inside:
                yield SafeProduct(path, min(inside, key=len))


class _Metadata:
    """The XML of a product; elements are found by their names, which are unique where it matters."""

    def __init__(self, content: bytes, place: str) -> None:
        self._place = place
        try:
            self._root = ElementTree.fromstring(content)  # noqa: S314 - see the import
        except ElementTree.ParseError as error:
            raise InvalidRequest(f"the metadata of {place} is no XML: {error}", field="safe") from error

    def first(self, name: str) -> ElementTree.Element:
        found = next(self._root.iter(name), None)
        if found is None:
            raise InvalidRequest(f"is missing in the metadata of {self._place}", field=name)
        return found

    def text(self, name: str) -> str:
        found = (self.first(name).text or "").strip()
        if not found:
            raise InvalidRequest(f"is empty in the metadata of {self._place}", field=name)
        return found

    def optional(self, name: str) -> str | None:
        found = next(self._root.iter(name), None)
        return (found.text or "").strip() or None if found is not None else None

    def texts(self, name: str) -> list[str]:
        return [element.text.strip() for element in self._root.iter(name) if element.text]

    def numbered(self, name: str) -> dict[int, float]:
        return {int(element.get("band_id", "-1")): float(element.text or 0) for element in self._root.iter(name)}


def _offsets(root: _Metadata) -> dict[str, float]:
    found = root.numbered("BOA_ADD_OFFSET") or root.numbered("RADIO_ADD_OFFSET")
    return {_BAND_IDS[number]: value for number, value in found.items() if 0 <= number < len(_BAND_IDS)}


def _finest(images: list[str]) -> dict[str, str]:
    """By band, the image of the smallest pixels: L2A has most bands several times."""
    found: dict[str, tuple[int, str]] = {}
    for image in images:
        match = _IMAGE.fullmatch(posixpath.basename(image))
        if match is None or match["band"] in _PICTURES:
            continue
        metres = int(match["metres"] or 0)
        if match["band"] not in found or metres < found[match["band"]][0]:
            found[match["band"]] = metres, image
    return {band: image for band, (_, image) in sorted(found.items())}


def _ring(text: str, place: str) -> list[list[float]]:
    numbers = [float(number) for number in text.split()]
    if len(numbers) < 8 or len(numbers) % 2:
        raise InvalidRequest(f"holds no ring in the metadata of {place}", field="EXT_POS_LIST")
    ring = [[longitude, latitude] for latitude, longitude in zip(numbers[::2], numbers[1::2], strict=True)]
    return ring if ring[0] == ring[-1] else [*ring, ring[0]]
