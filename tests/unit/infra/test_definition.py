"""The state machine as a text: complete, reachable, bounded, and retried only where a retry can help."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cfnlint.api import lint

from stratocube.state.status import Step
from tests.unit.infra.machine import (
    DEFINITION,
    Json,
    definition,
    of_type,
    placeholders,
    scopes,
    states,
    substitutions,
    successors,
)
from tests.unit.infra.stack import expanded, functions, statements, texts

LAMBDA_SERVICE = [
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
    "Lambda.ClientExecutionTimeout",
]
TASKS = of_type("Task")
MAPS = of_type("Map")
UNIT = "BuildUnits"
DEFINITION_TEXT = DEFINITION.read_text()
EXPRESS_SECONDS = 300
EXPRESS_TASKS = {"Merge", "PrepareDate", "PublishDate", "Blend"}


def test_every_placeholder_is_given_and_every_gift_is_used() -> None:
    assert placeholders() == set(substitutions())


def test_substitutions_are_what_their_names_say() -> None:
    for name, value in substitutions().items():
        if name.endswith("FunctionArn"):
            assert value == {"Fn::GetAtt": [name.removesuffix("Arn"), "Arn"]}
        else:
            assert value == {"Ref": name}


def without_result_writers(value: Any) -> Any:
    """cfn-lint 1.41 takes a ResultWriter for a text; its form is tested below."""
    if isinstance(value, dict):
        return {name: without_result_writers(part) for name, part in value.items() if name != "ResultWriter"}
    if isinstance(value, list):
        return [without_result_writers(part) for part in value]
    return value


def test_numbers_stay_numbers() -> None:
    assert {state["MaxConcurrency"] for name, state in MAPS.items() if name != UNIT} == {7}
    assert {states()[name]["Result"]["units"] for name in ("AsLive", "AsBackfill")} == {7}
    assert not [name for name in placeholders() if name.endswith("Concurrency") and f'"${{{name}}}"' in DEFINITION_TEXT]


def test_the_definition_is_valid_states_language() -> None:
    text = json.dumps(without_result_writers(definition()))
    machine = {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {"RoleArn": "arn:aws:iam::123456789012:role/r", "DefinitionString": text},
    }
    assert lint(json.dumps({"Resources": {"Machine": machine}})) == []


def test_the_definition_stays_with_the_query_language_both_sides_run() -> None:
    assert "QueryLanguage" not in DEFINITION.read_text()
    assert "ItemBatcher" not in DEFINITION.read_text()


@pytest.mark.parametrize(("name", "scope"), list(scopes()), ids=[name for name, _ in scopes()])
def test_every_state_is_reached_and_leads_somewhere(name: str, scope: Json) -> None:
    inside = scope["States"]
    reached: set[str] = set()
    frontier = {scope["StartAt"]}
    while frontier:
        reached |= frontier
        frontier = {following for state in frontier for following in successors(inside[state])} - reached
    assert reached == set(inside), name
    for state_name, state in inside.items():
        ends = state["Type"] in {"Succeed", "Fail"} or state.get("End") is True
        assert ends != bool(successors(state)), state_name


@pytest.mark.parametrize("name", sorted(TASKS))
def test_retries_help_against_the_service_and_against_reads_and_nothing_else(name: str) -> None:
    service, reads = TASKS[name]["Retry"]
    assert service["ErrorEquals"] == LAMBDA_SERVICE
    assert reads["ErrorEquals"] == ["TransientRead"]
    for retrier in (service, reads):
        assert retrier["BackoffRate"] > 1
        assert retrier["MaxDelaySeconds"] >= retrier["IntervalSeconds"] >= 1
        assert retrier["JitterStrategy"] == "FULL"
        assert 1 <= retrier["MaxAttempts"] <= 10


@pytest.mark.parametrize("name", sorted(set(states()) - set(TASKS)))
def test_nothing_but_a_task_is_retried(name: str) -> None:
    assert "Retry" not in states()[name]


def test_no_retry_list_names_an_error_that_would_come_again() -> None:
    retried = {error for task in TASKS.values() for retrier in task["Retry"] for error in retrier["ErrorEquals"]}
    assert not retried & {"InvalidRequest", "SourceMissing", "Conflict", "NotFound", "States.ALL", "States.TaskFailed"}


def seconds_of_function(task: str) -> int:
    placeholder = TASKS[task]["Parameters"]["FunctionName"].rsplit(":", 1)[-1]
    return int(functions()[f"{placeholder}Function"]["Timeout"])


@pytest.mark.parametrize("name", sorted(TASKS))
def test_a_task_waits_as_long_as_its_function_may_run(name: str) -> None:
    limit = TASKS[name]["TimeoutSeconds"]
    # One function publishes units, for which it has long, and dates, which are small.
    if name != "PublishDate":
        assert seconds_of_function(name) < limit
    if name in EXPRESS_TASKS:
        assert limit < EXPRESS_SECONDS


def test_the_whole_execution_ends_some_day() -> None:
    assert definition()["TimeoutSeconds"] == 14 * 24 * 3600


@pytest.mark.parametrize("name", sorted(MAPS))
def test_maps_are_distributed_and_bounded_and_read_their_items_from_s3(name: str) -> None:
    state = MAPS[name]
    assert state["ItemProcessor"]["ProcessorConfig"]["Mode"] == "DISTRIBUTED"
    assert state["ItemReader"]["Resource"] == "arn:aws:states:::s3:getObject"
    assert state["ItemReader"]["ReaderConfig"] == {"InputType": "JSON"}
    assert set(state["ItemReader"]["Parameters"]) == {"Bucket.$", "Key.$"}
    assert name == UNIT or state["MaxConcurrency"] > 0
    assert "ItemsPath" not in state


@pytest.mark.parametrize("name", sorted(MAPS))
def test_results_of_maps_go_to_the_work_bucket_and_never_into_the_state(name: str) -> None:
    state = MAPS[name]
    assert state["ResultPath"] is None
    assert state["ResultWriter"]["Resource"] == "arn:aws:states:::s3:putObject"
    assert state["ResultWriter"]["Parameters"]["Bucket"] == "work"
    assert state["ResultWriter"]["Parameters"]["Prefix.$"].startswith("States.Format('builds/{}/map-results/")


def test_units_run_with_the_concurrency_of_the_builds_priority() -> None:
    assert MAPS[UNIT]["MaxConcurrencyPath"] == "$.concurrency.units"
    for name, parameter in (("AsLive", "UnitConcurrency"), ("AsBackfill", "BackfillConcurrency")):
        state = states()[name]
        assert (state["ResultPath"], state["Next"]) == ("$.concurrency", UNIT)
        written = DEFINITION_TEXT.split(f'"{name}": {{')[1].split("}", 2)
        assert written[0].strip().endswith(f'{{ "units": ${{{parameter}')
    (backfill,) = states()["Priority"]["Choices"]
    assert (backfill["StringEquals"], backfill["Next"]) == ("backfill", "AsBackfill")
    assert states()["Priority"]["Default"] == "AsLive"


def test_labels_are_unique_and_short() -> None:
    labels = [state["Label"] for state in MAPS.values()]
    assert len(set(labels)) == len(MAPS)
    assert all(len(label) <= 40 for label in labels)


def test_a_unit_is_a_standard_child_and_its_parts_are_express_children() -> None:
    """At-least-once is safe with claims, and an EXPRESS child costs a fraction (ADR 0001)."""
    types = {name: state["ItemProcessor"]["ProcessorConfig"]["ExecutionType"] for name, state in MAPS.items()}
    assert types == {UNIT: "STANDARD"} | dict.fromkeys(set(MAPS) - {UNIT}, "EXPRESS")


def test_units_fail_alone_and_a_unit_fails_with_any_of_its_parts() -> None:
    tolerated = {name: state["ToleratedFailurePercentage"] for name, state in MAPS.items()}
    assert tolerated == {UNIT: 100} | dict.fromkeys(set(MAPS) - {UNIT}, 0)


@pytest.mark.parametrize("name", sorted(set(MAPS) - {UNIT}))
def test_busy_parts_wait_and_ask_the_same_again(name: str) -> None:
    scope = MAPS[name]["ItemProcessor"]
    ask = scope["States"][scope["StartAt"]]
    assert ask["ResultPath"] == "$.answer"
    assert ask["Parameters"]["Payload.$"] == "$.task"
    choice = scope["States"][ask["Next"]]
    (busy,) = choice["Choices"]
    assert (busy["Variable"], busy["StringEquals"]) == ("$.answer.outcome", "BUSY")
    pause = scope["States"][busy["Next"]]
    assert (pause["Type"], pause["Next"]) == ("Wait", scope["StartAt"])
    assert 1 <= pause["Seconds"] <= 30


def test_every_step_of_a_unit_leads_to_fail_unit_with_its_name() -> None:
    unit = MAPS[UNIT]["ItemProcessor"]["States"]
    named = {}
    for name, state in unit.items():
        if state["Type"] in {"Task", "Map"} and name != "FailUnit":
            (catcher,) = state["Catch"]
            assert catcher["ErrorEquals"] == ["States.ALL"]
            assert catcher["ResultPath"] == "$.error"
            note = unit[catcher["Next"]]
            assert (note["Type"], note["ResultPath"], note["Next"]) == ("Pass", "$.failed_step", "FailUnit")
            named[name] = note["Result"]
    assert named == {
        "Search": Step.SEARCH,
        "MergeScenes": Step.MERGE,
        "PrepareDates": Step.PREPARE_DATES,
        "PrepareBlend": Step.PREPARE_BLEND,
        "PublishDates": Step.PUBLISH_DATES,
        "BlendBands": Step.BLEND,
        "Publish": Step.PUBLISH,
    }


def test_steps_come_in_the_order_of_the_architecture() -> None:
    unit = MAPS[UNIT]["ItemProcessor"]
    order = [unit["StartAt"]]
    while following := (state := unit["States"][order[-1]]).get("Next") or state.get("Default"):
        order.append(following)
    choices = {"UnitSearched", "BlendPreparation", "PublishAnswered"}
    assert [name for name in order if name not in choices] == [
        *("Search", "MergeScenes", "PrepareDates", "PrepareBlend"),
        *("PublishDates", "BlendBands", "Publish", "UnitPublished"),
    ]


def test_the_role_may_invoke_what_the_definition_invokes() -> None:
    invoked = {task["Parameters"]["FunctionName"].rsplit(":", 1)[-1] + "Function" for task in TASKS.values()}
    allowed = next(statement for statement in statements("BuildCubeRole") if statement["Sid"] == "Steps")
    assert invoked == {texts(place)[0] for place in allowed["Resource"]}
    assert {task["Resource"] for task in TASKS.values()} == {"arn:aws:states:::lambda:invoke"}


def test_the_template_packages_this_definition() -> None:
    assert expanded()["Resources"]["BuildCube"]["Type"] == "AWS::StepFunctions::StateMachine"
    assert "DefinitionUri: build_cube.asl.json" in (DEFINITION.parent / "template.yaml").read_text()
