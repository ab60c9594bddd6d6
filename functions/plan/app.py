"""Plan: a build request becomes its units."""

import os
from typing import Any

from aws_lambda_powertools import Logger

from stratocube.workflow.context import Stack
from stratocube.workflow.events import build_of
from stratocube.workflow.plan import plan_build

logger = Logger()
stack = Stack.from_env(os.environ)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """``{"build_id"}`` → ``{"build_id", "units": {"bucket", "key"}}``."""
    return plan_build(stack, build_of(event))
