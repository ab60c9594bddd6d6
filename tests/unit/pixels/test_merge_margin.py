"""Merges that reach beyond their tile."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from rasterio.warp import transform

from stratocube.cube.geobox import GeoBox
from stratocube.pixels import merge as merge_module
from stratocube.pixels.merge import merge
from stratocube.pixels.sources import SourceRaster
from tests.unit.pixels.rasters_on_disk import UTM, grid, write_raster


@pytest.mark.parametrize("resampling", ["nearest", "bilinear"])
@pytest.mark.parametrize("margin", [1, 7, 40])
def test_a_margin_changes_no_pixel_of_the_tile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, resampling: str, margin: int
) -> None:
    monkeypatch.setattr(merge_module, "_PIECE_ROWS", 16)
    monkeypatch.setattr(merge_module, "_PIECE_COLUMNS", 24)
    tile = grid(50, 37)
    (x,), (y,) = transform(UTM, "EPSG:32723", [tile.x_min], [tile.y_max])
    values = np.random.default_rng(5).integers(0, 255, (100, 110))
    scene = GeoBox("EPSG:32723", x - 307, y + 211, 13, 13, 110, 100)
    source = SourceRaster(
        "scene", write_raster(tmp_path / "scene.tif", values, dtype="uint8", nodata=0, geobox=scene), dataset="A"
    )

    def merged(reach: int) -> merge_module.Merge:
        return merge([source], tile, data_type="uint8", nodata=0, resampling=resampling, datasource=["A"], margin=reach)

    plain, wide = merged(0), merged(margin)
    assert wide.geobox == tile.padded(margin)
    assert wide.data.shape == wide.geobox.shape
    inside = slice(margin, -margin), slice(margin, -margin)
    assert np.array_equal(wide.data[inside], plain.data)
    assert wide.datasource is not None
    assert plain.datasource is not None
    assert np.array_equal(wide.datasource[inside], plain.datasource)
    assert (plain.data != 0).mean() > 0.9
    if margin == 7:  # the scene reaches so far
        assert (wide.data[:margin] != 0).mean() > 0.9
