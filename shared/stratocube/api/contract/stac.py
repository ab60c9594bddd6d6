"""``/stac``: documents are those of STAC, so their schemas stay open."""

from __future__ import annotations

from types import MappingProxyType
from typing import Annotated, Any, Final, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from stratocube.api.contract import Answer, Operation, Parameter
from stratocube.api.contract.common import Text

GEOJSON: Final = "application/geo+json"
_COLLECTION: Final = MappingProxyType({"collection_id": "S2-16D-1"})
_ITEM: Final = MappingProxyType({**_COLLECTION, "item_id": "S2-16D_V1_011009_20230813"})

BBOX: Final = Parameter("bbox", "West, south, east, north in degrees.", Text, example="14.9,45.9,15.1,46.1")
DATETIME: Final = Parameter(
    "datetime",
    "A time in RFC 3339, or an interval of two with a slash between, either of which may be `..`.",
    Text,
    example="2023-08-01T00:00:00Z/2023-08-31T23:59:59Z",
)
LIMIT: Final = Parameter(
    "limit", "Items a page; more than 100 are taken for 100.", Annotated[int, Field(ge=1)], default=10, example=10
)
TOKEN: Final = Parameter("token", "Of the page before: follow its link `next`.", str)
_IDS: Final = Parameter("ids", "Ids of items, separated by commas, at most 100.", str)
_COLLECTIONS: Final = Parameter("collections", "Ids of collections, separated by commas, at most 100.", str)
_INTERSECTS: Final = Parameter("intersects", "A GeoJSON geometry that items intersect; not together with bbox.", str)


class StacDocumentOpen(TypedDict):
    """A Catalog, Collection, Item or ItemCollection of STAC 1.1."""

    links: list[dict[str, Any]]


class Conformance(TypedDict):
    """What of the specifications is implemented."""

    conformsTo: list[str]


class Collections(TypedDict):
    """Collections in order of their ids."""

    collections: list[StacDocumentOpen]
    links: list[dict[str, Any]]


class SearchBody(TypedDict):
    """A search."""

    bbox: NotRequired[list[float]]
    """Four numbers, or six."""
    datetime: NotRequired[str]
    ids: NotRequired[list[str]]
    collections: NotRequired[list[str]]
    intersects: NotRequired[dict[str, Any]]
    """A GeoJSON geometry; not together with bbox."""
    limit: NotRequired[int]
    token: NotRequired[str]


class DeletedItem(TypedDict):
    """What was deleted."""

    collection: str
    id: str
    deleted_files: int
    """The item's own JSON among them."""
    kept_files: int
    """Files that other items name as well."""


_NO_COLLECTION: Final = "There is no such collection with items"
_NO_ITEM: Final = "There is no such item"

OPERATIONS = (
    Operation(
        "GET",
        "/stac",
        id="getStac",
        tag="stac",
        summary="The STAC API's landing page, for pystac-client, QGIS and STAC Browser",
        answers={200: Answer("A Catalog", StacDocumentOpen)},
    ),
    Operation(
        "GET",
        "/stac/conformance",
        id="getStacConformance",
        tag="stac",
        summary="Conformance classes of the STAC API",
        answers={200: Answer("The classes", Conformance)},
    ),
    Operation(
        "GET",
        "/stac/collections",
        id="listStacCollections",
        tag="stac",
        summary="Collections that have published items",
        query=(Parameter("limit", "Collections a page.", Annotated[int, Field(ge=1, le=100)], default=100), TOKEN),
        answers={200: Answer("A page of collections", Collections)},
    ),
    Operation(
        "GET",
        "/stac/collections/{collection_id}",
        id="getStacCollection",
        tag="stac",
        summary="A collection",
        answers={200: Answer("The collection", StacDocumentOpen)},
        path_examples=_COLLECTION,
        problems={404: _NO_COLLECTION},
    ),
    Operation(
        "GET",
        "/stac/collections/{collection_id}/items",
        id="listStacItems",
        tag="stac",
        summary="Items of a collection",
        description="pystac-client searches a collection here, with all parameters of a search.",
        query=(BBOX, DATETIME, _IDS, _COLLECTIONS, _INTERSECTS, LIMIT, TOKEN),
        answers={200: Answer("A page of items", StacDocumentOpen, media_type=GEOJSON)},
        path_examples=_COLLECTION,
        problems={404: _NO_COLLECTION},
    ),
    Operation(
        "GET",
        "/stac/collections/{collection_id}/items/{item_id}",
        id="getStacItem",
        tag="stac",
        summary="An item",
        answers={200: Answer("The item, its assets as `s3://` addresses", StacDocumentOpen, media_type=GEOJSON)},
        path_examples=_ITEM,
        problems={404: _NO_ITEM},
    ),
    Operation(
        "DELETE",
        "/stac/collections/{collection_id}/items/{item_id}",
        id="deleteStacItem",
        tag="stac",
        summary="Delete an item and its files",
        description="Files that another item names as well stay. Sent again, it does what was left undone.",
        answers={200: Answer("The item is deleted", DeletedItem)},
        path_examples=_ITEM,
        problems={404: _NO_ITEM, 409: "A build that makes it is under way"},
    ),
    Operation(
        "GET",
        "/stac/search",
        id="searchStac",
        tag="stac",
        summary="Search items of all collections",
        query=(BBOX, DATETIME, _IDS, _COLLECTIONS, _INTERSECTS, LIMIT, TOKEN),
        answers={200: Answer("A page of items", StacDocumentOpen, media_type=GEOJSON)},
    ),
    Operation(
        "POST",
        "/stac/search",
        id="postStacSearch",
        tag="stac",
        summary="Search items of all collections",
        request=SearchBody,
        request_examples={"August 2023": {"datetime": "2023-08-01T00:00:00Z/2023-08-31T23:59:59Z", "limit": 10}},
        answers={200: Answer("A page of items", StacDocumentOpen, media_type=GEOJSON)},
    ),
)
