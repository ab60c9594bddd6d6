"""``/cubes/{cube_id}/items``, ``/cubes/{cube_id}/tiles``, ``/list-merges``."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Final, Literal

from pydantic import Field
from typing_extensions import TypedDict

from stratocube.api.contract import Answer, Link, Operation, Parameter
from stratocube.api.contract.common import CUBE_EXAMPLE, CUBE_ID, NEXT, Moment, Text, limit
from stratocube.state.status import Step

_Number = Annotated[int, Field(ge=1, le=999_999)]


class ItemFacts(TypedDict):
    """What is known of an item beside."""

    identity: str
    """Content identity of the product."""
    clear_ratio: float | None
    """Percent of all pixels that are clear."""
    empty: bool
    """Of a period without any scene."""
    created: str
    updated: str


class Item(TypedDict):
    """A published product, as cube-builder lists them."""

    id: str
    name: str
    """`id`."""
    title: str
    """`id`."""
    collection_id: str
    tile_id: str
    cloud_cover: float | None
    """Percent of the observed pixels that are not clear."""
    start_date: str
    end_date: str
    srid: int | None
    """Of the grid, as it was given."""
    geom: dict[str, Any] | None
    """GeoJSON geometry in degrees."""
    bbox: list[float]
    quicklook: str | None
    """Bucket and key of the picture, a slash between them."""
    href: str
    """Of the STAC Item."""
    _metadata: ItemFacts


class ItemList(TypedDict):
    """A page of items by its number."""

    items: list[Item]
    page: int
    per_page: int
    """As it was asked for, at most 1000."""
    total_items: int
    """Counted up to 5000, as far as pages reach by number: narrow the time or the place for what is behind."""
    total_pages: int
    all_counted: bool
    """Whether `total_items` is all there are."""
    links: list[Link]


class TileProperties(TypedDict):
    """What is said of a tile."""

    name: str
    grid: str


class TileFeature(TypedDict):
    """The outline of a tile, a GeoJSON feature."""

    type: Literal["Feature"]
    id: str
    geometry: dict[str, Any]
    properties: TileProperties


class MergeError(TypedDict):
    """What failed of a date."""

    filename: str
    """What could not be read, or what the cause begins with."""
    band: str
    """Empty where all of the date is meant."""
    step: Step
    message: str


class BandMerge(TypedDict):
    """One band of a date."""

    merge: str
    """The file, empty where it failed."""
    scenes: list[str]
    """Ids of the scenes it was made of."""


class Merge(TypedDict):
    """A date of a tile."""

    bands: dict[str, BandMerge]
    collections: list[str]
    errors: list[MergeError]
    file: str
    """The STAC Item of the date, empty where there is none."""


_TILE: Final = "Id of a tile: three digits of column, three of row."

OPERATIONS = (
    Operation(
        "GET",
        "/cubes/{cube_id}/items",
        id="listItems",
        tag="items",
        summary="What a cube has published",
        description="In order of time, or tile by tile where `tiles` are named.",
        query=(
            Parameter("tiles", "Items of these tiles, separated by commas, at most 100.", str, example="011009"),
            Parameter(
                "bbox",
                "Items that meet this box: west, south, east, north in degrees, separated by commas.",
                Text,
                example="-54.5,-12.5,-53,-11.5",
            ),
            Parameter("start", "Items that end on this day or later.", Moment, example="2023-08-01"),
            Parameter("end", "Items that begin on this day or earlier.", Moment, example="2023-08-31"),
            Parameter("page", "Number of the page.", _Number, default=1),
            Parameter("per_page", "Items a page; more than 1000 are given in pages of 1000.", _Number, default=1000),
        ),
        answers={200: Answer("A page of items", ItemList)},
        path_examples=CUBE_EXAMPLE,
    ),
    Operation(
        "GET",
        "/cubes/{cube_id}/tiles",
        id="listCubeTiles",
        tag="items",
        summary="The tiles on which a cube has published something",
        query=(limit(5000, "Tiles"), NEXT),
        answers={200: Answer("A page of tiles in order of id", list[str], headers=("Link",))},
        path_examples=CUBE_EXAMPLE,
    ),
    Operation(
        "GET",
        "/cubes/{cube_id}/tiles/geom",
        id="listCubeTileOutlines",
        tag="items",
        summary="Their outlines",
        query=(limit(1000, "Tiles"), NEXT),
        answers={200: Answer("A page of GeoJSON features", list[TileFeature], headers=("Link",))},
        path_examples=CUBE_EXAMPLE,
    ),
    Operation(
        "GET",
        "/list-merges",
        id="listMerges",
        tag="items",
        summary="What the dates of a tile were merged from, and what of them failed",
        query=(
            replace(CUBE_ID, aliases=(*CUBE_ID.aliases, "cubeId")),
            Parameter("tile_id", _TILE, Text, required=True, example="011009", aliases=("tile", "tileId")),
            Parameter("start_date", "First day.", Moment, required=True, example="2023-08-01", aliases=("startDate",)),
            Parameter("end_date", "Last day.", Moment, required=True, example="2023-08-31", aliases=("endDate",)),
        ),
        answers={200: Answer("Merges by date, at most 1000 dates", dict[str, Merge])},
        problems={404: "There is no such cube"},
    ),
)
