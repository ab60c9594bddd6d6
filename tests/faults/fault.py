"""What a fault is: a thing that happens, what is promised of it, and how it is injected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.faults.bench import Bench
from tests.faults.door import Call, Match

MACHINE = "build"
"""Injected into a whole build: REST API, state machine, deployed functions."""
FUNCTIONS_ALONE = "functions"
"""Deployed functions called directly with the events of a build."""
IN_PROCESS = "in process"
"""A step's code run by the test itself, against the tables and buckets of the stack."""


@dataclass(frozen=True)
class Fault:
    """One fault. ``inject`` raises AssertionError where the promise is not kept."""

    name: str
    what: str
    """What happens."""
    promise: str
    """What is promised."""
    inject: Callable[[Bench], None]
    layer: str = MACHINE


# -- which calls -------------------------------------------------------------------------------------------------------


def puts(*parts: str) -> Match:
    """S3 writes of keys with all of these in them."""
    return lambda call: call.service == "s3" and call.method == "PUT" and all(part in call.path for part in parts)


def gets(*parts: str) -> Match:
    """S3 reads of keys with all of these in them."""
    return lambda call: call.service == "s3" and call.method == "GET" and all(part in call.path for part in parts)


def table(operation: str, *texts: str) -> Match:
    """Calls of DynamoDB that say all of these."""
    return lambda call: call.service == "dynamodb" and call.operation == operation and call.says(*texts)


def claims(step: str) -> Match:
    """The claim on work of a step."""
    return table("PutItem", '"CLAIMED"', f'"{step}"')


FINISHES: Match = table("UpdateItem", '"SUCCEEDED"', "activity_id")
"""A holder says that its work is done."""


def records(step: str) -> Match:
    """The row that says how a step ended."""
    return table("UpdateItem", "DONE#", f"#{step}#")


def calls_of(service: str) -> Match:
    """All calls of a service."""
    return lambda call: call.service == service


def reads_of(path: str) -> Match:
    """Requests for a file of the sources."""

    def match(call: Call) -> bool:
        return call.path == path

    return match


def every(n: int) -> Callable[[int], bool]:
    """Every n-th."""
    return lambda count: count % n == 0


def always(_: int) -> bool:
    """Each of them."""
    return True


def first(n: int) -> Callable[[int], bool]:
    """The first n."""
    return lambda count: count <= n
