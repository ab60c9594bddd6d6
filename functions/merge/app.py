"""Merge: all scenes of one date, warped and mosaicked on the tile, one band."""

import os
from typing import Any

from aws_lambda_powertools import Logger

from stratocube.workflow.context import Invocation, Stack
from stratocube.workflow.events import merge_task_of
from stratocube.workflow.merge import merge_date

logger = Logger()
stack = Stack.from_env(os.environ)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, str]:
    """One element of ``merges.json`` → ``{"outcome"}``."""
    return {"outcome": merge_date(stack, Invocation.of(context), merge_task_of(event))}
