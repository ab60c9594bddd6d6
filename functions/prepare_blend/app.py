"""Prepare blend: the quality of a date brought in line with its bands; then the dates of a unit in rank order."""

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
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """``{"build_id", "unit_id"}`` → the same with ``blends``; an element of ``dates.json`` → ``{"outcome"}``."""
    from stratocube.workflow.context import Invocation, this_stack
    from stratocube.workflow.dates import prepare_date
    from stratocube.workflow.events import date_task_of, has, unit_of
    from stratocube.workflow.prepare_blend import prepare_unit

    if has(event, "date"):
        return {"outcome": prepare_date(this_stack(), Invocation.of(context), date_task_of(event))}
    return prepare_unit(this_stack(), *unit_of(event))
