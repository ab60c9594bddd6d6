"""Blend: a unit's merges of one band become its composite."""

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
    """``{"build_id", "unit_id", "band"}`` → ``{"outcome"}``."""
    from stratocube.workflow.blend import blend_band
    from stratocube.workflow.context import Invocation, this_stack
    from stratocube.workflow.events import band_of, unit_of

    return {"outcome": blend_band(this_stack(), Invocation.of(context), *unit_of(event), band_of(event))}
