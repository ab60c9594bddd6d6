"""Merge: all scenes of one date, warped and mosaicked on the tile, one band."""

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
    """One element of ``merges.json`` → ``{"outcome"}``."""
    from stratocube.workflow.context import Invocation, this_stack
    from stratocube.workflow.events import merge_task_of
    from stratocube.workflow.merge import merge_date

    return {"outcome": merge_date(this_stack(), Invocation.of(context), merge_task_of(event))}
