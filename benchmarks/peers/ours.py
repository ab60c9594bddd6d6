"""stratocube, called as its functions call it: see :mod:`stratocube.workflow.blend` and ``merge``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import rasterio
from numpy.typing import NDArray

from benchmarks.workload import CLEAR, NOT_CLEAR, QUALITY_NODATA, BlendInputs, MergeInputs
from stratocube.cube.geobox import GeoBox
from stratocube.cube.layers import CLEAROB, PROVENANCE, TOTALOB
from stratocube.cube.mask import QualityMask
from stratocube.pixels.blend import Observation
from stratocube.pixels.blend_cogs import Meaning, blend_cogs
from stratocube.pixels.cog import Kind, save_as_cog
from stratocube.pixels.merge import merge as merged
from stratocube.pixels.sources import SourceRaster, geobox_of
from stratocube.storage.gdal import gdal_environment

MASK: Final = QualityMask(clear=CLEAR, not_clear=NOT_CLEAR, nodata=QUALITY_NODATA)


def observations_of(inputs: BlendInputs) -> list[Observation]:
    """The dates of a job as the blend takes them."""
    return [
        Observation(
            date=files.date,
            band=str(files.band),
            quality=str(files.quality),
            efficacy=files.efficacy,
            resolution=inputs.resolution,
        )
        for files in inputs.dates
    ]


def tile_of(inputs: MergeInputs) -> GeoBox:
    """The grid of a mosaic."""
    return GeoBox(
        crs=inputs.crs,
        x_min=inputs.x_min,
        y_max=inputs.y_max,
        resolution_x=inputs.resolution,
        resolution_y=inputs.resolution,
        width=inputs.size,
        height=inputs.size,
    )


def blend(inputs: BlendInputs, out: Path, threads: int) -> None:
    with gdal_environment({}):
        made = blend_cogs(
            observations_of(inputs),
            functions=("LCF", "MED"),
            mask=MASK,
            data_type=inputs.dtype,
            nodata=inputs.nodata,
            layers=True,
            meaning=Meaning("continuous"),
            threads=threads,
        )
        for name, cog in made.cogs.items():
            with (out / f"{name}.tif").open("wb") as file:
                file.writelines(cog.finish())


def merge(inputs: MergeInputs, out: Path, threads: int) -> None:
    with gdal_environment({}):
        result = merged(
            [SourceRaster(href=str(path), path=str(path)) for path in inputs.scenes],
            tile_of(inputs),
            data_type=inputs.dtype,
            nodata=inputs.nodata,
            kind="continuous",
            resampling="bilinear",
            overlap="last",
            threads=threads,
        )
        _Writer(out, result.geobox, threads)("MERGE", result.data, inputs.nodata, "continuous")


def encode(products: Mapping[str, NDArray[Any]], like: Path, out: Path, threads: int) -> None:
    with gdal_environment({}), rasterio.open(like) as dataset:
        geobox, nodata = geobox_of(dataset), dataset.nodata
        write = _Writer(out, geobox, threads)
        for name, data in products.items():
            layer = {"CLEAROB": CLEAROB, "TOTALOB": TOTALOB, "PROVENANCE": PROVENANCE}.get(name)
            write(name, data, layer.nodata if layer else nodata, "categorical" if layer else "continuous")


class _Writer:
    def __init__(self, out: Path, geobox: GeoBox, threads: int) -> None:
        self._out, self._geobox, self._threads = out, geobox, threads

    def __call__(self, name: str, data: NDArray[Any], nodata: float, kind: Kind) -> None:
        path = self._out / f"{name}.tif"
        save_as_cog(path, data, self._geobox, nodata=nodata, kind=kind, description=name, threads=self._threads)
