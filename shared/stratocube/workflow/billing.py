"""What a call of a function is charged for, measured by itself: AWS tells it to nobody but the log.

A call is charged from when its handler begins until it ends, times its memory; the first call of a process also for the
start of the process. What the handler does after it has recorded its end (some milliseconds) is not in it, nor a call
that was killed before it could record anything.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from threading import Lock
from typing import Any, Final

from stratocube.state.build_values import Spent

_MEMORY: Final = "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"
_PUTS: Final = frozenset({"PutObject", "CopyObject", "ListObjectsV2", "UploadPart", "CreateMultipartUpload"})
_GETS: Final = frozenset({"GetObject", "HeadObject"})


class Meter:
    """Counts for one process, of which Lambda lets one call run at a time."""

    def __init__(self, *, memory_mb: int = 0, start_seconds: float = 0.0) -> None:
        self._gigabytes = memory_mb / 1024
        self._start_seconds = start_seconds
        self._puts = 0
        self._gets = 0
        self._counting = Lock()

    @classmethod
    def of_process(cls, environment: Mapping[str, str]) -> Meter:
        """The meter of this function; made when its process has started.

        The start is charged as well. Its processor time stands for it: a start is mostly imports, and by the clock it
        could not be told from waiting for a first call.
        """
        memory = environment.get(_MEMORY, "")
        return cls(memory_mb=int(memory) if memory.isdigit() else 0, start_seconds=time.process_time())

    def watch(self, s3: Any) -> None:
        """Count the requests of a botocore client of S3."""
        s3.meta.events.register("before-call.s3", self._count)

    def spent(self, began: float) -> Spent:
        """What a call that began at ``began`` (``time.monotonic()``) came to until now, and is told once: the next
        call begins with nothing."""
        seconds = time.monotonic() - began + self._start_seconds
        found = Spent(1, math.ceil(seconds * 1000) / 1000 * self._gigabytes, self._puts, self._gets)
        self._start_seconds, self._puts, self._gets = 0.0, 0, 0
        return found

    def _count(self, model: Any, **_: object) -> None:
        # files of a plan are written by several threads
        with self._counting:
            self._puts += model.name in _PUTS
            self._gets += model.name in _GETS
