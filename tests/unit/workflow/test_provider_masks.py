"""A definition that names its archives needs no mask of its own."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from stratocube.cube.grid_creation import create_grids
from stratocube.cube.requests import GridRequest
from stratocube.errors import InvalidRequest
from stratocube.workflow.context import Stack
from stratocube.workflow.provider_masks import with_provider_mask
from stratocube.workflow.start import create_cube
from tests.unit.workflow.small_build import CUBE_FORM, GRID

S2 = "earth-search-sentinel-2-l2a"


def form(**parameters: Any) -> dict[str, Any]:
    """The small cube with these parameters and no others."""
    return deepcopy(CUBE_FORM) | {"parameters": parameters}


def test_the_mask_of_the_archive_is_stored_with_the_cube(stack: Stack) -> None:
    ((grid, tiles),) = create_grids(GridRequest.parse(GRID))
    stack.grids.create(grid.name, grid.to_json(), {tile.id: tile.to_json() for tile in tiles})
    stored = create_cube(form(providers={"s2": S2}), cubes=stack.cubes, grids=stack.grids, now="t")
    assert stored.definition["parameters"]["mask"] == {
        "clear_data": [4, 5, 6],
        "not_clear_data": [2, 3, 7, 8, 9, 10, 11],
        "saturated_data": [1],
        "nodata": 0,
    }


def test_a_mask_of_its_own_stays() -> None:
    own = form(providers={"s2": S2}, mask={"clear_data": [4], "nodata": 0})
    assert with_provider_mask(own) == own


def test_archives_with_one_mask_may_be_combined() -> None:
    both = form(providers={"s2": S2, "c1": "earth-search-sentinel-2-c1-l2a"})
    assert with_provider_mask(both)["parameters"]["mask"]["clear_data"] == [4, 5, 6]


@pytest.mark.parametrize(
    ("providers", "quality", "field"),
    [
        ({"s2": "nobody"}, "SCL", "parameters.providers.s2"),
        ({"s2": S2}, "B04", "parameters.mask"),
        ({"l": "usgs-landsat-c2-l2"}, "SCL", "parameters.mask"),
        ({"s2": S2, "c": "item-collection"}, "SCL", "parameters.mask"),
        ({"a": "modis-13q1", "b": "usgs-landsat-c2-l2"}, "quality", "parameters.mask"),
    ],
)
def test_without_one_mask_for_all_it_is_asked_for(providers: dict[str, str], quality: str, field: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        with_provider_mask(form(providers=providers) | {"quality_band": quality})
    assert caught.value.field == field


@pytest.mark.parametrize("parameters", [None, [], "providers", {}, {"providers": None}, {"providers": "x"}])
def test_what_is_no_definition_is_left_to_its_own_check(parameters: Any) -> None:
    assert with_provider_mask({"parameters": parameters}) == {"parameters": parameters}
