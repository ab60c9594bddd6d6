"""``/assets/{collection_id}/{item_id}``, ``/assets/{collection_id}/{item_id}/{asset}``."""

from __future__ import annotations

from typing import Final

from typing_extensions import TypedDict

from stratocube.api.contract import Answer, Operation

_EXAMPLE: Final = {"collection_id": "S2-1M-LCF-1", "item_id": "S2-1M-LCF_V1_000001_20230801"}
_WHAT: Final = (
    "A presigned GET of S3, good for a quarter of an hour, for ranges too. It needs no key: whoever has it can read "
    "that file. When the bucket answers 403 before the time is over, ask for another one."
)


class AssetHref(TypedDict):
    """Where a file can be read."""

    href: str


class AssetLink(AssetHref):
    """Where a file can be read, and until when."""

    expires_at: str


class AssetLinks(TypedDict):
    """Where the files of an item can be read."""

    collection: str
    item: str
    assets: dict[str, AssetHref]
    """By the names of the item's assets."""
    expires_at: str | None
    """When the first of the links ends; null for an item without assets."""


OPERATIONS = (
    Operation(
        "GET",
        "/assets/{collection_id}/{item_id}",
        id="listAssetLinks",
        tag="assets",
        summary="Links to all files of a published item",
        description=_WHAT,
        answers={200: Answer("A link to each", AssetLinks)},
        path_examples=_EXAMPLE,
    ),
    Operation(
        "GET",
        "/assets/{collection_id}/{item_id}/{asset}",
        id="getAssetLink",
        tag="assets",
        summary="A link to one file of a published item",
        description=_WHAT,
        answers={200: Answer("The link", AssetLink)},
        path_examples={**_EXAMPLE, "asset": "NDVI"},
    ),
)
