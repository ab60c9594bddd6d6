"""An API over the template's tables in moto."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import boto3
import pytest
from aws_lambda_powertools import Logger
from moto import mock_aws

from stratocube.api.app import Api
from stratocube.api.services import Services
from stratocube.state.activities import Activities
from stratocube.state.arrivals import Arrivals
from stratocube.state.builds import Builds
from stratocube.state.cubes import Cubes
from stratocube.state.grids import Grids
from stratocube.storage.objects import ObjectStore
from tests.aws_tables import REGION, create_tables
from tests.unit.api.api_client import NOW, Client, Launcher, Stopper


@pytest.fixture(scope="module")
def stack() -> Iterator[tuple[Any, Services]]:
    """moto, a DynamoDB client in it, and services whose connections all tests share: making them is what costs."""
    with pytest.MonkeyPatch.context() as environment, mock_aws():
        environment.delenv("AWS_ENDPOINT_URL", raising=False)
        environment.setenv("AWS_DEFAULT_REGION", REGION)
        services = Services(
            cubes=Cubes("test-cubes", region=REGION),
            grids=Grids("test-grids", region=REGION),
            builds=Builds("test-builds", region=REGION),
            activities=Activities("test-activities", region=REGION),
            launch=Launcher(),
            stop=Stopper(),
            work=ObjectStore(boto3.client("s3", region_name=REGION), "work"),
            arrivals=Arrivals("test-arrivals", region=REGION),
            allowed_hosts=("stac.example.org",),
            allowed_buckets=("scenes",),
            now=lambda: NOW,
        )
        boto3.client("s3", region_name=REGION).create_bucket(Bucket="work")
        yield boto3.client("dynamodb", region_name=REGION), services


@contextmanager
def _fresh(stack: tuple[Any, Services]) -> Iterator[Client]:
    dynamodb, services = stack
    names = create_tables(dynamodb).values()
    launcher, stopper = Launcher(), Stopper()
    services = replace(services, launch=launcher, stop=stopper)
    yield Client(Api(services, Logger(service="test")), services, launcher, stopper)
    for name in names:
        dynamodb.delete_table(TableName=name)


@pytest.fixture(scope="module")
def shared_client(stack: tuple[Any, Services]) -> Iterator[Client]:
    """A client whose tables last for a module: for property tests, where nothing may depend on what is in them."""
    with _fresh(stack) as client:
        yield client


@pytest.fixture
def client(stack: tuple[Any, Services]) -> Iterator[Client]:
    """A client of an API with empty tables."""
    with _fresh(stack) as client:
        yield client
