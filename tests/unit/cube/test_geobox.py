"""Pixel grids and the larger grids around them."""

from __future__ import annotations

import pytest

from stratocube.cube.geobox import GeoBox
from stratocube.errors import InvalidRequest

TILE = GeoBox("EPSG:32722", 500_000, 8_000_000, 10, 20, 4, 3)


def test_a_padded_grid_has_more_pixels_on_every_side_and_keeps_those_it_had() -> None:
    assert TILE.padded(2) == GeoBox("EPSG:32722", 499_980, 8_000_040, 10, 20, 8, 7)
    assert TILE.padded(2).bounds == (499_980, 7_999_900, 500_060, 8_000_040)
    assert TILE.padded(0) == TILE == TILE.padded(5).padded(-5)


def test_a_grid_cannot_be_cut_away() -> None:
    with pytest.raises(InvalidRequest, match="width"):
        TILE.padded(-2)
