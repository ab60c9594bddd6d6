"""How often something is done: dates looked at, bands read, comparisons of the median."""

from __future__ import annotations

from collections import Counter
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray
from rasterio.windows import Window

from benchmarks.kernel import MemoryReader, Stack, make_stack, observations_of
from benchmarks.peers.ours import MASK
from stratocube.pixels.blend_plan import make_plan
from stratocube.pixels.blend_window import blend_window
from stratocube.pixels.composite import CompositeFunction
from stratocube.pixels.stack import StackReader


class CountingReader(MemoryReader):
    """Counts what is read, by path."""

    def __init__(self, stack: Stack) -> None:
        super().__init__(stack)
        self.reads: Counter[str] = Counter()

    def read(self, path: str, window: Window) -> NDArray[Any]:
        self.reads[path] += 1
        return super().read(path, window)


def reads_of(stack: Stack, functions: tuple[CompositeFunction, ...], *, layers: bool) -> Counter[str]:
    reader, (rows, columns) = CountingReader(stack), stack.values[0].shape
    plan = make_plan(
        observations_of(stack),
        functions,
        MASK,
        stack.values[0].dtype,
        stack.nodata,
        layers=layers,
        quality_nodata=None,
        valid_range=None,
        sources=(),
        reference_day=None,
        period_start=None,
    )
    into = {product.name: np.empty((rows, columns), product.dtype) for product in plan.products}
    blend_window(plan, cast(StackReader, reader), Window(0, 0, columns, rows), into)
    return reader.reads


def all_clear(stack: Stack, date: int) -> Stack:
    quality = [np.zeros_like(classes) if number == date else classes for number, classes in enumerate(stack.quality)]
    values = [np.maximum(array, array.dtype.type(1)) for array in stack.values]
    return Stack(values, quality, stack.nodata)


def test_every_raster_is_read_once_for_all_products() -> None:
    reads = reads_of(make_stack(8, "int16"), ("LCF", "MED"), layers=True)
    assert len(reads) == 16
    assert set(reads.values()) == {1}


@pytest.mark.parametrize("clear", [0, 3, 7])
def test_least_cloud_first_stops_at_the_date_that_leaves_nothing_open(clear: int) -> None:
    reads = reads_of(all_clear(make_stack(8, "int16"), clear), ("LCF",), layers=False)
    assert {path for path in reads if path.startswith("quality")} == {f"quality/{date}" for date in range(clear + 1)}
    assert set(reads.values()) == {1}


def test_with_layers_the_quality_of_all_dates_is_read_but_no_band_in_vain() -> None:
    reads = reads_of(all_clear(make_stack(8, "int16"), 0), ("LCF",), layers=True)
    assert [path for path in reads if path.startswith("band")] == ["band/0"]
    assert sum(path.startswith("quality") for path in reads) == 8
