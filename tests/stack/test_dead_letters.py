"""What ends without its last state, what cannot be handled, and what nobody reported: each is seen, and put right."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import pytest
from typer.testing import CliRunner

from stratocube.cli.main import app as command_line
from stratocube.state.builds import Builds
from stratocube.state.status import BuildStatus, UnitStatus
from tests.stack.conftest import Application

SECONDS = 60.0
T = TypeVar("T")


def eventually(look: Callable[[], T | None]) -> T:
    """What a look sees, once it sees something."""
    deadline = time.monotonic() + SECONDS
    while (seen := look()) is None:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return seen


@pytest.fixture(scope="module")
def builds(app: Application) -> Iterator[Builds]:
    """The stack's table of builds; the environment is that of somebody who operates the stack."""
    with pytest.MonkeyPatch.context() as environment:
        for name, value in {
            "AWS_ENDPOINT_URL": app.stack.emulator.url,
            "AWS_ACCESS_KEY_ID": app.stack.emulator.access_key_id,
            "AWS_SECRET_ACCESS_KEY": app.stack.emulator.secret_access_key,
            "AWS_DEFAULT_REGION": "us-east-1",
            "NO_PROXY": "127.0.0.1,localhost",
        }.items():
            environment.setenv(name, value)
        yield Builds(app.stack.outputs["BuildsTable"], region="us-east-1")


def operate(*arguments: str) -> str:
    """Run ``stratocube``; what it printed."""
    result = CliRunner().invoke(command_line, [*arguments])
    assert result.exit_code == 0, result.output
    return str(result.output)


def send(app: Application, function: str, event: Any) -> None:
    """Hand an event to a function as EventBridge does, without waiting for it."""
    app.stack.client("lambda").invoke(
        FunctionName=f"stratocube-{function}", InvocationType="Event", Payload=json.dumps(event).encode()
    )


def dead_letter(reason: str) -> str:
    """The id of the message with this reason, once it is in the queue. (The type of the error before it is the
    function's own on AWS, and always ``Runtime.HandlerError`` on the emulator.)"""

    def look() -> str | None:
        lines = operate("dead-letters", "list").splitlines()
        return next((lines[at - 1].split()[0] for at, line in enumerate(lines) if reason in line), None)

    return eventually(look)


def of_build(app: Application, build_id: str, status: str) -> dict[str, Any]:
    """What EventBridge says of the execution of a build."""
    machine = app.stack.outputs["StateMachineArn"]
    return {"source": "aws.states", "detail": {"stateMachineArn": machine, "name": build_id, "status": status}}


def test_a_poison_event_is_in_the_dead_letters_with_the_field_that_is_wrong(app: Application, builds: Builds) -> None:
    send(app, "finish", of_build(app, "b", "POISON"))
    dead_letter(": detail.status: must be one of ABORTED, FAILED, TIMED_OUT, got 'POISON'")


def test_an_event_that_failed_is_handled_when_it_is_replayed(app: Application, builds: Builds) -> None:
    send(app, "finish", of_build(app, "not-yet", "ABORTED"))
    message = dead_letter(": there is no build not-yet")
    builds.create("not-yet", "CUBE-1", {}, now="2026-01-01T00:00:00.000000Z")
    assert "1 events replayed" in operate("dead-letters", "replay", message)
    build = eventually(lambda: found if (found := builds.get("not-yet")).finished_at else None)
    assert (build.status, build.cause) == (
        BuildStatus.FAILED,
        "ABORTED: the execution of the state machine was stopped",
    )
    assert message not in operate("dead-letters", "list")


def test_a_sweep_that_fails_says_why_in_the_dead_letters_and_sweeps_the_rest(app: Application, builds: Builds) -> None:
    for build_id in ("lost-1", "lost-2"):
        builds.create(build_id, "CUBE-1", {}, now="2026-01-01T00:00:00.000000Z")
    # a build nobody can close: its unit says what no unit can be
    table = app.stack.client("dynamodb")
    row = {"build_id": {"S": "lost-1"}, "record": {"S": "UNIT#x"}, "status": {"S": "NONSENSE"}, "totals": {"S": "{}"}}
    place = {name: {"S": "-"} for name in ("tile", "start", "end")}
    table.put_item(TableName=app.stack.outputs["BuildsTable"], Item=row | place)
    send(app, "sweep", {})
    dead_letter(": 1 of the builds could not be swept: build lost-1: ValueError: 'NONSENSE'")
    table.delete_item(
        TableName=app.stack.outputs["BuildsTable"], Key={name: row[name] for name in ("build_id", "record")}
    )
    lost = builds.get("lost-2")
    assert lost.status is BuildStatus.FAILED
    assert lost.cause is not None
    assert lost.cause.startswith("NotStarted: the build was recorded, but the state machine has no execution of it")
    answer = app.stack.client("lambda").invoke(FunctionName="stratocube-sweep", Payload=b"{}")
    assert json.loads(answer["Payload"].read())["LostBuilds"] == 1
    assert builds.get("lost-1").status is BuildStatus.FAILED


@pytest.fixture(scope="module")
def cube(app: Application) -> str:
    """A cube of its own, so that nothing is there to reuse."""
    definition = app.example("cube_lcf", datacube="END-1M-LCF", datacube_identity="END")
    return str(app.stack.call("POST", "/cubes", definition)["id"])


def begun(app: Application, cube: str, builds: Builds) -> str:
    """A build that has made something and has not ended."""
    build_id = str(app.stack.call("POST", "/start", app.example("start_lcf", datacube=cube))["build_id"])

    def look() -> bool | None:
        return True if app.stack.call("GET", f"/builds/{build_id}")["steps"]["merge"]["built"] else None

    eventually(look)
    assert builds.get(build_id).finished_at is None
    return build_id


def test_an_execution_stopped_by_hand_ends_its_build_and_units_and_a_retry_builds_them(
    app: Application, cube: str, builds: Builds
) -> None:
    build_id = begun(app, cube, builds)
    execution = app.stack.outputs["StateMachineArn"].replace(":stateMachine:", ":execution:") + f":{build_id}"
    app.stack.client("stepfunctions").stop_execution(executionArn=execution)
    ended = eventually(lambda: found if (found := builds.get(build_id)).finished_at else None)
    cause = "ABORTED: the execution of the state machine was stopped"
    assert (ended.status, ended.cause) == (BuildStatus.FAILED, cause)
    assert {(unit.status, unit.cause) for unit in builds.units(build_id)} == {(UnitStatus.FAILED, cause)}
    retried = app.wait(app.stack.call("POST", f"/builds/{build_id}/retry")["build_id"])
    assert retried.status == "SUCCEEDED", retried.failed_units
    assert retried.steps["merge"].reused > 0


def test_a_units_execution_stopped_by_hand_ends_that_unit_at_once_and_the_build_goes_on(
    app: Application, builds: Builds
) -> None:
    definition = app.example("cube_lcf", datacube="ENDUNIT-1M-LCF", datacube_identity="ENDUNIT")
    build_id = begun(app, str(app.stack.call("POST", "/cubes", definition)["id"]), builds)
    machine = app.stack.client("stepfunctions")
    execution = app.stack.outputs["StateMachineArn"].replace(":stateMachine:", ":execution:") + f":{build_id}"
    (run,) = [run for run in machine.list_map_runs(executionArn=execution)["mapRuns"] if "/Units:" in run["mapRunArn"]]
    children = machine.list_executions(mapRunArn=run["mapRunArn"], statusFilter="RUNNING")["executions"]
    stopped = children[0]["executionArn"]
    unit_id = json.loads(machine.describe_execution(executionArn=stopped)["input"])["unit_id"]
    machine.stop_execution(executionArn=stopped)
    unit = eventually(lambda: found if (found := builds.unit(build_id, unit_id)).ended_at else None)
    cause = "ABORTED: the execution of the state machine was stopped"
    assert (unit.status, unit.cause) == (UnitStatus.FAILED, cause)
    done = app.wait(build_id)
    # Step Functions goes no further with what is stopped. The emulator does; what it publishes then is published.
    ended = Counter(unit.status.value.lower() for unit in builds.units(build_id))
    assert {status: count for status, count in done.units.items() if count} == {"total": 2, **ended}, done.failed_units
    assert set(ended) <= {"succeeded", "failed"}
    assert done.status == ("PARTIAL" if ended["failed"] else "SUCCEEDED")
