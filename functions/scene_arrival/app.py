"""Scenes arrive: messages of the queue mark the units they touch."""

import os
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from stratocube.workflow.arrivals import Message, receive
from stratocube.workflow.arrivals_aws import inbox_from_env

logger = Logger()
metrics = Metrics()
inbox, nudge = inbox_from_env(os.environ)


@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """A batch of SQS → the messages to hand out again."""
    done = receive(inbox, Message.of_event(event))
    for name in ("scenes", "duplicates", "unwatched", "passed", "unknown", "poison", "retried"):
        metrics.add_metric(name=f"Arrivals{name.title()}", unit=MetricUnit.Count, value=done.counts[name])
    logger.info("received", extra={"counts": done.counts, "units": len(done.marked), "reasons": done.reasons})
    if done.marked:
        nudge()
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in done.failures]}
