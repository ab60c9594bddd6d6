"""The rules for grids and for the preparation of the blend: what the project gives passes, spoiled it fails."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.adapters import Registry, discover
from tests.conformance.runner import run_case, workspace

Spoil = Callable[[dict[str, Any]], None]
SOUTH_EAST = "create_grids/create_grids-gap-south-east"
SMALL = "create_grids/create_grids-small-aea-two"


@pytest.fixture(scope="module")
def packed() -> Iterator[Path]:
    with workspace() as root:
        yield root


def reason(root: Path, name: str, spoil: Spoil) -> str:
    function = name.split("/", maxsplit=1)[0]
    adapter = discover().adapters[function]

    def spoiling(given: dict[str, Any], cases: Path) -> Mapping[str, Any]:
        output = dict(adapter(given, cases))
        spoil(output)
        return output

    return run_case(root, name, Registry({function: spoiling}, {})).reason


def as_it_is(output: dict[str, Any]) -> None:
    """Leave an output alone."""


def drop_first_tile(output: dict[str, Any]) -> None:
    grid = next(iter(output["grids"].values()))
    grid["tiles"] = grid["tiles"][1:]
    grid["count"] -= 1


def drop_southern_row(output: dict[str, Any]) -> None:
    grid = output["grids"]["A"]
    lowest = min(tile["bounds"][1] for tile in grid["tiles"])
    grid["tiles"] = [tile for tile in grid["tiles"] if tile["bounds"][1] > lowest]
    grid["count"] = len(grid["tiles"])


def rename_a_tile(output: dict[str, Any]) -> None:
    next(iter(output["grids"].values()))["tiles"][0]["name"] = "777777"


def shift_a_tile(output: dict[str, Any]) -> None:
    bounds = next(iter(output["grids"].values()))["tiles"][0]["bounds"]
    bounds[0] += 1


def reverse_the_tiles(output: dict[str, Any]) -> None:
    next(iter(output["grids"].values()))["tiles"].reverse()


def add_a_far_tile(output: dict[str, Any]) -> None:
    grid = next(iter(output["grids"].values()))
    west, south, east, north = grid["tiles"][-1]["bounds"]
    width = east - west
    grid["tiles"].append({"name": "999000", "bounds": [west + 9 * width, south, east + 9 * width, north]})
    grid["count"] += 1


def drop_a_grid(output: dict[str, Any]) -> None:
    output["grids"].popitem()


def change_the_crs(output: dict[str, Any]) -> None:
    output["crs"] = output["crs"].replace("+lat_1=-2", "+lat_1=-3")


@pytest.mark.parametrize("name", [SMALL, SOUTH_EAST])
def test_grids_as_they_are_pass(packed: Path, name: str) -> None:
    assert not reason(packed, name, as_it_is)


@pytest.mark.parametrize(
    "spoil",
    [drop_first_tile, rename_a_tile, shift_a_tile, reverse_the_tiles, add_a_far_tile, drop_a_grid, change_the_crs],
)
def test_spoiled_grids_fail(packed: Path, spoil: Spoil) -> None:
    assert reason(packed, SMALL, spoil)


def test_a_grid_without_the_tiles_that_the_reference_misses_fails(packed: Path) -> None:
    assert "none covers" in reason(packed, SOUTH_EAST, drop_southern_row)


def rank_backwards(output: dict[str, Any]) -> None:
    for task in output["blend_tasks"]:
        task["rank_in_blend"].reverse()


def keep_stale_statistics(output: dict[str, Any]) -> None:
    for task in output["blend_tasks"]:
        for scene in task["scenes"].values():
            scene |= {"efficacy": 68.75, "cloud_ratio": 31.25}


def build_layers_twice(output: dict[str, Any]) -> None:
    for task in output["blend_tasks"]:
        task["build_observation_layers"] = True


def swap_the_tasks(output: dict[str, Any]) -> None:
    output["blend_tasks"].reverse()


def change_the_saturation_band(output: dict[str, Any]) -> None:
    output["changed_files"]["2020-01-03_radsat"] = output["changed_files"]["2020-01-03_nir"]


def leave_a_band_alone(output: dict[str, Any]) -> None:
    del output["changed_files"]["2020-01-03_nir"]


def leave_the_quality_alone(output: dict[str, Any]) -> None:
    output["changed_files"] = {}


@pytest.mark.parametrize(
    ("case", "spoil"),
    [
        ("lcf", rank_backwards),
        ("lcf", build_layers_twice),
        ("lcf", swap_the_tasks),
        ("med", build_layers_twice),
        ("reference-day-resolution", rank_backwards),
        ("post-processing", keep_stale_statistics),
        ("post-processing", leave_the_quality_alone),
        ("post-processing-false", leave_the_quality_alone),
        ("post-processing-reused", keep_stale_statistics),
        ("histogram-radsat", change_the_saturation_band),
        ("histogram-radsat", leave_a_band_alone),
    ],
)
def test_a_spoiled_preparation_fails(packed: Path, tmp_path: Path, case: str, spoil: Spoil) -> None:
    # The preparation changes rasters in place: every run needs its own.
    cases = tmp_path / "prepare_blend"
    shutil.copytree(packed / "prepare_blend", cases)
    name = f"prepare_blend/prepare_blend-{case}"
    assert reason(tmp_path, name, spoil)
    shutil.rmtree(cases)
    shutil.copytree(packed / "prepare_blend", cases)
    assert not reason(tmp_path, name, as_it_is)
