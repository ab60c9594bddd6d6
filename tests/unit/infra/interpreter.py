"""Runs the state machine with canned answers, on the emulator's interpreter but without an emulator.

Functions are answered by a dictionary of Python functions, S3 by a dictionary of objects, and nobody waits.
"""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from ministack.services import stepfunctions

from tests.unit.infra.machine import WORK_BUCKET, definition_text, function_name

_ROLE = "arn:aws:iam::123456789012:role/machine"
_LONGEST_SECONDS = 30.0
_names = itertools.count()

Json = dict[str, Any]
Answer = Callable[[Json], Any]


class FunctionError(Exception):
    """What a function raises, by the name Step Functions sees."""

    def __init__(self, error_type: str, message: str = "") -> None:
        super().__init__(message)
        self.error_type = error_type
        self.message = message


@dataclass
class Run:
    """What an execution did."""

    status: str = "RUNNING"
    output: Any = None
    error: str | None = None
    calls: list[tuple[str, Json]] = field(default_factory=list)
    """(function, payload) in the order of the calls."""

    def payloads(self, function: str) -> list[Json]:
        """What a function was called with."""
        return [payload for name, payload in self.calls if name == function]


def run(monkeypatch: pytest.MonkeyPatch, answers: Mapping[str, Answer], objects: Mapping[str, Any]) -> Run:
    """Run an execution of build ``b1`` to its end."""
    record = Run()
    lock = threading.Lock()

    def call(arn: str, payload: Json) -> Any:
        name = function_name(arn)
        with lock:
            record.calls.append((name, payload))
        try:
            return answers[name](payload)
        except FunctionError as error:
            cause = json.dumps({"errorType": error.error_type, "errorMessage": error.message})
            raise stepfunctions._ExecutionError(error.error_type, cause) from error

    def read(bucket: str, key: str) -> str:
        assert bucket == WORK_BUCKET
        if key not in objects:
            raise stepfunctions._ExecutionError("States.ItemReaderFailed", f"there is no {key}")
        return json.dumps(objects[key])

    monkeypatch.setattr(stepfunctions, "_call_lambda", call)
    monkeypatch.setattr(stepfunctions, "_s3_object_text", read)
    monkeypatch.setattr(stepfunctions, "_SFN_WAIT_SCALE", 0)
    machine = _request(
        stepfunctions._create_state_machine,
        {"name": f"m{next(_names)}", "definition": definition_text(), "roleArn": _ROLE},
    )["stateMachineArn"]
    execution = _request(
        stepfunctions._start_execution, {"stateMachineArn": machine, "input": json.dumps({"build_id": "b1"})}
    )["executionArn"]
    deadline = time.monotonic() + _LONGEST_SECONDS
    while (state := _request(stepfunctions._describe_execution, {"executionArn": execution}))["status"] == "RUNNING":
        assert time.monotonic() < deadline, f"still running after {record.calls}"
        time.sleep(0.01)
    record.status = state["status"]
    record.output = json.loads(state["output"]) if state.get("output") else None
    record.error = state.get("error")
    return record


def _request(action: Callable[[Json], tuple[int, Any, bytes]], data: Json) -> Json:
    status, _, body = action(data)
    answer: Json = json.loads(body)
    assert status == 200, answer
    return answer
