"""Search: the scenes of a unit become its merge tasks."""

import os
from typing import Any

from aws_lambda_powertools import Logger

from stratocube.workflow.context import Stack
from stratocube.workflow.events import unit_of
from stratocube.workflow.search import search_unit

logger = Logger()
stack = Stack.from_env(os.environ)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """``{"build_id", "unit_id"}`` → ``{"build_id", "unit_id", "merges": {"bucket", "key"}}``."""
    return search_unit(stack, *unit_of(event))
