"""Taking any single permission away from any function makes something fail: none is unused, and none is missing.

The policies are those the deployed roles have. For each action of each statement: it is taken away, the function does
what it does (:mod:`tests.stack.journeys`), something must fail, and the action is put back.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from stratocube.local.stack import running_stack
from tests.stack.conftest import Application
from tests.stack.journeys import OTHERS, SECRET, Bench, Journey, journeys
from tests.stack.journeys_arrivals import api_journeys, arrival_journeys
from tests.unit.infra.stack import as_list, resources, statements
from tests.unit.storage.web import serving
from tests.unit.workflow.small_build import scene
from tests.unit.workflow.stac_api import TOKEN, Api

pytestmark = pytest.mark.slow

FUNCTIONS = ("api", "plan", "search", "merge", "prepare-blend", "blend", "publish", "finish", "sweep")
FUNCTIONS += ("scene-arrival", "dispatch", "reconcile")
NOT_SHOWN = (
    {
        (function, "TellMissingFromForbidden", "s3:ListBucket"): (
            "S3 answers 404 for an object that is not there to those who may list the bucket and 403 to others, "
            "the emulator 404 to all. That a 403 fails what these functions do is shown by "
            "tests/unit/storage/test_objects.py."
        )
        for function in ("plan", "search", "merge", "prepare-blend", "blend", "publish", "finish", "sweep")
    }
    | {
        (function, "FailedEvents", "sqs:SendMessage"): (
            "Lambda sends with the function's role what the function failed on, the emulator with nobody's. AWS "
            "refuses the configuration of the destination to a role without it (test_dead_letters.py shows what "
            "arrives)."
        )
        for function in ("finish", "sweep", "dispatch", "reconcile")
    }
    | {
        ("scene-arrival", "Messages", f"sqs:{action}"): (
            "Lambda fetches messages with the function's role, the emulator with nobody's. AWS refuses the event "
            "source mapping to a role without it."
        )
        for action in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
    }
    | {
        ("api", "MadeBuckets", "s3:ListBucket"): (
            "HeadBucket, which tells whether a name is taken, asks for it; the emulator answers 404 for a bucket that "
            "is not there to anybody."
        ),
        ("api", "MadeBuckets", "s3:PutBucketPolicy"): (
            "The policy of a bucket made on request refuses requests without TLS, which the emulator does not speak: "
            "it is left out there (RequireTls). tests/unit/api/test_api_buckets.py shows that it is put."
        ),
    }
    | {
        (function, sid, "sns:Publish"): (
            "The default policy of a topic in the emulator lets every principal of its account publish. That an SNS "
            "that refuses fails publish and deletion is shown by tests/unit/workflow/test_item_index.py."
        )
        for function, sid in (("publish", "TellOfItems"), ("api", "TellOfADeletedItem"))
    }
)
"""What the emulator cannot show: the reason by (function, statement, action)."""


def _role(function: str) -> str:
    return "".join(part.capitalize() for part in function.split("-")) + "FunctionRole"


GRANTED = [
    (function, statement["Sid"], action)
    for function in FUNCTIONS
    for statement in statements(_role(function))
    for action in as_list(statement["Action"])
]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A stack of its own with one finished build, and a STAC API on this machine that it may read."""
    parameters = {"AllowedHosts": "127.0.0.1", "SceneBuckets": OTHERS}
    with (
        serving(Api()) as api,
        running_stack(port=0, state_dir=tmp_path_factory.mktemp("stack"), parameters=parameters) as stack,
        pytest.MonkeyPatch.context() as environment,
    ):
        for name, value in {
            "AWS_ENDPOINT_URL": stack.emulator.url,
            "AWS_ACCESS_KEY_ID": stack.emulator.access_key_id,
            "AWS_SECRET_ACCESS_KEY": stack.emulator.secret_access_key,
            "AWS_DEFAULT_REGION": "us-east-1",
        }.items():
            environment.setenv(name, value)
        application = Application(stack)
        api.items = [scene(f"s3://{application.landing}/red.tif", f"s3://{application.landing}/scl.tif")]
        bench = Bench(application, api.url("/"))
        bench.prepare(TOKEN)
        yield bench


@pytest.fixture(scope="module")
def ways(bench: Bench) -> dict[str, list[Journey]]:
    """What each function does, each of it seen to work with all permissions in place."""
    found = journeys(bench) | arrival_journeys(bench)
    found["api"] += api_journeys(bench)
    failures = {
        (function, position): error
        for function, steps in found.items()
        for position, step in enumerate(steps)
        if (error := step()) is not None
    }
    assert failures == {}
    return found


def test_every_function_is_looked_at() -> None:
    roles = {name for name in resources("AWS::IAM::Role") if name.endswith("FunctionRole")}
    assert {_role(function) for function in FUNCTIONS} == roles
    assert set(NOT_SHOWN) <= set(GRANTED)


SHOWN = [granted for granted in GRANTED if granted not in NOT_SHOWN]


@pytest.mark.parametrize(("function", "sid", "action"), SHOWN, ids=["-".join(granted) for granted in SHOWN])
def test_without_this_permission_something_fails(
    bench: Bench, ways: dict[str, list[Journey]], function: str, sid: str, action: str
) -> None:
    with _without(bench, function, sid, action):
        error = next((error for step in ways[function] if (error := step()) is not None), None)
    assert error is not None, f"{function} works without {action} of {sid}: take it out of the template"


@contextmanager
def _without(bench: Bench, function: str, sid: str, action: str) -> Iterator[None]:
    """Take one action of one statement out of the role of a function, and put it back."""
    iam, lambda_client = bench.stack.client("iam"), bench.stack.client("lambda")
    arn: str = lambda_client.get_function(FunctionName=f"stratocube-{function}")["Configuration"]["Role"]
    role = arn.rsplit("/", 1)[1]
    before: dict[str, Any] = {
        name: iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]
    }
    taken = 0
    for name, document in before.items():
        changed = copy.deepcopy(document)
        for statement in changed["Statement"]:
            if statement["Sid"] == sid:
                taken += action in as_list(statement["Action"])
                statement["Action"] = [kept for kept in as_list(statement["Action"]) if kept != action]
        changed["Statement"] = [statement for statement in changed["Statement"] if statement["Action"]]
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(changed))
    assert taken == 1, f"{function} never had {action} of {sid}"
    try:
        yield
    finally:
        for name, document in before.items():
            iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))


def test_the_token_of_a_stac_api_is_in_no_log_no_table_and_no_object(bench: Bench) -> None:
    done = bench.app.build(bench.request(stac_url=bench.api_url, token_secret=SECRET))
    assert done.status == "SUCCEEDED"
    kept = [bench.stack.emulator.log.read_bytes()]
    s3 = bench.stack.client("s3")
    for bucket in (bench.app.cubes, bench.stack.outputs["WorkBucket"]):
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            kept += [s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read() for entry in page["Contents"]]
    for name in ("CubesTable", "GridsTable", "BuildsTable", "ActivitiesTable", "ArrivalsTable"):
        rows = bench.stack.client("dynamodb").scan(TableName=bench.stack.outputs[name])["Items"]
        kept.append(str(rows).encode())
    logs = bench.stack.client("logs")
    for group in logs.describe_log_groups()["logGroups"]:
        for stream in logs.describe_log_streams(logGroupName=group["logGroupName"])["logStreams"]:
            events = logs.get_log_events(
                logGroupName=group["logGroupName"], logStreamName=stream["logStreamName"], startFromHead=True
            )["events"]
            kept += [event["message"].encode() for event in events]
    machine = bench.stack.client("stepfunctions")
    arn = bench.stack.outputs["StateMachineArn"].replace(":stateMachine:", ":execution:") + f":{done.build_id}"
    kept.append(str(machine.get_execution_history(executionArn=arn)["events"]).encode())
    everything = b"\n".join(kept)
    assert done.build_id.encode() in everything
    assert TOKEN.encode() not in everything
