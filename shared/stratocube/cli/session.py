"""What the commands have in common: which stack, how errors end a command, how answers are shown."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from stratocube.cli.suggestions import meant_instead
from stratocube.client.api import ApiClient, ApiError, Unreachable
from stratocube.client.connection import LocalRecord, connect
from stratocube.errors import InvalidRequest, NotFound, StratocubeError
from stratocube.local.project import find_project

if TYPE_CHECKING:
    from stratocube.cli.aws import Aws

FAILED = 1
"""A build ended otherwise than SUCCEEDED, or something broke."""
REFUSED = 2
"""The command or the request was wrong: nothing was done."""
NO_STACK = 3
"""No stack is named, or it does not answer."""
INTERRUPTED = 130
"""Ctrl-C, by the shell's convention."""

EXIT_CODES = (
    "Exit codes: 0 done; 1 a build ended otherwise than SUCCEEDED, or something broke; 2 wrong use, or the request was "
    "refused; 3 no stack answers; 130 interrupted."
)

_FILE_WIDTH = 240
_FORBIDDEN = 403


@dataclass(frozen=True)
class Session:
    """Which stack the user means."""

    url: str | None = None
    api_key: str | None = None
    stack: str | None = None
    profile: str | None = None
    region: str | None = None

    def client(self) -> ApiClient:
        """A client of its API. Errors as :func:`stratocube.client.connection.connect`."""
        return connect(
            url=self.url,
            api_key=self.api_key,
            stack=self.stack,
            profile=self.profile,
            region=self.region,
            state_dir=_state_dir(),
        )

    def record(self) -> LocalRecord | None:
        """The embedded stack, where it is the one that is meant."""
        state_dir = _state_dir()
        record = None if self.stack or state_dir is None else LocalRecord.read(state_dir)
        return record if record and self.url in {None, record.url} else None

    def aws(self, default_stack: str | None = None) -> Aws:
        """AWS of the stack that is meant: its buckets, queues and functions, past the API.

        Raises:
            NotFound: it is known by its URL alone. ``default_stack`` is taken where nothing at all is named.
        """
        from stratocube.cli.aws import aws_of_account, embedded_aws  # noqa: PLC0415 - boto3 takes half a second

        record = self.record()
        if record is not None:
            return embedded_aws(record)
        stack = self.stack or (None if self.url else default_stack)
        if stack is None:
            raise NotFound(
                "this reads and writes files of the stack: name it with --stack (and --profile, --region), whose AWS"
                " credentials may; a URL and an API key do not open its buckets"
                if self.url
                else "no stack is named, and none runs here: start one with `stratocube up`, or name one with --stack"
            )
        return aws_of_account(stack, profile=self.profile, region=self.region)


def session_of(context: typer.Context) -> Session:
    """Which stack a command was told to use."""
    return context.find_object(Session) or Session()


def client_of(context: typer.Context) -> ApiClient:
    """The client a command talks through.

    Raises:
        typer.Exit: with NO_STACK, after saying why, when there is none.
    """
    try:
        return session_of(context).client()
    except NotFound as error:
        raise stop(str(error), NO_STACK) from None


def aws_of(context: typer.Context, default_stack: str | None = None) -> Aws:
    """AWS of the stack a command is for; ends the command as :func:`client_of` does."""
    try:
        return session_of(context).aws(default_stack)
    except NotFound as error:
        raise stop(str(error), NO_STACK) from None


def stop(message: str, code: int) -> typer.Exit:
    """Say what is wrong, on standard error; what is to be raised."""
    typer.echo(f"error: {message}", err=True)
    return typer.Exit(code)


@contextlib.contextmanager
def explained(context: typer.Context | None = None) -> Iterator[None]:
    """Errors end the command with a message and the exit code that says of which kind they are.

    With ``context`` a name that the stack does not know is answered with those that it knows and that are alike.
    """
    try:
        yield
    except ApiError as error:
        for fault in error.errors:
            line = f"{fault.get('field')}: {fault.get('message')}"
            if line not in error.reason:
                typer.echo(f"  {line}", err=True)
        raise _refused(error, context) from None
    except Unreachable as error:
        raise stop(f"{error}. `stratocube doctor` looks for the reason", NO_STACK) from None
    except (InvalidRequest, NotFound) as error:
        raise stop(str(error), REFUSED) from None
    except (StratocubeError, OSError) as error:
        raise stop(str(error), FAILED) from None
    except KeyboardInterrupt:
        typer.echo("\ninterrupted", err=True)
        raise typer.Exit(INTERRUPTED) from None
    except Exception as error:
        if not _is_of_aws(error):
            raise
        raise stop(f"AWS: {error}", FAILED) from None


def print_json(value: Any) -> None:
    """JSON as programs read it."""
    typer.echo(json.dumps(value, indent=2))


def print_table(title: str, columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows below headings; ``columns`` are heading by field. An empty list says so."""
    if not rows:
        typer.echo(f"no {title}")
        return
    from rich.console import Console  # noqa: PLC0415 - most commands print no table
    from rich.table import Table  # noqa: PLC0415 - as above

    console = Console(highlight=False)
    if not console.is_terminal:
        # What goes to a file or another program is not cut to the width of a screen nobody looks at.
        console = Console(highlight=False, width=_FILE_WIDTH)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for position, (name, heading) in enumerate(columns.items()):
        numbers = all(isinstance(row.get(name), (int, float)) for row in rows)
        # Ids come first, and are there to be copied.
        table.add_column(heading, no_wrap=position == 0, justify="right" if numbers else "left")
    for row in rows:
        table.add_row(*("" if row.get(name) is None else str(row[name]) for name in columns))
    console.print(table, soft_wrap=True, markup=False)


def _refused(error: ApiError, context: typer.Context | None) -> typer.Exit:
    hint = _hint(error, context)
    if error.status >= 500:
        return stop(f"{error}{hint}", FAILED)
    # A request that is refused in words needs no method, path and status besides.
    in_words = error.errors or error.status in {404, 409}
    return stop(f"{error.reason if in_words else error}{hint}", REFUSED)


def _hint(error: ApiError, context: typer.Context | None) -> str:
    if error.status == _FORBIDDEN:
        return (
            ": the API key is missing or not the one of this stack. Give it with --api-key, or name the stack with"
            " --stack"
        )
    with contextlib.suppress(StratocubeError):
        alike = None if context is None else meant_instead(error, session_of(context).client())
        return f". Did you mean {alike}?" if alike else ""
    return ""


def _is_of_aws(error: Exception) -> bool:
    # Whoever has not loaded botocore has no error of it, and need not load it for the question.
    known = sys.modules.get("botocore.exceptions")
    return known is not None and isinstance(error, (known.BotoCoreError, known.ClientError))


def _state_dir() -> Path | None:
    try:
        return find_project().state
    except NotFound:
        return None
