"""Which stack is meant: by address, by name in an account, or the one on this machine."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from stratocube.cli.session import Session
from stratocube.client.connection import LocalRecord
from stratocube.errors import InvalidRequest, NotFound

RECORD = LocalRecord("http://127.0.0.1:4580/v1", "local", "http://127.0.0.1:4580", "id", "secret", "us-east-1", {})
OUTPUTS = {"ApiUrl": "https://abc.execute-api.example/v1/", "ApiKeyId": "k1", "CubeBucket": "cubes"}


class Account:
    """CloudFormation and API Gateway of an account."""

    def __init__(self, **session: Any) -> None:
        self.session = session

    def client(self, service: str) -> Any:
        if service == "cloudformation":
            stack = {"Outputs": [{"OutputKey": key, "OutputValue": value} for key, value in OUTPUTS.items()]}
            return SimpleNamespace(describe_stacks=lambda StackName: {"Stacks": [stack]})  # noqa: N803 - boto3's name
        return SimpleNamespace(get_api_key=lambda apiKey, includeValue: {"value": f"value of {apiKey}"})  # noqa: N803 - as above


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("stratocube.cli.session._state_dir", lambda: tmp_path)
    monkeypatch.setattr(boto3, "Session", Account)
    return tmp_path


def meant(**options: str) -> tuple[str, str]:
    client = Session(**options).client()
    return client.url, client.api_key


def test_the_stack_on_this_machine_is_meant_when_none_is_named(places: Path) -> None:
    with pytest.raises(NotFound, match="stratocube up"):
        meant()
    RECORD.write(places)
    assert meant() == (RECORD.url, "local")
    aws = Session().aws()
    assert aws.embedded
    assert aws.gdal["AWS_S3_ENDPOINT"] == "127.0.0.1:4580"


def test_a_named_stack_tells_its_address_and_key(places: Path) -> None:
    RECORD.write(places)
    assert meant(stack="cube", profile="research") == ("https://abc.execute-api.example/v1", "value of k1")
    aws = Session(stack="cube", profile="research").aws()
    assert (aws.stack, aws.embedded, aws.gdal) == ("cube", False, {"AWS_PROFILE": "research"})
    assert aws.output("CubeBucket") == "cubes"


def test_an_address_goes_before_all_and_the_named_stack_tells_its_key(places: Path) -> None:
    RECORD.write(places)
    own = "https://cubes.example.org"
    assert meant(url=f"{own}/", api_key="given") == (own, "given")
    assert meant(url=own) == (own, "")
    assert meant(url=own, stack="cube") == (own, "value of k1")


def test_an_address_alone_opens_no_bucket(places: Path) -> None:
    RECORD.write(places)
    with pytest.raises(NotFound, match="name it with --stack"):
        Session(url="https://cubes.example.org").aws()
    assert Session(url=RECORD.url).aws().embedded, "the address of the stack on this machine is that stack"


def test_what_is_no_address_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="https://"):
        meant(url="cubes.example.org")
