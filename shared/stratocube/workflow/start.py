"""What comes before the state machine: cubes and grids are defined, builds are checked and started."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from stratocube.catalog.hosts import check_href
from stratocube.clock import iso_time
from stratocube.cube.definition import CubeDefinition
from stratocube.cube.grids import Tile
from stratocube.cube.naming import UnitId
from stratocube.cube.requests import GridRequest, StartRequest
from stratocube.cube.schema import at
from stratocube.errors import Conflict, InvalidRequest, NotFound, StratocubeError
from stratocube.state.build_values import Build
from stratocube.state.builds import Builds
from stratocube.state.cubes import Cubes, StoredCube
from stratocube.state.grids import Grids
from stratocube.state.status import BuildStatus
from stratocube.workflow.options import PLAIN, BuildOptions
from stratocube.workflow.progress import build_progress

Json = Mapping[str, Any]

Launch = Callable[[str], None]
"""Sets the state machine on a build; raises :class:`LaunchFailed`."""

_PAGE = 100
_NAMED = 5
"""Missing tiles a message names."""

_RANDOM_BYTES = 5
_CONNECT_SECONDS = 3
_READ_SECONDS = 7
"""With one retry within the 29 seconds API Gateway waits."""

_TRY_LATER = frozenset({"ThrottlingException", "TooManyRequestsException", "ExecutionLimitExceeded", "RequestTimeout"})
_TAKEN = "ExecutionAlreadyExists"
_SERVER_ERROR = 500


class LaunchFailed(StratocubeError):
    """A build was recorded, but the state machine did not take it. The build is closed as FAILED."""

    def __init__(self, build_id: str, reason: str, *, retryable: bool) -> None:
        super().__init__(f"build {build_id} could not be started: {reason}")
        self.build_id = build_id
        self.reason = reason
        self.retryable = retryable
        """Whether the same request may well succeed in a while."""


# -- cubes and grids ---------------------------------------------------------------------------------------------------


def create_cube(payload: Json, *, cubes: Cubes, grids: Grids, now: str) -> StoredCube:
    """Store the cube of a definition (cube-builder's ``DataCubeForm``).

    Raises:
        InvalidRequest: for a definition that cannot be built: names the field. One without a mask gets that of the
            archives it names in ``parameters.providers``.
        Conflict: when there is a cube of this name and version.
    """
    if isinstance(payload, Mapping) and "providers" in str(payload.get("parameters", "")):
        # files of archives are read for the few definitions that name one, not at every start of the API
        from stratocube.workflow.provider_masks import with_provider_mask  # noqa: PLC0415 - imported late, see above

        payload = with_provider_mask(payload)
    definition = CubeDefinition.parse(payload)
    try:
        grids.get(definition.grs)
    except NotFound as error:
        raise InvalidRequest(
            f"there is no grid {definition.grs}: create it with POST /create-grids, or name one of GET /grids",
            field="grs",
        ) from error
    _check_pixels(definition, grids.tiles(definition.grs, limit=1))
    return cubes.create(definition.id, definition.to_json(), now=now)


def create_grids(payload: Json, *, grids: Grids) -> list[tuple[Json, int]]:
    """Store the grids of a request (cube-builder's form) with their tiles; each grid's JSON and number of tiles.

    Raises:
        InvalidRequest: for a request no grid can be made of: names the field.
        Conflict: when there is a grid of one of the names; then none is made.
    """
    # projections need rasterio, half a second of a cold start that no other route should pay
    from stratocube.cube import grid_creation  # noqa: PLC0415 - imported late, see above

    request = GridRequest.parse(payload)
    taken = sorted(set(request.grid_names) & set(grids.names()))
    if taken:
        raise Conflict(f"grid {', '.join(taken)} exists already: choose another name, or use it as it is")
    made: list[tuple[Json, int]] = []
    for grid, tiles in grid_creation.create_grids(request):
        body = grid.to_json()
        grids.create(grid.name, body, {tile.id: tile.to_json() for tile in tiles})
        made.append((body, len(tiles)))
    return made


# -- builds ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CheckedStart:
    """A request to build of which everything that can be known beforehand is known to be right."""

    request: StartRequest
    definition: CubeDefinition
    """The cube as the request wants it built."""
    units: tuple[UnitId, ...]
    tile_pixels: int
    """Pixels of a tile, all of them being of one size."""


def check_start(
    payload: Json,
    *,
    cubes: Cubes,
    grids: Grids,
    allowed_hosts: tuple[str, ...],
    allowed_buckets: tuple[str, ...],
) -> CheckedStart:
    """Check a start request (cube-builder's form) as far as that can be done without reading a scene.

    Raises:
        InvalidRequest: for a tile the grid has not, a band the cube has not, a source this stack may not read, a
            window without a period, and anything else that is wrong in itself: names the field.
        NotFound: when there is no such cube.
    """
    request, resolved, tile_pixels = check_request(
        payload, cubes=cubes, grids=grids, allowed_hosts=allowed_hosts, allowed_buckets=allowed_buckets
    )
    return CheckedStart(request, resolved, tuple(request.units(resolved)), tile_pixels)


def check_request(
    payload: Json,
    *,
    cubes: Cubes,
    grids: Grids,
    allowed_hosts: tuple[str, ...],
    allowed_buckets: tuple[str, ...],
) -> tuple[StartRequest, CubeDefinition, int]:
    """Check everything of a start request but whether its window has periods.

    Returns:
        The request, the cube as the request wants it built, and the pixels of a tile.

    Raises: as :func:`check_start`.
    """
    request = StartRequest.parse(payload)
    stored = cubes.get(request.cube_id) if request.cube_id else _newest(cubes, request.cube_name)
    definition = CubeDefinition.parse(stored.definition)
    tiles = grids.chosen_tiles(definition.grs, request.tiles)
    missing = [tile for tile in request.tiles if tile not in tiles]
    if missing:
        raise InvalidRequest(
            f"grid {definition.grs} has no tile {_some(missing)}: GET /grids/{definition.grs} lists its tiles",
            field=f"tiles.{request.tiles.index(missing[0])}",
        )
    resolved = request.resolve(definition)
    _check_pixels(resolved, tuple(tiles.values())[:1])
    for position, source in enumerate(resolved.parameters.scene_sources):
        field = "stac_url" if resolved.parameters.sources is None else f"sources.{position}.stac_url"
        check_href(source.stac_url, allowed_hosts, allowed_buckets, field=field)
    return request, resolved, tile_pixels(resolved, next(iter(tiles.values())))


def tile_pixels(definition: CubeDefinition, tile: Json) -> int:
    """Pixels of a stored tile in a cube."""
    height, width = Tile.from_json(tile).geobox(definition.resolution, shape=definition.parameters.shape).shape
    return height * width


def start_build(
    checked: CheckedStart,
    *,
    builds: Builds,
    launch: Launch,
    moment: datetime,
    options: BuildOptions = PLAIN,
    estimate: Json | None = None,
) -> Build:
    """Record a build as QUEUED, with what it is expected to cost, and set the state machine on it.

    Two starts of the same request are two builds; what they have in common is done once, by claims.

    Raises:
        LaunchFailed: when the state machine did not take it; the build is then closed as FAILED, with the reason.
    """
    return start_recorded(
        checked.definition.id,
        checked.request.to_json(),
        options,
        builds=builds,
        launch=launch,
        moment=moment,
        estimate=estimate,
    )


def start_recorded(
    cube_id: str,
    request: Json,
    options: BuildOptions,
    *,
    builds: Builds,
    launch: Launch,
    moment: datetime,
    before_launch: str | None = None,
    build_id: str | None = None,
    estimate: Json | None = None,
) -> Build:
    """Like :func:`start_build`, of a request that was checked before. ``before_launch`` is the build this one retries:
    it notes the new one before anything of it runs. ``build_id`` is the build's id where somebody has written it down
    already (:func:`new_build_id`)."""
    build = builds.create(
        build_id or new_build_id(moment),
        cube_id,
        request,
        now=iso_time(moment),
        options=options.to_json(),
        dry_run=options.dry_run,
        estimate=estimate,
    )
    if before_launch is not None:
        builds.add_retry(before_launch, build.build_id)
    try:
        launch(build.build_id)
    except LaunchFailed as error:
        builds.finish(
            build.build_id,
            status=BuildStatus.FAILED,
            summary=build_progress(builds, build.build_id),
            now=iso_time(moment),
            cause=error.reason,
        )
        raise
    return build


def new_build_id(moment: datetime) -> str:
    """An id that sorts by time: ``20260810T120000250Z-9f3c2a1b4d``. Fit to name an execution of Step Functions."""
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%S%f}"[:-3] + f"Z-{secrets.token_hex(_RANDOM_BYTES)}"


def step_functions(region: str) -> Any:
    """A client of Step Functions that gives up before API Gateway does."""
    # made by the first build that is started: the other routes need neither its model nor the time to read it
    import boto3  # noqa: PLC0415 - made late, see above

    config = Config(connect_timeout=_CONNECT_SECONDS, read_timeout=_READ_SECONDS, retries={"total_max_attempts": 2})
    return boto3.client("stepfunctions", region_name=region, config=config)


def state_machine(arn: str, *, region: str) -> Launch:
    """Launches builds as executions of the state machine ``arn``, named after the build."""

    @cache
    def client() -> Any:
        return step_functions(region)

    def launch(build_id: str) -> None:
        try:
            client().start_execution(stateMachineArn=arn, name=build_id, input=json.dumps({"build_id": build_id}))
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code == _TAKEN:
                # Build ids are random: who has the name is this very build, started by a request whose answer was lost.
                return
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", _SERVER_ERROR)
            raise LaunchFailed(
                build_id, f"Step Functions: {error}", retryable=code in _TRY_LATER or status >= _SERVER_ERROR
            ) from error
        except BotoCoreError as error:
            raise LaunchFailed(build_id, f"Step Functions could not be reached: {error}", retryable=True) from error

    return launch


def _newest(cubes: Cubes, name: str) -> StoredCube:
    """The cube of this name with the highest version. Ids sort as text, so those of one name follow each other."""
    version_of = re.compile(re.escape(name) + r"-([0-9]+)")
    prefix = f"{name}-"
    found: dict[int, StoredCube] = {}
    after: str | None = prefix
    while after is not None:
        page = cubes.page(limit=_PAGE, after=after)
        for stored in page.cubes:
            match = version_of.fullmatch(stored.cube_id)
            if match:
                found[int(match[1])] = stored
        after = page.next_after if page.next_after and page.next_after.startswith(prefix) else None
    if not found:
        raise NotFound(f"there is no cube {name}, in any version: GET /cubes lists the cubes there are")
    return found[max(found)]


def _check_pixels(definition: CubeDefinition, tiles: tuple[Json, ...]) -> None:
    """Whole pixels fit the tiles, and the buffers of the mask the pixels. Tiles are all equal, so one is asked."""
    for tile in tiles:
        geobox = Tile.from_json(tile).geobox(definition.resolution, shape=definition.parameters.shape)
        if definition.mask is not None and definition.mask.buffers:
            from stratocube.pixels.mask_buffers import buffer_margin  # noqa: PLC0415 - needs rasterio: late, as above

            try:
                buffer_margin(definition.mask, geobox)
            except InvalidRequest as error:
                raise at(error, "parameters") from None


def _some(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
