"""Whole documents: fetched from where they are, and no more of them than fits."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from stratocube.errors import InvalidRequest, SourceMissing, TransientRead
from stratocube.storage.fetch import fetcher
from tests.unit.storage.web import Answer, Web, serving


@pytest.fixture
def web() -> Iterator[Web]:
    with serving(Web(files={"/items.json": b"0123456789"})) as running:
        yield running


def test_a_document_comes_as_it_is(web: Web) -> None:
    assert fetcher(None)(web.url("/items.json")) == b"0123456789"


def test_a_document_that_moved_is_not_followed(web: Web) -> None:
    with serving(Web(files={"/items.json": b"secret"})) as other:
        web.redirects = {"/items.json": other.url("/items.json")}
        with pytest.raises(SourceMissing, match="302"):
            fetcher(None)(web.url("/items.json"))
        assert other.requests == []


@pytest.mark.parametrize(
    ("status", "error"),
    [(404, SourceMissing), (403, SourceMissing), (401, SourceMissing), (500, TransientRead), (429, TransientRead)],
)
def test_a_refusal_is_told_from_a_passing_fault(web: Web, status: int, error: type[Exception]) -> None:
    web.always = Answer(status)
    with pytest.raises(error, match=str(status)):
        fetcher(None)(web.url("/items.json"))


def test_a_document_beyond_the_limit_is_refused(web: Web) -> None:
    assert len(fetcher(None, limit=10)(web.url("/items.json"))) == 10
    with pytest.raises(InvalidRequest, match="more than 9 bytes"):
        fetcher(None, limit=9)(web.url("/items.json"))


def test_a_document_is_measured_unpacked(web: Web) -> None:
    packed = gzip.compress(b"0" * 10_000_000)
    assert len(packed) < 20_000
    web.always = Answer(200, packed, {"Content-Encoding": "gzip"})
    with pytest.raises(InvalidRequest, match="more than 100000 bytes"):
        fetcher(None, limit=100_000)(web.url("/items.json"))


def test_a_document_on_s3_beyond_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        s3: Any = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="landing")
        s3.put_object(Bucket="landing", Key="items.json", Body=b"0123456789")
        assert fetcher(s3, limit=10)("s3://landing/items.json") == b"0123456789"
        with pytest.raises(InvalidRequest, match="more than 9 bytes"):
            fetcher(s3, limit=9)("s3://landing/items.json")
