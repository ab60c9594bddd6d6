"""Deploys the SAM template into an emulator, with CloudFormation as on AWS."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from stratocube.errors import StratocubeError
from stratocube.local.emulator import Emulator
from stratocube.local.packaging import Package, package

STACK_NAME = "stratocube"
ARTIFACTS_BUCKET = "stratocube-artifacts"
DEPLOY_SECONDS = 120.0
_POLL_SECONDS = 0.2
_MAX_REASONS = 5


class DeployError(StratocubeError):
    """CloudFormation did not create or update the stack: names the resources and why."""


def deploy(
    emulator: Emulator,
    template: Path,
    parameters: Mapping[str, str],
    *,
    stack_name: str = STACK_NAME,
) -> dict[str, str]:
    """Creates the stack, or brings it up to date, and waits until it is there; returns its outputs.

    Raises:
        TemplateError: when the template cannot be packaged.
        DeployError: when CloudFormation refuses or fails, with the failing resources and its reasons.
    """
    packaged = package(template, ARTIFACTS_BUCKET)
    known = packaged.template.get("Parameters", {})
    unknown = sorted(set(parameters) - set(known))
    if unknown:
        raise DeployError(f"the template has no parameter {', '.join(unknown)}; it has {', '.join(known)}")
    url = _upload(emulator, packaged)
    cloudformation = emulator.client("cloudformation")
    status = _apply(cloudformation, stack_name, url, parameters)
    if status not in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
        raise DeployError(f"the stack {stack_name} is {status}: {_reasons(cloudformation, stack_name)}")
    stack = cloudformation.describe_stacks(StackName=stack_name)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def _upload(emulator: Emulator, packaged: Package) -> str:
    s3 = emulator.client("s3")
    try:
        s3.head_bucket(Bucket=ARTIFACTS_BUCKET)
    except ClientError:
        s3.create_bucket(Bucket=ARTIFACTS_BUCKET)
    for key, content in packaged.artifacts.items():
        s3.put_object(Bucket=ARTIFACTS_BUCKET, Key=key, Body=content)
    s3.put_object(Bucket=ARTIFACTS_BUCKET, Key="template.json", Body=json.dumps(packaged.template).encode())
    return f"{emulator.url}/{ARTIFACTS_BUCKET}/template.json"


def _apply(cloudformation: Any, stack_name: str, url: str, parameters: Mapping[str, str]) -> str:
    request = {
        "StackName": stack_name,
        "TemplateURL": url,
        "Parameters": [{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()],
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
    }
    try:
        if _status(cloudformation, stack_name) is None:
            cloudformation.create_stack(**request, OnFailure="DO_NOTHING")
        else:
            cloudformation.update_stack(**request)
    except ClientError as error:
        message = error.response["Error"]["Message"]
        if "No updates are to be performed" not in message:
            raise DeployError(f"CloudFormation refused the template: {message}") from error
    deadline = time.monotonic() + DEPLOY_SECONDS
    while (status := _status(cloudformation, stack_name) or "gone").endswith("_IN_PROGRESS"):
        if time.monotonic() > deadline:
            raise DeployError(
                f"the stack {stack_name} is still {status} after {DEPLOY_SECONDS:.0f} s:"
                f" {_reasons(cloudformation, stack_name)}"
            )
        time.sleep(_POLL_SECONDS)
    return status


def _status(cloudformation: Any, stack_name: str) -> str | None:
    try:
        stacks = cloudformation.describe_stacks(StackName=stack_name)["Stacks"]
    except ClientError as error:
        if "does not exist" in error.response["Error"]["Message"]:
            return None
        raise
    return str(stacks[0]["StackStatus"])


def _reasons(cloudformation: Any, stack_name: str) -> str:
    failed = cloudformation.describe_events(StackName=stack_name, Filters={"FailedEvents": True})["OperationEvents"]
    # What failed first is the cause; the stack's own events only say that something did.
    failed = sorted(failed, key=lambda event: (event["LogicalResourceId"] == stack_name, event["Timestamp"]))
    lines = [
        f"{event['LogicalResourceId']} ({event.get('ResourceType', 'no type')}): {reason}"
        for event in failed
        if (reason := event.get("ValidationStatusReason") or event.get("ResourceStatusReason"))
    ]
    return "; ".join(lines[:_MAX_REASONS]) or "CloudFormation gave no reason"
