"""``stratocube start``, ``status``, ``failures`` and what else concerns builds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from stratocube.cli.session import (
    FAILED,
    AsJson,
    RequestFile,
    client_of,
    explained,
    print_json,
    print_table,
    read_request,
)
from stratocube.client.api import ApiClient
from stratocube.local.progress import SHOWN_STEPS, BuildProgress, Display, follow

BuildId = Annotated[str, typer.Argument(help="Id of the build.")]
CubeId = Annotated[str, typer.Argument(help="Id of the cube, NAME-VERSION.")]
Watch = Annotated[bool, typer.Option("--watch", help="Follow the build to its end.")]
Patience = Annotated[float, typer.Option("--timeout", min=1, help="Seconds to watch at most.")]
Day = Annotated[str | None, typer.Option(metavar="DATE")]

_WATCH_SECONDS = 6 * 3600.0
_SHOWN_BYTES = ("B", "KB", "MB", "GB", "TB")


def start(
    context: typer.Context,
    file: RequestFile,
    watch: Watch = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check the request and say what would be built; build nothing.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Build again what is there already.")] = False,
    timeout: Patience = _WATCH_SECONDS,
    as_json: AsJson = False,
) -> None:
    """Start a build: {"datacube", "collections", "tiles", "start_date", "end_date", "stac_url", …}.

    Example: stratocube start start.json --watch
    """
    with explained():
        client, request = client_of(context), read_request(file)
        if force:
            request["force"] = True
        if dry_run:
            answer = client.call("POST", "/start", {**request, "validate_only": True})
            print_json(answer) if as_json else _print_estimate(answer)
            return
        _follow_started(client, client.call("POST", "/start", request), watch, timeout, as_json)


def status(
    context: typer.Context,
    build_id: BuildId,
    watch: Watch = False,
    timeout: Patience = _WATCH_SECONDS,
    as_json: AsJson = False,
) -> None:
    """Show how far a build is, step by step, and why units failed."""
    with explained():
        client = client_of(context)
        answer = client.call("GET", f"/builds/{build_id}")
        if watch and not BuildProgress.from_json(answer).finished:
            _follow_started(client, answer, watch, timeout, as_json)
            return
        print_json(answer) if as_json else _print_status(BuildProgress.from_json(answer))


def builds(context: typer.Context, cube_id: CubeId, as_json: AsJson = False) -> None:
    """List the builds of a cube, newest first."""
    with explained():
        answer = client_of(context).call("GET", "/builds", query={"cube_id": cube_id})
        if as_json:
            print_json(answer)
            return
        columns = {"build_id": "build", "status": "status", "created_at": "created", "finished_at": "finished"}
        print_table("builds", columns, answer["builds"])


def failures(
    context: typer.Context,
    cube_id: CubeId,
    since: Day = None,
    as_json: AsJson = False,
) -> None:
    """List what failed of a cube, with the cause and the address at fault."""
    with explained():
        answer = client_of(context).call("GET", "/failures", query={"cube_id": cube_id, "since": since})
        if as_json:
            print_json(answer)
            return
        columns = {"failed_at": "when", "step": "step", "subject": "what", "cause": "why"}
        print_table("failures", columns, answer["failures"])


def retry(
    context: typer.Context,
    build_id: BuildId,
    state: Annotated[list[str] | None, typer.Option(help="Units that are FAILED, CANCELLED or PLANNED.")] = None,
    error: Annotated[str | None, typer.Option(help="Only units whose cause holds this text.")] = None,
    watch: Watch = False,
    timeout: Patience = _WATCH_SECONDS,
    as_json: AsJson = False,
) -> None:
    """Build again the units of a build that failed; what is done is reused."""
    with explained():
        client = client_of(context)
        wanted = {name: value for name, value in (("states", state), ("error", error)) if value}
        _follow_started(client, client.call("POST", f"/builds/{build_id}/retry", wanted), watch, timeout, as_json)


def cancel(context: typer.Context, build_id: BuildId, as_json: AsJson = False) -> None:
    """Stop a build. What it published stays; nothing more of it is."""
    with explained():
        answer = client_of(context).call("POST", f"/builds/{build_id}/cancel")
        if as_json:
            print_json(answer)
            return
        counts = ", ".join(f"{count} {name}" for name, count in answer["units"].items() if name != "total")
        typer.echo(f"build {build_id} is {answer['status']}; units: {counts}")


def complete(
    context: typer.Context,
    cube_id: CubeId,
    start_date: Annotated[str, typer.Argument(metavar="START")],
    end_date: Annotated[str, typer.Argument(metavar="END")],
    watch: Watch = False,
    timeout: Patience = _WATCH_SECONDS,
    as_json: AsJson = False,
) -> None:
    """Build the units of a cube between two days that are not published yet."""
    with explained():
        client = client_of(context)
        request = {"cube_id": cube_id, "start_date": start_date, "end_date": end_date}
        _follow_started(client, client.call("POST", "/complete", request), watch, timeout, as_json)


def stale(
    context: typer.Context,
    cube_id: CubeId,
    start_date: Annotated[str, typer.Argument(metavar="START")],
    end_date: Annotated[str, typer.Argument(metavar="END")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Look which are stale; build nothing.")] = False,
    watch: Watch = False,
    timeout: Patience = _WATCH_SECONDS,
    as_json: AsJson = False,
) -> None:
    """Build again the published units that are made of other scenes than there are now."""
    with explained():
        client = client_of(context)
        request = {"cube_id": cube_id, "start_date": start_date, "end_date": end_date, "dry_run": dry_run}
        _follow_started(client, client.call("POST", "/stale", request), watch, timeout, as_json)


def _follow_started(client: ApiClient, answer: Mapping[str, Any], watch: bool, timeout: float, as_json: bool) -> None:
    """Say that a build was started; follow it when asked to, and end with its status."""
    build_id = str(answer["build_id"])
    if not watch:
        if as_json:
            print_json(answer)
        else:
            typer.echo(f"started build {build_id}: `stratocube status {build_id} --watch` follows it")
        return
    path = f"/builds/{build_id}"
    if as_json:
        follow(lambda: client.call("GET", path), _Silent(), seconds=timeout)
        last = client.call("GET", path)
        print_json(last)
        progress = BuildProgress.from_json(last)
    else:
        display = Display()
        with display.build(f"build {build_id} of {answer.get('cube_id')}") as view:
            progress = follow(lambda: client.call("GET", path), view, seconds=timeout)
        _print_status(progress)
    if progress.status != "SUCCEEDED":
        raise typer.Exit(FAILED)


class _Silent:
    def update(self, progress: BuildProgress) -> None:
        """Show nothing: the output is JSON."""


def _print_status(progress: BuildProgress) -> None:
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
    for line in progress.failures():
        typer.echo(f"  {line}")


def _print_estimate(answer: Mapping[str, Any]) -> None:
    for name, value in answer.items():
        if isinstance(value, (str, int, float)):
            typer.echo(f"{name.replace('_', ' ')}: {value}")
        elif isinstance(value, Mapping):
            typer.echo(f"{name.replace('_', ' ')}:")
            for key, entry in value.items():
                if isinstance(entry, (str, int, float)):
                    typer.echo(f"  {key.replace('_', ' ')}: {entry}")
