"""Finish: close a unit that failed, or the whole build."""

import os
from typing import Any

from aws_lambda_powertools import Logger

from stratocube.workflow.context import Stack
from stratocube.workflow.events import build_of, error_of, failure_of, has, unit_of
from stratocube.workflow.finish import fail_unit, finish_build

logger = Logger()
stack = Stack.from_env(os.environ)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """``{"build_id", "unit_id", "failed_step", "error"}`` fails a unit; ``{"build_id"}`` closes the build."""
    if has(event, "unit_id"):
        return fail_unit(stack, *unit_of(event), *failure_of(event))
    return finish_build(stack, build_of(event), error_of(event))
