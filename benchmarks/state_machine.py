"""Runs ``infra/build_cube.asl.json`` one state after the other, and counts what Step Functions would count.

No waiting, no threads, no network: the definition that is deployed, its paths and branches, with Python functions in
place of the Lambda functions. Of a Distributed Map's children each is an execution of its own, as on AWS.
"""

from __future__ import annotations

import json
import operator
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DEFINITION = Path(__file__).parents[1] / "infra" / "build_cube.asl.json"

Json = Any
Function = Callable[[Json], Json]

_PLACEHOLDER = re.compile(r"\$\{(\w+)\}")
_INTRINSIC = re.compile(r"States\.(\w+)\((.*)\)")
_ARGUMENT = re.compile(r"\s*('(?:[^'])*'|[^,]+)\s*(?:,|$)")

_COMPARISONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "StringEquals": operator.eq,
    "BooleanEquals": operator.is_,
    "NumericLessThan": operator.lt,
}

EVENTS_OF_EXECUTION = 2
"""ExecutionStarted, and how it ended."""
EVENTS_OF_STATE = 2
"""…StateEntered, …StateExited."""
EVENTS_OF_ATTEMPT = 3
"""TaskScheduled, TaskStarted, and how it ended."""
EVENTS_OF_MAP = 4
"""MapStateStarted, MapRunStarted, how the map run ended, and how the state ended."""


class ExecutionFailed(Exception):
    """An execution, or a state of it, failed."""

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(f"{error}: {cause}")
        self.error = error
        self.cause = cause


@dataclass
class Record:
    """What the executions of a run came to."""

    executions: Counter[str] = field(default_factory=Counter)
    """By scope: ``build``, or the name of the map whose child it is."""
    longest_history: dict[str, int] = field(default_factory=dict)
    """Events of the longest history, by scope."""
    transitions: Counter[str] = field(default_factory=Counter)
    """State transitions by scope: what STANDARD executions are charged by."""
    largest_payload: dict[str, int] = field(default_factory=dict)
    """Bytes of the largest input or output of a state, by name of the state."""
    invocations: Counter[str] = field(default_factory=Counter)
    """Calls by function."""


class StateMachine:
    """The definition with its placeholders filled in, and functions to call."""

    def __init__(self, functions: Mapping[str, Function], read_list: Callable[[str, str], list[Json]]) -> None:
        self._functions = functions
        self._read_list = read_list
        self.definition = load_definition()
        self.record = Record()

    def run(self, given: Json) -> Json:
        """Run an execution to its end; its output.

        Raises:
            ExecutionFailed: when it ends in a Fail state, or an error is not caught.
        """
        return self._execute("build", self.definition, given, {})

    def _execute(self, scope: str, machine: Json, given: Json, item: Json) -> Json:
        self.record.executions[scope] += 1
        run = _Execution(self, scope, machine["States"], {"Map": {"Item": {"Value": item}}})
        try:
            return run.to_end(machine["StartAt"], given)
        finally:
            longest = self.record.longest_history
            longest[scope] = max(longest.get(scope, 0), run.events + EVENTS_OF_EXECUTION)

    def call(self, function: str, payload: Json) -> Json:
        """Call a function; what it raises is an error of Step Functions."""
        self.record.invocations[function] += 1
        try:
            return self._functions[function](json.loads(json.dumps(payload)))
        except Exception as error:
            name = type(error).__name__
            raise ExecutionFailed(name, json.dumps({"errorType": name, "errorMessage": str(error)})) from error

    def children(self, name: str, state: Json, given: Json) -> None:
        """Run the children of a Distributed Map; raises when more fail than it tolerates."""
        source = resolved(state["ItemReader"]["Parameters"], given, {})
        items = self._read_list(source["Bucket"], source["Key"])
        failed = 0
        for item in items:
            context = {"Map": {"Item": {"Value": item}}}
            child = resolved(state["ItemSelector"], given, context) if "ItemSelector" in state else item
            try:
                self._execute(name, state["ItemProcessor"], child, item)
            except ExecutionFailed:
                failed += 1
        if failed * 100 > state.get("ToleratedFailurePercentage", 0) * len(items):
            raise ExecutionFailed("States.ExceedToleratedFailureThreshold", "The specified threshold was exceeded")

    def weigh(self, name: str, *payloads: Json) -> None:
        """Note the size of what a state takes or gives."""
        size = max(len(json.dumps(payload).encode()) for payload in payloads)
        self.record.largest_payload[name] = max(self.record.largest_payload.get(name, 0), size)


class _Execution:
    """One execution: a path through the states of one scope."""

    def __init__(self, machine: StateMachine, scope: str, states: Json, context: Json) -> None:
        self._machine = machine
        self._scope = scope
        self._states = states
        self._context = context
        self.events = 0

    def to_end(self, name: str, given: Json) -> Json:
        following: str | None = name
        while following is not None:
            name, state = following, self._states[following]
            self._machine.record.transitions[self._scope] += 1
            self.events += EVENTS_OF_STATE
            try:
                result, following = self._step(name, state, given)
            except ExecutionFailed as error:
                result, following = _caught(state, given, error)
            self._machine.weigh(name, given, result)
            given = result
        return given

    def _step(self, name: str, state: Json, given: Json) -> tuple[Json, str | None]:
        kind, following = state["Type"], state.get("Next")
        if kind == "Choice":
            return given, _chosen(state, given)
        if kind in {"Wait", "Succeed"}:
            return given, following
        if kind == "Fail":
            raise ExecutionFailed(
                state.get("Error") or resolved({"a.$": state["ErrorPath"]}, given, {})["a"],
                state.get("Cause") or resolved({"a.$": state["CausePath"]}, given, {})["a"],
            )
        result = given if state.get("InputPath", "$") == "$" else _at(given, state["InputPath"], self._context)
        if kind == "Pass":
            result = state.get("Result", result)
            if "Parameters" in state:
                result = resolved(state["Parameters"], given, self._context)
        elif kind == "Task":
            self.events += EVENTS_OF_ATTEMPT
            parameters = resolved(state["Parameters"], given, self._context)
            answer = self._machine.call(parameters["FunctionName"], parameters["Payload"])
            self._machine.weigh(name, parameters, {"Payload": answer})
            result = {"Payload": answer}
        else:
            self.events += EVENTS_OF_MAP
            self._machine.children(name, state, given)
            result = {}
        if "ResultSelector" in state:
            result = resolved(state["ResultSelector"], result, self._context)
        return _placed(given, state.get("ResultPath", "$"), result), following


def load_definition(path: Path = DEFINITION) -> Json:
    """The definition with placeholders filled in: functions by their names, numbers 1, the bucket ``work``."""

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name.endswith("FunctionArn"):
            return name.removesuffix("FunctionArn")
        return "work" if name == "WorkBucket" else "1"

    return json.loads(_PLACEHOLDER.sub(value, path.read_text()))


def resolved(template: Json, given: Json, context: Json) -> Json:
    """A payload template: ``"name.$"`` is a path into input (``$``) or context (``$$``), or an intrinsic function."""
    if isinstance(template, dict):
        return {
            name.removesuffix(".$"): _value(value, given, context)
            if name.endswith(".$")
            else resolved(value, given, context)
            for name, value in template.items()
        }
    return template


def _value(expression: str, given: Json, context: Json) -> Json:
    intrinsic = _INTRINSIC.fullmatch(expression)
    if intrinsic is None:
        return _at(given, expression, context)
    arguments = [
        argument[1:-1] if argument.startswith("'") else _argument(argument, given, context)
        for argument in _ARGUMENT.findall(intrinsic[2])
    ]
    if intrinsic[1] == "Format":
        return arguments[0].replace("{}", "%s") % tuple(arguments[1:])
    if intrinsic[1] == "MathAdd":
        return arguments[0] + arguments[1]
    raise ValueError(f"an intrinsic function this cannot do: {expression}")


def _argument(text: str, given: Json, context: Json) -> Json:
    return _at(given, text.strip(), context) if text.strip().startswith("$") else int(text)


def _at(given: Json, path: str, context: Json) -> Json:
    found = context if path.startswith("$$") else given
    for name in path.lstrip("$").split(".")[1:]:
        try:
            found = found[name]
        except (KeyError, TypeError):
            raise ExecutionFailed("States.Runtime", f"there is no {path} in {str(given)[:200]}") from None
    return found


def _placed(given: Json, path: str | None, result: Json) -> Json:
    if path is None:
        return given
    if path == "$":
        return result
    *parents, last = path.split(".")[1:]
    changed = json.loads(json.dumps(given))
    place = changed
    for name in parents:
        place = place.setdefault(name, {})
    place[last] = result
    return changed


def _caught(state: Json, given: Json, error: ExecutionFailed) -> tuple[Json, str]:
    for catcher in state.get("Catch", []):
        if {"States.ALL", error.error} & set(catcher["ErrorEquals"]):
            return _placed(given, catcher["ResultPath"], {"Error": error.error, "Cause": error.cause}), catcher["Next"]
    raise error


def _chosen(state: Json, given: Json) -> str:
    for rule in state["Choices"]:
        if _holds(rule, given):
            return str(rule["Next"])
    return str(state["Default"])


def _holds(rule: Json, given: Json) -> bool:
    if "And" in rule:
        return all(_holds(part, given) for part in rule["And"])
    value = _at(given, rule["Variable"], {})
    for comparison, holds in _COMPARISONS.items():
        if comparison in rule:
            return bool(holds(value, rule[comparison]))
    raise ValueError(f"a rule this cannot do: {rule}")
