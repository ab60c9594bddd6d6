"""``stratocube run blend`` on files: the dates' statistics, the composite, and what it is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from stratocube.cli.requests import read_request
from stratocube.cli.step_inputs import day, raster_path, threads
from stratocube.cube.definition import CubeDefinition
from stratocube.cube.layers import OBSERVATION_LAYERS
from stratocube.cube.mask import QualityMask, parse_mask
from stratocube.errors import InvalidRequest
from stratocube.pixels.blend import BlendResult, Observation, ObservationLayers, blend
from stratocube.pixels.cog import save_as_cog
from stratocube.pixels.composite import CompositeFunction
from stratocube.pixels.sources import geobox_of, open_raster
from stratocube.pixels.statistics import compute_data_set_stats

_FUNCTIONS: Mapping[str, CompositeFunction] = {"LCF": "LCF", "MED": "MED", "AVG": "AVG"}


@dataclass(frozen=True)
class Wanted:
    """How dates become a composite."""

    function: str
    mask: Path | None
    """File of the mask; None takes the cube's."""
    layers: bool
    reference_day: int | None
    valid_range: tuple[float, float] | None = None
    """Lowest and highest valid value of the band."""


def blend_files(
    dates: Mapping[str, str],
    output: Path,
    wanted: Wanted,
    definition: CubeDefinition | None,
    meaning: Mapping[str, Any],
) -> dict[str, Any]:
    """Composite the rasters ``BAND,QUALITY`` by date, and write what comes out; what was made, as JSON.

    Raises:
        InvalidRequest: an argument is wrong, or the rasters do not lie on one grid.
        SourceMissing, TransientRead: naming the raster that could not be read.
    """
    if wanted.function not in _FUNCTIONS:
        raise InvalidRequest(f"must be LCF, MED or AVG, got {wanted.function!r}", field="function")
    mask = _mask(wanted.mask, definition)
    observations = [_observation(text, files, mask) for text, files in dates.items()]
    made = blend(
        observations,
        function=_FUNCTIONS[wanted.function],
        mask=mask,
        data_type=meaning["data_type"],
        nodata=meaning["nodata"],
        layers=True,
        valid_range=wanted.valid_range,
        reference_day=wanted.reference_day,
        threads=threads(),
    )
    described = {name: meaning[name] for name in ("kind", "description", "scale", "offset") if name in meaning}
    save_as_cog(output, made.data, made.geobox, nodata=made.nodata, **described)
    files = [str(output)]
    if wanted.layers and made.layers is not None:
        files += _write_layers(made, made.layers, output)
    return {"function": wanted.function, "files": files, **_report(made, observations)}


def _observation(text: str, files: str, mask: QualityMask) -> Observation:
    band, comma, quality = files.partition(",")
    if not (band and comma and quality):
        raise InvalidRequest(f"must be DATE=BAND,QUALITY, got {text}={files}", field="FILES")
    with open_raster(raster_path(quality), href=quality) as dataset:
        resolution = geobox_of(dataset).resolution_x
    return Observation(
        date=day(text, "FILES"),
        band=raster_path(band),
        quality=raster_path(quality),
        efficacy=compute_data_set_stats(raster_path(quality), mask).efficacy,
        resolution=resolution,
    )


def _mask(file: Path | None, definition: CubeDefinition | None) -> QualityMask:
    if file is not None:
        found = read_request(file)
        return parse_mask(found.get("mask", found))
    if definition is None or definition.mask is None:
        raise InvalidRequest("give --mask FILE, or --cube FILE of a cube that has one", field="mask")
    return definition.mask


def _write_layers(made: BlendResult, layers: ObservationLayers, output: Path) -> list[str]:
    arrays = {
        "CLEAROB": layers.clear_observations,
        "TOTALOB": layers.total_observations,
        "PROVENANCE": layers.provenance,
        "PROVENANCE_YEAR": layers.provenance_year,
    }
    written = []
    for name, data in arrays.items():
        if data is None:
            continue
        path = output.with_name(f"{output.stem}_{name}{output.suffix}")
        layer = OBSERVATION_LAYERS[name]
        save_as_cog(path, data, made.geobox, nodata=layer.nodata, kind="categorical", description=layer.description)
        written.append(str(path))
    return written


def _report(made: BlendResult, observations: list[Observation]) -> dict[str, Any]:
    """The dates in rank order with their clearness and share of the composite, and the composite's own statistics."""
    clear = {observation.date: observation.efficacy for observation in observations}
    dates = [{"date": date.isoformat(), "efficacy": clear[date]} for date in made.dates]
    if made.layers is None:
        return {"dates": dates}
    counts = np.asarray(made.layers.composition.of_dates)
    total = int(np.prod(made.geobox.shape))
    return {
        "dates": [
            entry | {"pixels_percent": round(100 * int(count) / total, 2)}
            for entry, count in zip(dates, counts, strict=True)
        ],
        "efficacy": made.layers.efficacy,
        "cloud_ratio": made.layers.cloud_ratio,
    }
