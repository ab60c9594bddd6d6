"""Finish: close a unit that failed, or the whole build; also when their execution was stopped or timed out."""

import os
from typing import Any

from aws_lambda_powertools import Logger

from stratocube.workflow.context import Stack
from stratocube.workflow.events import build_of, ended_execution_of, error_of, failure_of, has, unit_of
from stratocube.workflow.finish import end_execution, fail_unit, finish_build

logger = Logger()
stack = Stack.from_env(os.environ)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """``{"build_id", "unit_id", "failed_step", "error"}`` fails a unit; ``{"build_id"}`` closes the build.

    ``{"detail"}`` is EventBridge's: the execution of a build or a unit ended otherwise than by its last state.
    """
    if has(event, "detail"):
        return end_execution(stack, ended_execution_of(event))
    if has(event, "unit_id"):
        return fail_unit(stack, *unit_of(event), *failure_of(event))
    return finish_build(stack, build_of(event), error_of(event))
