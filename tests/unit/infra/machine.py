"""infra/build_cube.asl.json, its placeholders filled in, and ways to look at it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from tests.unit.infra.stack import ROOT, resources

DEFINITION = ROOT / "infra" / "build_cube.asl.json"
WORK_BUCKET = "work"

_PLACEHOLDER = re.compile(r"\$\{(\w+)\}")
# The account of the interpreter, which calls no function of another.
_FUNCTION_ARN = "arn:aws:lambda:us-east-1:000000000000:function:"

Json = dict[str, Any]


def placeholders() -> set[str]:
    """The names the definition expects substitutions for."""
    return set(_PLACEHOLDER.findall(DEFINITION.read_text()))


def substitutions() -> Mapping[str, Any]:
    """What the template substitutes, by name."""
    (machine,) = resources("AWS::StepFunctions::StateMachine").values()
    values: Json = machine["DefinitionSubstitutions"]
    return values


def function_name(arn: str) -> str:
    """``Merge`` of the ARN that stands for ``${MergeFunctionArn}``."""
    return arn.removeprefix(_FUNCTION_ARN)


@cache
def definition_text() -> str:
    """The definition as Step Functions gets it."""

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name.endswith("FunctionArn"):
            return _FUNCTION_ARN + name.removesuffix("FunctionArn")
        return WORK_BUCKET if name == "WorkBucket" else "7"

    return _PLACEHOLDER.sub(value, DEFINITION.read_text())


@cache
def definition() -> Json:
    """The definition, parsed."""
    machine: Json = json.loads(definition_text())
    return machine


def scopes(machine: Json | None = None, name: str = "build") -> Iterator[tuple[str, Json]]:
    """Every set of states that runs as one: the machine and the processor of each map, with a name."""
    machine = machine or definition()
    yield name, machine
    for state_name, state in machine["States"].items():
        if "ItemProcessor" in state:
            yield from scopes(state["ItemProcessor"], state_name)


def states() -> dict[str, Json]:
    """Every state of every scope. Names are unique in the whole definition."""
    found = [(name, state) for _, scope in scopes() for name, state in scope["States"].items()]
    assert len(found) == len({name for name, _ in found}), "a name stands for two states"
    return dict(found)


def of_type(kind: str) -> dict[str, Json]:
    """The states of one type, by name."""
    return {name: state for name, state in states().items() if state["Type"] == kind}


def successors(state: Json) -> set[str]:
    """The states that may follow a state."""
    following = {state[field] for field in ("Next", "Default") if field in state}
    following |= {rule["Next"] for field in ("Choices", "Catch") for rule in state.get(field, [])}
    return following
