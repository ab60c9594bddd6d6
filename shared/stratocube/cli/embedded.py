"""``stratocube up``, ``down``, ``demo``: the whole application on this machine."""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from stratocube.cli.options import AsJson
from stratocube.cli.session import explained, print_json
from stratocube.client.api import ApiClient, ApiError, Unreachable
from stratocube.client.connection import RECORD, LocalRecord
from stratocube.local.emulator import DEFAULT_PORT, PORT_VARIABLE, REGION, start_emulator, stop_leftover
from stratocube.local.project import Project, find_project

Port = Annotated[
    int,
    typer.Option(envvar=PORT_VARIABLE, min=0, max=65535, help="Port of the AWS emulator; 0 takes any free one."),
]


def up(port: Port = DEFAULT_PORT, as_json: AsJson = False) -> None:
    """Start the embedded stack and leave it running: an AWS emulator on this machine with stratocube in it.

    The other commands find it by themselves. All it holds is in memory: `stratocube down` forgets it. One that runs
    already is left as it is.

    Example: stratocube up

    Example: curl -H "x-api-key: $(stratocube up --json | jq -r .api_key)" …
    """
    with explained():
        project = find_project()
        record = _running(project)
        runs = "runs already (after a change: `stratocube down`, then `stratocube up`)" if record else "runs"
        record = record or _started(project, port)
        if as_json:
            print_json({"url": record.url, "api_key": record.api_key, "outputs": dict(record.outputs)})
            return
        typer.echo(f"the embedded stack {runs}: API at {record.url}")
        typer.echo(
            f"scenes go to s3://{record.outputs['LandingBucket']}, products to s3://{record.outputs['CubeBucket']}"
        )
        typer.echo(f"how to reach both (address, keys): {project.state / RECORD}")


def _running(project: Project) -> LocalRecord | None:
    """The stack of this checkout, if it runs and answers."""
    record = LocalRecord.read(project.state)
    if record is None:
        return None
    try:
        ApiClient(record.url, record.api_key).call("GET", "/")
    except (ApiError, Unreachable):
        return None
    return record


def _started(project: Project, port: int) -> LocalRecord:
    from stratocube.local.stack import deployed_stack  # noqa: PLC0415 - boto3, not for --help

    emulator = start_emulator(project.state, port)
    try:
        stack = deployed_stack(emulator, project.template)
    except BaseException:
        stop_leftover(project.state)
        raise
    record = LocalRecord(
        url=stack.url,
        api_key=stack.api_key,
        endpoint=emulator.url,
        access_key_id=emulator.access_key_id,
        secret_access_key=emulator.secret_access_key,
        region=REGION,
        outputs=dict(stack.outputs),
    )
    record.write(project.state)
    return record


def down(as_json: AsJson = False) -> None:
    """End the embedded stack that `stratocube up` started.

    Example: stratocube down
    """
    with explained():
        state = find_project().state
        ended = stop_leftover(state)
        (state / RECORD).unlink(missing_ok=True)
        if as_json:
            print_json({"ended": ended})
            return
        typer.echo("the embedded stack has ended" if ended else "no embedded stack was running")


def demo(
    port: Port = DEFAULT_PORT,
    output: Annotated[Path | None, typer.Option(help="Folder of the products [default: demo-output]")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON, and nothing else.")] = False,
) -> None:
    """Build two cubes of real Sentinel-2 scenes on this machine, without docker and without an AWS account.

    Example: stratocube demo --output /tmp/demo
    """
    from stratocube.local.demo import run_demo  # noqa: PLC0415 - rasterio and boto3, not for --help

    with explained():
        if not as_json:
            run_demo(find_project(), port=port, output=output)
            return
        # What the demo says goes where messages go: the answer alone is on standard output.
        with contextlib.redirect_stdout(sys.stderr):
            summary = run_demo(find_project(), port=port, output=output)
        print_json(json.loads(summary.read_text()))


def demo_down(as_json: AsJson = False) -> None:
    """End an emulator that a killed demo left behind, and remove what demos wrote.

    Example: stratocube demo-down
    """
    from stratocube.local.demo import clear_away  # noqa: PLC0415 - as above

    with explained():
        done = clear_away(find_project())
        if as_json:
            print_json({"done": done})
            return
        for line in done:
            typer.echo(line)
