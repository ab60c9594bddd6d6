"""``stratocube items`` and ``quicklook``: what was built, as a list and as a picture."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from stratocube.cli.assets import asset_content
from stratocube.cli.options import AsJson, CubeId
from stratocube.cli.session import client_of, explained, print_json, print_table
from stratocube.client.catalog import Catalog, Span, days_of, tile_of_item
from stratocube.errors import NotFound

Tile = Annotated[str | None, typer.Option(help="Only this tile, 000000.")]
Period = Annotated[
    str | None,
    typer.Option(metavar="DATES", help="Only what meets 2023-08-01, 2023-08, 2023, or 2023-08-01/2023-08-31."),
]

_ITEM_ID = re.compile(r"(?P<name>.+)_V(?P<version>\d+)_")
_SUFFIXES = {"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp"}
_SHOWN = 10_000
"""Items that are looked through for the newest."""


def items(
    context: typer.Context,
    cube_id: CubeId,
    tile: Tile = None,
    period: Period = None,
    limit: Annotated[int, typer.Option(min=1, help="Items at most.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List what was built of a cube: one STAC item a tile and period.

    The dates that composites are made of are items of a cube of their own: S2-1 for S2-16D-1.

    Example: stratocube items S2-16D-1 --tile 011009 --period 2023-08

    Example: stratocube items S2-16D-1 --json > items.json
    """
    with explained(context):
        found = Catalog(client_of(context)).items(cube_id, tile=tile, span=Span.parse(period) if period else None)
        shown = list(islice(found, limit))
        more = next(found, None) is not None
        if as_json:
            print_json({"type": "FeatureCollection", "features": shown})
            return
        columns = {
            "item": "item",
            "tile": "tile",
            "start": "start",
            "end": "end",
            "cloudy": "cloudy %",
            "assets": "files",
        }
        print_table("items", columns, [_row(item) for item in shown])
        if more:
            typer.echo(
                f"there are more than {limit}: narrow them with --tile and --period, or ask for more with --limit"
            )


def quicklook(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="CUBE|ITEM", help="Id of a cube, or of one of its items.")],
    tile: Tile = None,
    period: Period = None,
    asset: Annotated[str | None, typer.Option(help="Another picture of the item than its thumbnail.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Picture to write [default: ITEM.png here]")
    ] = None,
    show: Annotated[bool, typer.Option(help="Show it in the terminal, where the output is one.")] = True,
    open_it: Annotated[bool, typer.Option("--open", help="Open it in the program for pictures.")] = False,
    as_json: AsJson = False,
) -> None:
    """Save the picture of an item, and show it. Of a cube it is the newest item's.

    Example: stratocube quicklook S2-16D-1 --tile 011009 --period 2023-08

    Example: stratocube quicklook S2-16D_V1_011009_20230805 --output august.png --open
    """
    with explained(context):
        client = client_of(context)
        item = _chosen(Catalog(client), name, tile, Span.parse(period) if period else None)
        key = _picture(item, asset)
        found = item["assets"][key]
        content = asset_content(context, client, item, key)
        target = output or Path(item["id"] + _SUFFIXES.get(str(found.get("type")), ".png"))
        target.write_bytes(content)
        if as_json:
            print_json({"item": item["id"], "asset": key, "file": str(target.resolve()), "bytes": len(content)})
        else:
            first, last = days_of(item)
            typer.echo(f"{item['id']}: tile {tile_of_item(item)}, {first} to {last}, {key}")
            if show:
                _show(content)
            typer.echo(f"saved: {target.resolve()}")
        if open_it:
            typer.launch(str(target.resolve()))


def _row(item: Mapping[str, Any]) -> dict[str, Any]:
    first, last = days_of(item)
    cloudy = item["properties"].get("eo:cloud_cover")
    return {
        "item": item["id"],
        "tile": tile_of_item(item),
        "start": first,
        "end": last,
        "cloudy": "" if cloudy is None else f"{cloudy:.1f}",
        "assets": len(item["assets"]),
    }


def _chosen(catalog: Catalog, name: str, tile: str | None, span: Span | None) -> dict[str, Any]:
    as_item = _ITEM_ID.match(name)
    if as_item:
        return catalog.item(f"{as_item['name']}-{int(as_item['version'])}", name)
    found = list(islice(catalog.items(name, tile=tile, span=span), _SHOWN))
    if not found:
        where = f" on tile {tile}" if tile else ""
        raise NotFound(
            f"{name} has no item{where}{' then' if span else ''}: `stratocube items {name}` lists them, `stratocube"
            f" builds {name}` says what was built"
        )
    # An empty period has an item too, and a picture with nothing in it.
    return max(found, key=lambda item: (not item["properties"].get("stratocube:empty"), days_of(item), item["id"]))


def _picture(item: Mapping[str, Any], wanted: str | None) -> str:
    """Key of the picture asset: the one that is named, else the thumbnail."""
    assets: Mapping[str, Any] = item["assets"]
    pictures = [key for key, asset in assets.items() if asset.get("type") in _SUFFIXES]
    if wanted is not None:
        if wanted in pictures:
            return wanted
        raise NotFound(f"{item['id']} has no picture {wanted}: {', '.join(pictures) or 'it has none at all'}")
    for key in pictures:
        if "thumbnail" in (assets[key].get("roles") or ()):
            return key
    if pictures:
        return pictures[0]
    raise NotFound(f"{item['id']} has no picture: give the cube bands_quicklook (red, green, blue), and build it again")


def _show(content: bytes) -> None:
    from rich.console import Console  # noqa: PLC0415 - not for --help

    from stratocube.cli.terminal_picture import show_picture  # noqa: PLC0415 - Pillow, not for --help

    console = Console()
    if console.is_terminal and not console.is_dumb_terminal:
        show_picture(content, console)
