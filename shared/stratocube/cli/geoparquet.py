"""``stratocube geoparquet``: a cube's items as files of rows, for searches over very many of them."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from stratocube.cli.options import AsJson, CubeId
from stratocube.cli.session import aws_of, explained, print_json, print_table

if TYPE_CHECKING:
    from stratocube.cli.aws import Aws
    from stratocube.state.items import Items

_OF_TABLES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_REGION")


def geoparquet(context: typer.Context, cube_id: CubeId, as_json: AsJson = False) -> None:
    """Write a cube's STAC items into the cube bucket as stac-geoparquet: one file a year, and only years that changed.

    DuckDB, GeoPandas, rustac and QGIS search such files without the stack. Needs the Python package rustac, and AWS
    credentials that may read the table of items and write to the cube bucket.

    Example: stratocube geoparquet S2-16D-1
    """
    with explained(context):
        # only this command needs tables and rustac
        from stratocube.storage.objects import ObjectStore  # noqa: PLC0415 - see above
        from stratocube.workflow.item_geoparquet import write_geoparquet  # noqa: PLC0415 - see above

        aws = aws_of(context, "stratocube")
        products = ObjectStore(aws.client("s3"), aws.output("CubeBucket"))
        years = write_geoparquet(products, _items(aws), cube_id)
        if as_json:
            print_json([asdict(year) | {"href": products.href(year.key)} for year in years])
            return
        columns = {"year": "year", "items": "items", "done": "", "file": "file"}
        rows = [
            {
                "year": year.year,
                "items": str(year.items),
                "done": "written" if year.changed else "as it was",
                "file": products.href(year.key),
            }
            for year in years
        ]
        print_table(f"items of {cube_id}", columns, rows)


def _items(aws: Aws) -> Items:
    """The table of items. Its library takes credentials from the environment alone; the command ends with it."""
    from stratocube.state.items import Items  # noqa: PLC0415 - imported late, see above

    tables = aws.client("dynamodb")
    os.environ.update({name: value for name, value in aws.gdal.items() if name in _OF_TABLES})
    if aws.embedded:
        os.environ["AWS_ENDPOINT_URL"] = tables.meta.endpoint_url
    return Items(aws.output("ItemsTable"), region=tables.meta.region_name)
