"""``stratocube scenes``: scenes that have no catalogue, made searchable."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import boto3
import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.progress import track

from stratocube.errors import InvalidRequest, StratocubeError
from stratocube.scene_files.formats import FileFormat
from stratocube.scene_files.index import address_below, files_below, index_directory
from stratocube.storage.hrefs import split_s3

scenes = typer.Typer(help="Scenes in a directory: describe them so that a build finds them.", no_args_is_help=True)


@scenes.command("index")
def index(
    directory: Annotated[Path, typer.Argument(help="Folder with the scenes.")],
    at: Annotated[str, typer.Option(help="Where the build reads the folder's files: s3://BUCKET/PREFIX, or https://…")],
    output: Annotated[Path, typer.Option(help="The ItemCollection to write.")] = Path("items.json"),
    collection: Annotated[
        str, typer.Option(help="Collection the scenes are given, named in start requests.")
    ] = "local",
    file_format: Annotated[
        Path | None,
        typer.Option(
            "--format",
            help="JSON with the patterns of file names (gdalcubes, cube-builder). Without: Sentinel-2 SAFE products.",
        ),
    ] = None,
    pattern: Annotated[str | None, typer.Option(help="Only files whose names end so, such as .tif")] = None,
    recursive: Annotated[bool, typer.Option(help="Look into folders below.")] = True,
    platform: Annotated[str | None, typer.Option(help="Platform of all scenes, such as landsat-8.")] = None,
    upload: Annotated[bool, typer.Option(help="Copy the files, and the ItemCollection, to --at (on S3).")] = False,
) -> None:
    """Write a STAC ItemCollection of the scenes in DIRECTORY.

    Give its address as stac_url of a cube or start request. Sentinel-2 SAFE products are read as they are, zipped or
    not; other files by a format: {"images": {"pattern": …}, "datetime": {"pattern": …, "format": "%Y%m%d"},
    "bands": {"B04": {"pattern": …, "nodata": 0}}}, each pattern a regular expression of the whole path.

    Example: stratocube scenes index ./landsat --format landsat.json --at s3://my-landing-bucket/landsat --upload
    """
    try:
        found = _found(directory, at, collection, file_format, pattern, recursive, platform)
        output.write_text(json.dumps({"type": "FeatureCollection", "features": found}, indent=1))
        typer.echo(f"{len(found)} scenes, {_span(found)}: {output}")
        if upload:
            address = _upload(directory, at, pattern, recursive, output)
            typer.echo(f'uploaded; in the start request give "stac_url": "{address}", "collections": ["{collection}"]')
    except StratocubeError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None
    except (BotoCoreError, ClientError, OSError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None


def _found(
    directory: Path,
    at: str,
    collection: str,
    file_format: Path | None,
    ending: str | None,
    recursive: bool,
    platform: str | None,
) -> list[dict[str, Any]]:
    directory = directory.resolve()
    return list(
        index_directory(
            directory,
            address=address_below(directory, at),
            collection=collection,
            file_format=None if file_format is None else _format(file_format),
            ending=ending,
            recursive=recursive,
            properties={} if platform is None else {"platform": platform},
        )
    )


def _format(path: Path) -> FileFormat:
    try:
        document = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise InvalidRequest(f"{path} cannot be read as JSON: {error}", field="format") from error
    return FileFormat.parse(document)


def _span(items: list[dict[str, Any]]) -> str:
    days = sorted(item["properties"]["datetime"][:10] for item in items)
    return days[0] if days[0] == days[-1] else f"{days[0]} to {days[-1]}"


def _upload(directory: Path, at: str, ending: str | None, recursive: bool, items: Path) -> str:
    """Copy files and items; the address of the items."""
    directory = directory.resolve()
    bucket, prefix = split_s3(f"{at.rstrip('/')}/x")
    prefix = prefix.removesuffix("x")
    s3 = boto3.client("s3")
    files = list(files_below(directory, ending=ending, recursive=recursive))
    for path in track(files, description=f"copying {len(files)} files"):
        s3.upload_file(str(path), bucket, prefix + path.relative_to(directory).as_posix())
    # The items last: whoever finds them finds their files.
    s3.upload_file(str(items), bucket, f"{prefix}items.json")
    return f"s3://{bucket}/{prefix}items.json"
