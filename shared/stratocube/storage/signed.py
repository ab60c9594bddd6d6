"""Links to single objects that whoever has them may read for a while: S3's presigned requests (signature version 4)."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from stratocube.clock import iso_time
from stratocube.errors import SourceMissing

LINK_SECONDS = 900
"""How long a link can be used. What it is signed with, a function's credentials, may end sooner: then the bucket
answers 403, and a new link must be asked for."""


@dataclass(frozen=True)
class SignedLink:
    """A link to one object."""

    href: str
    expires_at: str


class SignedReads:
    """Signs reads of one bucket's objects. Makes its client late: most requests to the API sign nothing."""

    def __init__(self, bucket: str, *, client: Callable[[], Any]) -> None:
        self._bucket = bucket
        self._make = client

    @cached_property
    def _client(self) -> Any:
        return self._make()

    def link(self, key: str, *, now: datetime) -> SignedLink:
        """A link to the object under ``key``: GET, whole or in ranges. Whether it is there shows when it is read."""
        href = self._client.generate_presigned_url(
            "get_object", Params={"Bucket": self._bucket, "Key": key}, ExpiresIn=LINK_SECONDS
        )
        return SignedLink(href, iso_time(now + timedelta(seconds=LINK_SECONDS)))


def signing_client(region: str) -> Any:
    """An S3 client that signs with version 4, and for the host of the bucket in its region.

    Left to itself, botocore signs links for the host of all regions, which sends on to the bucket's region while the
    bucket is young: the signature, which holds the host, is then refused.
    """
    from botocore.config import Config  # noqa: PLC0415 - made late, see SignedReads
    from botocore.session import get_session  # noqa: PLC0415 - made late, see SignedReads

    config = Config(signature_version="s3v4", s3={"addressing_style": "virtual"})
    return get_session().create_client("s3", region_name=region, config=config)


def key_of_asset(item_key: str, href: str) -> str:
    """The key an asset's href means, relative to its item's key.

    Raises:
        SourceMissing: when it is no file below the item's folder: then it is not this product's.
    """
    folder = posixpath.dirname(item_key)
    key = posixpath.normpath(posixpath.join(folder, href))
    if "://" in href or not key.startswith(f"{folder}/"):
        raise SourceMissing(href, f"it is no file of the product {item_key}")
    return key
