"""Which stack the command line talks to: one that is named, one of an AWS account, or the one on this machine."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from stratocube.client.api import ApiClient
from stratocube.errors import InvalidRequest, NotFound, StratocubeError

URL_VARIABLE = "STRATOCUBE_URL"
KEY_VARIABLE = "STRATOCUBE_API_KEY"
STACK_VARIABLE = "STRATOCUBE_STACK"
RECORD = "stack.json"
"""In the state directory of a checkout: how to reach the stack that ``stratocube up`` started."""


@dataclass(frozen=True)
class LocalRecord:
    """What ``stratocube up`` leaves for the commands after it."""

    url: str
    api_key: str = field(repr=False)
    endpoint: str
    """Of the AWS emulator."""
    access_key_id: str
    secret_access_key: str = field(repr=False)
    region: str
    outputs: Mapping[str, str] = field(default_factory=dict)

    def write(self, state_dir: Path) -> None:
        """Keep it, readable by its owner alone: it holds the key."""
        state_dir.mkdir(parents=True, exist_ok=True)
        path = state_dir / RECORD
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(asdict(self), file, indent=1)

    @classmethod
    def read(cls, state_dir: Path) -> LocalRecord | None:
        """The record; None where no stack was started."""
        try:
            return cls(**json.loads((state_dir / RECORD).read_text()))
        except (OSError, ValueError, TypeError):
            return None


def connect(
    *,
    url: str | None,
    api_key: str | None,
    stack: str | None,
    profile: str | None,
    region: str | None,
    state_dir: Path | None,
) -> ApiClient:
    """The API of the stack that is meant.

    In this order: ``url``, with ``api_key`` or the key of ``stack`` (for a domain of one's own); ``stack``, a
    CloudFormation stack, whose address and key are asked of AWS with ``profile`` and ``region``; the stack that
    ``stratocube up`` started from this checkout.

    Raises:
        InvalidRequest: an address that is none.
        NotFound: no stack is named and none runs here, or AWS knows no such stack.
        StratocubeError: AWS refuses to tell.
    """
    if url:
        if not url.startswith(("https://", "http://")):
            raise InvalidRequest(f"must begin with https://, got {url!r}", field="url")
        key = api_key or (_of_account(stack, None, profile, region).api_key if stack else "")
        return ApiClient(url.rstrip("/"), key)
    if stack:
        return _of_account(stack, api_key, profile, region)
    record = None if state_dir is None else LocalRecord.read(state_dir)
    if record is None:
        raise NotFound(
            "no stack is named, and none runs here: start one with `stratocube up`, or name one with --stack, or with"
            f" --url and --api-key ({URL_VARIABLE}, {KEY_VARIABLE})"
        )
    return ApiClient(record.url, record.api_key)


def _of_account(stack: str, api_key: str | None, profile: str | None, region: str | None) -> ApiClient:
    import boto3  # noqa: PLC0415 - a second of start-up that a local stack does not need
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - as above

    try:
        session = boto3.Session(profile_name=profile, region_name=region)
        outputs = _outputs(session.client("cloudformation"), stack)
        key = api_key or str(
            session.client("apigateway").get_api_key(apiKey=outputs["ApiKeyId"], includeValue=True)["value"]
        )
    except KeyError as error:
        raise NotFound(f"stack {stack} has no output {error.args[0]}: it is no stratocube") from None
    except (BotoCoreError, ClientError) as error:
        raise StratocubeError(f"AWS does not tell the address of stack {stack}: {error}") from error
    return ApiClient(outputs["ApiUrl"].rstrip("/"), key)


def _outputs(cloudformation: Any, stack: str) -> dict[str, str]:
    (found,) = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}
