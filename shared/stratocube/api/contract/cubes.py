"""``/cubes``, ``/cube-status``, ``/list-periods``, ``/composite-functions``."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from stratocube.api.contract import Answer, Extended, Link, Operation, Parameter
from stratocube.api.contract.common import CUBE_EXAMPLE, CUBE_ID, NEXT, Text, limit
from stratocube.cube.definition import CubeDefinition
from stratocube.cube.parameters import Parameters
from stratocube.state.status import BuildStatus, Standing

TimeUnit = Literal["day", "month", "year"]
Schema = Literal["Continuous", "Cyclic"]
Step = Annotated[int, Field(ge=1, le=3660)]
Day = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}", examples=["2023-08-01"])]
Interval = Annotated[str, Field(pattern=r"^\d{2}-\d{2}_\d{2}-\d{2}$", examples=["12-21_03-20"])]

SENTINEL_2: Final = {
    "datacube": "S2-16D",
    "version": 1,
    "title": "Sentinel-2, 16 days",
    "grs": "BDC_SM",
    "resolution": 10,
    "temporal_composition": {"schema": "Cyclic", "step": 16, "unit": "day", "cycle": {"unit": "year", "step": 1}},
    "composite_function": "LCF",
    "bands": [
        {"name": "B04", "common_name": "red", "data_type": "int16", "nodata": -9999, "scale": 0.0001},
        {"name": "B08", "common_name": "nir", "data_type": "int16", "nodata": -9999, "scale": 0.0001},
        {"name": "SCL", "common_name": "quality", "data_type": "uint8", "nodata": 0},
    ],
    "indexes": [
        {
            "name": "NDVI",
            "common_name": "ndvi",
            "data_type": "int16",
            "nodata": -9999,
            "scale": 0.0001,
            "metadata": {"expression": {"bands": ["B08", "B04"], "value": "10000. * ((B08 - B04) / (B08 + B04))"}},
        }
    ],
    "quality_band": "SCL",
    "bands_quicklook": ["B04", "B08", "B04"],
    "parameters": {
        "mask": {"clear_data": [4, 5, 6], "not_clear_data": [2, 3, 7, 8, 9, 10, 11], "saturated_data": [1], "nodata": 0}
    },
}
SIXTEEN_DAYS: Final = {
    "schema": "Cyclic",
    "step": 16,
    "unit": "day",
    "cycle": {"unit": "year", "step": 1},
    "start_date": "2019-01-01",
    "last_date": "2019-12-31",
}


class CubeFields(TypedDict):
    """What a stored cube has beside its definition; some of it under the names of cube-builder's catalogue."""

    id: str
    """Name and version."""
    name: str
    """`datacube`."""
    status: Standing
    """How the newest build ended: `Finished`, or `Error` where something failed; `Pending` before."""
    grid: str
    """`grs`."""
    is_public: bool
    """`public`."""
    collection_type: Literal["cube"]
    temporal_composition_schema: dict[str, Any] | None
    """`temporal_composition`."""
    quicklook: list[str]
    """`bands_quicklook`."""
    _metadata: dict[str, Any]
    """`metadata`."""
    created_at: str
    updated_at: str | None
    """When it was changed last; null when it never was."""
    links: list[Link]


class Process(TypedDict):
    """What cube-builder-aws calls a new cube by."""

    process_id: str
    """The id of the cube: `POST /start` takes it in place of `datacube`."""


class CreatedFields(CubeFields):
    """What the reply to a definition has beside it."""

    cubes: Process


class CoveredFields(CubeFields):
    """What one cube has beside its definition."""

    start_date: str | None
    """First day its builds asked for; null before the first."""
    end_date: str | None
    """Last day its builds asked for."""


class ChangedFields(CoveredFields):
    """What the reply to a change has beside the definition."""

    message: str


class ChangeFields(TypedDict):
    """Bands of which something is changed, by name."""

    bands: NotRequired[list[dict[str, Any]]]
    indexes: NotRequired[list[dict[str, Any]]]


class Meta(TypedDict):
    """With what a cube is generated, beside its parameters."""

    quality_band: str | None
    stac_url: str | None
    """Of the newest build, or of the parameters."""
    url_stac: str | None
    """`stac_url`, as cube-builder-aws calls it."""
    collections: list[str]
    """Of the newest build."""
    start_date: str | None
    end_date: str | None
    bucket: str
    """Products are written to it."""
    satellite: str
    """`metadata.platform.code`."""


class SentMeta(TypedDict):
    """What `GET /cubes/{cube_id}/meta` says beside the parameters; taken as long as it is unchanged."""

    quality_band: NotRequired[str | None]
    url_stac: NotRequired[str | None]
    collections: NotRequired[list[str]]
    start_date: NotRequired[str | None]
    end_date: NotRequired[str | None]
    bucket: NotRequired[str]
    satellite: NotRequired[str]


class NoFields(TypedDict):
    """Nothing beside."""


class CompositeFunction(TypedDict):
    """How the dates of a period become one product."""

    id: int
    name: str
    alias: str
    """What `composite_function` of a definition says."""
    description: str


class StatusBuild(TypedDict):
    """A build in a cube's status."""

    build_id: str
    status: BuildStatus
    created_at: str
    finished_at: str | None
    links: list[Link]


class CubeStatus(TypedDict):
    """How far a cube is, over its builds; each unit counts once, as its newest build left it."""

    cube_id: str
    finished: bool
    """No build is open, nothing is left to do. Failed units do not keep it from being true."""
    done: int
    """Units that are published."""
    not_done: int
    """Units that are planned, running or cancelled."""
    error: int
    """Units that failed."""
    collection_item: int
    """Items that are published."""
    start_date: str | None
    """When the first build began."""
    last_date: str | None
    """When the last build ended."""
    duration: str
    """How long builds ran in all: hours:minutes:seconds."""
    counted_builds: int
    """Builds whose units are counted, newest first; dry runs are none."""
    all_builds: bool
    """Whether that is all of them."""
    builds: list[StatusBuild]
    """The newest ten."""
    links: list[Link]


class Cycle(TypedDict):
    """How often a cyclic timeline starts over."""

    unit: TimeUnit
    step: Step
    intervals: NotRequired[list[Interval] | None]


class PeriodsRequest(TypedDict):
    """A temporal composition as in a cube's definition, and the window to cut."""

    schema: Schema
    step: Step
    unit: TimeUnit
    cycle: NotRequired[Cycle | None]
    """For cyclic schemas, and only for those."""
    intervals: NotRequired[list[Interval] | None]
    """Parts of the year in place of steps, such as seasons: `12-21_03-20`."""
    start_date: Day
    last_date: Day


class Timeline(TypedDict):
    """Periods in order."""

    timeline: list[tuple[str, str]]
    """First and last day of each period, both included."""


_CUBE = Extended(CubeDefinition, CubeFields, "Cube")
_CREATED = Extended(CubeDefinition, CreatedFields, "CreatedCube")
_DETAILS = Extended(CubeDefinition, CoveredFields, "CubeDetails")
_CHANGED = Extended(CubeDefinition, ChangedFields, "ChangedCube")
_CHANGE = Extended(
    CubeDefinition,
    ChangeFields,
    "CubeChange",
    optional=("datacube", "version", "grs", "resolution", "composite_function"),
)
_PARAMETERS = Extended(Parameters, NoFields, "CubeParameters")
_OTHERS_CHANGED_IT: Final = "The cube was changed at the same time: read it, and send the change again"

OPERATIONS = (
    Operation(
        "GET",
        "/cubes",
        id="listCubes",
        tag="cubes",
        summary="Cubes by id",
        query=(
            Parameter("name", "Cubes whose id has this text in it, in any case.", Text, example="S2"),
            Parameter("public", "Cubes that are public, or that are not.", Literal["true", "false"]),
            Parameter("collection_type", "There are only cubes here.", Literal["all", "cube", "mosaic"], default="all"),
            limit(100, "Cubes"),
            NEXT,
        ),
        answers={200: Answer("A page of cubes", _CUBE, many=True, headers=("Link",))},
    ),
    Operation(
        "POST",
        "/cubes",
        id="createCube",
        tag="cubes",
        summary="Define a cube",
        request=CubeDefinition,
        request_examples={"Sentinel-2, 16 days": SENTINEL_2},
        answers={201: Answer("The cube", _CREATED, headers=("Location",))},
        problems={409: "The cube exists"},
    ),
    Operation(
        "GET",
        "/cubes/{cube_id}",
        id="getCube",
        tag="cubes",
        summary="The definition of a cube",
        answers={200: Answer("The cube", _DETAILS)},
        path_examples=CUBE_EXAMPLE,
    ),
    Operation(
        "PUT",
        "/cubes/{cube_id}",
        id="changeCube",
        tag="cubes",
        summary="Change what is said about a cube",
        description="Title, description, metadata, `public`, the bands of the picture, and of bands what is said about "
        "them. What is left out stays, what is there unchanged is no change. What would alter pixels is refused: that "
        "is the next version of the cube.",
        request=_CHANGE,
        request_examples={"a title": {"title": "Sentinel-2, 16 days, cloud-free", "public": True}},
        answers={200: Answer("The cube as it is now", _CHANGED)},
        path_examples=CUBE_EXAMPLE,
        problems={409: _OTHERS_CHANGED_IT},
    ),
    Operation(
        "GET",
        "/cubes/{cube_id}/parameters",
        id="getCubeParameters",
        tag="cubes",
        summary="The parameters of a cube",
        answers={200: Answer("As its definition has them", _PARAMETERS)},
        path_examples=CUBE_EXAMPLE,
    ),
    Operation(
        "PUT",
        "/cubes/{cube_id}/parameters",
        id="changeCubeParameters",
        tag="cubes",
        summary="Change where a cube's scenes are searched, and its pictures",
        description="`stac_url`, `token_secret`, `sources`, `channel_limits`, `with_rgb`; null takes one away. Other "
        "parameters alter pixels: a start request may give them for one build.",
        request=Extended(Parameters, SentMeta, "ParametersChange"),
        request_examples={"another archive": {"stac_url": "https://earth-search.aws.element84.com/v1"}},
        answers={200: Answer("The parameters as they are now", _PARAMETERS)},
        path_examples=CUBE_EXAMPLE,
        problems={409: _OTHERS_CHANGED_IT},
    ),
    Operation(
        "GET",
        "/cubes/{cube_id}/meta",
        id="getCubeMeta",
        tag="cubes",
        summary="With what a cube is generated",
        answers={
            200: Answer(
                "Its parameters, and what its newest build was asked for", Extended(Parameters, Meta, "CubeMeta")
            )
        },
        path_examples=CUBE_EXAMPLE,
    ),
    Operation(
        "GET",
        "/composite-functions",
        id="listCompositeFunctions",
        tag="cubes",
        summary="How dates can become one product",
        answers={200: Answer("All of them", list[CompositeFunction])},
    ),
    Operation(
        "GET",
        "/cube-status",
        id="getCubeStatus",
        tag="cubes",
        summary="How far a cube is",
        query=(CUBE_ID,),
        answers={200: Answer("Units by what became of them", CubeStatus)},
        problems={404: "There is no such cube"},
    ),
    Operation(
        "POST",
        "/list-periods",
        id="listPeriods",
        tag="cubes",
        summary="The periods that a temporal composition cuts a window into",
        request=PeriodsRequest,
        request_examples={"16 days, each year anew": SIXTEEN_DAYS},
        answers={200: Answer("The periods", Timeline)},
    ),
)
