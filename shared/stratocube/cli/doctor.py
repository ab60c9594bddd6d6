"""``stratocube doctor``: what is wrong, and what helps."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from stratocube.cli.options import AsJson
from stratocube.cli.session import FAILED, Session, explained, print_json, session_of
from stratocube.errors import NotFound, StratocubeError
from stratocube.local.project import find_project

if TYPE_CHECKING:
    from stratocube.cli.checks import Finding

_MARKS = {"ok": "ok    ", "note": "note  ", "broken": "BROKEN"}


def doctor(context: typer.Context, as_json: AsJson = False) -> None:
    """Look for what is wrong: versions, API and key, credentials, permissions, quotas, ports, disk. Changes nothing.

    Each finding comes with a remedy. Exit code 1 when something is broken.

    Example: stratocube doctor

    Example: stratocube --stack stratocube --profile research doctor
    """
    with explained():
        found = []
        for finding in _findings(session_of(context)):
            found.append(finding)
            if not as_json:
                typer.echo(f"{_MARKS[finding.state]}  {finding.topic}: {finding.text}")
                if finding.remedy:
                    typer.echo(f"        -> {finding.remedy}")
        broken = sum(finding.state == "broken" for finding in found)
        if as_json:
            print_json([asdict(finding) for finding in found])
        elif broken:
            typer.echo(f"{broken} of {len(found)} things are broken")
        else:
            typer.echo("nothing is broken")
    if broken:
        raise typer.Exit(FAILED)


def _findings(session: Session) -> Iterator[Finding]:
    from stratocube.cli.checks import Finding, of_api, of_embedded_stack, of_machine  # noqa: PLC0415 - not for --help

    yield from of_machine()
    record = session.record()
    if not (session.url or session.stack):
        yield from of_embedded_stack(record)
    try:
        client = session.client()
    except NotFound as error:
        named = bool(session.stack or session.url)
        yield Finding("stack", "broken" if named else "note", str(error), "" if named else "start or name one")
        if not named:
            return
    except StratocubeError as error:
        remedy = "look at --profile, --region and the stack's name; the next findings say more"
        yield Finding("stack", "broken", str(error), remedy)
    else:
        log = None
        if record is not None:
            with contextlib.suppress(NotFound):
                log = find_project().state / "emulator.log"
        answers = True
        for finding in of_api(client, log):
            answers = answers and finding.state != "broken"
            yield finding
        if record is not None and not answers:
            return  # its AWS is the same program
    try:
        aws = session.aws()
    except NotFound as error:
        yield Finding("AWS", "note", str(error))
        return
    from stratocube.cli.checks_aws import of_aws  # noqa: PLC0415 - boto3, where there is an AWS to ask

    yield from of_aws(aws)
