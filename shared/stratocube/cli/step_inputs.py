"""What the steps that are run by hand are given: grids, definitions and rasters, of this machine or anywhere."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import rasterio
import typer
from rasterio.session import DummySession

from stratocube.cli.requests import read_request
from stratocube.cli.suggestions import alike
from stratocube.cube.definition import CubeDefinition
from stratocube.cube.geobox import GeoBox
from stratocube.cube.grid_creation import create_grids
from stratocube.cube.grids import Tile
from stratocube.cube.requests import GridRequest
from stratocube.errors import InvalidRequest, NotFound
from stratocube.pixels.sources import SAFE_SETTINGS, geobox_of, open_raster
from stratocube.storage.hrefs import gdal_path

_SHOWN_TILES = 12


@contextlib.contextmanager
def reading(context: typer.Context) -> Iterator[None]:
    """GDAL set up to read s3:// with the credentials of the stack that is meant, else with the user's own."""
    from stratocube.cli.session import session_of  # noqa: PLC0415 - session imports no pixels, and this room does

    session = session_of(context)
    try:
        settings = dict(session.aws().gdal)
    except NotFound:
        given = {"AWS_PROFILE": session.profile, "AWS_REGION": session.region}
        settings = {name: value for name, value in given.items() if value}
    # GDAL looks in the environment as well; rasterio takes no credentials as settings. The command ends with this.
    os.environ.update(settings)
    with rasterio.Env(session=DummySession(), **SAFE_SETTINGS):
        yield


def raster_path(address: str) -> str:
    """What GDAL opens for a file name, an s3:// or an https:// address."""
    return gdal_path(address) if "://" in address else address


def definition_of(file: Path | None) -> CubeDefinition | None:
    """The cube of a definition file. Raises InvalidRequest naming the field at fault."""
    return None if file is None else CubeDefinition.parse(read_request(file))


def target_grid(
    grid: Path | None,
    tile: str | None,
    resolution: float | None,
    like: str | None,
    definition: CubeDefinition | None,
) -> GeoBox:
    """The pixel grid that is wanted: of a tile, or of a raster.

    Raises:
        InvalidRequest: neither or both are given, the grid has no such tile, or the pixel size is missing.
    """
    if (like is None) == (grid is None or tile is None):
        raise InvalidRequest("give --grid FILE with --tile ID, or --like RASTER", field="grid")
    if like is not None:
        with open_raster(raster_path(like), href=like) as dataset:
            return geobox_of(dataset)
    found = tile_of(grid, tile, definition)
    if definition is not None and resolution is None:
        return definition.geobox(found)
    if resolution is None:
        raise InvalidRequest("give the pixel size in units of the grid's CRS, or --cube FILE", field="resolution")
    return found.geobox(resolution)


def tile_of(grid: Path | None, tile: str | None, definition: CubeDefinition | None) -> Tile:
    """A tile of the grid in a request file; of several grids the one that the cube names."""
    if grid is None or tile is None:
        raise InvalidRequest("give --grid FILE with --tile ID", field="grid")
    grids = create_grids(GridRequest.parse(read_request(grid)))
    by_name = {made.name: {found.id: found for found in tiles} for made, tiles in grids}
    name = definition.grs if definition is not None else next(iter(by_name))
    if name not in by_name or (definition is None and len(by_name) > 1):
        wanted = f"no grid {name}" if definition is not None else "several grids: name the one with --cube FILE"
        raise InvalidRequest(f"{grid} has {wanted}; it has {', '.join(by_name)}", field="grid")
    tiles = by_name[name]
    if tile not in tiles:
        near = alike(tile, list(tiles)) or ", ".join(list(tiles)[:_SHOWN_TILES])
        raise InvalidRequest(f"{name} has {len(tiles)} tiles and none is {tile}: {near} are", field="tile")
    return tiles[tile]


def named_files(words: Sequence[str], what: str) -> dict[str, str]:
    """``NAME=FILE`` words as a mapping.

    Raises:
        InvalidRequest: a word is not of this form, or a name is there twice.
    """
    found: dict[str, str] = {}
    for word in words:
        name, equals, file = word.partition("=")
        if not (name and equals and file):
            raise InvalidRequest(f"must be {what}, got {word!r}", field="FILES")
        if name in found:
            raise InvalidRequest(f"{name} is there twice", field="FILES")
        found[name] = file
    return found


def day(text: str, field: str) -> dt.date:
    """A date, written 2023-08-01. Raises InvalidRequest for anything else."""
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise InvalidRequest(f"must be a date such as 2023-08-01, got {text!r}", field=field) from None


def threads() -> int:
    """The processors of this machine that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
