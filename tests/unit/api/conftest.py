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
from stratocube.state.buckets import Buckets
from stratocube.state.builds import Builds
from stratocube.state.cubes import Cubes
from stratocube.state.grids import Grids
from stratocube.state.items import Items
from stratocube.state.unsettled import Unsettled
from stratocube.storage.objects import ObjectStore
from stratocube.storage.signed import SignedReads, signing_client
from stratocube.workflow.buckets import BucketMaker
from stratocube.workflow.tokens import token_keeper
from tests.aws_tables import REGION, create_tables
from tests.unit.api.api_client import NOW, Client, Launcher, Stopper


@pytest.fixture(scope="module")
def stack() -> Iterator[tuple[Any, Services]]:
    """moto, a DynamoDB client in it, and services whose connections all tests share: making them is what costs."""
    with pytest.MonkeyPatch.context() as environment, mock_aws():
        environment.delenv("AWS_ENDPOINT_URL", raising=False)
        environment.setenv("AWS_DEFAULT_REGION", REGION)
        s3 = boto3.client("s3", region_name=REGION)
        services = Services(
            cubes=Cubes("test-cubes", region=REGION),
            grids=Grids("test-grids", region=REGION),
            builds=Builds("test-builds", region=REGION),
            activities=Activities("test-activities", region=REGION),
            launch=Launcher(),
            stop=Stopper(),
            work=ObjectStore(s3, "work"),
            arrivals=Arrivals("test-arrivals", region=REGION),
            unsettled=Unsettled("test-builds", region=REGION),
            buckets=BucketMaker(
                noted=Buckets("test-cubes", region=REGION),
                client=lambda: s3,
                region=REGION,
                prefix="test-data-",
            ),
            keep_token=token_keeper("test/", region=REGION),
            items=Items("test-items", region=REGION),
            products=ObjectStore(s3, "products"),
            signed=SignedReads("products", client=lambda: signing_client(REGION)),
            allowed_hosts=("stac.example.org",),
            allowed_buckets=("scenes",),
            now=lambda: NOW,
        )
        s3.create_bucket(Bucket="work")
        s3.create_bucket(Bucket="products")
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
