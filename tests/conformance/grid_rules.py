"""Grids: every tile of the reference under its name, the missing ones besides, all on one lattice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rasterio.crs import CRS

from tests.conformance.cases import Case
from tests.conformance.compare import Difference, compare
from tests.conformance.expectations import Expectation
from tests.conformance.tolerances import Tolerance

Bounds = Sequence[float]  # west, south, east, north
_SAME_SIZE = 1e-6  # of a tile


def check_grids(case: Case, expectation: Expectation, actual: Mapping[str, Any], allowed: Tolerance) -> Difference:
    """Compare grids: names and bounds of the reference's tiles (all, or the sample that the case gives), and
    the count.

    Where tiles are missing in the reference, a grid may hold the missing ones alone or the whole lattice
    rectangle, and may leave out as many tiles as the reference has beside the box.
    """
    fields = expectation.fields or {}
    grids, wanted_grids = actual.get("grids"), fields["grids"]
    if not isinstance(grids, Mapping) or grids.keys() != wanted_grids.keys():
        return f"grids: expected {sorted(wanted_grids)}, got {grids if grids is None else sorted(grids)}"
    if CRS.from_user_input(actual.get("crs")) != CRS.from_user_input(fields["crs"]):
        return f"crs: expected {fields['crs']}, got {actual.get('crs')}"
    missing = expectation.corrected.get("missing_tiles", {})
    dispensable = int(fields.get("tiles_of_reference_that_miss_the_box", 0)) if missing else 0
    everywhere = [tile for tiles in missing.values() for tile in tiles]
    for name, wanted in wanted_grids.items():
        difference = _check_grid(grids[name], wanted, missing.get(name, ()), dispensable, allowed)
        difference = difference or _check_coverage(grids[name]["tiles"], everywhere)
        difference = difference or _check_count(
            grids[name], wanted, missing.get(name, ()), len(everywhere), dispensable
        )
        if difference is not None:
            return f"grids.{name}.{difference}"
    return None


def _check_grid(
    grid: Mapping[str, Any],
    wanted: Mapping[str, Any],
    missing: Sequence[Mapping[str, Any]],
    dispensable: int,
    allowed: Tolerance,
) -> Difference:
    tiles = grid.get("tiles")
    if not tiles:
        return "tiles: missing (all tiles are needed)"
    difference = compare("tile_size", grid.get("tile_size"), wanted["tile_size"], allowed, loose_numbers=True)
    return (
        difference
        or _check_lattice(tiles, wanted["tile_size"])
        or _check_known_tiles(tiles, wanted.get("tiles") or wanted["sample"], dispensable, allowed)
        or _check_added_tiles(tiles, missing, allowed)
    )


def _check_lattice(tiles: Sequence[Mapping[str, Any]], size: Sequence[float]) -> Difference:
    """Columns from west to east, rows from north to south inside a column, no tile twice, names unique."""
    if len({tile["name"] for tile in tiles}) != len(tiles):
        return "tiles: a name occurs twice"
    west, north = tiles[0]["bounds"][0], tiles[0]["bounds"][3]
    places = []
    for tile in tiles:
        column, row = (tile["bounds"][0] - west) / size[0], (north - tile["bounds"][3]) / size[1]
        if abs(column - round(column)) > _SAME_SIZE or abs(row - round(row)) > _SAME_SIZE:
            return f"tiles: {tile['name']} does not lie on the lattice of {tiles[0]['name']}"
        places.append((round(column), round(row)))
    if sorted(set(places)) != places:
        return "tiles: not ordered by columns (west to east), then rows (north to south), each tile once"
    return None


def _check_known_tiles(
    tiles: Sequence[Mapping[str, Any]],
    known: Sequence[Mapping[str, Any]],
    dispensable: int,
    allowed: Tolerance,
) -> Difference:
    by_name = {tile["name"]: tile["bounds"] for tile in tiles}
    absent = [tile["name"] for tile in known if tile["name"] not in by_name]
    if len(absent) > dispensable:
        return f"tiles: {absent[0]} is missing"
    for tile in known:
        if tile["name"] in by_name and not _same_bounds(by_name[tile["name"]], tile["bounds"], allowed):
            return f"tiles.{tile['name']}: expected {tile['bounds']}, got {by_name[tile['name']]}"
    return None


def _check_added_tiles(
    tiles: Sequence[Mapping[str, Any]], missing: Sequence[Mapping[str, Any]], allowed: Tolerance
) -> Difference:
    for wanted in missing:
        if not any(_same_bounds(tile["bounds"], wanted["bounds"], allowed) for tile in tiles):
            return f"tiles: none covers {wanted['bounds']}"
    return None


def _check_coverage(tiles: Sequence[Mapping[str, Any]], missing: Sequence[Mapping[str, Any]]) -> Difference:
    """Tiles at least as large as a missing one must cover its centre."""
    for wanted in missing:
        west, south, east, north = wanted["bounds"]
        x, y = (west + east) / 2, (south + north) / 2
        as_large = [tile["bounds"] for tile in tiles if tile["bounds"][2] - tile["bounds"][0] >= (east - west) * 0.999]
        if as_large and not any(tile[0] <= x <= tile[2] and tile[1] <= y <= tile[3] for tile in as_large):
            return f"tiles: none covers {wanted['bounds']}"
    return None


def _check_count(
    grid: Mapping[str, Any],
    wanted: Mapping[str, Any],
    missing: Sequence[Mapping[str, Any]],
    missing_anywhere: int,
    dispensable: int,
) -> Difference:
    count, stated = len(grid["tiles"]), wanted["count"]
    if grid.get("count", count) != count:
        return f"count: says {grid['count']}, has {count} tiles"
    if not missing_anywhere and not dispensable:
        for name in ("columns", "rows"):
            if grid.get(name) != wanted[name]:
                return f"{name}: expected {wanted[name]}, got {grid.get(name)}"
        return None if count == stated else f"count: expected {stated}, got {count}"
    columns = _extent([tile["column_offset"] for tile in missing], wanted["columns"])
    rows = _extent([tile["row_offset"] for tile in missing], wanted["rows"])
    least, most = stated + len(missing) - dispensable, max(columns * rows, stated + missing_anywhere)
    return None if least <= count <= most else f"count: expected {least} to {most}, got {count}"


def _extent(offsets: Sequence[int], known: int) -> int:
    """Length of the lattice of ``known`` places when places at these offsets from its first one join it."""
    return max([known - 1, *offsets]) - min([0, *offsets]) + 1


def _same_bounds(bounds: Bounds, wanted: Bounds, allowed: Tolerance) -> bool:
    return all(abs(value - other) <= allowed.absolute for value, other in zip(bounds, wanted, strict=True))
