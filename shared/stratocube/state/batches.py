"""Writing many records: 25 a request, and slower when the table says it is too fast."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable
from itertools import islice

from pynamodb.exceptions import PutError
from pynamodb.models import Model

BATCH = 25
"""Records a BatchWriteItem takes."""

_ROUNDS = 8
_FIRST_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 10.0


def put_all(model: type[Model], records: Iterable[Model], *, pause: Callable[[float], None] = time.sleep) -> None:
    """Put records of one table, unconditionally; not more than a batch is held at a time.

    pynamodb sends what DynamoDB left over again at once, a few times. One partition takes a thousand writes a second,
    and a build is one partition: when that does not help, the batch is sent again after a pause that doubles. Putting
    a record twice is putting it once.

    Raises:
        PutError: when a batch is not taken after about half a minute, or is refused.
    """
    remaining = iter(records)
    while batch := list(islice(remaining, BATCH)):
        for attempt in range(_ROUNDS):
            try:
                _put(model, batch)
            except PutError as error:
                if attempt == _ROUNDS - 1 or error.cause is not None:
                    raise
                longest = min(_FIRST_PAUSE_SECONDS * 2**attempt, _LONGEST_PAUSE_SECONDS)
                pause(longest * random.uniform(0.5, 1.0))  # noqa: S311 - spreads retries, guards nothing
            else:
                break


def _put(model: type[Model], batch: list[Model]) -> None:
    with model.batch_write(auto_commit=False) as writing:
        for record in batch:
            writing.save(record)
