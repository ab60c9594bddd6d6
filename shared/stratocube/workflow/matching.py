"""Histogram matching: the bands of a unit's dates given the distribution of its best date, before they are blended.

The merges themselves stay as they are: they are shared, also with cubes that do not match histograms. cube-builder
overwrites them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from stratocube.pixels.cog import save_as_cog
from stratocube.pixels.histogram import match_rasters
from stratocube.pixels.ranking import BlendTask, DateScore, matching_order, matching_reference
from stratocube.pixels.sources import Raster, read_raster
from stratocube.storage.hrefs import gdal_path
from stratocube.workflow.build_plan import UnitPlan
from stratocube.workflow.context import Stack
from stratocube.workflow.tasks import DateStack


@contextmanager
def matched_bands(
    stack: Stack, unit: UnitPlan, wanted: BlendTask, dates: tuple[DateStack, ...]
) -> Iterator[Mapping[date, str]]:
    """Local paths of the band of every date but the reference, matched to it; they last as long as the ``with`` block.

    Empty where the cube does not ask for it, or the band is one of classes or bits. The reference is the date of
    highest efficacy.
    """
    definition = unit.plan.definition
    spectral = {band.name for band in definition.spectral_bands}
    if not definition.parameters.histogram_matching or wanted.band not in spectral or len(dates) < 2:
        yield {}
        return
    by_date = {entry.date: entry for entry in dates}
    scores = [DateScore(entry.date, entry.efficacy, unit.geobox.resolution_x) for entry in dates]
    quality = definition.quality_band or ""
    reference = by_date[matching_reference(scores)]
    wanted_band, wanted_quality = _read(stack, reference, wanted.band), _read(stack, reference, quality)
    with TemporaryDirectory() as folder:
        paths: dict[date, str] = {}
        for day in matching_order(scores):
            entry = by_date[day]
            source = _read(stack, entry, wanted.band)
            data = match_rasters(source, _read(stack, entry, quality), wanted_band, wanted_quality)
            paths[day] = str(Path(folder) / f"{day.isoformat()}.tif")
            save_as_cog(paths[day], data, unit.geobox, nodata=source.nodata, kind="continuous")
        yield paths


def _read(stack: Stack, entry: DateStack, band: str) -> Raster:
    href = stack.products.href(entry.merges[band].key)
    return read_raster(gdal_path(href), href=href)
