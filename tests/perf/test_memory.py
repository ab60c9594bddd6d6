"""Most memory held in arrays at a time (tracemalloc, which numpy reports to): bounded, whatever the tile and dates."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchmarks.kernel import composite_all, make_stack
from benchmarks.peers import PRODUCTS, ours
from benchmarks.workload import BlendInputs, MergeInputs
from stratocube.pixels.median import Workspace

MB = 1_000_000
WINDOW = 512 * 1024
"""Pixels of a window where every date is read."""


def peak(work: Callable[[], object]) -> int:
    """Bytes at the highest point of ``work``, beyond what was there before."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        work()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def test_a_blend_holds_a_window_of_its_dates_and_what_is_encoded(stack: BlendInputs, out: Path) -> None:
    held = peak(lambda: ours.blend(stack, out, 1))
    encoded = sum((out / f"{name}.tif").stat().st_size for name in PRODUCTS)
    # Pixels of the tile: 34 MB of products, 151 MB of inputs.
    assert held <= encoded + 42 * MB


def test_more_dates_do_not_take_more_memory_than_their_part_of_a_window(stack: BlendInputs, out: Path) -> None:
    few, many = (peak(lambda n=n: ours.blend(stack.first(n), out, 1)) for n in (4, 12))  # type: ignore[misc]
    # The eight dates more are held with their values; a fifth for what comes with them.
    assert many - few <= 1.2 * 8 * WINDOW * np.dtype(stack.dtype).itemsize


def test_another_thread_takes_one_more_window_not_one_more_tile(stack: BlendInputs, out: Path) -> None:
    one, two = (peak(lambda n=n: ours.blend(stack, out, n)) for n in (1, 2))  # type: ignore[misc]
    assert two - one <= 36 * MB


@pytest.mark.parametrize(("dtype", "most"), [("int16", 20), ("float32", 12)])
def test_the_kernel_makes_few_arrays_beside_those_it_is_given(dtype: str, most: int) -> None:
    stack, workspace = make_stack(12, dtype), Workspace()
    composite_all(stack, workspace)
    block = stack.values[0].nbytes
    assert peak(lambda: composite_all(stack, workspace)) <= most * block


def test_a_merge_holds_the_tile_and_parts_of_scenes(mosaic: MergeInputs, out: Path) -> None:
    tile = mosaic.size**2 * np.dtype(mosaic.dtype).itemsize
    held = peak(lambda: ours.merge(mosaic, out, 1))
    assert held <= 8 * tile
