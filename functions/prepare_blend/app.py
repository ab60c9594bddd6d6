"""Prepare blend: the quality of a date brought in line with its bands; then the dates of a unit in rank order."""

import os
from typing import Any

from aws_lambda_powertools import Logger

from stratocube.workflow.context import Invocation, Stack
from stratocube.workflow.dates import prepare_date
from stratocube.workflow.events import date_task_of, has, unit_of
from stratocube.workflow.prepare_blend import prepare_unit

logger = Logger()
stack = Stack.from_env(os.environ)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """``{"build_id", "unit_id"}`` → the same with ``blends``; an element of ``dates.json`` → ``{"outcome"}``."""
    if has(event, "date"):
        return {"outcome": prepare_date(stack, Invocation.of(context), date_task_of(event))}
    return prepare_unit(stack, *unit_of(event))
