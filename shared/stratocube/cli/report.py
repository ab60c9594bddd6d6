"""``stratocube report``: a build as one HTML page."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from stratocube import __version__
from stratocube.cli.assets import asset_content
from stratocube.cli.options import AsJson, BuildId
from stratocube.cli.session import client_of, explained, print_json


def report(
    context: typer.Context,
    build_id: BuildId,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Page to write.")] = Path(
        "report.html"
    ),
    open_it: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write one HTML page of a build: map, timeline, pictures, clouds, failures and costs.

    The page loads nothing from elsewhere: it can be sent and kept as it is.

    Example: stratocube report 20260810T120000250Z-9f3c2a1b4d --output report.html
    """
    from stratocube.report.gather import gather  # noqa: PLC0415 - not for --help
    from stratocube.report.page import page  # noqa: PLC0415 - not for --help

    with explained(context):
        client = client_of(context)
        found = gather(client, build_id, picture=lambda item, name: asset_content(context, client, item, name))
        text = page(found, made_at=datetime.now(UTC), version=__version__)
        output.write_text(text, encoding="utf-8")
        if as_json:
            print_json({"build_id": build_id, "file": str(output.resolve()), "bytes": len(text.encode())})
        else:
            typer.echo(f"wrote {output.resolve()}: {len(found.units)} units, {len(text.encode()) / 1e6:.1f} MB")
        if open_it:
            typer.launch(str(output.resolve()))
