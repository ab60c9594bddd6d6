"""Sweep: close builds whose end nobody reported, settle those that have ended, find what is stuck."""

import os
from datetime import timedelta
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from stratocube.workflow.context import Stack
from stratocube.workflow.executions import execution_reader
from stratocube.workflow.sweep import SweepFailed, sweep_builds

logger = Logger()
metrics = Metrics()
stack = Stack.from_env(os.environ)
executions = execution_reader(stack.settings.state_machine_arn, region=os.environ["AWS_REGION"])
stuck_after = timedelta(minutes=int(os.environ.get("SWEEP_STUCK_MINUTES", "60")))


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: object, context: Any) -> dict[str, int]:
    """Any event → how many builds were looked at, closed, settled, and found stuck."""
    found = sweep_builds(stack, executions, stuck_after=stuck_after)
    counts = {"LostBuilds": len(found.closed), "StuckBuilds": len(found.stuck), "StuckUnits": found.stuck_units}
    for name, count in counts.items():
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=count)
    logger.info("swept", extra={"closed": found.closed, "settled": found.settled, "stuck": found.stuck})
    if found.failed:
        raise SweepFailed(found.failed)
    return {"seen": found.seen, "settled": len(found.settled), **counts}
