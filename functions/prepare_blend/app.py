"""Prepare blend: the dates of a unit in rank order, and what is to be blended."""

import os
from typing import Any

from aws_lambda_powertools import Logger

from stratocube.workflow.context import Stack
from stratocube.workflow.prepare_blend import prepare_unit

logger = Logger()
stack = Stack.from_env(os.environ)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """``{"build_id", "unit_id"}`` → the same with ``dates`` and ``blends``, each ``{"bucket", "key"}``."""
    return prepare_unit(stack, event["build_id"], event["unit_id"])
