"""Receiving on AWS: what an inbox reads and writes beside the tables."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any, Final

import boto3

from stratocube.storage.hrefs import split_s3
from stratocube.storage.objects import read_object
from stratocube.workflow.affected import AffectedUnits
from stratocube.workflow.arrivals import Inbox, Message
from stratocube.workflow.context import Stack

LIMIT_BYTES: Final = 1_048_576
"""Of a STAC Item: the largest of the archives we know has 60 KB."""

_LONGEST_REASON: Final = 1_000
_LONGEST_BODY: Final = 240_000
"""Bytes of a buried message: SQS takes 256 KiB, attributes included."""

_UNSENDABLE = re.compile(r"[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]")
"""What SQS refuses in an attribute."""

_PAYS: Final = "requester"


def inbox_from_env(env: Mapping[str, str]) -> tuple[Inbox, Callable[[], None]]:
    """The inbox of the stack that environment variables name, and what wakes the dispatch.

    ``ARRIVALS_DEAD_LETTERS`` is the URL of a queue, ``ARRIVALS_SETTLE_SECONDS`` how long units wait for more scenes,
    ``ARRIVALS_DISPATCH`` the function that dispatches. It is woken where units do not wait at all; otherwise its
    schedule comes soon enough.
    """
    stack = Stack.from_env(env)
    settle = timedelta(seconds=int(env["ARRIVALS_SETTLE_SECONDS"]))
    s3: Any = boto3.client("s3")
    if env.get("AWS_REQUEST_PAYER") == _PAYS:
        for operation in ("GetObject", "ListObjectsV2"):
            s3.meta.events.register(f"provide-client-params.s3.{operation}", _pay)
    inbox = Inbox(
        stack=stack,
        affected=AffectedUnits(stack.cubes, stack.grids),
        fetch=lambda href: read_object(s3, *split_s3(href), limit=LIMIT_BYTES),
        list_keys=partial(_keys, s3),
        bury=partial(_bury, boto3.client("sqs"), env["ARRIVALS_DEAD_LETTERS"]),
        settle=settle,
    )
    if settle:
        return inbox, _not_now
    return inbox, partial(_wake, boto3.client("lambda"), env["ARRIVALS_DISPATCH"])


def _pay(params: dict[str, Any], **_: Any) -> dict[str, Any]:
    """A request with the requester's consent to pay: botocore calls this with more than is needed."""
    return {**params, "RequestPayer": _PAYS}


def _keys(s3: Any, bucket: str, prefix: str) -> list[str]:
    # A product has some thirty objects: a page holds them all.
    answer = s3.list_objects_v2(Bucket=bucket, Prefix=prefix)
    return [entry["Key"] for entry in answer.get("Contents", [])]


def _bury(sqs: Any, queue_url: str, message: Message, reason: str) -> None:
    body = message.body.encode()[:_LONGEST_BODY].decode(errors="ignore")
    said = {"reason": _UNSENDABLE.sub("?", reason)[:_LONGEST_REASON], "message_id": message.message_id}
    attributes = {name: {"DataType": "String", "StringValue": text} for name, text in said.items()}
    sqs.send_message(QueueUrl=queue_url, MessageBody=body or "(empty)", MessageAttributes=attributes)


def _wake(functions: Any, name: str) -> None:
    functions.invoke(FunctionName=name, InvocationType="Event", Payload=b"{}")


def _not_now() -> None:
    """The schedule of the dispatch comes soon enough."""
