"""``/watches``, ``/scenes``."""

from __future__ import annotations

from typing import Annotated, Any, Final, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from stratocube.api.contract import Answer, Extended, Link, Operation
from stratocube.api.contract.common import CUBE_EXAMPLE, NEXT, limit
from stratocube.cube.requests import StartRequest

SCENE: Final = {
    "type": "Feature",
    "stac_version": "1.0.0",
    "id": "S2A_23LLG_20230810_0_L2A",
    "collection": "sentinel-2-l2a",
    "geometry": {
        "type": "Polygon",
        "coordinates": [[[-46.0, -12.7], [-45.0, -12.7], [-45.0, -11.7], [-46.0, -11.7], [-46.0, -12.7]]],
    },
    "bbox": [-46.0, -12.7, -45.0, -11.7],
    "properties": {"datetime": "2023-08-10T13:22:00Z"},
    "links": [],
    "assets": {},
}


class WatchFields(TypedDict):
    """What a watch says beside a start request."""

    cube_id: NotRequired[str]
    """The cube's id, in place of `datacube`."""
    start_date: NotRequired[str]
    """The first day whose scenes count."""
    end_date: NotRequired[str | None]
    """The last day whose scenes count; left out for no end."""
    announced_as: NotRequired[Annotated[list[str], Field(min_length=1, max_length=16)] | None]
    """Collections of the messages, where those who announce scenes call them otherwise."""


class WatchInList(TypedDict):
    """A cube that keeps itself up to date."""

    cube_id: str
    end_date: str | None
    hears_of: list[str]
    """Collections of the messages that concern it."""
    watched_since: str
    heard_at: str | None
    """When the last message concerned it."""
    reconciled_at: str | None
    """When its archives were last searched for scenes nobody announced."""
    tile_count: int
    links: list[Link]


class Watches(TypedDict):
    """Watches by the id of their cube."""

    watches: list[WatchInList]
    next: str | None
    """The cube to continue behind; null at the end."""
    links: list[Link]


class CreatedWatch(TypedDict):
    """A watch, and how its units are built."""

    cube_id: str
    request: dict[str, Any]
    """The fields of a start request."""
    end_date: str | None
    hears_of: list[str]
    watched_since: str
    heard_at: str | None
    reconciled_at: str | None
    links: list[Link]


class WatchedUnit(TypedDict):
    """A unit that scenes arrived for."""

    unit_id: str
    arrivals: int
    """How often."""
    pending: bool
    """Whether something arrived that no build has begun with."""
    build_id: str | None
    due_at: str | None


class Watch(CreatedWatch):
    """A watch with the units that scenes arrived for."""

    units: list[WatchedUnit]


class EndedWatch(TypedDict):
    """A watch that has ended."""

    cube_id: str
    watched: bool


class TouchedUnit(TypedDict):
    """A unit of a watched cube that a scene touches."""

    cube_id: str
    unit_id: str


class ReceivedScene(TypedDict):
    """What a scene touches."""

    scene: str
    collection: str
    units: list[TouchedUnit]


class SceneOpen(TypedDict):
    """A STAC Item."""

    id: str
    collection: str
    geometry: NotRequired[dict[str, Any] | None]
    properties: dict[str, Any]


OPERATIONS = (
    Operation(
        "POST",
        "/watches",
        id="createWatch",
        tag="arrivals",
        summary="Keep a cube up to date as scenes arrive",
        description="What is left out is that of the cube's newest build. A cube has one watch: another one takes its "
        "place.",
        request=Extended(
            StartRequest,
            WatchFields,
            "WatchRequest",
            optional=("datacube", "collections", "tiles"),
            without=("force", "validate_only"),
        ),
        request_examples={"from August 2023 on": {"cube_id": "S2-16D-1", "start_date": "2023-08-01"}},
        answers={201: Answer("The cube is watched", CreatedWatch, headers=("Location",))},
        problems={404: "There is no such cube"},
    ),
    Operation(
        "GET",
        "/watches",
        id="listWatches",
        tag="arrivals",
        summary="Watched cubes",
        query=(limit(100, "Watches"), NEXT),
        answers={200: Answer("A page of watches", Watches)},
    ),
    Operation(
        "GET",
        "/watches/{cube_id}",
        id="getWatch",
        tag="arrivals",
        summary="A watch, and the units that scenes arrived for",
        query=(limit(100, "Units"),),
        answers={200: Answer("The watch", Watch)},
        path_examples=CUBE_EXAMPLE,
    ),
    Operation(
        "DELETE",
        "/watches/{cube_id}",
        id="deleteWatch",
        tag="arrivals",
        summary="Watch a cube no more",
        answers={200: Answer("The watch has ended", EndedWatch)},
        path_examples=CUBE_EXAMPLE,
    ),
    Operation(
        "POST",
        "/scenes",
        id="receiveScene",
        tag="arrivals",
        summary="Announce a scene, as a STAC Item",
        request=SceneOpen,
        request_examples={"a Sentinel-2 scene": SCENE},
        answers={202: Answer("What the scene touches", ReceivedScene)},
    ),
)
