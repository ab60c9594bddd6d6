"""A stack in memory: the template's tables and two buckets."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from moto import mock_aws

from stratocube.settings import Settings
from stratocube.state.activities import Activities
from stratocube.state.builds import Builds
from stratocube.state.cubes import Cubes
from stratocube.state.grids import Grids
from stratocube.storage.fetch import fetcher
from stratocube.storage.objects import ObjectStore
from stratocube.workflow.context import Stack
from tests.aws_tables import create_tables

REGION = "us-east-1"


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 3, 6, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.moment += timedelta(milliseconds=1)
        return self.moment

    def wait(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stack(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        tables = create_tables(boto3.client("dynamodb", region_name=REGION))
        s3 = boto3.client("s3", region_name=REGION)
        for bucket in ("work", "cubes", "landing"):
            s3.create_bucket(Bucket=bucket)
        yield Stack(
            settings=Settings(
                **tables,
                work_bucket="work",
                cube_bucket="cubes",
                state_machine_arn="arn",
                allowed_buckets=("landing",),
            ),
            environment={},
            cubes=Cubes(tables["cubes_table"], region=REGION),
            grids=Grids(tables["grids_table"], region=REGION),
            builds=Builds(tables["builds_table"], region=REGION),
            activities=Activities(tables["activities_table"], region=REGION),
            work=ObjectStore(s3, "work"),
            products=ObjectStore(s3, "cubes"),
            fetch=fetcher(s3),
            clock=clock,
        )
