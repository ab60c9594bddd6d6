"""Links to a product's files: ``/assets``. Whoever has one reads that file from the bucket, whole or in ranges."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver

from stratocube.api.requests import path_id
from stratocube.api.services import Services
from stratocube.errors import NotFound
from stratocube.state.items import StoredItem
from stratocube.storage.signed import SignedLink, key_of_asset


def add_asset_routes(app: APIGatewayRestResolver, services: Services) -> None:
    """Add the routes."""

    def found(collection_id: str, item_id: str) -> StoredItem:
        return services.items.get(path_id(collection_id, "collection"), path_id(item_id, "item"))

    def link(item: StoredItem, asset: str) -> SignedLink:
        key = key_of_asset(item.key, item.document["assets"][asset]["href"])
        return services.signed.link(key, now=services.now())

    @app.get("/assets/<collection_id>/<item_id>")
    def list_asset_links(collection_id: str, item_id: str) -> dict[str, Any]:
        item = found(collection_id, item_id)
        links = {asset: link(item, asset) for asset in item.document["assets"]}
        return {
            "collection": item.collection,
            "item": item.item_id,
            "assets": {asset: {"href": signed.href} for asset, signed in links.items()},
            "expires_at": min((signed.expires_at for signed in links.values()), default=None),
        }

    @app.get("/assets/<collection_id>/<item_id>/<asset>")
    def get_asset_link(collection_id: str, item_id: str, asset: str) -> dict[str, Any]:
        item = found(collection_id, item_id)
        name = path_id(asset, "asset")
        if name not in item.document["assets"]:
            known = ", ".join(item.document["assets"])
            raise NotFound(f"{item.item_id} has no asset {name}, it has {known}")
        signed = link(item, name)
        return {"href": signed.href, "expires_at": signed.expires_at}
