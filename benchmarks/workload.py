"""The inputs of the speed benchmarks, made once and kept: what they are, where they lie, how they are made.

Compositing: COGs of one band and its quality for every date, on one grid. Mosaicking: overlapping scenes in UTM whose
common corner lies within an Albers tile.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.shutil import copy
from rasterio.warp import transform as transformed

from benchmarks.terrain import CLOUD, LAND, SHADOW, SNOW, UNSEEN, WATER, observe, place

CLEAR: Final = (LAND, WATER)
NOT_CLEAR: Final = (SHADOW, SNOW, CLOUD)
QUALITY_NODATA: Final = UNSEEN
ALBERS: Final = (
    "+proj=aea +lat_0=-12 +lon_0=-54 +lat_1=-2 +lat_2=-22 +x_0=5000000 +y_0=10000000 +ellps=GRS80 +units=m +no_defs"
)
"""The projection of Brazil Data Cube's grids."""

_EDITION: Final = 3
"""To be raised with every change of the pixels: inputs of another edition are made again."""
_SEED: Final = 20230801
_UTM: Final = "EPSG:32722"
_SCENE_STEP: Final = 100_000
"""Metres from one scene's corner to the next one's, as MGRS tiles lie: the scenes are larger and overlap."""
_BASE: Final = 4096
"""Side of the largest tile that is made out of spectra; larger ones are mirror images of it."""
_NODATA: Final = {"int16": -9999.0, "uint16": 0.0, "float32": -9999.0}


@dataclass(frozen=True)
class DateFiles:
    """The rasters of one date."""

    date: dt.date
    band: Path
    quality: Path
    efficacy: float
    """Percent of clear pixels."""


@dataclass(frozen=True)
class BlendInputs:
    """A compositing job."""

    size: int
    dtype: str
    nodata: float
    resolution: float
    dates: tuple[DateFiles, ...]

    @property
    def ranked(self) -> tuple[DateFiles, ...]:
        """The dates in rank order, best first; of two equal ones the later goes first."""
        return tuple(sorted(self.dates, key=lambda files: (files.efficacy, files.date), reverse=True))

    def first(self, dates: int) -> BlendInputs:
        """The same with fewer dates."""
        return replace(self, dates=self.dates[:dates])


@dataclass(frozen=True)
class MergeInputs:
    """A mosaicking job: scenes in the order of acquisition, of which the later one wins, to one square tile."""

    size: int
    resolution: float
    x_min: float
    y_max: float
    crs: str
    dtype: str
    nodata: float
    scenes: tuple[Path, ...]

    @property
    def transform(self) -> Affine:
        """Of the tile: pixel corner to CRS."""
        return Affine(self.resolution, 0, self.x_min, 0, -self.resolution, self.y_max)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Of the tile: (x_min, y_min, x_max, y_max)."""
        extent = self.size * self.resolution
        return self.x_min, self.y_max - extent, self.x_min + extent, self.y_max


def blend_inputs(folder: Path, *, size: int, dates: int, dtype: str = "int16") -> BlendInputs:
    """Inputs of a compositing job below ``folder``: found there, or made."""
    return _read_blend(_kept(folder / f"blend-{dtype}-{size}-{dates}", lambda at: _make_blend(at, size, dates, dtype)))


def merge_inputs(folder: Path, *, scene: int, size: int, resolution: float) -> MergeInputs:
    """Inputs of a mosaicking job below ``folder``: four scenes of ``scene`` pixels a side; found there, or made."""
    return _read_merge(_kept(folder / f"merge-{scene}-{size}", lambda at: _make_merge(at, scene, size, resolution)))


def load_blend(folder: Path) -> BlendInputs:
    """The job whose files lie in ``folder``."""
    return _read_blend(folder)


def load_merge(folder: Path) -> MergeInputs:
    """The job whose files lie in ``folder``."""
    return _read_merge(folder)


def folder_of(inputs: BlendInputs | MergeInputs) -> Path:
    """Where the files of a job lie."""
    return (inputs.dates[0].band if isinstance(inputs, BlendInputs) else inputs.scenes[0]).parent


def _kept(folder: Path, make: Callable[[Path], dict[str, Any]]) -> Path:
    manifest = folder / "manifest.json"
    if not manifest.exists() or json.loads(manifest.read_text()).get("edition") != _EDITION:
        folder.mkdir(parents=True, exist_ok=True)
        manifest.unlink(missing_ok=True)
        content = {"edition": _EDITION, **make(folder)}
        manifest.write_text(json.dumps(content, indent=1))  # last: a manifest vouches for the files
    return folder


def _read_blend(folder: Path) -> BlendInputs:
    content = json.loads((folder / "manifest.json").read_text())
    files = tuple(
        DateFiles(dt.date.fromisoformat(day), folder / f"{day}_band.tif", folder / f"{day}_quality.tif", efficacy)
        for day, efficacy in content["efficacy"].items()
    )
    return BlendInputs(content["size"], content["dtype"], content["nodata"], content["resolution"], files)


def _read_merge(folder: Path) -> MergeInputs:
    content = json.loads((folder / "manifest.json").read_text())
    return MergeInputs(
        size=content["size"],
        resolution=content["resolution"],
        x_min=content["x_min"],
        y_max=content["y_max"],
        crs=ALBERS,
        dtype="uint16",
        nodata=_NODATA["uint16"],
        scenes=tuple(folder / name for name in content["scenes"]),
    )


def _make_blend(folder: Path, size: int, dates: int, dtype: str) -> dict[str, Any]:
    at = place(_SEED, min(size, _BASE))
    nodata, resolution = _NODATA[dtype], 10.0
    transform = Affine(resolution, 0, 4_800_000, 0, -resolution, 9_300_000)
    covers = np.linspace(0.1, 0.8, dates)
    np.random.default_rng(_SEED).shuffle(covers[1:])  # the first date is the least cloudy one, also of fewer dates
    efficacy: dict[str, float] = {}
    for index, cover in enumerate(covers):
        day = (dt.date(2023, 1, 1) + dt.timedelta(days=5 * index)).isoformat()
        whole = True if index == 0 else None
        seen, classes = observe(at, _SEED + 1 + index, cloud_cover=float(cover), whole=whole)
        band, quality = _mirrored(_stored(seen, dtype, nodata), size), _mirrored(classes, size)
        write_input(folder / f"{day}_band.tif", band, ALBERS, transform, nodata)
        write_input(folder / f"{day}_quality.tif", quality, ALBERS, transform, QUALITY_NODATA)
        efficacy[day] = round(100 * float(np.isin(quality, CLEAR).mean()), 2)
    return {"size": size, "dtype": dtype, "nodata": nodata, "resolution": resolution, "efficacy": efficacy}


def _make_merge(folder: Path, scene: int, size: int, resolution: float) -> dict[str, Any]:
    step = min(_SCENE_STEP, scene * resolution * _SCENE_STEP / 109_800)
    west, north = 600_000.0, 8_800_000.0
    names, at = [], place(_SEED, min(scene, _BASE))
    for index in range(4):
        column, row = index % 2, index // 2
        seen, _ = observe(at, _SEED + index, cloud_cover=0.3, whole=index % 2 == 0)
        transform = Affine(resolution, 0, west + column * step, 0, -resolution, north - row * step)
        names.append(f"scene{index}.tif")
        band = _mirrored(_stored(seen, "uint16", 0), scene)
        write_input(folder / names[-1], band, _UTM, transform, _NODATA["uint16"])
    # Off the corner which the four scenes share, so that they have unequal parts of the tile.
    (x,), (y,) = transformed(_UTM, ALBERS, [west + step * 1.05], [north - step * 1.05])
    extent = size * resolution
    return {
        "size": size,
        "resolution": resolution,
        "x_min": round((x - 0.45 * extent) / resolution) * resolution,
        "y_max": round((y + 0.55 * extent) / resolution) * resolution,
        "scenes": names,
    }


def _stored(seen: NDArray[np.float32], dtype: str, nodata: float) -> NDArray[Any]:
    if np.dtype(dtype).kind == "f":
        return np.where(np.isnan(seen), nodata, seen / 10_000).astype(dtype)
    return np.nan_to_num(seen, copy=False, nan=nodata).astype(dtype)


def _mirrored(tile: NDArray[Any], size: int) -> NDArray[Any]:
    more = size - len(tile)
    return tile if more == 0 else np.pad(tile, ((0, more), (0, more)), mode="symmetric")


def write_input(path: Path, data: NDArray[Any], crs: str, transform: Affine, nodata: float) -> None:
    """A COG as others write them: DEFLATE without predictor, tiles of 512 pixels, overviews."""
    with rasterio.open(
        "",
        "w",
        driver="MEM",
        width=data.shape[1],
        height=data.shape[0],
        count=1,
        dtype=data.dtype.name,
        crs=crs,
        transform=transform,
        nodata=nodata,
    ) as dataset:
        dataset.write(data, 1)
        levels = [2 << power for power in range(12) if max(data.shape) > 512 << power]
        if levels:
            dataset.build_overviews(levels, Resampling.nearest)
        copy(dataset, str(path), driver="COG", BLOCKSIZE=512, COMPRESS="DEFLATE", NUM_THREADS="ALL_CPUS")
