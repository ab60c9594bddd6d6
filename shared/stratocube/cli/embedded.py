"""``stratocube up``, ``down``, ``demo``: the whole application on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stratocube.cli.session import AsJson, explained, print_json
from stratocube.client.connection import RECORD, LocalRecord
from stratocube.local.demo import clear_away, run_demo
from stratocube.local.emulator import DEFAULT_PORT, PORT_VARIABLE, REGION, start_emulator, stop_leftover
from stratocube.local.project import find_project
from stratocube.local.stack import deployed_stack

Port = Annotated[
    int,
    typer.Option(envvar=PORT_VARIABLE, min=0, max=65535, help="Port of the AWS emulator; 0 takes any free one."),
]


def up(port: Port = DEFAULT_PORT, as_json: AsJson = False) -> None:
    """Start the embedded stack and leave it running: an AWS emulator on this machine with stratocube in it.

    The other commands find it by themselves. All it holds is in memory: `stratocube down` forgets it.
    """
    with explained():
        project = find_project()
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
        if as_json:
            print_json({"url": record.url, "api_key": record.api_key, "outputs": dict(record.outputs)})
            return
        typer.echo(f"the embedded stack runs: API at {record.url}")
        typer.echo(
            f"scenes go to s3://{record.outputs['LandingBucket']}, products to s3://{record.outputs['CubeBucket']}"
        )
        typer.echo(f"how to reach both (address, keys): {project.state / RECORD}")


def down() -> None:
    """End the embedded stack that `stratocube up` started."""
    with explained():
        state = find_project().state
        ended = stop_leftover(state)
        (state / RECORD).unlink(missing_ok=True)
        typer.echo("the embedded stack has ended" if ended else "no embedded stack was running")


def demo(
    port: Port = DEFAULT_PORT,
    output: Annotated[Path | None, typer.Option(help="Folder of the products [default: demo-output]")] = None,
) -> None:
    """Build two cubes of real Sentinel-2 scenes on this machine, without docker and without an AWS account."""
    with explained():
        run_demo(find_project(), port=port, output=output)


def demo_down() -> None:
    """End an emulator that a killed demo left behind, and remove what demos wrote."""
    with explained():
        for line in clear_away(find_project()):
            typer.echo(line)
