"""Binding the models to the tables of a stack.

pynamodb reads a model's table name when the model's connection is first used, from its ``Meta``. A subclass made here
carries the name, so nothing is bound at import and two stacks can be used side by side.
"""

from __future__ import annotations

import types
from typing import Final, TypeVar, cast

from pynamodb.models import Model

M = TypeVar("M", bound=Model)

CONDITION_FAILED: Final = "ConditionalCheckFailedException"
"""``cause_response_code`` of a write that found its condition not to hold."""

_CONNECT_SECONDS = 5
_READ_SECONDS = 10
_ATTEMPTS = 6


def bind(model: type[M], table_name: str, *, region: str) -> type[M]:
    """``model`` on the table ``table_name``. The endpoint follows ``AWS_ENDPOINT_URL`` as boto3's does."""
    meta = type(
        "Meta",
        (),
        {
            "table_name": table_name,
            "region": region,
            "connect_timeout_seconds": _CONNECT_SECONDS,
            "read_timeout_seconds": _READ_SECONDS,
            "max_retry_attempts": _ATTEMPTS,
        },
    )
    return cast(type[M], types.new_class(model.__name__, (model,), exec_body=lambda body: body.update(Meta=meta)))
