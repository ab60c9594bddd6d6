"""Reading ahead of a composite: the same result, no block twice, none too many, and failures where they matter."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest
from rasterio.windows import Window

from stratocube.errors import SourceMissing, TransientRead
from stratocube.pixels import blend_run, read_ahead, stack
from stratocube.pixels.blend import Observation, blend
from stratocube.pixels.pixel_memory import PixelMemory
from stratocube.pixels.read_ahead import ReadAhead, spans_of
from stratocube.pixels.stack import StackReader
from tests.unit.pixels.blend_files import BAND, NODATA, Files
from tests.unit.pixels.test_blend_windows import TILED, noisy_dates

Blocks = Counter[tuple[str, int, int]]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


@pytest.fixture(autouse=True)
def far_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of these tests are read as if they were on S3, in windows of 16 × 16."""
    monkeypatch.setattr(stack, "_SIDE", 16)
    monkeypatch.setattr(blend_run, "is_remote", lambda path: True)


@pytest.fixture
def blocks(monkeypatch: pytest.MonkeyPatch) -> Iterator[Blocks]:
    """How often each block of each file is read."""
    seen: Blocks = Counter()
    read = StackReader.read

    def spy(self: StackReader, path: str, window: Window, memory: PixelMemory | None = None) -> np.ndarray:
        column, row, width, height = (int(number) for number in window.flatten())
        seen.update(
            (Path(path).stem, y, x) for y in range(row, row + height, 16) for x in range(column, column + width, 16)
        )
        return read(self, path, window, memory)

    monkeypatch.setattr(StackReader, "read", spy)
    yield seen


def cloudy_dates(files: Files, blocks: int, count: int) -> list[Observation]:
    """Dates whose clouds are of whole blocks and of single pixels."""
    random = np.random.default_rng(7)
    dates = []
    for rank in range(count):
        quality = np.where(np.kron(random.random((blocks, blocks)) < 0.4, np.ones((16, 16))), 4, 0)
        quality[random.random(quality.shape) < 0.0005] = 255
        values = random.integers(0, 5000, quality.shape)
        dates.append(
            Observation(
                date=dt.date(2020, 1, 1 + rank),
                band=files.write(f"{rank}_nir", values, nodata=NODATA, **TILED),
                quality=files.write(f"{rank}_quality", quality, "uint8", **TILED),
                efficacy=90 - rank,
                resolution=30,
            )
        )
    return dates


@pytest.mark.parametrize(("most_bytes", "threads"), [(1, 3), (20_000, 1), (1 << 24, 3)])
@pytest.mark.parametrize("function", ["LCF", ("AVG", "MED")])
def test_the_composite_is_the_one_without_reading_ahead(
    files: Files, monkeypatch: pytest.MonkeyPatch, function: Any, most_bytes: int, threads: int
) -> None:
    dates, _, _ = noisy_dates(files, (50, 70), 5)
    monkeypatch.setattr(read_ahead, "_MOST_BYTES", most_bytes)
    ahead = blend(dates, function=function, layers=True, threads=threads, **BAND)
    monkeypatch.setattr(blend_run, "is_remote", lambda path: False)
    plain = blend(dates, function=function, layers=True, threads=threads, **BAND)
    assert ahead.layers is not None
    assert plain.layers is not None
    for name, data in plain.composites.items():
        np.testing.assert_array_equal(ahead.composites[name], data)
    np.testing.assert_array_equal(ahead.layers.clear_observations, plain.layers.clear_observations)
    assert ahead.layers.efficacy == plain.layers.efficacy


@pytest.mark.parametrize("most_bytes", [20_000, 1 << 24])
@pytest.mark.parametrize(
    ("function", "layers"), [("LCF", False), ("LCF", True), ("MED", False), (("LCF", "MED"), True)]
)
def test_the_blocks_of_the_band_are_those_read_without_reading_ahead_each_once(
    files: Files, blocks: Blocks, monkeypatch: pytest.MonkeyPatch, function: Any, layers: bool, most_bytes: int
) -> None:
    dates = cloudy_dates(files, 6, 5)
    monkeypatch.setattr(read_ahead, "_MOST_BYTES", most_bytes)
    blend(dates, function=function, layers=layers, threads=2, **BAND)
    ahead = blocks.copy()
    blocks.clear()
    monkeypatch.setattr(blend_run, "is_remote", lambda path: False)
    blend(dates, function=function, layers=layers, **BAND)
    assert set(ahead.values()) == {1}
    assert {block for block in ahead if "nir" in block[0]} == {block for block in blocks if "nir" in block[0]}
    assert set(blocks) <= set(ahead)


def test_a_band_is_asked_for_as_soon_as_its_own_quality_tells_and_not_when_that_of_all_dates_does(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    dates = cloudy_dates(files, 2, 3)
    first_band, read = Event(), StackReader.read
    waited: list[bool] = []

    def late(self: StackReader, path: str, window: Window, memory: PixelMemory | None = None) -> np.ndarray:
        if path == dates[0].band:
            first_band.set()
        if path == dates[2].quality:
            waited.append(first_band.wait(30))
        return read(self, path, window, memory)

    monkeypatch.setattr(StackReader, "read", late)
    blend(dates, function="LCF", layers=True, threads=1, **BAND)
    assert waited
    assert all(waited)


def test_a_file_that_cannot_be_read_is_an_error_with_its_name_where_it_is_needed(files: Files) -> None:
    dates = cloudy_dates(files, 4, 3)
    Path(dates[1].band).unlink()
    with pytest.raises(SourceMissing, match="1_nir"):
        blend(dates, function="LCF", layers=False, threads=2, **BAND)


def test_a_file_that_ends_too_early_is_an_error_with_its_name(files: Files) -> None:
    dates = cloudy_dates(files, 4, 3)
    path = Path(dates[2].band)
    path.write_bytes(path.read_bytes()[:-3000])
    with pytest.raises(TransientRead, match="2_nir"):
        blend(dates, function="MED", layers=False, threads=2, **BAND)


def test_a_file_that_cannot_be_read_is_no_error_where_nobody_needs_it(files: Files) -> None:
    best = files.observation(9, np.zeros((16, 16)), np.full((16, 16), 5))
    rest = files.observation(1, np.zeros((16, 16)), np.full((16, 16), 7), efficacy=10.0)
    Path(rest.band).unlink()
    Path(rest.quality).unlink()
    assert (blend([best, rest], function="LCF", layers=False, **BAND).data == 5).all()


def test_what_is_read_and_not_composited_stays_within_its_bytes(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    dates = cloudy_dates(files, 8, 4)
    held: list[int] = []
    ask = ReadAhead._ask

    def spy(self: ReadAhead, *given: Any) -> None:
        ask(self, *given)
        held.append(self._held)

    monkeypatch.setattr(ReadAhead, "_ask", spy)
    monkeypatch.setattr(read_ahead, "_MOST_BYTES", 12_000)
    blend(dates, function="MED", layers=False, **BAND)
    a_window = 16 * 16 * 4 * 3
    assert max(held) <= 12_000 + 2 * a_window  # one that is waited for, and one that there was room for


def tiles(rows: int, columns: int, side: int = 16) -> list[Window]:
    return [Window(x * side, y * side, side, side) for y in range(rows) for x in range(columns)]


@pytest.mark.parametrize(("most", "sizes"), [(1024, [4]), (600, [2, 2]), (300, [1, 1, 1, 1]), (1, [1, 1, 1, 1])])
def test_spans_are_parts_or_their_rows_or_single_windows(most: int, sizes: list[int]) -> None:
    spans = spans_of([tiles(2, 2)], most)
    assert [len(span) for span in spans] == sizes
    assert [window for span in spans for window in span] == tiles(2, 2)


@pytest.mark.parametrize(
    ("chosen", "areas"),
    [
        ([0, 1, 2, 3, 4, 5], [(0, 0, 48, 32)]),
        ([0, 1, 3, 4], [(0, 0, 32, 32)]),
        ([0, 2, 4], [(0, 0, 16, 16), (32, 0, 16, 16), (16, 16, 16, 16)]),
        ([1, 2, 3], [(16, 0, 32, 16), (0, 16, 16, 16)]),
        ([], []),
    ],
)
def test_adjacent_windows_are_read_together(chosen: list[int], areas: list[tuple[int, ...]]) -> None:
    windows = tiles(2, 3)
    found = read_ahead._rectangles([windows[index] for index in chosen])
    assert [area.hull.flatten() for area in found] == areas
    assert [window for area in found for window in area.windows] == [windows[index] for index in chosen]


def test_memory_is_used_again_where_it_fits() -> None:
    memory = PixelMemory(1000)
    first = memory.empty((10, 10), np.dtype("int16"))
    place = first.ctypes.data
    memory.give_back(first)
    assert memory.empty((9, 9), np.dtype("int16")).ctypes.data == place
    assert memory.empty((10, 10), np.dtype("int16")).ctypes.data != place


def test_memory_that_nobody_uses_is_bounded() -> None:
    memory = PixelMemory(300)
    arrays = [memory.empty((10, 10), np.dtype("uint8")) for _ in range(5)]
    for array in arrays:
        memory.give_back(array)
    assert len(memory._free) == 3
    with pytest.raises(TypeError, match="not come from here"):
        memory.give_back(np.zeros((2, 2)))
