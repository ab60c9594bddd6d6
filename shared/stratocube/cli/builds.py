"""``stratocube start``, ``status``, ``failures`` and what else concerns builds."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from stratocube.cli.local_scenes import with_scenes_uploaded
from stratocube.cli.options import AsJson, BuildId, CubeId, FirstDay, Following, LastDay, RequestFile, with_following
from stratocube.cli.requests import read_request
from stratocube.cli.session import FAILED, client_of, explained, print_json, print_table
from stratocube.client.api import ApiClient, ApiError, Unreachable

_MOST_MISSES = 12
"""One after the other, then watching is given up."""
_PAUSE_SECONDS = 5.0
_SERVER_ERROR = 500


@with_following
def start(
    context: typer.Context,
    file: RequestFile,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check the request and say what would be built; build nothing.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Build again what is there already.")] = False,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Say what it would take: time, storage, money; build nothing.")
    ] = False,
    max_cost: Annotated[
        float | None, typer.Option(metavar="USD", help="Build nothing that is expected to cost more US dollars.")
    ] = None,
    *,
    following: Following,
) -> None:
    """Start a build of a cube: which tiles, which days, out of which scenes.

    FILE says datacube, collections, tiles, start_date, end_date and stac_url. A stac_url that is a file of this machine
    is an ItemCollection whose scenes are copied to the stack first; `stratocube scenes index` makes one.

    Example: stratocube start start.yaml --watch

    Example: stratocube start start.yaml --dry-run

    Example: stratocube start start.yaml --estimate
    """
    from stratocube.cli.estimates import print_estimate  # noqa: PLC0415 - tables, not for --help

    with explained(context):
        client, request = client_of(context), read_request(file)
        given = {"force": force or None, "max_cost": max_cost}
        request |= {name: value for name, value in given.items() if value is not None}
        request = with_scenes_uploaded(context, request, file, upload=not (dry_run or estimate))
        if dry_run or estimate:
            answer = client.call("POST", "/start", {**request, "validate_only": True})
            shown = print_json if following.as_json else print_estimate if estimate else _print_size
            shown(answer)
            return
        _go_on(client, client.call("POST", "/start", request), following)


@with_following
def status(context: typer.Context, build_id: BuildId, *, following: Following) -> None:
    """Show how far a build is, step by step, and why units failed.

    Example: stratocube status BUILD --watch
    """
    from stratocube.local.progress import BuildProgress  # noqa: PLC0415 - rich's progress bars, not for --help

    with explained(context):
        client = client_of(context)
        answer = client.call("GET", f"/builds/{build_id}")
        if following.watch and not BuildProgress.from_json(answer).finished:
            _go_on(client, answer, following)
            return
        print_json(answer) if following.as_json else _print_status(BuildProgress.from_json(answer))
        if following.watch:
            _end_with(str(answer["status"]))


def builds(context: typer.Context, cube_id: CubeId, as_json: AsJson = False) -> None:
    """List the builds of a cube, newest first.

    Example: stratocube builds S2-16D-1
    """
    with explained(context):
        answer = client_of(context).call("GET", "/builds", query={"cube_id": cube_id})
        if as_json:
            print_json(answer)
            return
        columns = {"build_id": "build", "status": "status", "created_at": "created", "finished_at": "finished"}
        print_table("builds", columns, answer["builds"])


def failures(
    context: typer.Context,
    cube_id: CubeId,
    since: Annotated[str | None, typer.Option(metavar="DATE", help="Only what failed since, 2023-08-01.")] = None,
    as_json: AsJson = False,
) -> None:
    """List what failed of a cube, with the cause and the address at fault.

    Example: stratocube failures S2-16D-1 --since 2023-08-01
    """
    with explained(context):
        answer = client_of(context).call("GET", "/failures", query={"cube_id": cube_id, "since": since})
        if as_json:
            print_json(answer)
            return
        columns = {"failed_at": "when", "step": "step", "subject": "what", "cause": "why"}
        print_table("failures", columns, answer["failures"])
        if answer.get("more"):
            typer.echo("there are more: narrow them with --since")


@with_following
def retry(
    context: typer.Context,
    build_id: BuildId,
    state: Annotated[
        list[str] | None, typer.Option(help="Units that are FAILED, CANCELLED or PLANNED; may be repeated.")
    ] = None,
    error: Annotated[str | None, typer.Option(help="Only units whose cause holds this text.")] = None,
    *,
    following: Following,
) -> None:
    """Build again the units of a build that failed; what is done is reused.

    Example: stratocube retry BUILD --error "403" --watch
    """
    with explained(context):
        client = client_of(context)
        wanted = {name: value for name, value in (("states", state), ("error", error)) if value}
        _go_on(client, client.call("POST", f"/builds/{build_id}/retry", wanted), following)


def cancel(context: typer.Context, build_id: BuildId, as_json: AsJson = False) -> None:
    """Stop a build. What it published stays; nothing more of it is.

    Example: stratocube cancel BUILD
    """
    with explained(context):
        answer = client_of(context).call("POST", f"/builds/{build_id}/cancel")
        if as_json:
            print_json(answer)
            return
        counts = ", ".join(f"{count} {name}" for name, count in answer["units"].items() if name != "total")
        typer.echo(f"build {build_id} is {answer['status']}; units: {counts}")


@with_following
def complete(
    context: typer.Context, cube_id: CubeId, start_date: FirstDay, end_date: LastDay, *, following: Following
) -> None:
    """Build the units of a cube between two days that are not published yet.

    Example: stratocube complete S2-16D-1 2023-01-01 2023-12-31 --watch
    """
    with explained(context):
        client = client_of(context)
        request = {"cube_id": cube_id, "start_date": start_date, "end_date": end_date}
        _go_on(client, client.call("POST", "/complete", request), following)


@with_following
def stale(
    context: typer.Context,
    cube_id: CubeId,
    start_date: FirstDay,
    end_date: LastDay,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Look which are stale; build nothing.")] = False,
    *,
    following: Following,
) -> None:
    """Build again the published units that are made of other scenes than there are now.

    Example: stratocube stale S2-16D-1 2023-01-01 2023-12-31 --dry-run --watch
    """
    with explained(context):
        client = client_of(context)
        request = {"cube_id": cube_id, "start_date": start_date, "end_date": end_date, "dry_run": dry_run}
        _go_on(client, client.call("POST", "/stale", request), following)


def _go_on(client: ApiClient, answer: Mapping[str, Any], following: Following) -> None:
    """Say that a build was started; follow it when asked to, and end with its status."""
    from stratocube.local.progress import (  # noqa: PLC0415 - rich's progress bars, not for --help
        BuildProgress,
        BuildTookTooLong,
        Display,
        follow,
    )

    build_id = str(answer["build_id"])
    if not following.watch:
        if following.as_json:
            print_json(answer)
        else:
            typer.echo(f"started build {build_id}: `stratocube status {build_id} --watch` follows it")
        return

    fetch = _Patient(client, build_id)
    try:
        if following.as_json:
            progress = follow(fetch, _Silent(), seconds=following.timeout)
            print_json(fetch())
        else:
            display = Display()
            with display.build(f"build {build_id} of {answer.get('cube_id')}") as view:
                progress = follow(fetch, view, seconds=following.timeout)
            _print_status(BuildProgress.from_json(fetch()))
    except (KeyboardInterrupt, BuildTookTooLong):
        typer.echo(
            f"the build goes on: `stratocube status {build_id} --watch`, `stratocube cancel {build_id}`", err=True
        )
        raise
    if progress.status == "SUCCEEDED" and not following.as_json:
        cube = progress.cube_id
        typer.echo(f"what it made: `stratocube items {cube}`; a picture of it: `stratocube quicklook {cube}`")
    _end_with(progress.status)


def _end_with(status: str) -> None:
    if status != "SUCCEEDED":
        raise typer.Exit(FAILED)


class _Patient:
    """Asks for a build's progress; an API that does not answer now and then ends no watch of hours."""

    def __init__(self, client: ApiClient, build_id: str) -> None:
        self._client, self._path, self._misses = client, f"/builds/{build_id}", 0

    def __call__(self) -> Mapping[str, Any]:
        while True:
            try:
                found: Mapping[str, Any] = self._client.call("GET", self._path)
            except (Unreachable, ApiError) as error:
                self._misses += 1
                if self._misses > _MOST_MISSES or (isinstance(error, ApiError) and error.status < _SERVER_ERROR):
                    raise
                time.sleep(_PAUSE_SECONDS)
            else:
                self._misses = 0
                return found


class _Silent:
    def update(self, progress: object) -> None:
        """Show nothing: the output is JSON."""


def _print_status(progress: Any) -> None:
    """A build's progress (:class:`~stratocube.local.progress.BuildProgress`) as a few lines and a table."""
    from stratocube.local.progress import SHOWN_STEPS  # noqa: PLC0415 - as above

    typer.echo(f"build {progress.build_id} of {progress.cube_id}: {progress.status}")
    units = ", ".join(f"{count} {name}" for name, count in progress.units.items() if count)
    if units:
        typer.echo(f"units: {units}")
    columns = {"step": "step", "total": "all", "built": "built", "reused": "reused", "failed": "failed"}
    rows = []
    for name in SHOWN_STEPS:
        step = progress.shown(name)
        if step.done or step.total:
            rows.append({"step": name, **{key: getattr(step, key) for key in ("total", "built", "reused", "failed")}})
    if rows:
        print_table("steps", columns, rows)
    failed = progress.failures()
    for line in failed:
        typer.echo(f"  {line}")
    if failed and progress.finished:
        typer.echo(f"once the cause is mended: `stratocube retry {progress.build_id} --watch`")


def _print_size(answer: Mapping[str, Any]) -> None:
    """What a dry run says: the request is right, how much it is, and the orders of time and money."""
    sizes = [
        f"{len(answer[name])} {name if len(answer[name]) != 1 else name[:-1]}"
        for name in ("tiles", "periods", "bands")
        if isinstance(answer.get(name), list)
    ]
    typer.echo(f"the request is right: {answer['unit_count']} units of {answer['cube_id']} ({', '.join(sizes)})")
    expected = answer.get("estimate") or {}
    if "cost_usd" in expected:
        about = f"about {expected['seconds']:g} s, {expected['stored_gb']:g} GB and {expected['cost_usd']:g} US dollars"
        typer.echo(f"expected: {about}; --estimate says what of")
    typer.echo("nothing was built")
