"""Writing a product's files: encoded once, put whole, with size and checksum for the STAC item."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from numpy.typing import NDArray

from stratocube.cube.geobox import GeoBox
from stratocube.pixels.cog import Kind, encode_cog
from stratocube.workflow.context import Stack
from stratocube.workflow.tasks import StoredFile

COG_TYPE = "image/tiff; application=geotiff; profile=cloud-optimized"
DEFAULT_BLOCK = 512


def put_cog(
    stack: Stack,
    key: str,
    data: NDArray[Any],
    geobox: GeoBox,
    *,
    nodata: float,
    kind: Kind,
    description: str = "",
    scale: float | None = None,
    offset: float | None = None,
    block_size: int | None = None,
) -> StoredFile:
    """Write an array (rows, columns) as a COG under a key. Arguments as :func:`stratocube.pixels.cog.encode_cog`."""
    body = encode_cog(
        data,
        geobox,
        nodata=nodata,
        kind=kind,
        description=description,
        scale=scale,
        offset=offset,
        block_size=block_size or DEFAULT_BLOCK,
    )
    return put_file(stack, key, body, content_type=COG_TYPE)


def put_parts(stack: Stack, key: str, parts: Iterable[bytes]) -> StoredFile:
    """Write a COG under a key, whose parts are those of :meth:`stratocube.pixels.cog.CogWriter.finish`."""
    return put_file(stack, key, b"".join(parts), content_type=COG_TYPE)


def put_file(stack: Stack, key: str, body: bytes, *, content_type: str) -> StoredFile:
    """Write bytes under a key."""
    stack.products.put(key, body, content_type=content_type)
    # multihash: 0x12 is SHA-256, 0x20 its length
    return StoredFile(key=key, size=len(body), checksum="1220" + hashlib.sha256(body).hexdigest())
