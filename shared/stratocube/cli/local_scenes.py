"""Scenes on this machine as the source of a build: an ItemCollection and its files go to the stack's landing bucket.

A start request may name a file where it names a STAC API. What is uploaded lies under a prefix made of the file's
content, so that the same scenes are copied once and other scenes never take their place.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import typer

from stratocube.cli.session import aws_of
from stratocube.errors import InvalidRequest

if TYPE_CHECKING:
    from stratocube.cli.aws import Aws

_PREFIX = "uploads"
_SHOWN = 5


def with_scenes_uploaded(
    context: typer.Context, request: Mapping[str, Any], file: Path, *, upload: bool
) -> dict[str, Any]:
    """The request with the address of its scenes on S3 where it names a file of this machine.

    The file's path is relative to the request's. Without ``upload`` (a dry run) nothing is copied: the address is
    where they would be.

    Raises:
        InvalidRequest: the file is no ItemCollection, or names rasters that are not there.
        AwsRefused: the landing bucket cannot be written.
    """
    address = request.get("stac_url")
    if not isinstance(address, str) or "://" in address:
        return dict(request)
    items = (Path.cwd() if str(file) == "-" else file.parent) / address
    content, rasters = _scenes(items)
    aws = aws_of(context)
    bucket = aws.output("LandingBucket")
    prefix = f"{_PREFIX}/{items.resolve().parent.name}-{hashlib.sha256(content).hexdigest()[:8]}/"
    if upload:
        _copy(aws, bucket, {prefix + name: path for name, path in rasters.items()})
        # The items last: whoever finds them finds their files.
        _copy(aws, bucket, {prefix + items.name: items})
    return {**request, "stac_url": f"s3://{bucket}/{prefix}{items.name}"}


def _scenes(items: Path) -> tuple[bytes, dict[str, Path]]:
    """The ItemCollection, and the files that it names relative to itself, by these names."""
    try:
        content = items.read_bytes()
        features = json.loads(content)["features"]
        hrefs = [asset["href"] for item in features for asset in item.get("assets", {}).values()]
    except FileNotFoundError:
        raise InvalidRequest(
            f"there is no file {items}: name an ItemCollection of this machine (`stratocube scenes index` makes one), a"
            " STAC API (https://…), or an ItemCollection on S3 (s3://…)",
            field="stac_url",
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidRequest(f"{items} is no STAC ItemCollection: {error!r}", field="stac_url") from error
    rasters = {unquote(href).removeprefix("./"): href for href in hrefs if "://" not in href}
    outside = [name for name in rasters if name.startswith(("/", "..")) or "/../" in name]
    if outside:
        raise InvalidRequest(
            f"{items} names {outside[0]}, which is not below its folder: copy it there, or give it an address",
            field="stac_url",
        )
    found = {name: items.parent / name for name in rasters}
    missing = [str(path) for path in found.values() if not path.is_file()]
    if missing:
        raise InvalidRequest(
            f"{items} names {len(missing)} files that are not there: {', '.join(missing[:_SHOWN])}", field="stac_url"
        )
    return content, found


def _copy(aws: Aws, bucket: str, files: Mapping[str, Path]) -> None:
    """Copy files to a bucket, by key, but for those that are there already with the same content."""
    from stratocube.cli.aws import AwsError, AwsRefused  # noqa: PLC0415 - boto3 takes half a second

    s3 = aws.client("s3")
    try:
        wanted = {key: path for key, path in files.items() if not _is_there(s3, bucket, key, path)}
        if not wanted:
            return
        from rich.console import Console  # noqa: PLC0415 - not for --help
        from rich.progress import track  # noqa: PLC0415 - as above

        console = Console(stderr=True)
        shown = track(
            wanted.items(),
            description=f"copying {len(wanted)} files to s3://{bucket}",
            total=len(wanted),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        for key, path in shown:
            s3.put_object(Bucket=bucket, Key=key, Body=path.read_bytes())
    except AwsError as error:
        raise AwsRefused(f"s3://{bucket} cannot be written: {error}") from error


def _is_there(s3: Any, bucket: str, key: str, path: Path) -> bool:
    found = s3.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1).get("Contents", [])
    if not found or found[0]["Key"] != key:
        return False
    digest = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    return bool(found[0]["ETag"].strip('"') == digest)
