"""Scenes of one date on the tile: who wins, where pixels come from, what is read."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.warp import transform

from stratocube.cube.geobox import GeoBox
from stratocube.errors import InvalidRequest, SourceMissing, TransientRead
from stratocube.pixels.merge import Merge, empty_merge, merge, merge_on_scene_grid
from stratocube.pixels.sources import SourceRaster
from stratocube.pixels.target import Piece
from stratocube.pixels.warp import warp
from tests.unit.pixels.rasters_on_disk import UTM, grid, write_raster

N = -9999
ALBERS = "+proj=aea +lat_0=-12 +lon_0=-54 +lat_1=-2 +lat_2=-22 +x_0=5000000 +y_0=10000000 +ellps=GRS80 +units=m"


def scene(folder: Path, name: str, values: Any, *, dataset: str = "", **given: Any) -> SourceRaster:
    declared = given.pop("declared", None)
    return SourceRaster(name, write_raster(folder / f"{name}.tif", values, **given), nodata=declared, dataset=dataset)


def merged(*sources: SourceRaster, size: tuple[int, int] = (4, 1), **options: Any) -> Merge:
    given: dict[str, Any] = {"data_type": "int16", "nodata": N, "resampling": "nearest"} | options
    return merge(sources, grid(*size), **given)


def test_one_scene_on_the_grid_of_the_tile_stays_as_it_is(tmp_path: Path) -> None:
    result = merged(scene(tmp_path, "a", [[1, 2], [3, N]]), size=(2, 2))
    assert result.data.tolist() == [[1, 2], [3, N]]
    assert result.data.dtype == np.int16
    assert (result.geobox, result.nodata, result.datasource, result.used) == (grid(2, 2), N, None, ("a",))


@pytest.mark.parametrize(
    ("overlap", "data", "datasource", "used"),
    [
        ("last", [[1, 20, 30, N]], [[0, 1, 1, 255]], ("a", "b")),
        ("first", [[1, 2, 30, N]], [[0, 0, 1, 255]], ("a", "b")),
    ],
)
def test_the_last_valid_scene_wins_or_the_first_and_the_datasource_names_the_one_used(
    tmp_path: Path, overlap: str, data: list[list[int]], datasource: list[list[int]], used: tuple[str, ...]
) -> None:
    a = scene(tmp_path, "a", [[1, 2, N, N]], dataset="A")
    b = scene(tmp_path, "b", [[N, 20, 30, N]], dataset="B")
    result = merged(a, b, overlap=overlap, datasource=["A", "B"])
    assert result.datasource is not None
    assert (result.data.tolist(), result.datasource.tolist(), result.used) == (data, datasource, used)
    assert result.datasource.dtype == np.uint8


def test_the_datasource_is_the_index_in_the_list_of_datasets_not_of_scenes(tmp_path: Path) -> None:
    scenes = [scene(tmp_path, name, [values], dataset="B") for name, values in (("a", [1, N]), ("b", [N, 2]))]
    result = merged(*scenes, size=(2, 1), datasource=["A", "B"])
    assert result.datasource is not None
    assert result.datasource.tolist() == [[1, 1]]


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(4)), st.sampled_from(["last", "first"]))
def test_the_order_of_scenes_that_do_not_overlap_does_not_matter(order: list[int], overlap: str) -> None:
    with TemporaryDirectory() as folder:
        rows = [[[k + 1 if column == k else N for column in range(4)]] for k in range(4)]
        scenes = [scene(Path(folder), str(k), row) for k, row in enumerate(rows)]
        assert merged(*[scenes[k] for k in order], overlap=overlap).data.tolist() == [[1, 2, 3, 4]]


def test_scenes_of_different_zone_pixel_size_and_type_make_one_mosaic(tmp_path: Path) -> None:
    # A field that grows by one a metre eastwards, seen by two scenes: the mosaic is the field, to half a coarse pixel.
    tile = grid(12, 2, pixel=10)
    east = [500_000 + 10 * (column + 0.5) for column in range(12)]
    left = scene(
        tmp_path,
        "left",
        [[x - 500_000 for x in np.arange(500_002.5, 500_062.5, 5)]] * 4,
        dtype="float32",
        geobox=grid(12, 4, pixel=5),
    )
    right = scene(
        tmp_path,
        "right",
        [[x - 500_000 for x in np.arange(500_050, 500_170, 20)]],
        dtype="uint16",
        nodata=0,
        geobox=grid(6, 1, x=500_040, pixel=20),
    )
    result = merge([left, right], tile, data_type="int16", nodata=N, resampling="bilinear")
    assert np.abs(result.data - (np.array(east) - 500_000))[:, 1:].max() <= 5
    assert result.used == ("left", "right")


def test_a_tile_beyond_the_projection_of_a_scene_still_gets_it(tmp_path: Path) -> None:
    # Six degrees a pixel, from pole to pole; UTM has no coordinates for most of that.
    world = GeoBox("EPSG:4326", -180, 90, 6, 6, 60, 30)
    utm = scene(tmp_path, "utm", np.full((60, 60), 7), geobox=grid(60, 60, pixel=10_000))
    result = merge([utm], world, data_type="int16", nodata=N, resampling="nearest")
    rows, columns = (result.data == 7).nonzero()
    assert (rows.tolist(), columns.tolist()) == ([18], [21])


def test_a_scene_off_the_tile_gives_nothing_and_no_pixel_of_it_is_read(tmp_path: Path) -> None:
    far = broken(scene(tmp_path, "far", noise(64), geobox=grid(64, 64, x=900_000)))
    result = merged(far, scene(tmp_path, "a", [[1, 2, 3, 4]]))
    assert (result.data.tolist(), result.used) == ([[1, 2, 3, 4]], ("a",))
    assert merged(far).data.tolist() == [[N, N, N, N]]


def test_a_scene_that_others_cover_is_not_read(tmp_path: Path) -> None:
    covered = SourceRaster("covered", str(tmp_path / "absent.tif"))
    full, holed = scene(tmp_path, "full", [[1, 2, 3, 4]]), scene(tmp_path, "holed", [[1, 2, N, 4]])
    assert merged(covered, full).used == ("full",)
    assert merged(full, covered, overlap="first").used == ("full",)
    with pytest.raises(SourceMissing, match=r"^covered: "):
        merged(covered, holed)


def test_only_the_window_of_the_tile_is_read(tmp_path: Path) -> None:
    values = noise(512)
    whole = scene(tmp_path, "a", values, tiled=True, blockxsize=64, blockysize=64)
    tail_lost = broken(whole)
    assert merged(tail_lost, size=(40, 40)).data.tolist() == values[:40, :40].tolist()
    with pytest.raises(TransientRead, match=r"^a: "):
        merged(tail_lost, size=(512, 512))


def test_a_scene_that_is_missing_or_nowhere_is_an_error_and_never_nodata(tmp_path: Path) -> None:
    with pytest.raises(SourceMissing, match=r"^s3://archive/B04\.tif: "):
        merged(SourceRaster("s3://archive/B04.tif", str(tmp_path / "B04.tif")))
    nowhere = scene(tmp_path, "nowhere", [[1, 2, 3, 4]])
    Path(nowhere.path).unlink()
    with pytest.warns(rasterio.errors.NotGeoreferencedWarning):
        with rasterio.open(nowhere.path, "w", driver="GTiff", width=4, height=1, count=1, dtype="int16") as raster:
            raster.write(np.ones((1, 4), "int16"), 1)
        with pytest.raises(SourceMissing, match="nowhere: has no georeference"):
            merged(nowhere)


@pytest.mark.parametrize("threads", [1, 3])
def test_pieces_and_threads_do_not_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: int) -> None:
    values = noise(100)
    values[30:50, 20:90] = N
    a = scene(tmp_path, "a", values)
    b = scene(tmp_path, "b", noise(120), geobox=grid(120, 120, x=500_300, y=8_000_200))
    # On another projection, so that every pixel is interpolated.
    (x,), (y,) = transform(UTM, ALBERS, [500_000], [8_000_000])
    tile = GeoBox(ALBERS, x, y, 10, 10, 100, 100)
    given: dict[str, Any] = {"data_type": "int16", "nodata": N, "resampling": "bilinear", "tolerance": 0}
    whole = merge([a, b], tile, **given)
    monkeypatch.setattr("stratocube.pixels.merge._PIECE_ROWS", 16)
    monkeypatch.setattr("stratocube.pixels.merge._PIECE_COLUMNS", 32)
    pieces = merge([a, b], tile, threads=threads, **given)
    assert np.array_equal(whole.data, pieces.data)
    assert 0 < (whole.data == N).mean() < 0.5


def test_only_areas_that_have_holes_are_warped_with_masks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = noise(100)
    values[:, 90:] = N
    utm = scene(tmp_path, "a", values)
    (x,), (y,) = transform(UTM, ALBERS, [500_000], [8_000_000])
    tile = GeoBox(ALBERS, x, y, 10, 10, 96, 96)
    given: dict[str, Any] = {"data_type": "int16", "nodata": N, "resampling": "bilinear", "tolerance": 0}
    whole = merge([utm], tile, **given)
    monkeypatch.setattr("stratocube.pixels.merge._HOLED_SIDE", 24)
    asked: list[tuple[int, bool]] = []

    def counted(part: Any, window: Any, area: Piece, *others: Any) -> Any:
        asked.append((area.rows * area.columns, part.has_holes(window)))
        return warp(part, window, area, *others)

    monkeypatch.setattr("stratocube.pixels.merge.warp", counted)
    cut = merge([utm], tile, **given)
    assert np.array_equal(whole.data, cut.data)
    assert 0.05 < (cut.data == N).mean() < 0.5
    assert sum(size for size, holes in asked if holes) < 0.5 * 96 * 96
    assert sum(size for size, holes in asked if not holes) > 0.5 * 96 * 96


def test_bands_of_a_file_are_told_apart(tmp_path: Path) -> None:
    box = grid(2, 1)
    with rasterio.open(
        tmp_path / "two.tif",
        "w",
        driver="GTiff",
        width=2,
        height=1,
        count=2,
        dtype="int16",
        nodata=N,
        crs=box.crs,
        transform=Affine(*box.transform),
    ) as raster:
        raster.write(np.array([[[1, 2]], [[3, 4]]], "int16"))
    source = SourceRaster("two", str(tmp_path / "two.tif"), band=2)
    assert merged(source, size=(2, 1)).data.tolist() == [[3, 4]]


def test_a_date_without_scenes_is_an_empty_merge() -> None:
    with pytest.raises(InvalidRequest, match="sources: no scene to merge"):
        merged()
    nothing = empty_merge(grid(2, 1), data_type="uint8", nodata=255, datasource=["A"])
    assert nothing.datasource is not None
    assert (nothing.data.tolist(), nothing.data.dtype, nothing.datasource.tolist()) == (
        [[255, 255]],
        "uint8",
        [[255, 255]],
    )
    assert empty_merge(grid(1, 1), data_type="float32", nodata=N).datasource is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"resampling": "magic"}, "resampling: 'magic' is none of nearest, bilinear"),
        ({"nodata": -1, "data_type": "uint8"}, "nodata: uint8 cannot hold -1"),
        ({"data_type": "int17"}, "data_type: 'int17' is no data type"),
        ({"datasource": ["B"]}, "datasource: a is of 'A', which is none of B"),
        ({"datasource": ["A"] * 256}, "datasource: at most 255 datasets"),
    ],
)
def test_what_cannot_be_merged_is_refused_with_the_field(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        merged(scene(tmp_path, "a", [[1, 2, 3, 4]], dataset="A"), **options)


def test_scenes_that_share_a_grid_are_mosaicked_on_it_without_warping(tmp_path: Path) -> None:
    own = grid(2, 1, x=123_456.5, pixel=7)
    a, b = scene(tmp_path, "a", [[1, 2]], geobox=own), scene(tmp_path, "b", [[N, 3]], geobox=own)
    result = merge_on_scene_grid([a, b], (2, 1), data_type="int16", nodata=N)
    assert result.data.tolist() == [[1, 3]]
    assert result.geobox.transform == own.transform


def test_a_scene_of_another_size_or_grid_is_named(tmp_path: Path) -> None:
    a, b = scene(tmp_path, "a", [[1, 2]]), scene(tmp_path, "b", [[1, 2]], geobox=grid(2, 1, x=0))
    given: dict[str, Any] = {"data_type": "int16", "nodata": N}
    with pytest.raises(InvalidRequest, match=r"shape: a has 2 x 1 pixels \(width x height\), not 1 x 2"):
        merge_on_scene_grid([a], (1, 2), **given)
    with pytest.raises(InvalidRequest, match="shape: b is on another grid than a"):
        merge_on_scene_grid([a, b], (2, 1), **given)
    with pytest.raises(InvalidRequest, match="no scene"):
        merge_on_scene_grid([], (2, 1), **given)


def noise(side: int) -> np.ndarray[Any, np.dtype[Any]]:
    return np.random.default_rng(7).integers(100, 9000, (side, side))


def broken(source: SourceRaster) -> SourceRaster:
    """The same scene with half of its file cut off."""
    path = Path(source.path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return source
