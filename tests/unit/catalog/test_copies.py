"""One scene once: copies, halves of a split, overlaps."""

from __future__ import annotations

import datetime as dt
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from stratocube.catalog.acquisitions import Acquisition
from stratocube.catalog.copies import DroppedScene, each_scene_once
from stratocube.catalog.scenes import Scene

TEN = dt.datetime(2023, 8, 15, 10, 0, tzinfo=dt.UTC)
TILE = {"type": "Polygon", "coordinates": [[[14, 46], [15, 46], [15, 47], [14, 47], [14, 46]]]}


def square(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def scene(
    name: str,
    *,
    area: tuple[float, float, float, float] = (14, 46, 15, 47),
    seconds: float = 0,
    collection: str = "sentinel-2-l2a",
    platform: str = "sentinel-2a",
    generated: dt.datetime | None = None,
    updated: dt.datetime | None = None,
    **acquisition: Any,
) -> Scene:
    return Scene(
        id=name,
        collection=collection,
        datetime=TEN + dt.timedelta(seconds=seconds),
        platform=platform,
        bbox=area,
        geometry=square(*area),
        assets=(),
        version_text=name,
        generated=generated,
        updated=updated,
        acquisition=Acquisition(**{"frame": "MGRS-33TWM", "datatake": "20230815T095031", **acquisition}),
    )


def used(*scenes: Scene) -> list[str]:
    return [chosen.id for chosen in each_scene_once(scenes, TILE).used]


def test_of_two_processings_the_newer_baseline_is_used() -> None:
    old = scene("S2A_33TWM_20230815_0_L2A", strip="A", processing=(4, 0), generated=TEN + dt.timedelta(days=900))
    new = scene("S2A_33TWM_20230815_1_L2A", strip="A", processing=(5, 10), seconds=0.3)
    choice = each_scene_once([new, old], TILE)
    assert [found.id for found in choice.used] == ["S2A_33TWM_20230815_1_L2A"]
    assert choice.dropped == (
        DroppedScene("S2A_33TWM_20230815_0_L2A", "sentinel-2-l2a", "an older processing of S2A_33TWM_20230815_1_L2A"),
    )


def test_of_one_baseline_the_pixels_made_last_and_then_the_item_changed_last_are_used() -> None:
    later = TEN + dt.timedelta(days=3)
    assert used(scene("a", strip="A", generated=later), scene("b", strip="A", generated=TEN)) == ["a"]
    assert used(scene("a", strip="A", updated=TEN), scene("b", strip="A", updated=later)) == ["b"]


def test_both_halves_of_a_split_are_used() -> None:
    north = scene("S2A_33TWM_20230815_0_L2A", area=(14, 46.4, 15, 47), strip="A")
    south = scene("S2A_33TWM_20230815_1_L2A", area=(14, 46, 15, 46.45), strip="B", seconds=11)
    assert used(north, south) == ["S2A_33TWM_20230815_0_L2A", "S2A_33TWM_20230815_1_L2A"]


def test_a_split_that_was_processed_again_keeps_the_newest_of_each_half() -> None:
    halves = {"A": (14, 46.4, 15, 47), "B": (14, 46, 15, 46.45)}
    scenes = [
        scene(f"{strip}{baseline}", area=area, strip=strip, processing=(baseline, 0))
        for strip, area in halves.items()
        for baseline in (3, 5)
    ]
    assert sorted(used(*scenes)) == ["A5", "B5"]


def test_strips_cut_anew_are_copies_when_the_footprints_coincide() -> None:
    assert used(scene("old", strip="A", processing=(2, 14)), scene("new", strip="B", processing=(5, 0))) == ["new"]


def test_the_same_look_in_two_archives_is_used_once() -> None:
    first = scene("a", strip="A", processing=(2, 14), collection="sentinel-2-l2a")
    second = scene("b", strip="A", processing=(5, 0), collection="sentinel-2-c1-l2a")
    assert used(first, second) == ["b"]


def test_another_kind_of_product_of_the_same_look_is_no_copy() -> None:
    assert used(scene("l2a", strip="A"), scene("hls", collection="HLSS30", strip="")) == ["hls", "l2a"]
    surface = scene("LC08_SR", collection="landsat-c2l2-sr", frame="WRS2-001062", datatake="")
    thermal = scene("LC08_ST", collection="landsat-c2l2-st", frame="WRS2-001062", datatake="")
    assert used(surface, thermal) == ["LC08_SR", "LC08_ST"]


def test_landsat_of_two_tiers_is_used_once() -> None:
    realtime = scene("rt", frame="WRS2-001062", datatake="", processing=(0, 20230816), platform="landsat-9")
    final = scene("t1", frame="WRS2-001062", datatake="", processing=(1, 20230820), platform="landsat-9", seconds=0.2)
    assert used(realtime, final) == ["t1"]


def test_two_platforms_and_two_passes_are_never_copies() -> None:
    assert used(scene("a", strip="A"), scene("b", strip="A", platform="sentinel-2b")) == ["a", "b"]
    assert used(scene("a", strip=""), scene("b", strip="", seconds=6000)) == ["a", "b"]


def test_nothing_is_dropped_where_the_frame_is_unknown() -> None:
    assert used(scene("a", frame=""), scene("b", frame="")) == ["a", "b"]


def test_what_a_complete_neighbour_of_the_pass_covers_is_not_used_twice() -> None:
    whole = scene("whole", area=(13.9, 45.9, 15.1, 47.1), frame="MGRS-33TWM", is_whole=True)
    strip = scene("strip", area=(13.5, 46.8, 15.4, 48), frame="MGRS-33TWN", is_whole=True, seconds=14)
    choice = each_scene_once([whole, strip], TILE)
    assert [found.id for found in choice.used] == ["whole"]
    assert choice.dropped == (DroppedScene("strip", "sentinel-2-l2a", "on this tile all of it is in whole"),)


def test_a_neighbour_with_nodata_covers_nothing() -> None:
    partial = scene("partial", area=(13.9, 45.9, 15.1, 47.1), is_whole=False)
    strip = scene("strip", area=(13.5, 46.8, 15.4, 48), frame="MGRS-33TWN", seconds=14)
    assert used(partial, strip) == ["partial", "strip"]


def test_the_edge_of_a_footprint_is_not_trusted() -> None:
    # Its straight sides are 250 m off those of the frame.
    whole = scene("whole", area=(13.9, 45.9, 15.1, 47.001), is_whole=True)
    strip = scene("strip", area=(13.5, 46.8, 15.4, 48), frame="MGRS-33TWN", seconds=14)
    assert sorted(used(whole, strip)) == ["strip", "whole"]


def test_two_complete_scenes_that_cover_each_other_on_the_tile_leave_one() -> None:
    one = scene("one", area=(13.8, 45.8, 15.2, 47.2), frame="MGRS-33TWM", is_whole=True)
    two = scene("two", area=(13.8, 45.8, 15.2, 47.2), frame="MGRS-32TXX", is_whole=True, seconds=5)
    assert len(used(one, two)) == 1


def test_footprints_across_the_antimeridian_are_compared() -> None:
    tile = square(179, 46, 181, 47)
    old = scene("old", area=(179, 46, 181, 47), strip="A", processing=(4, 0))
    new = scene("new", area=(-181, 46, -179, 47), strip="A", processing=(5, 0))
    assert [found.id for found in each_scene_once([old, new], tile).used] == ["new"]


@st.composite
def some_scenes(draw: st.DrawFn) -> list[Scene]:
    names = draw(st.lists(st.integers(0, 30), unique=True, max_size=7))
    return [
        scene(
            f"s{name}",
            area=draw(st.sampled_from([(14, 46, 15, 47), (14, 46, 15, 46.5), (13.9, 45.9, 15.1, 47.1)])),
            seconds=draw(st.sampled_from([0, 5, 90])),
            strip=draw(st.sampled_from(["", "A", "B"])),
            frame=draw(st.sampled_from(["", "MGRS-33TWM", "MGRS-33TWN"])),
            processing=draw(st.sampled_from([(), (4, 0), (5, 9)])),
            is_whole=draw(st.booleans()),
        )
        for name in names
    ]


@given(some_scenes(), st.randoms(use_true_random=False))
def test_every_scene_is_used_or_dropped_whatever_the_order(scenes: list[Scene], random: Any) -> None:
    choice = each_scene_once(scenes, TILE)
    accounted = sorted([found.id for found in choice.used] + [found.id for found in choice.dropped])
    assert accounted == sorted(found.id for found in scenes)
    assert bool(choice.used) == bool(scenes)
    shuffled = list(scenes)
    random.shuffle(shuffled)
    assert each_scene_once(shuffled, TILE) == choice
    again = each_scene_once(choice.used, TILE)
    assert again.used == choice.used
