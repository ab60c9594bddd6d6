"""``stratocube grid``, ``cube`` and ``periods``: what is built."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from stratocube.cli.session import AsJson, RequestFile, client_of, explained, print_json, print_table, read_request

grids = typer.Typer(help="Grids: the tilings cubes are built on.", no_args_is_help=True)
cubes = typer.Typer(help="Cubes: definitions of what is built.", no_args_is_help=True)

GridName = Annotated[str, typer.Argument(help="Name of the grid.")]
CubeId = Annotated[str, typer.Argument(help="Id of the cube, NAME-VERSION.")]


@grids.command("create")
def create_grid(context: typer.Context, file: RequestFile, as_json: AsJson = False) -> None:
    """Create the grids of a request: {"name", "crs", "bbox", "tile_size"}, or cube-builder's form with several names.

    Example: stratocube grid create examples/cubes/grids-brazil.json
    """
    with explained():
        answer = client_of(context).call("POST", "/create-grids", read_request(file))
        if as_json:
            print_json(answer)
            return
        for grid in answer["grids"]:
            typer.echo(f"{grid['name']}: {grid['tile_count']} tiles")


@grids.command("list")
def list_grids(context: typer.Context, as_json: AsJson = False) -> None:
    """List the grids."""
    with explained():
        found = list(client_of(context).pages("/grids"))
        print_json(found) if as_json else print_table("grids", {"name": "grid"}, found)


@grids.command("show")
def show_grid(context: typer.Context, name: GridName, as_json: AsJson = False) -> None:
    """Show a grid, and its tiles with their boxes in degrees."""
    with explained():
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


@cubes.command("create")
def create_cube(context: typer.Context, file: RequestFile, as_json: AsJson = False) -> None:
    """Create the cube of a definition (cube-builder's form).

    Example: stratocube cube create examples/cubes/sentinel-2-16d.json
    """
    with explained():
        answer = client_of(context).call("POST", "/cubes", read_request(file))
        print_json(answer) if as_json else typer.echo(f"created {answer['id']}")


@cubes.command("list")
def list_cubes(context: typer.Context, as_json: AsJson = False) -> None:
    """List the cubes."""
    with explained():
        found = list(client_of(context).pages("/cubes"))
        if as_json:
            print_json(found)
            return
        columns = {"id": "cube", "composite_function": "function", "grs": "grid", "resolution": "resolution"}
        print_table("cubes", columns | {"title": "title"}, found)


@cubes.command("show")
def show_cube(context: typer.Context, cube_id: CubeId) -> None:
    """Print a cube's definition as JSON."""
    with explained():
        print_json(client_of(context).call("GET", f"/cubes/{cube_id}"))


def periods(
    context: typer.Context,
    cube_id: CubeId,
    start: Annotated[str, typer.Argument(help="First day, 2023-01-01.")],
    end: Annotated[str, typer.Argument(help="Last day, included.")],
    as_json: AsJson = False,
) -> None:
    """List the periods of a cube between two days: its units are these times the tiles."""
    with explained():
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
