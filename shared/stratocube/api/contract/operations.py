"""``/builds/{build_id}/cancel``, ``/builds/{build_id}/retry``, ``/complete``, ``/stale``."""

from __future__ import annotations

from typing import Final, NotRequired

from typing_extensions import TypedDict

from stratocube.api.contract import Answer, Extended, Link, Operation
from stratocube.api.contract.builds import LAUNCH_PROBLEMS, NO_CUBE, BuildOptions, OldStartFields
from stratocube.api.contract.common import BUILD_EXAMPLE, CUBE_EXAMPLE
from stratocube.cube.requests import StartRequest
from stratocube.cube.retry import RetryRequest
from stratocube.state.status import BuildStatus

AUGUST: Final = {"cube_id": "S2-16D-1", "start_date": "2023-08-01", "end_date": "2023-08-31"}


class OperatedBuild(TypedDict):
    """A build that was started by an operation."""

    build_id: str
    process_id: str
    """`build_id`, as cube-builder calls it."""
    status: BuildStatus
    cube_id: str
    options: BuildOptions
    links: list[Link]


class RetriedBuild(OperatedBuild):
    """A build that does units of another one again."""

    units: int | None
    """How many; null for all that were asked for, where the first build had not planned them."""


class RequestedBuild(OperatedBuild):
    """A build that looks through the units of a request."""

    units_requested: int


class Cancellation(TypedDict):
    """What cancelling a build did, and what remains."""

    build_id: str
    status: BuildStatus
    cancelled_at: str | None
    execution_stopped: bool
    claims_released: int
    units: dict[str, int]
    """Units by status."""
    links: list[Link]


class CubeWindow(TypedDict):
    """What stands for `datacube`."""

    cube_id: NotRequired[str]
    """The cube's id, in place of `datacube`."""


class CompletedWindow(CubeWindow, OldStartFields):
    """What may be said beside."""


class StaleWindow(CompletedWindow):
    """What is asked beside."""

    dry_run: NotRequired[bool]
    """Find the units that are stale, build none."""


_WITHOUT_TILES = ("datacube", "collections", "tiles")
_WITHOUT_WINDOW = (*_WITHOUT_TILES, "start_date", "end_date")
_ACCEPTED = "The build was started"

OPERATIONS = (
    Operation(
        "POST",
        "/builds/{build_id}/cancel",
        id="cancelBuild",
        tag="operations",
        summary="Stop a build",
        description="What its units have published stays. Sent again, it does what was left undone.",
        answers={200: Answer("The build is cancelled", Cancellation)},
        path_examples=BUILD_EXAMPLE,
        problems={
            409: "The build has ended",
            503: "The build is cancelled, but its execution could not be stopped now: send the request again",
        },
    ),
    Operation(
        "POST",
        "/builds/{build_id}/retry",
        id="retryBuild",
        tag="operations",
        summary="Do failed or cancelled units of a build again",
        request=RetryRequest,
        request_required=False,
        request_examples={"all that failed": {"states": ["FAILED"]}, "failed merges": {"step": "merge"}},
        answers={202: Answer(_ACCEPTED, RetriedBuild, headers=("Location",))},
        path_examples=BUILD_EXAMPLE,
        problems={409: "The build has not ended, or no unit fits the filter", **LAUNCH_PROBLEMS},
    ),
    Operation(
        "POST",
        "/complete",
        id="completeCube",
        tag="operations",
        summary="Build the units of a window that are not published",
        description="`collections`, `tiles` and the places to search may be left out once the cube was built: they "
        "are those of its last builds.",
        request=Extended(StartRequest, CompletedWindow, "CompleteRequest", optional=_WITHOUT_TILES),
        request_examples={"August 2023": AUGUST},
        answers={202: Answer(_ACCEPTED, RequestedBuild, headers=("Location",))},
        problems={404: NO_CUBE, **LAUNCH_PROBLEMS},
    ),
    Operation(
        "POST",
        "/cubes/{cube_id}/complete",
        id="completeOneCube",
        tag="operations",
        summary="Build the units of a cube that are not published",
        description="As `/complete`, and the window may be left out as well: it is that of all builds of the cube.",
        request=Extended(StartRequest, CompletedWindow, "CompleteCubeRequest", optional=_WITHOUT_WINDOW),
        request_required=False,
        request_examples={"all that is missing": {}, "of one tile": {"tiles": ["011009"]}},
        answers={202: Answer(_ACCEPTED, RequestedBuild, headers=("Location",))},
        path_examples=CUBE_EXAMPLE,
        problems=LAUNCH_PROBLEMS,
    ),
    Operation(
        "POST",
        "/stale",
        id="rebuildStale",
        tag="operations",
        summary="Build the units of a window anew whose inputs have changed",
        description="With `dry_run` they are found and listed only.",
        request=Extended(StartRequest, StaleWindow, "StaleRequest", optional=_WITHOUT_TILES),
        request_examples={"what is stale of August 2023": {**AUGUST, "dry_run": True}},
        answers={202: Answer(_ACCEPTED, RequestedBuild, headers=("Location",))},
        problems={404: NO_CUBE, **LAUNCH_PROBLEMS},
    ),
)
