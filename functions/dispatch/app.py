"""Dispatch: start builds of the units scenes arrived for."""

import os
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from stratocube.workflow.context import Stack
from stratocube.workflow.dispatch import dispatch
from stratocube.workflow.start import state_machine

logger = Logger()
metrics = Metrics()
stack = Stack.from_env(os.environ)
launch = state_machine(stack.settings.state_machine_arn, region=os.environ["AWS_REGION"])


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: object, context: Any) -> dict[str, Any]:
    """Any event → the builds started, by cube."""
    done = dispatch(stack, launch)
    counts = {"UnitsStarted": done.units, "UnitsGivenUp": len(done.given_up), "DispatchFailures": len(done.failed)}
    for name, count in counts.items():
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=count)
    logger.info("dispatched", extra={"builds": done.builds, "given_up": done.given_up, "failed": done.failed})
    return {"builds": done.builds, "waiting": done.waiting, "settled": done.settled, **counts}
