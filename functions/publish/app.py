"""Publish: the STAC item of a unit's composite, or of one of its dates."""

# ruff: noqa: PLC0415 - the first call imports what speaks to AWS, see stratocube/start_up.py
import os
from typing import Any

from aws_lambda_powertools import Logger

from stratocube.settings import Settings
from stratocube.start_up import load_rasters

load_rasters()
logger = Logger()
Settings.from_env(os.environ)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, str]:
    """``{"build_id", "unit_id"}``, with ``"date"`` for an identity item → ``{"outcome"}``."""
    from stratocube.workflow.context import Invocation, this_stack
    from stratocube.workflow.events import day_of, has, unit_of
    from stratocube.workflow.publish import publish_composite, publish_date

    stack, invocation = this_stack(), Invocation.of(context)
    if has(event, "date"):
        return {"outcome": publish_date(stack, invocation, *unit_of(event), day_of(event))}
    return {"outcome": publish_composite(stack, invocation, *unit_of(event))}
