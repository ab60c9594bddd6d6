"""``stratocube scenes``: scenes that have no catalogue, made searchable."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stratocube.cli.options import AsJson
from stratocube.cli.session import EXIT_CODES, explained, print_json, session_of
from stratocube.errors import InvalidRequest, NotFound
from stratocube.storage.hrefs import split_s3

if TYPE_CHECKING:
    from stratocube.scene_files.formats import FileFormat

scenes = typer.Typer(
    help="Scenes in a directory: describe them so that a build finds them.", epilog=EXIT_CODES, no_args_is_help=True
)


@scenes.command("index", epilog=EXIT_CODES)
def index(
    context: typer.Context,
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
    as_json: AsJson = False,
) -> None:
    """Write a STAC ItemCollection of the scenes in DIRECTORY.

    Give its address as stac_url of a cube or start request. Sentinel-2 SAFE products are read as they are, zipped or
    not; other files by a format: {"images": {"pattern": …}, "datetime": {"pattern": …, "format": "%Y%m%d"},
    "bands": {"B04": {"pattern": …, "nodata": 0}}}, each pattern a regular expression of the whole path.

    Example: stratocube scenes index ./landsat --format landsat.json --at s3://my-landing-bucket/landsat --upload
    """
    with explained():
        found = _found(directory, at, collection, file_format, pattern, recursive, platform)
        output.write_text(json.dumps({"type": "FeatureCollection", "features": found}, indent=1))
        address = _upload(context, directory, at, pattern, recursive, output) if upload else None
        if as_json:
            print_json({"scenes": len(found), "items": str(output), "collection": collection, "stac_url": address})
            return
        typer.echo(f"{len(found)} scenes, {_span(found)}: {output}")
        if address:
            typer.echo(f'uploaded; in the start request give "stac_url": "{address}", "collections": ["{collection}"]')


def _found(
    directory: Path,
    at: str,
    collection: str,
    file_format: Path | None,
    ending: str | None,
    recursive: bool,
    platform: str | None,
) -> list[dict[str, Any]]:
    from stratocube.scene_files.index import address_below, index_directory  # noqa: PLC0415 - rasterio and shapely

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
    from stratocube.scene_files.formats import FileFormat  # noqa: PLC0415 - pydantic, not for --help

    return FileFormat.parse(document)


def _span(items: list[dict[str, Any]]) -> str:
    days = sorted(item["properties"]["datetime"][:10] for item in items)
    return days[0] if days[0] == days[-1] else f"{days[0]} to {days[-1]}"


def _upload(context: typer.Context, directory: Path, at: str, ending: str | None, recursive: bool, items: Path) -> str:
    """Copy files and items; the address of the items."""
    from rich.console import Console  # noqa: PLC0415 - not for --help
    from rich.progress import track  # noqa: PLC0415 - as above

    from stratocube.scene_files.index import files_below  # noqa: PLC0415 - as above

    directory = directory.resolve()
    bucket, prefix = split_s3(f"{at.rstrip('/')}/x")
    prefix = prefix.removesuffix("x")
    s3 = _s3(context)
    files = list(files_below(directory, ending=ending, recursive=recursive))
    for path in track(files, description=f"copying {len(files)} files", console=Console(stderr=True)):
        s3.upload_file(str(path), bucket, prefix + path.relative_to(directory).as_posix())
    # The items last: whoever finds them finds their files.
    s3.upload_file(str(items), bucket, f"{prefix}items.json")
    return f"s3://{bucket}/{prefix}items.json"


def _s3(context: typer.Context) -> Any:
    """S3 of the stack that is meant; where none is, what the user's AWS profile opens."""
    try:
        return session_of(context).aws().client("s3")
    except NotFound:
        import boto3  # noqa: PLC0415 - half a second, not for --help

        session = session_of(context)
        return boto3.Session(profile_name=session.profile, region_name=session.region).client("s3")
