"""Tokens come from Secrets Manager, go out as headers to one host, and are written down nowhere."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest

from stratocube.catalog.stac_api import ApiSource
from stratocube.errors import InvalidRequest, StratocubeError, TransientRead
from stratocube.workflow.context import Stack
from stratocube.workflow.merge import merge_date
from stratocube.workflow.search import search_unit
from stratocube.workflow.tasks import MergeTask
from stratocube.workflow.tokens import secret_reader, token_headers
from tests.unit.storage.web import Web, serving
from tests.unit.workflow.conftest import REGION
from tests.unit.workflow.small_build import BUILD, INVOCATION, UNIT, allowing, planned, raster, scene, written
from tests.unit.workflow.stac_api import BEARER, TOKEN, Api


@pytest.fixture
def api() -> Iterator[Api]:
    with serving(Api(files={"/red.tif": raster(7), "/scl.tif": raster(4, "uint8")})) as running:
        assert isinstance(running, Api)
        running.items = [scene(running.url("/red.tif"), running.url("/scl.tif"))]
        yield running


@pytest.fixture
def secrets(stack: Stack) -> Any:
    """Secrets Manager, with secrets of this stack and of somebody else."""
    client = boto3.client("secretsmanager", region_name=REGION)
    client.create_secret(Name="mine/good", SecretString=TOKEN)
    client.create_secret(Name="mine/key", SecretString=json.dumps({"X-Api-Key": TOKEN}))
    client.create_secret(Name="mine/wrong", SecretString=TOKEN[::-1])
    client.create_secret(Name="theirs/good", SecretString="not yours")
    return client


def ready(stack: Stack, api: Api, secret: str | None) -> Stack:
    """A stack that may read the API, with a build planned on it."""
    stack = replace(allowing(stack, api.host), secret=secret_reader("mine/", region=REGION))
    planned(stack, stac_url=api.url("/"), **({"token_secret": secret} if secret else {}))
    return stack


def searched_tasks(stack: Stack) -> list[MergeTask]:
    answer = search_unit(stack, BUILD, UNIT)
    return [MergeTask.from_json(task) for task in stack.work.read_json(answer["merges"]["key"])]


def everything_stored(stack: Stack) -> bytes:
    """All objects and all rows of all tables, in one."""
    objects = [
        stack.work.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        for bucket, keys in written(stack).items()
        for key in keys
    ]
    dynamodb = boto3.client("dynamodb", region_name=REGION)
    tables = dynamodb.list_tables()["TableNames"]
    rows = [str(dynamodb.scan(TableName=table)["Items"]).encode() for table in tables]
    assert len(objects) >= 4
    assert len(tables) == 6
    return b"\n".join(objects + rows)


@pytest.mark.parametrize(("secret", "wanted"), [("good", ("authorization", BEARER)), ("key", ("x-api-key", TOKEN))])
def test_a_build_against_an_api_that_wants_a_token_leaves_it_nowhere(
    stack: Stack, secrets: Any, api: Api, secret: str, wanted: tuple[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="stratocube")
    caplog.set_level(logging.DEBUG, logger="urllib3")
    api.wanted = wanted
    stack = ready(stack, api, secret)
    for task in searched_tasks(stack):
        merge_date(stack, INVOCATION, task)
    assert api.searches == 1
    stored = everything_stored(stack)
    assert secret.encode() in stored  # the name is kept, so the search is looking in the right places
    assert TOKEN.encode() not in stored
    assert TOKEN not in caplog.text


def test_the_token_goes_to_the_api_and_not_to_the_scenes(stack: Stack, secrets: Any, api: Api) -> None:
    stack = ready(stack, api, "good")
    for task in searched_tasks(stack):
        merge_date(stack, INVOCATION, task)
    told = {path for _, path, headers in api.requests if TOKEN in str(headers)}
    assert {path.partition("?")[0] for path in told} == {"/", "/search"}


@pytest.mark.parametrize(
    ("secret", "message"),
    [
        ("wrong", "refused the search with 401"),
        (None, "refused the search with 401"),
        ("absent", "the secret mine/absent does not exist"),
    ],
)
def test_a_wrong_or_missing_token_fails_the_unit_with_a_cause_that_does_not_hold_it(
    stack: Stack, secrets: Any, api: Api, secret: str | None, message: str
) -> None:
    stack = ready(stack, api, secret)
    with pytest.raises(InvalidRequest, match=message) as caught:
        search_unit(stack, BUILD, UNIT)
    assert TOKEN[::-1] not in shown(caught.value)
    assert TOKEN[::-1].encode() not in everything_stored(stack)


def shown(error: BaseException) -> str:
    """An error as a traceback shows it, causes and all."""
    texts: list[str] = []
    link: BaseException | None = error
    while link is not None:
        texts.append(str(link))
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return "\n".join(texts)


def test_the_secret_of_somebody_else_cannot_be_named(stack: Stack, secrets: Any) -> None:
    read = secret_reader("mine/", region=REGION)
    with pytest.raises(InvalidRequest, match="mine/theirs/good does not exist"):
        token_headers("theirs/good", read)
    for name in ("../theirs/good", "/theirs/good", "arn:aws:secretsmanager:us-east-1:123456789012:secret:theirs/good"):
        with pytest.raises(StratocubeError):
            token_headers(name, read)


@pytest.mark.parametrize(
    "text", ["", "  ", "two\nlines", '{"x": 1}', "{}", '{"x": "a\\r\\nHost: b"}', "{not json", '{"": "a"}', "naïve"]
)
def test_a_secret_that_cannot_be_sent_is_named_and_not_shown(text: str) -> None:
    with pytest.raises(InvalidRequest, match=r"token_secret: the secret odd ") as caught:
        token_headers("odd", lambda _: text)
    assert caught.value.field == "token_secret"
    assert not text.strip(" {}") or text not in shown(caught.value)


def test_a_binary_secret_is_refused(secrets: Any) -> None:
    secrets.create_secret(Name="mine/binary", SecretBinary=b"\x00\x01")
    with pytest.raises(InvalidRequest, match="is binary"):
        secret_reader("mine/", region=REGION)("binary")


def test_secrets_manager_out_of_reach_is_no_fault_of_the_request(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETSMANAGER", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(TransientRead, match="secret mine/good: Could not connect"):
        secret_reader("mine/", region=REGION)("good")


def test_a_next_page_on_another_host_does_not_get_the_token(stack: Stack, secrets: Any, api: Api) -> None:
    with serving(Web()) as other:
        api.following = other.url("/search")
        stack = ready(stack, api, "good")
        stack = replace(stack, settings=replace(stack.settings, allowed_hosts=(api.host, other.host)))
        with pytest.raises(InvalidRequest, match="must not get its token"):
            search_unit(stack, BUILD, UNIT)
        assert other.requests == []


def test_a_redirect_to_another_host_does_not_get_the_token(stack: Stack, secrets: Any, api: Api) -> None:
    with serving(Web()) as other:
        api.redirects = {"/search": other.url("/search")}
        stack = ready(stack, api, "key")
        api.wanted = ("x-api-key", TOKEN)
        stack = replace(stack, settings=replace(stack.settings, allowed_hosts=(api.host, other.host)))
        with pytest.raises(InvalidRequest, match="must not get its token"):
            search_unit(stack, BUILD, UNIT)
        assert other.requests == []


def test_items_that_repeat_the_token_are_refused_before_they_are_written(stack: Stack, secrets: Any, api: Api) -> None:
    api.items = [scene(api.url(f"/red.tif?access_token={TOKEN}"), api.url("/scl.tif"))]
    stack = ready(stack, api, "good")
    with pytest.raises(InvalidRequest, match="repeats its token"):
        search_unit(stack, BUILD, UNIT)
    assert TOKEN.encode() not in everything_stored(stack)


def test_a_source_hides_what_its_headers_hold() -> None:
    source = ApiSource("https://stac.example.org/", headers=(("Authorization", BEARER), ("x-api-key", "abc")))
    assert TOKEN not in repr(source)
    assert source.hidden(f"401: {BEARER!r} and {TOKEN} are no good, abc") == "401: '…' and … are no good, abc"
