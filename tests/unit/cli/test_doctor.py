"""``stratocube doctor``: every finding has its remedy, and what is broken ends with 1."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoCredentialsError
from typer.testing import CliRunner

from stratocube import __version__
from stratocube.cli import checks
from stratocube.cli.aws import Aws
from stratocube.cli.checks import Finding, of_embedded_stack
from stratocube.cli.checks_aws import of_aws
from stratocube.cli.main import app
from tests.unit.api.api_client import Client
from tests.unit.api.conftest import client, stack  # noqa: F401 - fixtures
from tests.unit.cli.served import KEY, served

ROLE = "arn:aws:sts::123456789012:assumed-role/Researcher/me"
PARAMETERS = {"UnitConcurrency": "10", "MergeConcurrency": "20", "BlendConcurrency": "10"}
OUTPUTS = {"CubeBucket": "cubes", "LandingBucket": "landing", "FailedEvents": "https://queue", "ApiKeyId": "k"}


class Account:
    """AWS of an account: answers by operation, or an error in their place."""

    def __init__(self, **changes: Any) -> None:
        self.asked: list[dict[str, Any]] = []
        self.answers: dict[str, Any] = {
            "get_caller_identity": {"Arn": ROLE},
            "describe_stacks": {
                "Stacks": [
                    {
                        "StackStatus": "CREATE_COMPLETE",
                        "Outputs": [{"OutputKey": key, "OutputValue": value} for key, value in OUTPUTS.items()],
                        "Parameters": [
                            {"ParameterKey": key, "ParameterValue": value} for key, value in PARAMETERS.items()
                        ],
                    }
                ]
            },
            "simulate_principal_policy": {"EvaluationResults": [{"EvalDecision": "allowed"}]},
            "list_objects_v2": {},
            "get_queue_attributes": {},
            "get_api_key": {},
            "get_account_settings": {"AccountLimit": {"UnreservedConcurrentExecutions": 1000}},
            "list_service_quotas": {"Quotas": [{"QuotaName": "Open Map Runs", "Value": 1000.0}]},
        } | changes

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**given: Any) -> Any:
            self.asked.append({"operation": operation, **given})
            answer = self.answers[operation]
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call


def denied(operation: str) -> ClientError:
    return ClientError({"Error": {"Code": "AccessDenied", "Message": "not you"}}, operation)


def looked_at(account: Account) -> dict[str, Finding]:
    found = list(of_aws(Aws("cubes", lambda _: account)))
    assert all(finding.remedy for finding in found if finding.state == "broken")
    return {finding.topic: finding for finding in found}


def states(found: dict[str, Finding]) -> dict[str, str]:
    return {topic: finding.state for topic, finding in found.items()}


def test_an_account_in_order() -> None:
    account = Account()
    found = looked_at(account)
    assert states(found) == {
        "credentials": "ok",
        "stack": "ok",
        "permissions": "ok",
        "Lambda concurrency": "ok",
        "map runs": "ok",
    }
    assert "10 units x 20 tasks = 200 functions at a time, of 1000" in found["Lambda concurrency"].text
    assert "up to 11 Step Functions map runs, of 1000" in found["map runs"].text
    asked = [given for given in account.asked if given["operation"] == "simulate_principal_policy"]
    assert {given["PolicySourceArn"] for given in asked} == {"arn:aws:iam::123456789012:role/Researcher"}
    assert asked[0]["ResourceArns"] == ["arn:aws:s3:::cubes/*"]


def test_without_credentials_nothing_more_is_asked() -> None:
    account = Account(get_caller_identity=NoCredentialsError())
    assert states(looked_at(account)) == {"credentials": "broken"}
    assert [given["operation"] for given in account.asked] == ["get_caller_identity"]


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("UPDATE_COMPLETE", "ok"),
        ("UPDATE_IN_PROGRESS", "note"),
        ("UPDATE_ROLLBACK_COMPLETE", "note"),
        ("CREATE_FAILED", "broken"),
        ("ROLLBACK_COMPLETE", "broken"),
    ],
)
def test_the_state_of_the_stack(status: str, state: str) -> None:
    account = Account()
    account.answers["describe_stacks"]["Stacks"][0]["StackStatus"] = status
    assert states(looked_at(account))["stack"] == state


def test_a_stack_that_is_not_there_is_broken() -> None:
    found = looked_at(Account(describe_stacks=denied("DescribeStacks")))
    assert states(found) == {"credentials": "ok", "stack": "broken"}
    assert "DescribeStacks" in found["stack"].remedy


def test_a_permission_that_is_missing_says_what_it_is_for() -> None:
    found = looked_at(Account(simulate_principal_policy={"EvaluationResults": [{"EvalDecision": "implicitDeny"}]}))
    assert (found["permission"].state, "permissions" in found) == ("note", False)
    assert "needed for" in found["permission"].text


def test_who_may_not_ask_the_simulator_is_tried() -> None:
    found = looked_at(Account(simulate_principal_policy=denied("Simulate"), get_api_key=denied("GetApiKey")))
    assert found["permission"].text.startswith("cannot ask for the API key: ")
    assert found["permissions"].text == (
        "can list the cube bucket, list the landing bucket, look at the dead-letter queue"
    )


def test_quotas_that_do_not_suffice_say_what_to_ask_for() -> None:
    small = Account(get_account_settings={"AccountLimit": {"UnreservedConcurrentExecutions": 50}})
    found = looked_at(small)["Lambda concurrency"]
    assert (found.state, "ask for 200" in found.remedy) == ("note", True)
    unknown = looked_at(Account(get_account_settings=denied("x"), list_service_quotas=denied("y")))
    assert unknown["Lambda concurrency"].state == "note"
    assert unknown["map runs"].text.endswith("(the default)")
    few = Account(list_service_quotas={"Quotas": [{"QuotaName": "Open map runs", "Value": 5.0}]})
    assert looked_at(few)["map runs"].state == "note"


def test_a_port_that_is_taken_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        free = [finding for finding in of_embedded_stack(None, port) if finding.topic == "port"]
        taken.listen()
        busy = [finding for finding in of_embedded_stack(None, port) if finding.topic == "port"]
    assert [(finding.state, finding.remedy != "") for finding in (*free, *busy)] == [("ok", False), ("note", True)]


@pytest.fixture
def url(client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:  # noqa: F811 - the fixture
    monkeypatch.setattr("stratocube.cli.session._state_dir", lambda: tmp_path)
    with served(client) as address:
        yield address


def diagnosed(*words: str, code: int) -> dict[str, Any]:
    answer = CliRunner().invoke(app, [*words, "doctor", "--json"])
    assert answer.exit_code == code, answer.output
    return {finding["topic"]: finding for finding in json.loads(answer.stdout)}


def test_an_api_that_answers_is_in_order(url: str) -> None:
    found = diagnosed("--url", url, "--api-key", KEY, code=0)
    assert found["API key"]["state"] == "ok"
    assert found["version"]["text"] == f"stratocube {__version__}, here and there"
    assert {"python", "rasterio", "GDAL", "disk"} <= found.keys()


def test_another_version_there_is_worth_knowing(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "__version__", "9.9.9")
    found = diagnosed("--url", url, "--api-key", KEY, code=0)["version"]
    assert (found["state"], found["text"]) == ("note", f"stratocube 9.9.9 here, {__version__} there")


def test_a_wrong_key_and_a_wrong_address_are_broken(url: str) -> None:
    assert diagnosed("--url", url, "--api-key", "wrong", code=1)["API key"]["state"] == "broken"
    assert diagnosed("--url", "http://127.0.0.1:9/v1", code=1)["API"]["state"] == "broken"


def test_without_a_stack_nothing_is_broken_and_the_way_to_one_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stratocube.cli.session._state_dir", lambda: tmp_path)
    answer = CliRunner().invoke(app, ["doctor"])
    assert answer.exit_code == 0, answer.output
    assert "stratocube up" in answer.stdout
    assert answer.stdout.endswith("nothing is broken\n")
