"""The cube model under the reference's function names. Adapters translate names, nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from stratocube.cube.grid_creation import create_grids
from stratocube.cube.naming import build_cube_path, get_item_id
from stratocube.cube.requests import GridRequest
from stratocube.cube.scene_ids import landsat_scene_id, sentinel2_scene_id
from stratocube.cube.timeline import timeline

Case = dict[str, Any]


def _create_grids(case: Case, root: Path) -> Case:
    grids: Case = {}
    crs = ""
    for grid, tiles in create_grids(GridRequest.parse(case)):
        crs = grid.crs
        grids[grid.name] = {
            "count": len(tiles),
            "columns": len({tile.col for tile in tiles}),
            "rows": len({tile.row for tile in tiles}),
            "tile_size": [grid.tile_size_x, grid.tile_size_y],
            "tiles": [{"name": tile.id, "bounds": list(tile.bounds)} for tile in tiles],
        }
    return {"grids": grids, "crs": crs}


def _timeline(case: Case, root: Path) -> Case:
    found = timeline(
        case["schema"],
        case["unit"],
        case["step"],
        case["start_date"],
        case["end_date"],
        cycle=case.get("cycle"),
        intervals=case.get("intervals"),
    )
    return {"periods": [[period.start.isoformat(), period.end.isoformat()] for period in found]}


def _build_cube_path(case: Case, root: Path) -> Case:
    names = ("band", "prefix", "composed", "suffix", "format_path_cube", "format_item_cube")
    optional = {name: case[name] for name in names if name in case}
    return {"path": build_cube_path(case["datacube"], case["period"], case["tile_id"], case["version"], **optional)}


def _get_item_id(case: Case, root: Path) -> Case:
    return {"item_id": get_item_id(case["datacube"], case["version"], case["tile"], case["date"], form=case["format"])}


def _sentinel2_scene_id(case: Case, root: Path) -> Case:
    found = sentinel2_scene_id(case["scene_id"])
    if found is None:
        return {"is_sentinel2": False}
    return {
        "is_sentinel2": True,
        "baseline_major": found.baseline_major,
        "baseline_minor": found.baseline_minor,
    }


def _landsat_scene_id(case: Case, root: Path) -> Case:
    found = landsat_scene_id(case["scene_id"])
    return {"is_landsat": found is not None, "platform": found.platform if found else None}


ADAPTERS: Final[dict[str, Callable[[Case, Path], Case]]] = {
    "create_grids": _create_grids,
    "timeline": _timeline,
    "build_cube_path": _build_cube_path,
    "get_item_id": _get_item_id,
    "sentinel2_scene_id": _sentinel2_scene_id,
    "landsat_scene_id": _landsat_scene_id,
}
