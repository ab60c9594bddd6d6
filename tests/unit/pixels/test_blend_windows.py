"""Composites window by window: the same result whatever the windows, and no more reading than needed."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.env import getenv
from rasterio.windows import Window

from stratocube.cube.geobox import GeoBox
from stratocube.pixels import blend_run, sources, stack
from stratocube.pixels.blend import Observation, blend
from stratocube.pixels.composite import CompositeFunction, composite
from stratocube.pixels.masks import classify
from stratocube.pixels.pixel_memory import PixelMemory
from stratocube.pixels.stack import Grid, StackReader
from tests.unit.pixels.blend_files import BAND, FMASK, NODATA, Files

TILED: dict[str, Any] = {"tiled": True, "blockxsize": 16, "blockysize": 16}
Reads = list[tuple[str, tuple[int, int, int, int]]]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


@pytest.fixture
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack, "_SIDE", 16)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Reads:
    """Every read that happens: file name and window (column, row, width, height)."""
    seen: Reads = []
    read = StackReader.read

    def spy(self: StackReader, path: str, window: Window, memory: PixelMemory | None = None) -> np.ndarray:
        seen.append((Path(path).stem, window.flatten()))
        return read(self, path, window, memory)

    monkeypatch.setattr(StackReader, "read", spy)
    return seen


def noisy_dates(files: Files, shape: tuple[int, int], count: int) -> tuple[list[Observation], np.ndarray, np.ndarray]:
    """Observations in rank order, with their values and quality (dates × rows × columns)."""
    random = np.random.default_rng(5)
    values = random.integers(-50, 5000, (count, *shape)).astype(np.int16)
    values[random.random(values.shape) < 0.1] = NODATA
    quality = random.choice([0, 1, 2, 4, 77, 255], values.shape).astype(np.uint8)
    dates = [
        Observation(
            date=dt.date(2020, 1, 1 + rank),
            band=files.write(f"{rank}_nir", values[rank], nodata=NODATA, **TILED),
            quality=files.write(f"{rank}_quality", quality[rank], "uint8", **TILED),
            efficacy=100 - rank,
            resolution=30,
        )
        for rank in range(count)
    ]
    return dates, values, quality


@pytest.mark.usefixtures("small_windows")
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("function", ["LCF", "MED", "AVG"])
def test_the_windows_together_are_the_composite_of_the_whole(
    files: Files, function: CompositeFunction, threads: int
) -> None:
    dates, values, quality = noisy_dates(files, (50, 70), 5)
    result = blend(dates, function=function, layers=True, threads=threads, **BAND)
    classes = [classify(date, FMASK) for date in quality]
    np.testing.assert_array_equal(result.data, composite(list(values), classes, function=function, nodata=NODATA))
    assert result.layers is not None
    clear = np.isin(quality, FMASK.clear).sum(axis=0)
    np.testing.assert_array_equal(result.layers.clear_observations, clear)
    np.testing.assert_array_equal(result.layers.total_observations, (quality != 255).sum(axis=0))
    assert result.layers.efficacy == round(100 * np.count_nonzero(clear) / clear.size, 2)


def test_many_dates_make_the_windows_of_the_median_smaller_not_its_result(
    files: Files, reads: Reads, monkeypatch: pytest.MonkeyPatch
) -> None:
    dates, _, _ = noisy_dates(files, (40, 40), 9)
    whole = blend(dates, function="MED", layers=False, **BAND).data
    assert {window for _, window in reads} == {(0, 0, 40, 40)}
    reads.clear()
    monkeypatch.setattr(blend_run, "_STACK_BYTES", 9000)
    np.testing.assert_array_equal(blend(dates, function="MED", layers=False, **BAND).data, whole)
    assert max(width * height for _, (_, _, width, height) in reads) <= 9000 // (9 * 3)


def test_lcf_reads_no_date_behind_a_clear_one(files: Files, reads: Reads) -> None:
    best = files.observation(9, [[0, 1]], [[5, 6]])
    rest = files.observation(1, [[0, 0]], [[7, 8]])
    blend([best, rest], function="LCF", layers=False, **BAND)
    assert [name for name, _ in reads] == ["2020-01-09_quality", "2020-01-09_nir"]


def test_lcf_reads_no_band_that_could_give_nothing(files: Files, reads: Reads) -> None:
    days = {9: [0, 2, 2], 8: [0, 3, 3], 7: [255, 4, 0]}
    blend(
        [files.observation(day, [quality], [[day, day, day]]) for day, quality in days.items()],
        function="LCF",
        layers=False,
        **BAND,
    )
    assert "2020-01-08_quality" in dict(reads)
    assert "2020-01-08_nir" not in dict(reads)  # where it is clear the better one is, and cloud is there already
    assert "2020-01-07_nir" in dict(reads)


@pytest.mark.usefixtures("small_windows")
def test_lcf_reads_on_only_in_windows_with_open_pixels(files: Files, reads: Reads) -> None:
    quality = np.zeros((16, 48), dtype=np.uint8)
    quality[3, 20] = 4
    band = np.ones((16, 48))
    best, rest = (
        Observation(
            date=dt.date(2020, 1, day),
            band=files.write(f"{day}_nir", band * day, **TILED),
            quality=files.write(f"{day}_quality", pixels, "uint8", **TILED),
            efficacy=efficacy,
            resolution=30,
        )
        for day, pixels, efficacy in ((9, quality, 90.0), (1, quality * 0, 10.0))
    )
    result = blend([best, rest], function="LCF", layers=False, **BAND)
    assert result.data[3, 20] == 1
    assert np.count_nonzero(result.data == 9) == 16 * 48 - 1
    assert [read for read in reads if read[0].startswith("1_")] == [
        ("1_quality", (16, 0, 16, 16)),
        ("1_nir", (16, 0, 16, 16)),
    ]


@pytest.mark.usefixtures("small_windows")
def test_the_median_reads_two_blocks_at_a_time(files: Files, reads: Reads) -> None:
    nothing = np.zeros((16, 48), dtype=np.uint8)
    date = Observation(
        date=dt.date(2020, 1, 9),
        band=files.write("nir", np.ones((16, 48)), **TILED),
        quality=files.write("quality", nothing, "uint8", **TILED),
        efficacy=90.0,
        resolution=30,
    )
    blend([date], function="MED", layers=False, **BAND)
    assert [read for read in reads if read[0] == "nir"] == [("nir", (0, 0, 32, 16)), ("nir", (32, 0, 16, 16))]


def test_the_quality_band_is_read_once_a_date(files: Files, reads: Reads) -> None:
    dates = [files.observation(day, [[day % 5, 0]]) for day in (1, 2, 3)]
    blend(dates, function="LCF", mask=FMASK, data_type="uint8", nodata=255, layers=True)
    assert len(reads) == len(dates)


def test_the_sources_of_pixels_are_read_only_where_somebody_asks(files: Files, reads: Reads) -> None:
    source = files.write("source", [[0]], "uint8")
    quality = files.observation(1, [[0]], datasource=source)
    for date, layers in ((files.observation(1, [[0]], [[1]], datasource=source), False), (quality, True)):
        reads.clear()
        blend([date], function="LCF", mask=FMASK, data_type="int16", nodata=NODATA, layers=layers)
        assert ("source" in dict(reads)) is layers


def test_settings_of_gdal_reach_the_threads(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    read = StackReader.read

    def spy(self: StackReader, path: str, window: Window) -> np.ndarray:
        seen.append(getenv().get("A_SETTING"))
        return read(self, path, window)

    monkeypatch.setattr(StackReader, "read", spy)
    with rasterio.Env(A_SETTING="here"):
        blend([files.observation(1, [[0]], [[1]])], function="MED", layers=False, threads=2, **BAND)
    assert seen == ["here", "here"]


def grid(height: int, width: int, block: tuple[int, int]) -> Grid:
    geobox = GeoBox("EPSG:32722", 600000, 8000000, 30, 30, width, height)
    return Grid.of_geobox(geobox, block)


@pytest.mark.parametrize(
    ("made", "most", "first"),
    [
        (grid(1000, 1300, (512, 512)), 512 * 512, (512, 512)),
        (grid(1000, 1300, (256, 256)), 512 * 512, (512, 512)),
        (grid(1000, 1300, (1, 1300)), 512 * 512, (201, 1300)),
        (grid(1000, 1300, (512, 512)), 100 * 512, (100, 512)),
        (grid(1000, 1300, (512, 512)), 300, (1, 300)),
        (grid(3, 4, (512, 512)), 512 * 512, (3, 4)),
        (grid(3, 4, (512, 512)), 0, (1, 1)),
    ],
)
def test_windows_lie_along_the_blocks_and_cover_every_pixel_once(made: Grid, most: int, first: tuple[int, int]) -> None:
    windows = list(made.windows(most))
    assert (windows[0].height, windows[0].width) == first
    covered = np.zeros(made.geobox.shape, dtype=np.uint8)
    for window in windows:
        covered[window.toslices()] += 1
    assert (covered == 1).all()


@pytest.mark.parametrize(("most", "first"), [(1 << 20, (512, 1024)), (400_000, (512, 512)), (100 * 512, (100, 512))])
def test_wide_windows_are_of_several_blocks_where_memory_allows(most: int, first: tuple[int, int]) -> None:
    window = next(grid(1000, 1300, (512, 512)).windows(most, wide=True))
    assert (window.height, window.width) == first


def test_more_files_than_may_be_open_are_closed_and_opened_again(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack, "_MOST_OPEN", 2)
    opened: list[str] = []
    datasets: list[Any] = []

    def spy(path: str) -> Any:
        opened.append(Path(path).stem)
        datasets.append(sources.opened(path))
        return datasets[-1]

    monkeypatch.setattr(stack, "opened", spy)
    paths = {name: files.write(name, [[value]]) for name, value in (("a", 1), ("b", 2), ("c", 3))}
    with StackReader(Grid.of_file(paths["a"])) as reader:
        opened.clear()
        datasets.clear()
        values = [int(reader.read(paths[name], Window(0, 0, 1, 1))[0, 0]) for name in "ababcba"]
        assert [dataset.closed for dataset in datasets] == [True, False, True, False]
    assert values == [1, 2, 1, 2, 3, 2, 1]
    assert opened == ["a", "b", "c", "a"]
    assert all(dataset.closed for dataset in datasets)


@pytest.mark.usefixtures("small_windows")
@pytest.mark.parametrize("far_away", [False, True])
def test_lcf_reads_a_third_of_the_band_at_most_where_the_best_date_has_a_tenth_of_cloud(
    files: Files, reads: Reads, monkeypatch: pytest.MonkeyPatch, far_away: bool
) -> None:
    monkeypatch.setattr(blend_run, "is_remote", lambda path: far_away)
    # Clouds of a few blocks each, more from date to date: 10 %, 15 %, … 45 %.
    random, blocks = np.random.default_rng(4), 20
    dates = []
    for rank in range(8):
        cloudy = random.permutation(blocks * blocks).reshape(blocks, blocks) < blocks * blocks * (0.1 + 0.05 * rank)
        quality = np.where(np.kron(cloudy, np.ones((16, 16))), 4, 0)
        dates.append(
            Observation(
                date=dt.date(2020, 1, 1 + rank),
                band=files.write(f"{rank}_nir", np.full(quality.shape, rank), nodata=NODATA, **TILED),
                quality=files.write(f"{rank}_quality", quality, "uint8", **TILED),
                efficacy=90 - 5 * rank,
                resolution=30,
            )
        )
    result = blend(dates, function="LCF", layers=False, **BAND)
    assert np.count_nonzero(result.data == 0) == result.data.size * 9 // 10
    pixels = sum(width * height for name, (_, _, width, height) in reads if name.endswith("_nir"))
    assert pixels <= 0.35 * len(dates) * result.data.size
    assert pixels < 1.3 * result.data.size  # all of the best date, and little more than its clouds of the others
