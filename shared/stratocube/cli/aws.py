"""AWS as the stack that is meant uses it: of an account, or of the emulator on this machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from stratocube.client.connection import LocalRecord
from stratocube.errors import NotFound, StratocubeError
from stratocube.local.deploy import STACK_NAME
from stratocube.local.emulator import Emulator

AwsError = (BotoCoreError, ClientError)


class AwsRefused(StratocubeError):
    """AWS did not do what it was asked to: says in one line what and why."""


@dataclass(frozen=True)
class Aws:
    """Clients of AWS with the rights of whoever uses the command line, and what the stack is made of."""

    stack: str
    """Name of the CloudFormation stack."""
    create: Callable[[str], Any] = field(repr=False)
    """Makes a boto3 client."""
    embedded: bool = False
    gdal: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What GDAL needs to read the stack's buckets."""

    def client(self, service: str) -> Any:
        """A boto3 client.

        Raises:
            AwsRefused: the profile is unknown, or no region is named.
        """
        try:
            return self.create(service)
        except AwsError as error:
            raise AwsRefused(f"AWS cannot be asked: {error}") from error

    @cached_property
    def outputs(self) -> Mapping[str, str]:
        """Outputs of the stack: names of buckets, tables and queues.

        Raises:
            AwsRefused: AWS does not tell.
        """
        try:
            (found,) = self.client("cloudformation").describe_stacks(StackName=self.stack)["Stacks"]
        except AwsError as error:
            raise AwsRefused(f"AWS does not tell what stack {self.stack} is made of: {error}") from error
        return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}

    def output(self, name: str) -> str:
        """One output. Raises NotFound for one the stack does not have, and what :attr:`outputs` raises."""
        if name not in self.outputs:
            raise NotFound(f"the stack {self.stack} has no output {name}: is it a stratocube of this version?")
        return self.outputs[name]


def aws_of_account(stack: str, *, profile: str | None, region: str | None) -> Aws:
    """AWS of an account, with the credentials that boto3 finds for a profile."""

    def create(service: str) -> Any:
        make: Any = boto3.Session(profile_name=profile, region_name=region).client  # typed by overload otherwise
        return make(service)

    given = {"AWS_PROFILE": profile, "AWS_REGION": region}
    return Aws(stack, create, gdal={name: value for name, value in given.items() if value})


def embedded_aws(record: LocalRecord) -> Aws:
    """AWS of the embedded stack, with the rights of its account's root."""
    address = urlsplit(record.endpoint)
    emulator = Emulator(
        port=address.port or 0,
        pid=0,
        log=Path(),
        access_key_id=record.access_key_id,
        secret_access_key=record.secret_access_key,
    )
    gdal = {
        "AWS_S3_ENDPOINT": address.netloc,
        "AWS_HTTPS": "NO",
        "AWS_VIRTUAL_HOSTING": "FALSE",
        "AWS_ACCESS_KEY_ID": record.access_key_id,
        "AWS_SECRET_ACCESS_KEY": record.secret_access_key,
        "AWS_REGION": record.region,
        "GDAL_HTTP_PROXY": "",
    }
    return Aws(STACK_NAME, emulator.client, embedded=True, gdal=gdal)
