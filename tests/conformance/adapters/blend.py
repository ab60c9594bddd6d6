"""The composite under the reference's function name."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio import Affine

from stratocube.cube.mask import QualityMask, parse_mask
from stratocube.pixels.blend import BlendResult, Observation, blend
from tests.conformance.adapters import Adapter


def _blend(given: dict[str, Any], root: Path) -> Mapping[str, Any]:
    """Run the spectral band as its task does, and with LCF the quality band as its own."""
    scenes = _with_files(given, root)
    mask = parse_mask(given["mask"])
    spectral = _run(given, scenes, root, given["band"], mask)
    output = _statistics("spectral_", spectral) | {"composite": spectral.data}
    layers_from = spectral
    if given["composite_function"] == "LCF":
        quality = _run(given, scenes, root, given["quality_band"], mask)
        output |= {"quality_composite": quality.data}
        if given.get("observation_layers_from") != "spectral run":
            layers_from = quality
    return output | _layers(layers_from) | _statistics("", layers_from)


def _run(
    given: Mapping[str, Any],
    scenes: Sequence[Mapping[str, Any]],
    root: Path,
    band: Mapping[str, Any],
    mask: QualityMask,
) -> BlendResult:
    name, quality = band["name"], given["quality_band"]["name"]
    in_range = given.get("apply_valid_range") and name != quality
    datasets, platforms = given.get("datasets", ()), given.get("platforms", ())
    return blend(
        [_observation(scene, root, name, quality, mask) for scene in scenes],
        function=given["composite_function"],
        mask=mask,
        data_type=band["data_type"],
        nodata=band.get("nodata", mask.nodata),
        layers=True,
        quality_nodata=given["quality_band"].get("nodata"),
        valid_range=(band["min_value"], band["max_value"]) if in_range else None,
        sources=datasets if len(datasets) > 1 else platforms,
    )


def _observation(scene: Mapping[str, Any], root: Path, band: str, quality: str, mask: QualityMask) -> Observation:
    files = {name: str(root / path) for name, path in scene["files"].items()}
    return Observation(
        date=dt.date.fromisoformat(scene["date"]),
        band=files[band],
        quality=files[quality],
        efficacy=scene["efficacy"],
        resolution=scene["resolution"],
        saturation=files[mask.saturated_band] if mask.saturated_band else None,
        datasource=files.get("DATASOURCE"),
    )


def _layers(result: BlendResult) -> dict[str, Any]:
    assert result.layers is not None
    layers = {
        "CLEAROB": result.layers.clear_observations,
        "TOTALOB": result.layers.total_observations,
        "PROVENANCE": result.layers.provenance,
        "DATASOURCE": result.layers.datasource,
    }
    return {name: layer for name, layer in layers.items() if layer is not None}


def _statistics(prefix: str, result: BlendResult) -> dict[str, Any]:
    assert result.layers is not None
    return {f"{prefix}efficacy": result.layers.efficacy, f"{prefix}cloud_ratio": result.layers.cloud_ratio}


def _with_files(given: Mapping[str, Any], root: Path) -> list[dict[str, Any]]:
    """The scenes with a file for every raster; stacks of the input are written out, a file a scene."""
    bands = [given["quality_band"]["name"], given["band"]["name"]]
    scenes = []
    for index, scene in enumerate(given["scenes"]):
        files = dict(scene.get("files", {}))
        for band in bands:
            if band not in files:
                files[band] = f"{scene['date']}_{band}.tif"
                _write(root / files[band], given[band][index])
        scenes.append({**scene, "files": files})
    return scenes


def _write(path: Path, data: np.ndarray) -> None:
    height, width = data.shape
    profile = {"driver": "GTiff", "count": 1, "height": height, "width": width, "dtype": data.dtype}
    place = {"crs": "EPSG:32722", "transform": Affine(30, 0, 600000, 0, -30, 8000000)}
    with rasterio.open(path, "w", **profile, **place) as raster:
        raster.write(data, 1)


ADAPTERS: dict[str, Adapter] = {"blend": _blend}
