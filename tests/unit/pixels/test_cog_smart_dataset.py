"""Rasters opened for one purpose: closed whatever happens, saved only when all went well."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from rio_cogeo import cog_validate

from stratocube.errors import InvalidRequest, SourceMissing, TransientRead
from stratocube.pixels.dataset import SmartDataSet
from tests.unit.pixels.rasters_on_disk import grid, write_raster


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return Path(write_raster(tmp_path / "a.tif", [[1, 2], [3, 4]]))


def pixels(path: Path) -> list[list[int]]:
    with rasterio.open(path) as raster:
        return raster.read(1).tolist()  # type: ignore[no-any-return]


def test_reading_closes_the_file(path: Path) -> None:
    with SmartDataSet(path) as raster:
        assert raster.dataset.read(1).tolist() == [[1, 2], [3, 4]]
    assert raster.dataset.closed


def test_an_update_saves_pixels_and_tags_as_a_cog(path: Path) -> None:
    with SmartDataSet(path, "r+", tags={"step": "blend"}) as raster:
        raster.dataset.write(raster.dataset.read(1) * 2, 1)
        assert pixels(path) == [[1, 2], [3, 4]]
    assert pixels(path) == [[2, 4], [6, 8]]
    with rasterio.open(path) as saved:
        assert saved.tags()["step"] == "blend"
    assert cog_validate(str(path), quiet=True)[0]
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("mode", ["r+", "w"])
def test_after_an_exception_the_file_is_as_before(path: Path, mode: Any) -> None:
    before = path.read_bytes()
    with pytest.raises(ZeroDivisionError), SmartDataSet(path, mode, profile=profile()) as raster:
        raster.dataset.write(np.zeros((2, 2), "int16"), 1)
        raise ZeroDivisionError
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_new_file_is_written_with_its_profile_and_tags(tmp_path: Path) -> None:
    with SmartDataSet(tmp_path / "new.tif", "w", profile=profile(), tags={"a": "1"}) as raster:
        raster.dataset.write(np.array([[5, 6], [7, 8]], "int16"), 1)
        assert not (tmp_path / "new.tif").exists()
    assert pixels(tmp_path / "new.tif") == [[5, 6], [7, 8]]


def test_a_failed_read_inside_names_the_file(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(TransientRead, match=r"a\.tif"), SmartDataSet(path) as raster:
        raster.dataset.read(1)


def test_what_is_not_there_can_neither_be_read_nor_updated(tmp_path: Path) -> None:
    for mode in ("r", "r+"):
        with pytest.raises(SourceMissing, match=r"none\.tif"), SmartDataSet(tmp_path / "none.tif", mode):  # type: ignore[arg-type]
            pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("mode", "given", "field"),
    [("a", {}, "mode"), ("w", {}, "profile"), ("r", {"tags": {"a": "1"}}, "tags")],
)
def test_arguments_that_do_not_go_together_are_refused(path: Path, mode: Any, given: Any, field: str) -> None:
    with pytest.raises(InvalidRequest, match=f"^{field}: "):
        SmartDataSet(path, mode, **given)


def profile() -> dict[str, Any]:
    box = grid(2, 2)
    return {"width": 2, "height": 2, "count": 1, "dtype": "int16", "crs": box.crs, "transform": Affine(*box.transform)}
