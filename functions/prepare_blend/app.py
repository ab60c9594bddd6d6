"""Prepare blend: the quality of a date brought in line with its bands; then the dates of a unit in rank order."""

import os
from typing import Any

from aws_lambda_powertools import Logger

from stratocube.workflow.context import Invocation, Stack
from stratocube.workflow.dates import prepare_date
from stratocube.workflow.prepare_blend import prepare_unit

logger = Logger()
stack = Stack.from_env(os.environ)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """``{"build_id", "unit_id"}`` → the same with ``blends``; with ``"date"`` → ``{"outcome"}``."""
    if "date" in event:
        invocation = Invocation.of(context)
        return {"outcome": prepare_date(stack, invocation, event["build_id"], event["unit_id"], event["date"])}
    return prepare_unit(stack, event["build_id"], event["unit_id"])
