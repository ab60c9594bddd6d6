"""Reconcile: search what watching cubes search, for scenes nobody announced; notice archives that fell silent."""

import os
from datetime import timedelta
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from stratocube.workflow.context import Invocation, Stack
from stratocube.workflow.reconcile import Rules, reconcile

logger = Logger()
metrics = Metrics()
stack = Stack.from_env(os.environ)
rules = Rules(
    days_back=int(os.environ["RECONCILE_DAYS"]), silence=timedelta(days=int(os.environ["RECONCILE_SILENCE_DAYS"]))
)


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: object, context: Any) -> dict[str, Any]:
    """Any event → what was found and marked."""
    found = reconcile(stack, rules, seconds=Invocation.of(context).remaining_seconds)
    counts = {
        "MissedScenes": found.missed,
        "SilentCollections": len(found.silent),
        "Unreconciled": len(found.failed),
    }
    for name, count in counts.items():
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=count)
    logger.info("reconciled", extra={"cubes": found.cubes, "silent": found.silent, "failed": found.failed})
    return {"cubes": found.cubes, "units": found.units, **counts}
