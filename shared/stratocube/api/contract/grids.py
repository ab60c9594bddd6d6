"""``/grids``, ``/create-grids``."""

from __future__ import annotations

from typing import Annotated, Any, Final, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from stratocube.api.contract import Answer, Extended, Link, Operation, Parameter
from stratocube.api.contract.common import MAX_TEXT, NEXT, limit
from stratocube.cube.requests import GridRequest

BRAZIL: Final = {
    "names": ["BDC_LG", "BDC_MD", "BDC_SM"],
    "description": "Brazil Data Cube, three grids that nest",
    "projection": "aea",
    "meridian": -54,
    "tile_factor": [[64, 64], [32, 32], [16, 16]],
    "shape": [6600, 6600],
    "bbox": [-74.0, -34.0, -34.0, 6.0],
    "srid": 100001,
}
UTM: Final = {"name": "UTM23", "crs": "EPSG:32723", "bbox": [-45.5, -15.5, -45, -15], "tile_size": [50000, 50000]}


class Degrees(TypedDict):
    """The size of tiles as cube-builder's first form of the request has it, in place of `tile_size`."""

    degreesx: NotRequired[Annotated[float, Field(gt=0, le=60)]]
    """Width in degrees, measured at 12 degrees south around the meridian."""
    degreesy: NotRequired[Annotated[float, Field(gt=0, le=60)]]
    """Height in degrees."""


class GridInList(TypedDict):
    """A grid in a list."""

    id: str
    """Its name."""
    name: str
    crs: str
    """PROJ string, WKT or code."""
    origin: tuple[float, float]
    """Upper left corner of tile 000000 in CRS units."""
    tile_size: tuple[float, float]
    """Width and height of a tile in CRS units."""
    description: str
    srid: int | None
    links: list[Link]


class CreatedGrid(TypedDict):
    """A grid that was made."""

    name: str
    crs: str
    """PROJ string, WKT or code."""
    origin: tuple[float, float]
    """Upper left corner of tile 000000 in CRS units."""
    tile_size: tuple[float, float]
    """Width and height of a tile in CRS units."""
    description: str
    srid: int | None
    tile_count: int
    links: list[Link]


class CreatedGrids(TypedDict):
    """The grids that were made, in the order of the request."""

    grids: list[CreatedGrid]


class Tile(TypedDict):
    """A tile of a grid."""

    grid: str
    id: str
    """Three digits of column, three of row."""
    crs: str
    bounds: tuple[float, float, float, float]
    """left, bottom, right, top in CRS units."""
    footprint: dict[str, Any]
    """GeoJSON geometry in degrees."""
    geom_wgs84: dict[str, Any]
    """`footprint`, as cube-builder calls it."""


class Grid(GridInList):
    """A grid with a page of its tiles."""

    tiles: list[Tile]
    next: str | None
    """The tile to continue behind; null at the end."""


OPERATIONS = (
    Operation(
        "GET",
        "/grids",
        id="listGrids",
        tag="grids",
        summary="Grids by name",
        query=(limit(100, "Grids"), NEXT),
        answers={200: Answer("A page of grids", list[GridInList], headers=("Link",))},
    ),
    Operation(
        "GET",
        "/grids/{name}",
        id="getGrid",
        tag="grids",
        summary="A grid and its tiles",
        query=(
            Parameter(
                "bbox",
                "Tiles that meet this box: west, south, east, north in degrees, separated by commas.",
                Annotated[str, Field(max_length=MAX_TEXT)],
                example="-54.5,-12.5,-53,-11.5",
            ),
            Parameter("tiles", "Tiles of these ids, separated by commas, at most 500.", str, example="011009,011010"),
            limit(3000, "Tiles"),
            NEXT,
        ),
        answers={200: Answer("The grid, and a page of its tiles", Grid)},
        path_examples={"name": "BDC_SM"},
    ),
    Operation(
        "POST",
        "/create-grids",
        id="createGrids",
        tag="grids",
        summary="Make one grid, or several that share their corners",
        description="In cube-builder's form (`names`, `projection`, `meridian`, `shape`, `tile_factor`), or as a plain "
        "grid in any CRS (`name`, `crs`, `tile_size`).",
        request=Extended(GridRequest, Degrees, "GridsRequest"),
        request_examples={"Brazil's three grids": BRAZIL, "a plain grid in UTM": UTM},
        answers={201: Answer("The grids that were made", CreatedGrids, headers=("Location",))},
        problems={409: "A grid of one of the names exists"},
    ),
)
