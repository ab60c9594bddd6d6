"""The dark end of a scene speaks for or against an offset in its numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine

from stratocube.cube.geobox import GeoBox
from stratocube.pixels.cog import save_as_cog
from stratocube.pixels.dark_end import contradiction, dark_end, read_dark_end
from stratocube.pixels.sources import SourceRaster


def ground(*, offset: int) -> np.ndarray:
    """Reflectance of ground with shadows and a nodata border, in ten-thousandths, with an offset."""
    numbers = np.random.default_rng(1).integers(150, 3500, (600, 600)) + offset
    numbers[:50] = 0
    return numbers.astype(np.uint16)


@pytest.mark.parametrize(
    ("held", "removed", "doubt"),
    [(0, True, "twice"), (1000, True, None), (0, False, None), (1000, False, "not taken out")],
)
def test_a_scene_whose_values_contradict_what_is_said_of_it_is_doubted(
    tmp_path: Path, held: int, removed: bool, doubt: str | None
) -> None:
    path = tmp_path / "B04.tif"
    box = GeoBox("EPSG:32633", 500_000, 5_100_000, 10, 10, width=600, height=600)
    save_as_cog(str(path), ground(offset=held), box, nodata=0, kind="continuous")
    dark = read_dark_end(SourceRaster(str(path), str(path)))
    assert dark == pytest.approx(167 + held, abs=25)
    found = contradiction(dark, -1000.0, removed=removed)
    assert found is None if doubt is None else doubt in (found or "")


def test_of_a_large_scene_without_overviews_the_middle_is_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "plain.tif"
    numbers = np.full((2600, 2600), 100, dtype=np.uint16)
    numbers[300:2300, 300:2300] = 2000
    profile = {"driver": "GTiff", "width": 2600, "height": 2600, "count": 1, "dtype": "uint16", "nodata": 0}
    with rasterio.open(
        path, "w", crs="EPSG:32633", transform=Affine(10, 0, 500_000, 0, -10, 5_100_000), **profile
    ) as f:
        f.write(numbers, 1)
    assert read_dark_end(SourceRaster(str(path), str(path))) == 100
    numbers[276:2324, 276:2324] = 2000
    with rasterio.open(path, "r+") as f:
        f.write(numbers, 1)
    assert read_dark_end(SourceRaster(str(path), str(path))) == 2000


def test_too_few_pixels_tell_nothing() -> None:
    assert dark_end(np.full((20, 20), 100, dtype=np.uint16), nodata=0) is None
    assert dark_end(np.zeros((600, 600), dtype=np.uint16), nodata=0) is None


def test_cloud_tells_nothing() -> None:
    assert contradiction(4000.0, -1000.0, removed=False) is None
    assert contradiction(4000.0, -1000.0, removed=True) is None
