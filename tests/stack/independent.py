"""The demo's composites computed a second time, with numpy and rasterio.warp alone: no code of the project."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.warp import reproject

CLEAR = (4, 5, 6)
NOT_CLEAR = (2, 3, 7, 8, 9, 10, 11)
ASSETS = {"B02": "blue", "B03": "green", "B04": "red", "B08": "nir", "SCL": "scl"}

Array = NDArray[Any]


@dataclass(frozen=True)
class Target:
    """The tile's pixel grid, as the test knows it from the composite it checks."""

    crs: Any
    transform: Any
    shape: tuple[int, int]


def dates(scenes: Path, target: Target, longitude: float) -> dict[str, dict[str, Array]]:
    """Every band of every solar day on the tile: (rows, columns), 0 where there is no data."""
    items = json.loads((scenes / "items.json").read_text())["features"]
    by_day: dict[str, list[Any]] = {}
    for item in sorted(items, key=lambda item: (item["properties"]["datetime"], item["id"])):
        moment = datetime.fromisoformat(item["properties"]["datetime"]) + timedelta(hours=longitude / 15)
        by_day.setdefault(moment.date().isoformat(), []).append(item)
    return {
        day: {band: _mosaic(scenes, found, band, target) for band in ASSETS} for day, found in sorted(by_day.items())
    }


def _mosaic(scenes: Path, items: list[Any], band: str, target: Target) -> Array:
    method = Resampling.nearest if band == "SCL" else Resampling.bilinear
    kind = np.uint8 if band == "SCL" else np.int16
    mosaic = np.zeros(target.shape, kind)
    for item in items:  # in order of acquisition: the last valid pixel stays
        with rasterio.open(scenes / item["assets"][ASSETS[band]]["href"]) as source:
            warped = np.zeros(target.shape, source.dtypes[0])
            reproject(
                rasterio.band(source, 1),
                warped,
                src_nodata=0,
                dst_nodata=0,
                dst_crs=target.crs,
                dst_transform=target.transform,
                resampling=method,
            )
        mosaic = np.where(warped != 0, warped.astype(kind), mosaic)
    return mosaic


def efficacy(quality: Array) -> float:
    """Percent of all pixels that are clear, to two decimals."""
    return round(100 * float(np.isin(quality, CLEAR).sum()) / quality.size, 2)


def ranked(stack: dict[str, dict[str, Array]]) -> list[str]:
    """Days by efficacy, the best first; of equal ones the latest."""
    return sorted(stack, key=lambda day: (efficacy(stack[day]["SCL"]), day), reverse=True)


def least_cloud_first(stack: dict[str, dict[str, Array]], band: str) -> tuple[Array, Array]:
    """The best ranked clear value, else the best ranked one there is; and the day of the year it is of (-1: none)."""
    order = ranked(stack)
    first = stack[order[0]][band]
    value = np.zeros(first.shape, first.dtype)
    day_of_year = np.full(first.shape, -1, np.int16)
    for want_clear in (True, False):
        for day in order:
            data, quality = stack[day][band], stack[day]["SCL"]
            usable = (data != 0) & (quality != 0)
            if want_clear:
                usable &= np.isin(quality, CLEAR)
            take = usable & (day_of_year == -1)
            value[take] = data[take]
            day_of_year[take] = datetime.fromisoformat(day).timetuple().tm_yday
    return value, day_of_year


def median(stack: dict[str, dict[str, Array]], band: str) -> Array:
    """The median of the clear values, truncated toward zero; 0 where there is none."""
    values = np.stack([entry[band] for entry in stack.values()]).astype(float)
    clear = np.stack([np.isin(entry["SCL"], CLEAR) for entry in stack.values()]) & (values != 0)
    values[~clear] = np.nan
    with np.errstate(invalid="ignore"):
        middle = np.nanmedian(np.where(clear.any(axis=0), values, 0.0), axis=0)
    return np.trunc(middle).astype(np.int16)


def counts(stack: dict[str, dict[str, Array]]) -> tuple[Array, Array]:
    """Clear observations and observations, by the quality alone."""
    quality = np.stack([entry["SCL"] for entry in stack.values()])
    return np.isin(quality, CLEAR).sum(axis=0), (quality != 0).sum(axis=0)
