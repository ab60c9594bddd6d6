"""What a merge reads of its scenes, how often, and with which settings."""

from __future__ import annotations

from pathlib import Path
from threading import get_ident
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.env import getenv
from rasterio.session import DummySession

from stratocube.errors import TransientRead
from stratocube.pixels import merge as merge_module
from stratocube.pixels import scene_reading
from stratocube.pixels.merge import Merge, merge
from stratocube.pixels.sources import SourceRaster
from tests.unit.pixels.rasters_on_disk import grid, write_raster

N = -9999


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, int]]:
    """(file, first row, row after the last) of every read, in bands of 16 rows."""
    found: list[tuple[str, int, int]] = []
    read = scene_reading.read_pixels

    def recorded(dataset: Any, **given: Any) -> Any:
        window = given["window"]
        found.append((Path(dataset.name).stem, int(window.row_off), int(window.row_off + window.height)))
        return read(dataset, **given)

    monkeypatch.setattr(scene_reading, "read_pixels", recorded)
    monkeypatch.setattr(merge_module, "_PIECE_ROWS", 16)
    monkeypatch.setattr(merge_module, "_PIECE_COLUMNS", 32)
    return found


def scene(folder: Path, name: str, values: Any, **given: Any) -> SourceRaster:
    tiled = {"tiled": True, "blockxsize": 16, "blockysize": 16}
    return SourceRaster(name, write_raster(folder / f"{name}.tif", values, **tiled, **given))


def merged(*sources: SourceRaster, resampling: str = "nearest", threads: int = 1) -> Merge:
    return merge(sources, grid(64, 64), data_type="int16", nodata=N, resampling=resampling, threads=threads)


def numbers(side: int, first: int = 100) -> np.ndarray[Any, np.dtype[Any]]:
    return np.arange(side * side).reshape(side, side) % 9000 + first


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize("south", [0, -70, 70])
def test_each_row_of_blocks_is_read_once(
    tmp_path: Path, reads: list[tuple[str, int, int]], threads: int, south: int
) -> None:
    values = numbers(96)
    box = grid(96, 96, y=8_000_000 - south)
    merged(scene(tmp_path, "a", values, geobox=box), resampling="bilinear", threads=threads)
    rows = [row for _, start, end in reads for row in range(start, end)]
    assert len(reads) > 2
    assert len(rows) == len(set(rows))
    assert all(start % 16 == 0 or start == min(rows) for _, start, _ in reads)


def test_what_others_cover_is_not_read_and_what_they_leave_open_is(
    tmp_path: Path, reads: list[tuple[str, int, int]]
) -> None:
    top = numbers(64)
    top[40:] = N
    result = merged(scene(tmp_path, "below", numbers(64, 1)), scene(tmp_path, "above", top))
    assert {name for name, _, _ in reads} == {"above", "below"}
    assert min(start for name, start, _ in reads if name == "below") >= 16
    assert result.data.tolist() == np.vstack([numbers(64)[:40], numbers(64, 1)[40:]]).tolist()


def test_a_scene_read_ahead_that_fails_is_an_error_that_names_it(
    tmp_path: Path, reads: list[tuple[str, int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded = scene_reading.read_pixels

    def failing(dataset: Any, **given: Any) -> Any:
        if given["window"].row_off >= 32:
            raise rasterio.errors.RasterioIOError("HTTP response code: 503")
        return recorded(dataset, **given)

    monkeypatch.setattr(scene_reading, "read_pixels", failing)
    with pytest.raises(TransientRead, match=r"^a: .*503"):
        merged(scene(tmp_path, "a", numbers(64)), threads=2)


def test_scenes_are_read_with_the_settings_of_the_caller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    read = scene_reading.read_pixels

    def looking(dataset: Any, **given: Any) -> Any:
        seen.append(getenv()["GDAL_HTTP_TIMEOUT"])
        return read(dataset, **given)

    monkeypatch.setattr(scene_reading, "read_pixels", looking)
    source = scene(tmp_path, "a", numbers(64))
    with rasterio.Env(session=DummySession(), GDAL_HTTP_TIMEOUT="7"):
        merged(source)
    merged(source)
    assert seen == ["7", "60"]


@pytest.mark.parametrize("threads", [1, 3])
def test_after_a_failure_no_further_band_is_read(
    tmp_path: Path, reads: list[tuple[str, int, int]], monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    asked: list[int] = []

    def failing(_: Any, **given: Any) -> Any:
        asked.append(int(given["window"].row_off))
        raise rasterio.errors.RasterioIOError("HTTP response code: 503")

    monkeypatch.setattr(scene_reading, "read_pixels", failing)
    with pytest.raises(TransientRead, match=r"^a: .*503"):
        merge([scene(tmp_path, "a", numbers(256))], grid(256, 256), data_type="int16", nodata=N, threads=threads)
    assert len(asked) < 16 / 2
    assert reads == []


@pytest.mark.parametrize("remote", [False, True])
def test_only_scenes_that_have_to_be_waited_for_are_opened_in_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, remote: bool
) -> None:
    openers: set[int] = set()
    open_ = scene_reading.opened

    def recorded(path: str, **given: Any) -> Any:
        openers.add(get_ident())
        return open_(path, **given)

    monkeypatch.setattr(scene_reading, "opened", recorded)
    monkeypatch.setattr(scene_reading, "is_remote", lambda _: remote)
    result = merged(scene(tmp_path, "a", numbers(64)), scene(tmp_path, "b", numbers(64)))
    assert (get_ident() in openers) is not remote
    assert len(openers) == (2 if remote else 1)
    assert result.data.tolist() == numbers(64).tolist()


def test_a_scene_cannot_be_an_address_of_memory(tmp_path: Path) -> None:
    merged(scene(tmp_path, "a", numbers(64)))
    pixels = np.zeros((64, 64), dtype=np.uint8)
    address = f"MEM:::DATAPOINTER={pixels.ctypes.data:#x},PIXELS=64,LINES=64"
    with pytest.raises(TransientRead, match=r"^b: .*DATAPOINTER"):
        merged(scene(tmp_path, "c", numbers(64)), SourceRaster("b", address))
