"""Cubes computed a second time, with numpy and GDAL's warper alone: no code of the project.

Slow, whole tiles in memory, one rule a line: what a cube's definition (cube-builder's JSON) and its scenes (a STAC
ItemCollection beside their rasters) say must come out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform

Array = NDArray[Any]
NO_SOURCE = 255
NO_DAY = -1
TOLERANCE = 0.002
"""How far coordinates may be off, in pixels of the scene. The project asks GDAL for 0.001, which GDAL checks in the
middle of what it interpolates: elsewhere it may be a little more."""
EXACT = (0.0, 0.0)
AROUND = (EXACT, *((across * TOLERANCE, down * TOLERANCE) for across in (-1, 1) for down in (-1, 1)))
"""Columns and rows by which a scene is moved to learn what such an error may change."""


@dataclass(frozen=True)
class Target:
    """The tile's pixel grid, as the test knows it from the composite it checks."""

    crs: Any
    transform: Any
    shape: tuple[int, int]


@dataclass(frozen=True)
class Stack:
    """The dates of one tile and period: arrays of (rows, columns), by ISO date and band."""

    definition: Mapping[str, Any]
    shape: tuple[int, int]
    start: date
    """First day of the period."""
    days: Mapping[str, dict[str, Array]]
    """The quality is nodata wherever a band is, unless the definition says no_post_process."""
    sources: Mapping[str, Array]
    """Index of the platform each pixel of the quality is of, 255 where there is none."""

    def band(self, name: str) -> Mapping[str, Any]:
        """A band of the definition."""
        found: Mapping[str, Any] = next(band for band in self.definition["bands"] if band["name"] == name)
        return found

    @property
    def quality_band(self) -> str:
        return str(self.definition["quality_band"])

    @property
    def parameters(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.definition["parameters"]
        return found

    def observed(self, day: str) -> Array:
        """Where there is an observation, by the quality."""
        return np.asarray(self.days[day][self.quality_band] != self.parameters["mask"]["nodata"])

    def clear(self, day: str) -> Array:
        """Where the quality is clear: in the list of clear values or bits, and in no other list."""
        mask, quality = self.parameters["mask"], self.days[day][self.quality_band]
        clear, not_clear, saturated = (
            _listed(quality, mask.get(name, []), bits=mask.get("bits", False))
            for name in ("clear_data", "not_clear_data", "saturated_data")
        )
        return clear & ~not_clear & ~saturated & self.observed(day)

    def usable(self, day: str, band: str) -> tuple[Array, Array]:
        """Where a band has a value, and where this value is clear."""
        values, facts = self.days[day][band], self.band(band)
        exists = self.observed(day) & (values != facts["nodata"])
        clear = exists & self.clear(day)
        if self.parameters.get("apply_valid_range") and band != self.quality_band:
            clear &= (values >= facts["min_value"]) & (values <= facts["max_value"])
        return exists, clear

    def efficacy(self, day: str) -> float:
        """Percent of all pixels that are clear, to two decimals."""
        return round(100 * float(self.clear(day).sum()) / self.clear(day).size, 2)

    def ranked(self) -> list[str]:
        """Days by efficacy, the best first, of equal ones the latest; or those nearest to the reference day first."""
        reference = self.parameters.get("reference_day")
        if reference is None:
            return sorted(self.days, key=lambda day: (self.efficacy(day), day), reverse=True)
        wanted = self.start + timedelta(days=reference - 1)
        return sorted(self.days, key=lambda day: (abs(date.fromisoformat(day) - wanted), day))


def observe(
    definition: Mapping[str, Any],
    scenes: Path,
    target: Target,
    longitude: float,
    start: str,
    end: str,
    *,
    moved: tuple[float, float] = EXACT,
) -> Stack:
    """Warp and mosaic every band of every solar day of a period, and bring the quality in line with the bands.

    ``moved``: columns and rows of the scenes by which everything is read beside where it lies.
    """
    items = json.loads((scenes / "items.json").read_text())["features"]
    by_day: dict[str, list[Any]] = {}
    for item in sorted(items, key=lambda item: (item["properties"]["datetime"], item["id"])):
        day = _solar_day(item["properties"]["datetime"], longitude)
        if start <= day <= end:
            by_day.setdefault(day, []).append(item)
    days, sources = {}, {}
    for day, found in by_day.items():
        mosaics = {
            band["name"]: _mosaic(definition, band, scenes, found, target, moved) for band in definition["bands"]
        }
        days[day] = {name: values for name, (values, _) in mosaics.items()}
        sources[day] = mosaics[definition["quality_band"]][1]
        if not definition["parameters"].get("no_post_process"):
            _post_process(definition, days[day])
    return Stack(definition, target.shape, date.fromisoformat(start), days, sources)


def composite(stack: Stack, band: str) -> Array:
    """The composite of a band by the definition's function."""
    return {"LCF": _least_cloud_first, "MED": _median, "AVG": _average}[stack.definition["composite_function"]](
        stack, band
    )


def layers(stack: Stack) -> dict[str, Array]:
    """What a composite has beside its bands."""
    clear, total = np.zeros(stack.shape, np.uint8), np.zeros(stack.shape, np.uint8)
    for day in stack.days:
        clear += stack.clear(day)
        total += stack.observed(day)
    found: dict[str, Array] = {"CLEAROB": clear, "TOTALOB": total}
    if stack.definition["composite_function"] != "LCF":
        return found
    provenance, year = np.full(stack.shape, NO_DAY, np.int16), np.full(stack.shape, NO_DAY, np.int16)
    source = np.full(stack.shape, NO_SOURCE, np.uint8)
    for day, taken in choice(stack, stack.quality_band).items():
        provenance[taken], year[taken] = day_of_year(day), date.fromisoformat(day).year
        source[taken] = stack.sources[day][taken]
    found["PROVENANCE"] = provenance
    if len({date.fromisoformat(day).year for day in stack.days}) > 1:
        found["PROVENANCE_YEAR"] = year
    if stack.definition.get("is_combined"):
        found["DATASOURCE"] = source
    return found


def within(found: Array, wants: Array, nodata: float, *, picked: bool) -> Array:
    """Whether each pixel is one of those that coordinates within the tolerance give, or lies between the valid ones.

    ``wants``: (moves, rows, columns), of scenes moved by :data:`AROUND`. ``picked``: values are taken as they are, so
    nothing lies between.
    """
    one_of_them = (found == wants).any(axis=0)
    if picked:
        return one_of_them
    valid = wants != nodata
    limits = np.iinfo(wants.dtype) if wants.dtype.kind in "iu" else np.finfo(wants.dtype)
    least = np.where(valid, wants, limits.max).min(axis=0)
    most = np.where(valid, wants, limits.min).max(axis=0)
    # At an edge, where a move to one side leaves the scene, the move to the other tells how much it may be.
    span = np.where(valid.any(axis=0) & ~valid.all(axis=0), most.astype(float) - least, 0)
    span += wants.dtype.kind in "iu"  # rounded; and between the moves may lie the centre of a pixel, an extreme
    return one_of_them | ((found != nodata) & (least - span <= found) & (found <= most + span))


def day_of_year(day: str) -> int:
    """1 to 366."""
    return date.fromisoformat(day).timetuple().tm_yday


def values_around(scene: Any, target: Target, *, fill: float) -> Array:
    """What a scene has at the centre of every pixel of a tile, and TOLERANCE up, down, right and left of it.

    Exact coordinates, no warping: (9, rows, columns), the centre first; ``fill`` outside of the scene.
    """
    rows, columns = np.mgrid[: target.shape[0], : target.shape[1]].reshape(2, -1) + 0.5
    x, y = _applied(target.transform, columns, rows)
    columns, rows = _applied(~scene.transform, *map(np.array, transform(target.crs, scene.crs, x, y)))
    values = np.pad(scene.read(1), 1, constant_values=fill)
    steps = (0, -TOLERANCE, TOLERANCE)
    return np.stack(
        [
            values[
                np.clip(np.floor(rows + down).astype(int) + 1, 0, values.shape[0] - 1),
                np.clip(np.floor(columns + right).astype(int) + 1, 0, values.shape[1] - 1),
            ].reshape(target.shape)
            for down in steps
            for right in steps
        ]
    )


def choice(stack: Stack, band: str) -> dict[str, Array]:
    """Which pixels of a band least cloud first takes from which day: the best clear one, else the best there is."""
    taken = {day: np.zeros(stack.shape, bool) for day in stack.days}
    still_open = np.ones(stack.shape, bool)
    for which in (1, 0):
        for day in stack.ranked():
            take = stack.usable(day, band)[which] & still_open
            taken[day] |= take
            still_open &= ~take
    return taken


def _solar_day(moment: str, longitude: float) -> str:
    if moment.endswith("T00:00:00Z"):
        return moment[:10]  # the archive knows the day alone
    return (datetime.fromisoformat(moment) + timedelta(hours=longitude / 15)).date().isoformat()


def _least_cloud_first(stack: Stack, band: str) -> Array:
    value = _empty(stack, band)
    for day, taken in choice(stack, band).items():
        value[taken] = stack.days[day][band][taken]
    return value


def _median(stack: Stack, band: str) -> Array:
    """Of the clear values; integers truncated toward zero."""
    if not stack.days:
        return _empty(stack, band)
    kind = np.dtype(stack.band(band)["data_type"])
    values = np.stack([stack.days[day][band] for day in stack.days]).astype(float)
    values[~np.stack([stack.usable(day, band)[1] for day in stack.days])] = np.nan
    nothing = np.isnan(values).all(axis=0)
    middle = np.nanmedian(np.where(nothing, 0.0, values), axis=0)
    middle = np.trunc(middle) if kind.kind in "iu" else middle
    return np.where(nothing, stack.band(band)["nodata"], middle).astype(kind)


def _average(stack: Stack, band: str) -> Array:
    """Of the clear values of an integer band, truncated toward zero."""
    total, count = np.zeros(stack.shape, np.int64), np.zeros(stack.shape, np.int64)
    for day in stack.days:
        clear = stack.usable(day, band)[1]
        total += np.where(clear, stack.days[day][band], 0)
        count += clear
    mean = np.sign(total) * (np.abs(total) // np.maximum(count, 1))
    value = _empty(stack, band)
    value[count > 0] = mean[count > 0]
    return value


def _empty(stack: Stack, band: str) -> Array:
    return np.full(stack.shape, stack.band(band)["nodata"], stack.band(band)["data_type"])


def _listed(quality: Array, listed: list[int], *, bits: bool) -> Array:
    if bits:
        return np.asarray((quality.astype(np.int64) & sum(1 << bit for bit in listed)) != 0)
    return np.isin(quality, listed)


def _post_process(definition: Mapping[str, Any], bands: dict[str, Array]) -> None:
    quality = bands[definition["quality_band"]]
    for band in definition["bands"]:
        if band["name"] != definition["quality_band"]:
            quality[bands[band["name"]] == band["nodata"]] = definition["parameters"]["mask"]["nodata"]


def _mosaic(
    definition: Mapping[str, Any],
    band: Mapping[str, Any],
    scenes: Path,
    items: list[Any],
    target: Target,
    moved: tuple[float, float],
) -> tuple[Array, Array]:
    """One band of one day, and the index of the platform of each pixel. In order of acquisition the last valid pixel
    stays; of a combined cube the first."""
    named = definition["parameters"].get("resampling", "bilinear")
    method = Resampling.nearest if band["name"] == definition["quality_band"] else Resampling[named]
    platforms = definition.get("metadata", {}).get("platforms", [items[0]["properties"].get("platform")])
    mosaic: Array = np.full(target.shape, band["nodata"], band["data_type"])
    source = np.full(target.shape, NO_SOURCE, np.uint8)
    for item in reversed(items) if definition.get("is_combined") else items:
        warped = _warped(band, scenes, item, target, method, moved)
        valid = warped != band["nodata"]
        mosaic[valid] = warped[valid]
        source[valid] = platforms.index(item["properties"].get("platform"))
    return mosaic, source


def _warped(
    band: Mapping[str, Any],
    scenes: Path,
    item: Any,
    target: Target,
    method: Resampling,
    moved: tuple[float, float],
) -> Array:
    names = (band["name"], band.get("common_name"), band["name"].lower())
    asset = next(item["assets"][name] for name in names if name in item["assets"])
    (facts,) = asset["raster:bands"]
    with rasterio.open(scenes / asset["href"]) as scene:
        hole = scene.nodata if scene.nodata is not None else facts.get("nodata", band["nodata"])
        across, down = _pixels_under_one(target, scene)
        with WarpedVRT(
            scene,
            crs=target.crs,
            transform=target.transform @ Affine.translation(moved[0] / across, moved[1] / down),
            height=target.shape[0],
            width=target.shape[1],
            src_nodata=hole,
            nodata=hole,
            resampling=method,
            tolerance=1e-6,  # with 0 rasterio fails
            XSCALE=1 / across,
            YSCALE=1 / down,
        ) as on_tile:
            warped = on_tile.read(1)
    kind = np.dtype(band["data_type"])
    if item["properties"].get("earthsearch:boa_offset_applied"):
        facts = facts | {"offset": 0}  # the archive says that it is out of the pixels already
    values = _rescaled(warped, facts, band) if "scale" in band and "scale" in facts else warped
    if kind.kind in "iu":
        values = np.clip(values, np.iinfo(kind).min, np.iinfo(kind).max)
    return np.where(warped == hole, band["nodata"], values).astype(kind)


def _rescaled(values: Array, facts: Mapping[str, Any], band: Mapping[str, Any]) -> Array:
    """From the numbers of the scene to those of the cube in exact fractions, truncated toward zero."""
    factor = Fraction(str(facts["scale"])) / Fraction(str(band["scale"]))
    shift = (Fraction(str(facts.get("offset", 0))) - Fraction(str(band.get("scale_add", 0)))) / Fraction(
        str(band["scale"])
    )
    below = factor.denominator * shift.denominator
    above = values.astype(np.int64) * int(factor * below) + int(shift * below)
    return np.asarray(np.sign(above) * (np.abs(above) // below))


def _pixels_under_one(target: Target, scene: Any) -> tuple[float, float]:
    """Columns and rows of a scene that the box around the middle pixel of the tile covers.

    The warper widens its kernels by this where it is more than one. Left to itself it takes the sizes of the two
    images in place of the pixels', and a scene that only touches the tile counts as enlarged.
    """
    row, column = target.shape[0] / 2, target.shape[1] / 2
    columns, rows = np.array([-0.5, 0.5, 0, 0]) + column, np.array([0, 0, -0.5, 0.5]) + row
    xs, ys = transform(target.crs, scene.crs, *_applied(target.transform, columns, rows))
    (x0, x1, x2, x3), (y0, y1, y2, y3) = _applied(~scene.transform, np.array(xs), np.array(ys))
    return abs(x1 - x0) + abs(x3 - x2), abs(y1 - y0) + abs(y3 - y2)


def _applied(affine: Any, x: Array, y: Array) -> tuple[Array, Array]:
    return affine.a * x + affine.b * y + affine.c, affine.d * x + affine.e * y + affine.f
