"""STAC documents for tests: recorded ones, and small ones made up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parents[2] / "fixtures" / "stac"


def recorded(name: str) -> dict[str, Any]:
    """A document of tests/fixtures/stac, by file name without ending."""
    document: dict[str, Any] = json.loads((_FOLDER / f"{name}.json").read_text())
    return document


def square(west: float, south: float, size: float = 1.0) -> dict[str, Any]:
    """A GeoJSON square, its lower left corner given."""
    east, north = west + size, south + size
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def make_item(item_id: str = "S-1", **changes: Any) -> dict[str, Any]:
    """A small valid STAC 1.0 item over (10..11, 45..46); ``properties`` are merged, other fields replaced."""
    item: dict[str, Any] = {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": item_id,
        "collection": "s2",
        "geometry": square(10, 45),
        "bbox": [10, 45, 11, 46],
        "properties": {"datetime": "2023-08-15T10:00:00Z", "platform": "sentinel-2a"},
        "links": [],
        "assets": {"red": {"href": "https://scenes.example.org/a/red.tif", "type": "image/tiff"}},
    }
    item["properties"] |= changes.pop("properties", {})
    return item | changes


def item_of_bdc_record(record: dict[str, Any]) -> dict[str, Any]:
    """The item that stands for a recorded row of Brazil Data Cube's catalogue: its own values, assets untouched."""
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": record["name"],
        "collection": record.get("collection_id", "S2-16D-1"),
        "geometry": record["footprint"],
        "properties": {
            "datetime": record["start_date"],
            "start_datetime": record["start_date"],
            "end_datetime": record["end_date"],
            "bdc:tiles": [record["tile_id"]],
        },
        "links": [],
        "assets": record["assets"],
    }
