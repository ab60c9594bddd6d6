"""``stratocube grid``, ``cube`` and ``periods``: what is built."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from stratocube.cli.options import AsJson, CubeId, FirstDay, LastDay, RequestFile
from stratocube.cli.requests import read_request
from stratocube.cli.session import EXIT_CODES, client_of, explained, print_json, print_table

grids = typer.Typer(help="Grids: the tilings cubes are built on.", epilog=EXIT_CODES, no_args_is_help=True)
cubes = typer.Typer(help="Cubes: definitions of what is built.", epilog=EXIT_CODES, no_args_is_help=True)

GridName = Annotated[str, typer.Argument(help="Name of the grid.", metavar="GRID")]


@grids.command("create", epilog=EXIT_CODES)
def create_grid(context: typer.Context, file: RequestFile, as_json: AsJson = False) -> None:
    """Create the grids of a request: {"name", "crs", "bbox", "tile_size"}, or cube-builder's form with several names.

    Example: stratocube grid create grid.yaml
    """
    with explained(context):
        answer = client_of(context).call("POST", "/create-grids", read_request(file))
        if as_json:
            print_json(answer)
            return
        for grid in answer["grids"]:
            typer.echo(f"{grid['name']}: {grid['tile_count']} tiles")


@grids.command("list", epilog=EXIT_CODES)
def list_grids(context: typer.Context, as_json: AsJson = False) -> None:
    """List the grids.

    Example: stratocube grid list --json
    """
    with explained(context):
        found = list(client_of(context).pages("/grids"))
        print_json(found) if as_json else print_table("grids", {"name": "grid"}, found)


@grids.command("show", epilog=EXIT_CODES)
def show_grid(context: typer.Context, name: GridName, as_json: AsJson = False) -> None:
    """Show a grid, and its tiles with their boxes in degrees.

    Example: stratocube grid show BRAZIL_SM
    """
    with explained(context):
        client, tiles, following = client_of(context), [], None
        while True:
            grid = client.call("GET", f"/grids/{name}", query={"next": following})
            tiles.extend(grid["tiles"])
            following = grid["next"]
            if following is None:
                break
        if as_json:
            print_json({**grid, "tiles": tiles})
            return
        typer.echo(f"{grid['name']}: {grid.get('description') or ''} {grid['crs']}, {len(tiles)} tiles".strip())
        print_table(
            "tiles",
            {"id": "tile", "west": "west", "south": "south", "east": "east", "north": "north"},
            list(map(_boxed, tiles)),
        )


@cubes.command("create", epilog=EXIT_CODES)
def create_cube(context: typer.Context, file: RequestFile, as_json: AsJson = False) -> None:
    """Create the cube of a definition (cube-builder's form).

    Example: stratocube cube create cube.yaml
    """
    with explained(context):
        answer = client_of(context).call("POST", "/cubes", read_request(file))
        print_json(answer) if as_json else typer.echo(f"created {answer['id']}")


@cubes.command("list", epilog=EXIT_CODES)
def list_cubes(context: typer.Context, as_json: AsJson = False) -> None:
    """List the cubes.

    Example: stratocube cube list
    """
    with explained(context):
        found = list(client_of(context).pages("/cubes"))
        if as_json:
            print_json(found)
            return
        columns = {"id": "cube", "composite_function": "function", "grs": "grid", "resolution": "resolution"}
        print_table("cubes", columns | {"title": "title"}, found)


@cubes.command("show", epilog=EXIT_CODES)
def show_cube(
    context: typer.Context,
    cube_id: CubeId,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, as without.")] = True,
) -> None:
    """Print a cube's definition as JSON.

    Example: stratocube cube show S2-16D-1 > cube.json
    """
    with explained(context):
        print_json(client_of(context).call("GET", f"/cubes/{cube_id}"))


@cubes.command("update", epilog=EXIT_CODES)
def update_cube(context: typer.Context, cube_id: CubeId, file: RequestFile, as_json: AsJson = False) -> None:
    """Change what is said about a cube: the fields of FILE that differ; those it leaves out stay.

    What decides on pixels (bands, grid, timeline, function, mask) belongs to a version: create the next one for others.

    What `stratocube cube show` printed, edited, is such a file.

    Example: stratocube cube update S2-16D-1 cube.json
    """
    with explained(context):
        client, wanted = client_of(context), read_request(file)
        before = client.call("GET", f"/cubes/{cube_id}")
        # So a file that `cube show` wrote can be sent back, with what the API says beside the definition.
        change = {name: value for name, value in wanted.items() if before.get(name) != value}
        answer = client.call("PUT", f"/cubes/{cube_id}", change) if change else before
        if as_json:
            print_json(answer)
        else:
            typer.echo(f"updated {cube_id}: {', '.join(change)}" if change else f"{cube_id} is so already")


def periods(
    context: typer.Context,
    cube_id: CubeId,
    start: FirstDay,
    end: LastDay,
    as_json: AsJson = False,
) -> None:
    """List the periods of a cube between two days: its units are these times the tiles.

    Example: stratocube periods S2-16D-1 2023-01-01 2023-12-31
    """
    with explained(context):
        client = client_of(context)
        rule = client.call("GET", f"/cubes/{cube_id}").get("temporal_composition") or {}
        answer = client.call("POST", "/list-periods", {**rule, "start_date": start, "last_date": end})
        if as_json:
            print_json(answer)
            return
        for first, last in answer["timeline"]:
            typer.echo(f"{first}  {last}")


def _boxed(tile: dict[str, Any]) -> dict[str, Any]:
    """The tile with the sides of its footprint in degrees."""
    rings = tile["footprint"]["coordinates"]
    parts = rings if tile["footprint"]["type"] == "MultiPolygon" else [rings]
    longitudes, latitudes = zip(*(point[:2] for part in parts for point in part[0]), strict=True)
    sides = {"west": min(longitudes), "south": min(latitudes), "east": max(longitudes), "north": max(latitudes)}
    return {**tile, **{name: f"{degrees:.4f}" for name, degrees in sides.items()}}
