"""Bytes read from files, as the system counts them (/proc/self/io): each block that is needed, once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import rasterio
from rasterio.io import MemoryFile

from benchmarks.peers import ours
from benchmarks.process import bytes_read
from benchmarks.windows import Raster, bytes_of, needed_window
from benchmarks.workload import BlendInputs, MergeInputs
from stratocube.pixels.blend import Observation, blend

HEADER = 48 * 1024
"""What GDAL may read of a file beside its blocks: directories and tile indices, with what lies around them."""


def read_by(work: Callable[[], object]) -> int:
    """Bytes that ``work`` reads; it runs once before, for what is loaded but once (PROJ's tables, modules)."""
    work()
    before = bytes_read()
    work()
    return bytes_read() - before


@contextmanager
def quality_in_memory(inputs: BlendInputs) -> Iterator[list[Observation]]:
    """Observations whose quality lies in GDAL's memory, so that what is read from files is the band alone."""
    held, observations = [], []
    try:
        for given, files in zip(ours.observations_of(inputs), inputs.dates, strict=True):
            held.append(MemoryFile(files.quality.read_bytes(), ext=".tif"))
            observations.append(replace(given, quality=held[-1].name))
        yield observations
    finally:
        for memory in held:
            memory.close()


@pytest.mark.parametrize("threads", [1, 2])
def test_all_five_products_take_one_pass_over_the_files(stack: BlendInputs, out: Path, threads: int) -> None:
    inputs = stack.first(6)
    files = [path for date in inputs.dates for path in (date.band, date.quality)]
    blocks = sum(bytes_of(Raster(path)) for path in files)
    read = read_by(lambda: ours.blend(inputs, out, threads))
    assert blocks <= read <= blocks + HEADER * len(files) * (threads + 1)


def test_least_cloud_first_reads_a_third_of_the_band_at_ten_percent_cloud(stack: BlendInputs) -> None:
    everything = sum(bytes_of(Raster(date.band)) for date in stack.dates)
    with quality_in_memory(stack) as observations:
        read = read_by(lambda: least_cloud_first(observations, stack))
    assert 0.05 * everything < read <= 0.35 * everything


def test_least_cloud_first_reads_one_date_where_that_is_clear(stack: BlendInputs, tmp_path: Path) -> None:
    clear = tmp_path / "clear.tif"
    with rasterio.open(stack.dates[0].quality) as dataset:
        profile, classes = dataset.profile, dataset.read(1)
    with rasterio.open(clear, "w", **profile) as dataset:
        dataset.write(classes * 0, 1)
    first = replace(stack.dates[0], quality=clear, efficacy=100.0)
    inputs = replace(stack, dates=(first, *stack.dates[1:]))
    with quality_in_memory(inputs) as observations:
        read = read_by(lambda: least_cloud_first(observations, inputs))
    assert bytes_of(Raster(first.band)) <= read <= bytes_of(Raster(first.band)) + 2 * HEADER


def test_a_merge_reads_the_windows_that_the_tile_needs(mosaic: MergeInputs, out: Path) -> None:
    needed = sum(bytes_of(Raster(path, needed_window(path, mosaic))) for path in mosaic.scenes)
    whole = sum(bytes_of(Raster(path)) for path in mosaic.scenes)
    read = read_by(lambda: ours.merge(mosaic, out, 2))
    assert needed < 0.5 * whole
    assert read <= 1.1 * needed + HEADER * len(mosaic.scenes)


def least_cloud_first(observations: list[Observation], inputs: BlendInputs) -> None:
    blend(
        observations,
        function="LCF",
        mask=ours.MASK,
        data_type=inputs.dtype,
        nodata=inputs.nodata,
        layers=False,
        threads=1,
    )
