"""Starting builds through the API."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from stratocube.state.status import BuildStatus
from stratocube.workflow.start import LaunchFailed, new_build_id, state_machine
from tests.aws_tables import REGION
from tests.unit.api.api_client import Client
from tests.unit.api.forms import cube_form, grid_form, start_form


@pytest.fixture
def ready(client: Client) -> Client:
    """A client of an API that has the cube and its grid."""
    assert client.post("/create-grids", grid_form()).status == 201
    assert client.post("/cubes", cube_form()).status == 201
    return client


def test_a_start_is_accepted_recorded_and_launched(ready: Client) -> None:
    reply = ready.post("/start", start_form())

    assert reply.status == 202
    build_id = reply.body["build_id"]
    assert reply.body["status"] == "QUEUED"
    assert reply.body["cube_id"] == "S2-16D-1"
    assert reply.body["links"][0] == {"rel": "self", "href": reply.headers["Location"]}
    assert reply.headers["Location"].endswith(f"/v1/builds/{build_id}")
    assert ready.launcher.launched == [build_id]
    build = ready.services.builds.get(build_id)
    assert (build.status, build.created_at) == (BuildStatus.QUEUED, "2026-08-10T12:00:00.250000Z")
    assert build.request == start_form()


def test_the_same_start_twice_is_two_builds(ready: Client) -> None:
    first, second = ready.post("/start", start_form()), ready.post("/start", start_form())

    assert first.body["build_id"] != second.body["build_id"]
    assert ready.launcher.launched == [first.body["build_id"], second.body["build_id"]]


def test_a_name_without_version_means_the_newest_version(ready: Client) -> None:
    # S2-16D-10 sorts before S2-16D-2, and S2-16D-LATE-3 and S2-16DX-9 are other cubes
    for name, version in (("S2-16D", 2), ("S2-16D", 10), ("S2-16D-LATE", 3), ("S2-16DX", 9)):
        assert ready.post("/cubes", cube_form(datacube=name, version=version)).status == 201

    reply = ready.post("/start", start_form(datacube="S2-16D"))

    assert (reply.status, reply.body["cube_id"]) == (202, "S2-16D-10")


def test_a_start_of_an_unknown_cube_is_not_found(ready: Client) -> None:
    for name in ("S2-16D-7", "LC8"):
        reply = ready.post("/start", start_form(datacube=name))
        assert reply.status == 404
        assert name in reply.body["detail"]
    assert ready.launcher.launched == []


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"tiles": ["000002", "009009"]}, "tiles.1", "009009"),
        ({"bands": ["B04", "B99"]}, "bands.1", "B99"),
        ({"stac_url": "https://elsewhere.example.net/"}, "stac_url", "elsewhere.example.net"),
        ({"stac_url": "http://169.254.169.254/latest"}, "stac_url", "169.254.169.254"),
        ({"stac_url": "s3://somebody-elses/items.json"}, "stac_url", "somebody-elses"),
        ({"start_date": "2019-01-02", "end_date": "2019-01-05"}, "end_date", "no period"),
        ({"end_date": "2018-01-01"}, "end_date", "before"),
        ({"collections": []}, "collections", ""),
        ({"shape": [100, 99999]}, "shape.1", ""),
        ({"tilse": ["000002"]}, "tilse", "tiles"),
    ],
)
def test_a_start_that_cannot_work_names_the_field(
    ready: Client, change: dict[str, Any], field: str, words: str
) -> None:
    reply = ready.post("/start", start_form(**change))

    assert reply.status == 400, reply.body
    (error,) = reply.body["errors"]
    assert error["field"] == field
    assert words in error["message"]
    assert "a-real-token" not in json.dumps(reply.body)
    assert ready.launcher.launched == []
    assert ready.services.builds.of_cube("S2-16D-1", limit=1) == ()


def test_a_static_item_collection_in_an_allowed_bucket_is_a_source(ready: Client) -> None:
    assert ready.post("/start", start_form(stac_url="s3://scenes/items.json")).status == 202


def test_validate_only_says_what_would_be_built_and_builds_nothing(ready: Client) -> None:
    reply = ready.post("/start", start_form(validate_only=True))

    assert reply.status == 200
    estimate, note = reply.body.pop("estimate"), reply.body.pop("merge_count_note")
    assert reply.body == {
        "cube_id": "S2-16D-1",
        "status": "VALID",
        "unit_count": 4,
        "tiles": ["000002", "001002"],
        "periods": [["2019-01-01", "2019-01-16"], ["2019-01-17", "2019-02-01"]],
        "bands": ["B04", "B08", "SCL"],
        "merge_count": None,
    }
    assert "when a unit is searched" in note
    assert estimate["is_estimate"] is True
    # four dates in sixteen days, three bands; on four units
    assert (estimate["dates_per_unit"], estimate["merges"], estimate["blends"]) == (4, 48, 12)
    assert 0 < estimate["cost_usd"] < 1
    assert any("4 dates a unit" in assumption for assumption in estimate["assumptions"])
    assert ready.launcher.launched == []


def test_the_number_of_dates_an_estimate_assumes_can_be_given(ready: Client) -> None:
    body = ready.post("/start?dates_per_unit=8", start_form(validate_only=True, bands=["B04"])).body

    # B04 and the quality band
    assert (body["bands"], body["estimate"]["dates_per_unit"], body["estimate"]["merges"]) == (["B04", "SCL"], 8, 64)
    for refused in ("0", "367", "many"):
        reply = ready.post(f"/start?dates_per_unit={refused}", start_form(validate_only=True))
        assert (reply.status, reply.body["errors"][0]["field"]) == (400, "dates_per_unit")


@pytest.mark.parametrize(("retryable", "status"), [(False, 502), (True, 503)])
def test_a_build_that_is_not_launched_is_closed_with_the_cause(ready: Client, retryable: bool, status: int) -> None:
    ready.launcher.failure = LaunchFailed("x", "Step Functions: AccessDeniedException", retryable=retryable)

    reply = ready.post("/start", start_form())

    assert reply.status == status
    assert ("Retry-After" in reply.headers) is retryable
    (build,) = ready.services.builds.of_cube("S2-16D-1", limit=5)
    found = ready.get(f"/builds/{build.build_id}").body
    assert (found["status"], found["cause"]) == ("FAILED", "Step Functions: AccessDeniedException")
    assert found["finished_at"] is not None
    assert found["units"]["total"] == 0


def test_build_ids_sort_by_time_and_can_name_an_execution() -> None:
    moment = datetime(2026, 8, 10, 23, 59, 59, 999_000, tzinfo=UTC)
    ids = [new_build_id(moment + timedelta(milliseconds=n)) for n in range(3)]

    assert ids == sorted(ids)
    assert all(re.fullmatch(r"[0-9A-Za-z_-]{1,80}", build_id) for build_id in ids)
    assert ids[0].startswith("20260810T235959999Z-")
    assert new_build_id(moment) != new_build_id(moment)


def test_a_launch_is_an_execution_named_after_the_build(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("stepfunctions", region_name=REGION)
        definition = {"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}
        role = "arn:aws:iam::123456789012:role/x"
        arn = client.create_state_machine(name="m", definition=json.dumps(definition), roleArn=role)["stateMachineArn"]

        state_machine(arn, region=REGION)("20260810T120000250Z-00ff")

        (execution,) = client.list_executions(stateMachineArn=arn)["executions"]
        assert execution["name"] == "20260810T120000250Z-00ff"
        described = client.describe_execution(executionArn=execution["executionArn"])
        assert json.loads(described["input"]) == {"build_id": "20260810T120000250Z-00ff"}
        client.start_execution(stateMachineArn=arn, name="lost-answer", input="{}")
        state_machine(arn, region=REGION)("lost-answer")
        with pytest.raises(LaunchFailed, match="StateMachineDoesNotExist") as caught:
            state_machine(arn.replace(":m", ":gone"), region=REGION)("b")
        assert caught.value.retryable is False


def test_a_machine_out_of_reach_is_worth_another_try(monkeypatch: pytest.MonkeyPatch) -> None:
    # port 9 (discard) of this machine: nobody listens
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")

    with pytest.raises(LaunchFailed, match="could not be reached") as caught:
        state_machine("arn:aws:states:us-east-1:123456789012:stateMachine:m", region=REGION)("b")

    assert caught.value.retryable is True
