"""``stratocube``: what can be done from a shell."""

from __future__ import annotations

from typing import Annotated

import typer

from stratocube import __version__
from stratocube.cli import builds, embedded
from stratocube.cli.dead_letters import dead_letters
from stratocube.cli.definitions import cubes, grids, periods
from stratocube.cli.doctor import doctor
from stratocube.cli.geoparquet import geoparquet
from stratocube.cli.options import AsJson
from stratocube.cli.products import items, quicklook
from stratocube.cli.report import report
from stratocube.cli.scenes import scenes
from stratocube.cli.session import EXIT_CODES, Session, print_json
from stratocube.cli.starter import init
from stratocube.cli.steps import steps
from stratocube.client.connection import KEY_VARIABLE, STACK_VARIABLE, URL_VARIABLE

app = typer.Typer(help="Earth-observation data cubes on AWS without servers.", epilog=EXIT_CODES, no_args_is_help=True)
_LOCAL, _BUILDS, _REPAIR, _LOOK = "This machine", "Define and build", "Watch and repair", "Look"

for _command, _panel in (
    (init, _BUILDS),
    (embedded.demo, _LOCAL),
    (embedded.up, _LOCAL),
    (embedded.down, _LOCAL),
    (embedded.demo_down, _LOCAL),
    (periods, _BUILDS),
    (builds.start, _BUILDS),
    (builds.complete, _BUILDS),
    (builds.stale, _BUILDS),
    (builds.builds, _REPAIR),
    (builds.status, _REPAIR),
    (builds.failures, _REPAIR),
    (builds.retry, _REPAIR),
    (builds.cancel, _REPAIR),
    (doctor, _REPAIR),
    (items, _LOOK),
    (quicklook, _LOOK),
    (report, _LOOK),
    (geoparquet, _LOOK),
):
    app.command(rich_help_panel=_panel, epilog=EXIT_CODES)(_command)
app.add_typer(grids, name="grid", rich_help_panel=_BUILDS)
app.add_typer(cubes, name="cube", rich_help_panel=_BUILDS)
app.add_typer(scenes, name="scenes", rich_help_panel=_BUILDS)
app.add_typer(steps, name="run", rich_help_panel=_BUILDS)
app.add_typer(dead_letters, name="dead-letters", rich_help_panel=_REPAIR)


@app.callback()
def which_stack(
    context: typer.Context,
    url: Annotated[str | None, typer.Option(envvar=URL_VARIABLE, help="Root of the REST API.")] = None,
    api_key: Annotated[str | None, typer.Option(envvar=KEY_VARIABLE, help="API key.", show_envvar=True)] = None,
    stack: Annotated[
        str | None, typer.Option(envvar=STACK_VARIABLE, help="CloudFormation stack: AWS is asked for URL and key.")
    ] = None,
    profile: Annotated[str | None, typer.Option(help="AWS profile, for --stack.")] = None,
    region: Annotated[str | None, typer.Option(help="AWS region, for --stack.")] = None,
) -> None:
    """Earth-observation data cubes on AWS without servers.

    New here? `stratocube init` writes an example to begin with, and says what to do with it.

    Without an option commands talk to the embedded stack that `stratocube up` started from this checkout.
    """
    context.obj = Session(url=url, api_key=api_key, stack=stack, profile=profile, region=region)


@app.command(rich_help_panel=_LOCAL, epilog=EXIT_CODES)
def version(as_json: AsJson = False) -> None:
    """Print the version.

    Example: stratocube version
    """
    print_json({"version": __version__}) if as_json else typer.echo(__version__)


if __name__ == "__main__":
    app()
