"""Scenes of this machine in a start request: copied to the landing bucket once, and named by their address."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from stratocube.cli.aws import Aws
from stratocube.cli.main import app
from stratocube.cli.session import Session
from stratocube.client.connection import LocalRecord
from tests.unit.api.api_client import Client
from tests.unit.api.conftest import client, stack  # noqa: F401 - fixtures
from tests.unit.api.forms import cube_form, grid_form, start_form
from tests.unit.cli.served import KEY, served

BUCKET = "scenes"


class Bucket:
    """S3 with one bucket, and CloudFormation that names it."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.puts: list[str] = []

    def put_object(self, *, Bucket: str, Key: str, Body: bytes) -> None:  # noqa: N803 - boto3's names
        assert Bucket == BUCKET
        self.objects[Key] = Body
        self.puts.append(Key)

    def list_objects_v2(self, *, Bucket: str, Prefix: str, MaxKeys: int) -> dict[str, Any]:  # noqa: N803 - boto3's names
        assert (Bucket, MaxKeys) == (BUCKET, 1)
        found = sorted(key for key in self.objects if key.startswith(Prefix))[:1]
        return {"Contents": [{"Key": key, "ETag": f'"{digest(self.objects[key])}"'} for key in found]}

    def describe_stacks(self, **_: Any) -> dict[str, Any]:
        return {"Stacks": [{"Outputs": [{"OutputKey": "LandingBucket", "OutputValue": BUCKET}]}]}


def digest(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Bucket:
    made = Bucket()
    monkeypatch.setattr(Session, "aws", lambda _, default_stack=None: Aws("stack", lambda _: made))
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A start request beside its scenes."""
    scenes = tmp_path / "scenes"
    (scenes / "S1").mkdir(parents=True)
    (scenes / "S1" / "B 04.tif").write_bytes(b"red")
    assets = {"red": {"href": "./S1/B%2004.tif"}, "far": {"href": "https://example.org/B08.tif"}}
    (scenes / "items.json").write_text(json.dumps({"type": "FeatureCollection", "features": [{"assets": assets}]}))
    (tmp_path / "start.json").write_text(json.dumps(start_form() | {"stac_url": "scenes/items.json"}))
    return tmp_path


@pytest.fixture
def url(client: Client) -> Iterator[str]:  # noqa: F811 - the fixture
    with served(client) as address:
        yield address


def run(url: str, *words: str) -> Any:
    return CliRunner().invoke(app, ["--url", url, "--api-key", KEY, *words])


def prepared(url: str, folder: Path) -> str:
    """A grid and the cube; the request file of a build of it."""
    for command, form in (("grid", grid_form()), ("cube", cube_form())):
        file = folder / f"{command}.json"
        file.write_text(json.dumps(form))
        assert run(url, command, "create", str(file)).exit_code == 0
    return str(folder / "start.json")


def test_scenes_are_copied_and_their_address_is_sent(
    url: str,
    folder: Path,
    bucket: Bucket,
    client: Client,  # noqa: F811 - the fixture
) -> None:
    start = prepared(url, folder)
    answer = run(url, "start", start)
    assert answer.exit_code == 0, answer.output
    raster, items = bucket.puts
    assert items.startswith("uploads/scenes-") and items.endswith("/items.json")
    assert raster == items.replace("items.json", "S1/B 04.tif")
    assert bucket.objects[raster] == b"red"
    assert len(client.launcher.launched) == 1

    assert run(url, "start", start).exit_code == 0
    assert len(bucket.puts) == 2, "what is there is not copied again"

    (folder / "scenes" / "S1" / "B 04.tif").write_bytes(b"other")
    assert run(url, "start", start).exit_code == 0
    assert bucket.puts[2:] == [raster]


def test_a_dry_run_copies_nothing(url: str, folder: Path, bucket: Bucket) -> None:
    answer = run(url, "start", prepared(url, folder), "--dry-run", "--json")
    assert answer.exit_code == 0, answer.output
    assert bucket.puts == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "there is no file"),
        ("[]", "is no STAC ItemCollection"),
        ('{"features": [{"assets": {"red": {"href": "missing.tif"}}}]}', "1 files that are not there"),
        ('{"features": [{"assets": {"red": {"href": "../secret.tif"}}}]}', "not below its folder"),
        ('{"features": [{"assets": {"red": {"href": "/etc/passwd"}}}]}', "not below its folder"),
    ],
)
def test_scenes_that_are_not_there_are_named_and_nothing_is_done(
    url: str, folder: Path, bucket: Bucket, content: str | None, said: str
) -> None:
    items = folder / "scenes" / "items.json"
    items.unlink() if content is None else items.write_text(content)
    answer = run(url, "start", str(folder / "start.json"))
    assert (answer.exit_code, said in answer.stderr, bucket.puts) == (2, True, []), answer.output


def test_a_url_and_a_key_alone_open_no_bucket(
    url: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = LocalRecord("http://127.0.0.1:1/other", KEY, "http://127.0.0.1:1", "id", "secret", "us-east-1", {})
    record.write(tmp_path)
    monkeypatch.setattr("stratocube.cli.session._state_dir", lambda: tmp_path)
    answer = run(url, "start", str(folder / "start.json"))
    assert (answer.exit_code, "name it with --stack" in answer.stderr) == (3, True)
