"""Footprints, most of all at the antimeridian."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import shape

from stratocube.catalog.footprints import bbox_of, folded, overlap, polygon_of_bbox, read_footprint
from stratocube.errors import InvalidRequest

from .recorded import recorded, square


def crossing(south: float = 0.0) -> dict[str, Any]:
    """A square over 179..181 degrees, written as archives do that do not cut it."""
    ring = [[179, south], [-179, south], [-179, south + 2], [179, south + 2], [179, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def overlaps(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return overlap(read_footprint(one, "one"), read_footprint(other, "other"))


def test_neighbours_with_a_common_edge_do_not_overlap() -> None:
    assert not overlaps(square(10, 45), square(11, 45))
    assert overlaps(square(10, 45), square(10.99, 45))


def test_a_footprint_over_the_antimeridian_does_not_go_round_the_world() -> None:
    assert not overlaps(crossing(), square(10, 0))
    assert overlaps(crossing(), square(179.5, 0.5, 0.1))
    assert overlaps(crossing(), square(-179.6, 0.5, 0.1))
    assert overlaps(square(-179.6, 0.5, 0.1), crossing())
    assert overlaps(crossing(), crossing(1))


def test_a_cut_footprint_matches_one_that_is_not_cut() -> None:
    scene = recorded("sentinel_jp2_antimeridian")["geometry"]
    uncut = {
        "type": "Polygon",
        "coordinates": [[[178.5, 67.6], [-179.5, 67.6], [-179.5, 68], [178.5, 68], [178.5, 67.6]]],
    }
    assert overlaps(scene, uncut)
    assert overlaps(uncut, square(-179.9, 67.7, 0.1))
    assert not overlaps(scene, square(0, 67, 1))


def test_a_map_of_the_world_stays_one() -> None:
    world = {"type": "Polygon", "coordinates": [[[-180, -90], [180, -90], [180, 90], [-180, 90], [-180, -90]]]}
    assert overlaps(world, square(10, 45))
    assert bbox_of(world) == (-180.0, -90.0, 180.0, 90.0)


def test_a_hole_goes_where_its_shell_goes() -> None:
    holed = crossing()
    holed["coordinates"].append([[-179.8, 0.5], [-179.4, 0.5], [-179.4, 1.5], [-179.8, 1.5], [-179.8, 0.5]])
    assert not overlaps(holed, square(-179.7, 0.6, 0.2))
    assert overlaps(holed, square(-179.3, 0.6, 0.2))


def test_a_footprint_over_the_antimeridian_is_cut_for_others() -> None:
    assert shape(folded(read_footprint(crossing(), "f"))).bounds == (-180.0, 0.0, 180.0, 2.0)
    assert shape(folded(read_footprint(crossing(), "f"))).area == 4.0
    assert bbox_of(crossing()) == (179.0, 0.0, -179.0, 2.0)
    assert shape(polygon_of_bbox((179.0, 0.0, -179.0, 2.0))).area == 4.0


def test_a_bow_tie_is_repaired() -> None:
    bow_tie = {"type": "Polygon", "coordinates": [[[0, 0], [2, 2], [2, 0], [0, 2], [0, 0]]]}
    assert overlaps(bow_tie, square(1.5, 0.9, 0.2))


def test_a_line_covers_nothing() -> None:
    with pytest.raises(InvalidRequest, match="footprint: covers no area"):
        read_footprint({"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 0]]]}, "footprint")


@settings(deadline=None)
@given(st.floats(-180, 180), st.floats(-80, 80), st.floats(0.01, 40))
def test_cutting_keeps_the_area(west: float, south: float, size: float) -> None:
    footprint = read_footprint(square(west, south, min(size, 89 - south)), "f")
    cut = shape(folded(footprint))
    assert cut.area == pytest.approx(footprint.area, rel=1e-9)
    assert -180 <= cut.bounds[0] <= cut.bounds[2] <= 180
    assert overlap(footprint, read_footprint(folded(footprint), "f"))
