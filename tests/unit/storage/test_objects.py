"""Objects are written whole, swapped by version, and a missing one is told from an unreadable one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ResponseStreamingError
from botocore.stub import Stubber
from moto import mock_aws

from stratocube.errors import Conflict, InvalidRequest, SourceMissing, TransientRead
from stratocube.settings import Settings, SettingsError
from stratocube.storage.fetch import fetcher
from stratocube.storage.gdal import gdal_environment
from stratocube.storage.hrefs import gdal_path, split_s3
from stratocube.storage.objects import ObjectStore


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStore]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="cubes")
        yield ObjectStore(s3, "cubes")


def test_json_reads_back_as_it_was(store: ObjectStore) -> None:
    store.put_json("a/b.json", {"x": [1, 2.5, None]})
    assert store.read_json("a/b.json") == {"x": [1, 2.5, None]}
    assert store.exists("a/b.json")
    assert fetcher(store.s3)("s3://cubes/a/b.json") == b'{"x":[1,2.5,null]}'


def test_a_missing_object_is_named(store: ObjectStore) -> None:
    assert not store.exists("nothing")
    assert store.read_versioned_json("nothing") is None
    with pytest.raises(SourceMissing, match="s3://cubes/nothing"):
        store.read("nothing")


def test_only_one_of_two_writers_of_a_new_object_wins(store: ObjectStore) -> None:
    store.swap_json("c.json", {"writer": 1}, etag=None)
    with pytest.raises(Conflict, match=r"s3://cubes/c\.json"):
        store.swap_json("c.json", {"writer": 2}, etag=None)
    assert store.read_json("c.json") == {"writer": 1}


@pytest.mark.parametrize(
    ("href", "path"),
    [
        ("s3://bucket/a/b.tif", "/vsis3/bucket/a/b.tif"),
        ("https://host/a.tif?x=1", "/vsicurl/https://host/a.tif?x=1"),
    ],
)
def test_gdal_opens_hrefs_under_its_own_names(href: str, path: str) -> None:
    assert gdal_path(href) == path


@pytest.mark.parametrize("href", ["file:///etc/passwd", "/etc/passwd", "/vsizip/x", "ftp://host/x", ""])
def test_nothing_but_s3_and_the_web_is_opened(href: str) -> None:
    with pytest.raises(InvalidRequest):
        gdal_path(href)


@pytest.mark.parametrize("href", ["s3://bucket", "s3://bucket/", "s3:///key", "https://bucket/key"])
def test_an_s3_href_has_a_bucket_and_a_key(href: str) -> None:
    with pytest.raises(InvalidRequest):
        split_s3(href)


def test_gdal_is_led_to_an_emulator_by_the_endpoint_and_trusts_no_cached_block() -> None:
    options = gdal_environment({"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"}).options
    assert options["AWS_S3_ENDPOINT"] == "127.0.0.1:4566"
    assert options["AWS_HTTPS"] == "NO"
    assert "/vsis3/" in options["CPL_VSIL_CURL_NON_CACHED"]
    assert "AWS_S3_ENDPOINT" not in gdal_environment({}).options


def test_settings_name_everything_that_is_missing() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({"STRATOCUBE_CUBES_TABLE": "c", "STRATOCUBE_WORK_BUCKET": " "})
    assert "STRATOCUBE_WORK_BUCKET" in str(caught.value)
    assert "STRATOCUBE_GRIDS_TABLE" in str(caught.value)
    assert "STRATOCUBE_CUBES_TABLE" not in str(caught.value)


@pytest.mark.parametrize("count", [0, 1, 3, 60_000])
def test_a_list_that_is_made_while_it_is_written_reads_back_as_it_was(store: ObjectStore, count: int) -> None:
    store.put_json_list("units.json", ({"n": n, "é": "ü"} for n in range(count)))
    assert store.read_json("units.json") == [{"n": n, "é": "ü"} for n in range(count)]


def test_many_objects_are_written(store: ObjectStore) -> None:
    store.put_all_json((f"tiles/{n}.json", [n]) for n in range(5))
    assert [store.read_json(f"tiles/{n}.json") for n in range(5)] == [[n] for n in range(5)]


def test_one_object_of_many_that_cannot_be_written_is_an_error(store: ObjectStore) -> None:
    gone = ObjectStore(store.s3, "no-such-bucket")
    with pytest.raises(Exception, match="NoSuchBucket"):
        gone.put_all_json((f"{n}.json", n) for n in range(3))


@pytest.mark.parametrize("operation", ["head_object", "get_object"])
def test_a_refusal_is_never_taken_for_an_object_that_is_not_there(store: ObjectStore, operation: str) -> None:
    """S3 answers 403 for a missing object to those who may not list the bucket."""
    with Stubber(store.s3) as stub:
        stub.add_client_error(operation, "403" if operation == "head_object" else "AccessDenied", http_status_code=403)
        with pytest.raises(SourceMissing, match="may not read"):
            store.exists("a") if operation == "head_object" else store.read_versioned_json("a")


class Breaking:
    """S3 whose first answers break off in the middle."""

    def __init__(self, breaks: int) -> None:
        self.left = breaks

    def get_object(self, **_: Any) -> dict[str, Any]:
        return {"Body": self, "ETag": "1", "ContentLength": 2}

    def read(self) -> bytes:
        if self.left:
            self.left -= 1
            raise ResponseStreamingError(error="connection broken")
        return b"{}"


def test_an_answer_that_breaks_off_is_asked_for_again() -> None:
    assert ObjectStore(Breaking(2), "work").read_json("plan.json") == {}
    assert ObjectStore(Breaking(2), "work").read_versioned_json("item.json") == ({}, "1")


def test_a_read_that_breaks_off_again_and_again_is_told_with_its_address() -> None:
    with pytest.raises(TransientRead, match=r"s3://work/plan.json: .*tried 3 times"):
        ObjectStore(Breaking(3), "work").read("plan.json")


def test_a_damaged_document_is_told_with_its_address(store: ObjectStore) -> None:
    store.put("plan.json", b'{"cut in the mid', content_type="application/json")
    with pytest.raises(SourceMissing, match=r"s3://cubes/plan.json: it is damaged"):
        store.read_json("plan.json")
