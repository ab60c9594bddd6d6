"""Blend: a unit's merges of one band become its composite."""

import os
from typing import Any

from aws_lambda_powertools import Logger

from stratocube.workflow.blend import blend_band
from stratocube.workflow.context import Invocation, Stack
from stratocube.workflow.events import band_of, unit_of

logger = Logger()
stack = Stack.from_env(os.environ)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, str]:
    """``{"build_id", "unit_id", "band"}`` → ``{"outcome"}``."""
    return {"outcome": blend_band(stack, Invocation.of(context), *unit_of(event), band_of(event))}
