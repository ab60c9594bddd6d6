"""Writing a product's files: encoded once, put whole, with size, checksum and statistics for the STAC item."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from numpy.typing import NDArray

from stratocube import __version__
from stratocube.cube.geobox import GeoBox
from stratocube.pixels.cog import CogWriter, Meaning, cog_of
from stratocube.workflow.context import Stack
from stratocube.workflow.tasks import StoredFile

COG_TYPE: Final = "image/tiff; application=geotiff; profile=cloud-optimized"


def put_cog(
    stack: Stack, key: str, data: NDArray[Any], geobox: GeoBox, *, nodata: float, meaning: Meaning
) -> StoredFile:
    """Write an array (rows, columns) as a COG under a key. Arguments as :func:`stratocube.pixels.cog.cog_of`."""
    return put_written(stack, key, cog_of(data, geobox, nodata=nodata, meaning=meaning))


def put_written(stack: Stack, key: str, cog: CogWriter) -> StoredFile:
    """Write a COG under a key, from a writer that has taken all its pixels and is used up by this."""
    statistics, *others = cog.statistics
    stored = put_file(stack, key, b"".join(cog.finish()), content_type=COG_TYPE)
    return stored if others else replace(stored, statistics=statistics.to_json())


def put_file(stack: Stack, key: str, body: bytes, *, content_type: str) -> StoredFile:
    """Write bytes under a key."""
    stack.products.put(key, body, content_type=content_type)
    # multihash: 0x12 is SHA-256, 0x20 its length
    return StoredFile(key=key, size=len(body), checksum="1220" + hashlib.sha256(body).hexdigest())


def href_from(key: str, folder: str) -> str:
    """A key as an item in ``folder`` names it: relative, so that a tree of products can be copied elsewhere."""
    relative = posixpath.relpath(key, folder)
    return relative if relative.startswith("..") else f"./{relative}"


def provenance(*, collection: str, item: str, identity: str, inputs: int) -> Mapping[str, str]:
    """Tags that a file carries with it: who made it, as part of what, of how many files, and its content identity.

    No time: the same work must give the same bytes.
    """
    return {
        "TIFFTAG_SOFTWARE": f"stratocube {__version__}",
        "STRATOCUBE_COLLECTION": collection,
        "STRATOCUBE_ITEM": item,
        "STRATOCUBE_IDENTITY": identity,
        "STRATOCUBE_INPUTS": str(inputs),
    }
