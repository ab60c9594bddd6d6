"""``/start``, ``/builds``, ``/failures``."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Final, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from stratocube.api.contract import Answer, Extended, Link, Operation, Parameter
from stratocube.api.contract.common import BUILD_EXAMPLE, CUBE_ID, NEXT, UNIT_EXAMPLE, Moment, limit
from stratocube.api.contract.costs import Costs
from stratocube.cube.requests import StartRequest
from stratocube.state.status import BuildStatus, Outcome, Step, UnitStatus
from stratocube.workflow.estimate import MAX_DATES

START: Final = {
    "datacube": "S2-16D-1",
    "collections": ["sentinel-2-l2a"],
    "tiles": ["011009"],
    "start_date": "2023-08-01",
    "end_date": "2023-08-31",
    "stac_url": "https://earth-search.aws.element84.com/v1",
}
LAUNCH_PROBLEMS: Final = {
    502: "The build was recorded, but Step Functions refused it",
    503: "The build was recorded, but Step Functions could not take it now: `Retry-After` says when to try again",
}
NO_CUBE: Final = "There is no such cube"

Period = tuple[str, str]


class OldStartFields(TypedDict):
    """What clients of cube-builder-aws say."""

    url_stac: NotRequired[str | None]
    """`stac_url`."""
    process_id: NotRequired[str | None]
    """The cube's id, in place of `datacube`."""
    satellite: NotRequired[str | None]
    """Says nothing that the cube does not."""
    bucket: NotRequired[str | None]
    """Only the bucket products are written to, see `GET /list-buckets`."""


class StartFields(OldStartFields):
    """What a start may say beside."""

    token: NotRequired[Annotated[str, Field(max_length=4096)] | None]
    """The token of the STAC API, put into a secret of the stack at once; better give a secret's name as
    `token_secret`."""


class StartedBuild(TypedDict):
    """A build that was started."""

    build_id: str
    process_id: str
    """`build_id`, as cube-builder calls it."""
    status: BuildStatus
    cube_id: str
    links: list[Link]


class ExpectedBuild(TypedDict):
    """What a start would build (`validate_only`)."""

    cube_id: str
    status: Literal["VALID"]
    unit_count: int
    """Tiles times periods."""
    tiles: list[str]
    periods: list[Period]
    bands: list[str]
    merge_count: int | None
    merge_count_note: str
    estimate: dict[str, Any]
    """Calls, time, storage and money, and what they were reckoned from."""


class BuildOptions(TypedDict):
    """What an operation asked of a build beyond its request."""

    only_missing: NotRequired[bool]
    only_stale: NotRequired[bool]
    dry_run: NotRequired[bool]
    retry_of: NotRequired[str]
    """The build whose units are done again."""
    retry: NotRequired[dict[str, Any]]
    """Which of its units."""
    units: NotRequired[dict[str, list[str]]]
    """Tiles by period."""
    skip_current: NotRequired[bool]


class BuildHeader(TypedDict):
    """A build in a list."""

    build_id: str
    cube_id: str
    status: BuildStatus
    created_at: str
    started_at: str | None
    finished_at: str | None
    cause: str | None
    """Why it failed as a whole."""
    options: NotRequired[BuildOptions]
    planned: NotRequired[dict[str, int]]
    """Units that were asked for, and those of them that are built."""
    retried_by: NotRequired[list[str]]
    """Builds that do units of this one again."""
    links: list[Link]


class Builds(TypedDict):
    """Builds, newest first."""

    cube_id: NotRequired[str]
    """Where they are those of one cube."""
    builds: list[BuildHeader]
    next: str | None
    """The build to continue behind; null at the end."""
    links: list[Link]


class StepProgress(TypedDict):
    """How often a step ended how."""

    total: int | None
    """How often it is to happen; null while that is not known."""
    built: int
    reused: int
    """The same work had been done before."""
    failed: int
    seconds: float
    """What its functions worked."""


class Units(TypedDict):
    """Units by status."""

    total: int
    planned: int
    running: int
    succeeded: int
    failed: int
    cancelled: int


class FailedUnit(TypedDict):
    """A unit that failed."""

    unit_id: str
    step: str | None
    cause: str
    """Cut where it is long; the unit has all of it."""


class Staleness(TypedDict):
    """How what is available differs from what is published."""

    stale: bool
    published: bool
    new: NotRequired[list[str]]
    """Dates with scenes now and none then."""
    gone: NotRequired[list[str]]
    """Dates with scenes then and none now."""
    changed: NotRequired[list[str]]
    """Dates with other scenes, or other versions of them."""
    recipe: NotRequired[bool]
    """Definition, parameters or algorithms differ."""
    unrecorded: NotRequired[bool]
    """The item does not say what it was made of."""


class StaleUnit(Staleness):
    """A unit that is stale, and why."""

    unit_id: str


class StaleUnits(TypedDict):
    """What a look for stale units found."""

    checked: int
    stale: int
    units: list[StaleUnit]
    """The first of them."""


class Build(BuildHeader):
    """A build, and how far it is."""

    steps: dict[Step, StepProgress]
    units: Units
    failed_units: list[FailedUnit]
    """The first of them; `units.failed` counts all."""
    stale: NotRequired[StaleUnits]
    costs: Costs


class Activity(TypedDict):
    """A step of a unit, or a part of one."""

    step: Step
    part: str
    """`2023-08-10#B04` for a merge, the band for a blend, empty for a step of the whole unit."""
    outcome: Outcome
    seconds: float
    ended_at: str | None
    activity_id: str | None
    cause: str | None


class Unit(TypedDict):
    """A tile and period of a build."""

    build_id: str
    unit_id: str
    tile: str
    start: str
    end: str
    status: UnitStatus
    failed_step: str | None
    cause: str | None
    started_at: str | None
    ended_at: str | None
    totals: dict[str, int]
    """How many merges, dates and blends it has, as far as known."""
    staleness: NotRequired[Staleness]
    activities: list[Activity]
    more: bool
    """Whether there are more activities than are listed: `step` chooses among them."""
    links: list[Link]


class UnitInList(TypedDict):
    """A unit of a build."""

    unit_id: str
    tile: str
    start: str
    end: str
    status: UnitStatus
    failed_step: str | None
    cause: str | None
    """Cut where it is long; the unit has all of it."""
    started_at: str | None
    """When its scenes began to be searched."""
    ended_at: str | None
    links: list[Link]


class UnitList(TypedDict):
    """Units of a build in order of id."""

    build_id: str
    units: list[UnitInList]
    next: str | None
    """The unit to continue behind; null at the end."""
    links: list[Link]


class Failure(TypedDict):
    """A piece of work that failed."""

    activity_id: str
    step: str
    subject: str
    """What it was to make."""
    build_id: str | None
    error_type: str | None
    cause: str | None
    failed_at: str
    links: list[Link]


class Failures(TypedDict):
    """What failed of a cube, in order of time."""

    cube_id: str
    failures: list[Failure]
    more: bool
    """Whether there are more."""
    next: str | None
    """The failure to continue behind; null at the end."""
    links: list[Link]


START_REQUEST: Final = Extended(StartRequest, StartFields, "BuildRequest", optional=("datacube",))
_START_QUERY: Final = (
    Parameter(
        "dates_per_unit",
        "Dates a unit that `validate_only` reckons with.",
        Annotated[int, Field(ge=1, le=MAX_DATES)],
        example=6,
    ),
)
_START_ANSWERS: Final = {
    200: Answer("What would be built (`validate_only`)", ExpectedBuild),
    202: Answer("The build was started", StartedBuild, headers=("Location",)),
}

OPERATIONS = (
    Operation(
        "POST",
        "/start",
        id="startBuild",
        tag="builds",
        summary="Build periods of a cube on some tiles",
        description="With `validate_only` nothing is built: the reply says what would be, and what that would take. "
        "`datacube` is the id of a cube, its name for the newest version, or the name cube-builder puts together "
        "(`LC8_30_1M_LCF` for the cube `LC8` of 30 m, a month and LCF).",
        query=_START_QUERY,
        request=START_REQUEST,
        request_examples={"a tile of August 2023": START},
        answers=_START_ANSWERS,
        problems={404: NO_CUBE, **LAUNCH_PROBLEMS},
    ),
    Operation(
        "POST",
        "/start-cube",
        id="startCube",
        tag="builds",
        summary="The same as `/start`, under the name that cube-builder's guide calls it by",
        query=_START_QUERY,
        request=START_REQUEST,
        request_examples={"a tile of August 2023": START},
        answers=_START_ANSWERS,
        problems={404: NO_CUBE, **LAUNCH_PROBLEMS},
    ),
    Operation(
        "GET",
        "/builds",
        id="listBuilds",
        tag="builds",
        summary="Builds of a cube, newest first; without a cube, those of all cubes that are open",
        query=(
            replace(CUBE_ID, required=False),
            Parameter("status", "Builds in this state only.", BuildStatus, example="FAILED"),
            limit(100, "Builds"),
            NEXT,
        ),
        answers={200: Answer("A page of builds", Builds)},
        problems={404: NO_CUBE},
    ),
    Operation(
        "GET",
        "/builds/{build_id}",
        id="getBuild",
        tag="builds",
        summary="How far a build is: steps, units, failed units",
        answers={200: Answer("The build", Build)},
        path_examples=BUILD_EXAMPLE,
    ),
    Operation(
        "GET",
        "/builds/{build_id}/units",
        id="listUnits",
        tag="builds",
        summary="The tiles and periods of a build",
        query=(
            Parameter("status", "Units in this state only.", UnitStatus, example="FAILED"),
            limit(1000, "Units"),
            NEXT,
        ),
        answers={200: Answer("A page of units in order of id", UnitList)},
        path_examples=BUILD_EXAMPLE,
    ),
    Operation(
        "GET",
        "/builds/{build_id}/units/{unit_id}",
        id="getUnit",
        tag="builds",
        summary="A tile and period of a build, with everything done for it",
        query=(Parameter("step", "Activities of this step only.", Step, example="merge"),),
        answers={200: Answer("The unit", Unit)},
        path_examples=UNIT_EXAMPLE,
    ),
    Operation(
        "GET",
        "/failures",
        id="listFailures",
        tag="builds",
        summary="What failed of a cube",
        query=(
            CUBE_ID,
            Parameter("since", "Failed at this date or time (UTC) or later.", Moment, example="2026-08-01"),
            limit(100, "Failures"),
            NEXT,
        ),
        answers={200: Answer("Failures in order of time", Failures)},
        problems={404: NO_CUBE},
    ),
)
