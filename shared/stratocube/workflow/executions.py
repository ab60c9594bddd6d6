"""What Step Functions says of the execution of a build."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from botocore.exceptions import ClientError

from stratocube.workflow.start import step_functions

_ENDED = frozenset({"SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"})


@dataclass(frozen=True)
class Execution:
    """The execution of a build."""

    status: str
    """As Step Functions says it: ``RUNNING``, ``ABORTED``…"""
    stopped_at: datetime | None
    """When it ended, aware; None while it runs."""

    @property
    def has_ended(self) -> bool:
        """Whether it will do nothing more, unless somebody redrives it."""
        return self.status in _ENDED


Executions = Callable[[str], Execution | None]
"""The execution of a build, None where Step Functions knows none (it keeps those that ended for 90 days)."""


def execution_reader(machine_arn: str, *, region: str) -> Executions:
    """Reads executions of the state machine, which are named after their builds."""
    prefix = machine_arn.replace(":stateMachine:", ":execution:", 1)

    @cache
    def client() -> Any:
        return step_functions(region)

    def read(build_id: str) -> Execution | None:
        try:
            found = client().describe_execution(executionArn=f"{prefix}:{build_id}")
        except ClientError as error:
            if error.response["Error"]["Code"] == "ExecutionDoesNotExist":
                return None
            raise
        return Execution(str(found["status"]), found.get("stopDate"))

    return read
