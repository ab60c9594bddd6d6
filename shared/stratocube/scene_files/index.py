"""A directory of scenes as a STAC ItemCollection that a build can search."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import shapely
from shapely.geometry import mapping, shape

from stratocube.errors import InvalidRequest
from stratocube.pixels.footprint import raster_extent
from stratocube.scene_files.formats import FileFormat, FoundScene, scenes_of_files
from stratocube.scene_files.safe import SafeProduct, safe_products

Address = Callable[[Path], str]
"""Where a file can be read by whoever builds."""


def address_below(directory: Path, place: str) -> Address:
    """Addresses of the files of a directory once it lies, or is copied, at ``place`` (``s3://bucket/prefix``)."""
    root = place.rstrip("/")
    return lambda path: f"{root}/{quote(path.relative_to(directory).as_posix(), safe='/!~*()')}"


def index_directory(
    directory: Path,
    *,
    address: Address,
    collection: str,
    file_format: FileFormat | None = None,
    ending: str | None = None,
    recursive: bool = True,
    properties: Mapping[str, Any] | None = None,
) -> Iterator[dict[str, Any]]:
    """The STAC Items of the scenes in a directory, by time.

    Without ``file_format`` the scenes are Sentinel-2 SAFE products, zipped or not. With it they are the images it
    describes; their footprint is read from one raster each. ``ending`` keeps files that end so; ``properties`` are
    added to every item (``platform``, which no file name format tells).

    Raises:
        InvalidRequest: the directory is none or holds no scene, or what :mod:`stratocube.scene_files` refuses.
        SourceMissing, TransientRead: a raster that cannot be read.
    """
    files = list(files_below(directory, ending=ending, recursive=recursive))
    items = (
        _safe_items(files, address, collection)
        if file_format is None
        else _format_items(files, address, collection, file_format)
    )
    count = 0
    for item in items:
        count += 1
        yield item | {"properties": {**item["properties"], **(properties or {})}}
    if not count:
        wanted = "no Sentinel-2 SAFE product" if file_format is None else "no image of this format"
        raise InvalidRequest(
            f"{directory} holds {wanted} among its {len(files)} files:"
            " see that the format's patterns match whole paths, beginning with .*/",
            field="directory",
        )


def files_below(directory: Path, *, ending: str | None = None, recursive: bool = True) -> Iterator[Path]:
    """The files of a directory in order of their names, those that end so.

    Raises:
        InvalidRequest: it is no directory.
    """
    if not directory.is_dir():
        raise InvalidRequest(f"{directory} is no directory", field="directory")
    for path in sorted(directory.rglob("*") if recursive else directory.glob("*")):
        if path.is_file() and (ending is None or path.name.endswith(ending)):
            yield path


def _safe_items(files: list[Path], address: Address, collection: str) -> Iterator[dict[str, Any]]:
    products = [(product.item(collection), product) for product in safe_products(files)]
    for item, product in sorted(products, key=lambda entry: (entry[0]["properties"]["datetime"], entry[0]["id"])):
        for asset in item["assets"].values():
            asset["href"] = _inside(product, asset["href"], address)
        yield item


def _inside(product: SafeProduct, inner: str, address: Address) -> str:
    if product.is_zip:
        return f"zip+{address(product.path)}!{inner}"
    return address(product.path / inner)


def _format_items(
    files: list[Path], address: Address, collection: str, file_format: FileFormat
) -> Iterator[dict[str, Any]]:
    paths = {path.resolve().as_posix(): path for path in files}
    for scene in scenes_of_files(paths, file_format):
        any_band = next(iter(scene.bands.values()))
        outline = raster_extent(any_band.path)
        yield {
            "type": "Feature",
            "stac_version": "1.0.0",
            "id": scene.id,
            "collection": collection,
            "geometry": mapping(shape(outline)),
            "bbox": list(shapely.bounds(shape(outline))),
            "properties": {"datetime": scene.taken.isoformat().replace("+00:00", "Z")},
            "links": [],
            "assets": _assets(scene, {path: address(local) for path, local in paths.items()}),
        }


def _assets(scene: FoundScene, addresses: Mapping[str, str]) -> dict[str, Any]:
    by_file: dict[str, dict[int, str]] = {}
    for name, place in scene.bands.items():
        by_file.setdefault(place.path, {})[place.pattern.band] = name
    assets: dict[str, Any] = {}
    for path, names in by_file.items():
        every = range(1, max(names) + 1)
        key = names[1] if set(names) == {1} else Path(path).stem
        assets[key] = {
            "href": addresses[path],
            "roles": ["data"],
            # bands of the file that the format does not name keep their place
            "eo:bands": [{"name": names.get(number, f"{key}#{number}")} for number in every],
            "raster:bands": [_facts(scene, names.get(number)) for number in every],
        }
    return assets


def _facts(scene: FoundScene, name: str | None) -> dict[str, Any]:
    if name is None:
        return {}
    pattern = scene.bands[name].pattern
    facts = {"nodata": pattern.nodata, "scale": pattern.scale, "offset": pattern.offset, "unit": pattern.unit}
    return {key: value for key, value in facts.items() if value is not None}
