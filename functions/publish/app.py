"""Publish: the STAC item of a unit's composite, or of one of its dates."""

import os
from typing import Any

from aws_lambda_powertools import Logger

from stratocube.workflow.context import Invocation, Stack
from stratocube.workflow.events import day_of, has, unit_of
from stratocube.workflow.publish import publish_composite, publish_date

logger = Logger()
stack = Stack.from_env(os.environ)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, str]:
    """``{"build_id", "unit_id"}``, with ``"date"`` for an identity item → ``{"outcome"}``."""
    invocation = Invocation.of(context)
    if has(event, "date"):
        return {"outcome": publish_date(stack, invocation, *unit_of(event), day_of(event))}
    return {"outcome": publish_composite(stack, invocation, *unit_of(event))}
