"""Every S3 key, and nothing else that knows one.

Keys of products carry the identity of their content (``…/2023/08/01/<identity>/<file>``): an object is written once and
never changes, so no reader and no cache can see an old or a half-replaced one. The STAC item beside the identity
folders names the current ones; writing it is the commit (ADR 0002).
"""

from __future__ import annotations

from dataclasses import dataclass

IDENTITY_CHARACTERS = 16
"""How much of a content identity a key shows: 64 bits within one product's folder."""


@dataclass(frozen=True)
class BuildKeys:
    """Keys of a build's files in the work bucket."""

    build_id: str

    @property
    def plan(self) -> str:
        return f"builds/{self.build_id}/plan.json"

    @property
    def units(self) -> str:
        return f"builds/{self.build_id}/units.json"

    def tile(self, tile_id: str) -> str:
        return f"builds/{self.build_id}/tiles/{tile_id}.json"

    def merges(self, unit_id: str) -> str:
        return self._unit(unit_id, "merges.json")

    def stack(self, unit_id: str) -> str:
        return self._unit(unit_id, "stack.json")

    def scenes(self, unit_id: str) -> str:
        return self._unit(unit_id, "scenes.json")

    def dates(self, unit_id: str) -> str:
        return self._unit(unit_id, "dates.json")

    def date(self, unit_id: str, day: str) -> str:
        return self._unit(unit_id, f"dates/{day}.json")

    def blends(self, unit_id: str) -> str:
        return self._unit(unit_id, "blends.json")

    def band(self, unit_id: str, band: str) -> str:
        return self._unit(unit_id, f"bands/{band}.json")

    def _unit(self, unit_id: str, name: str) -> str:
        return f"builds/{self.build_id}/units/{unit_id}/{name}"


def asset_key(folder: str, identity: str, file_name: str) -> str:
    """Key of a product's file: ``folder`` is the product's path (:func:`stratocube.cube.naming.build_cube_path`)."""
    return f"{folder}/{identity[:IDENTITY_CHARACTERS]}/{file_name}"


def item_key(folder: str, item_id: str) -> str:
    """Key of a product's STAC item."""
    return f"{folder}/{item_id}.json"


def collection_key(root: str) -> str:
    """Key of a cube's STAC collection; ``root`` is ``<name>/v<version>``."""
    return f"{root}/collection.json"


ROOT_CATALOG_KEY = "catalog.json"
"""Key of the STAC catalog that leads to all collections."""


def tile_catalog_key(root: str, tile: str) -> str:
    """Key of the STAC catalog of a collection's items on one tile; ``root`` as for :func:`collection_key`."""
    return f"{root}/{tile[:3]}/{tile[-3:]}/catalog.json"


def geoparquet_key(root: str, year: str) -> str:
    """Key of the stac-geoparquet of a collection's items that begin in a year."""
    return f"{root}/items/{year}.parquet"


def geoparquet_manifest_key(root: str) -> str:
    """Key of the list of a collection's stac-geoparquet files."""
    return f"{root}/items/index.json"
