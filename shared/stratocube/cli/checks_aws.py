"""What ``stratocube doctor`` asks AWS: who asks, what of the stack may be used, and whether quotas suffice."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from stratocube.cli.aws import Aws, AwsError
from stratocube.cli.checks import Finding
from stratocube.errors import StratocubeError

_ROLE = re.compile(r"arn:(?P<partition>[\w-]+):sts::(?P<account>\d+):assumed-role/(?P<role>[^/]+)/")
_MAP_RUNS = 1000
"""Map runs that may be open at a time in an account, unless AWS gave more."""
_USED = {
    "s3:GetObject": ("CubeBucket", "quicklook, and reading products", "/*"),
    "s3:PutObject": ("LandingBucket", "starting builds of scenes of this machine", "/*"),
    "sqs:ReceiveMessage": ("FailedEvents", "dead-letters", ""),
    "apigateway:GET": ("ApiKeyId", "--stack, which asks for the API key", ""),
}
"""Action: output that names what it is done to, what is done with it, what follows in the ARN."""


def of_aws(aws: Aws) -> Iterator[Finding]:
    """Credentials, stack, permissions and quotas; what cannot be asked is a note that says so."""
    try:
        who = str(aws.client("sts").get_caller_identity()["Arn"])
    except (StratocubeError, *AwsError) as error:
        remedy = "`aws configure sso`, or AWS_PROFILE and AWS_REGION, or --profile and --region"
        yield Finding("credentials", "broken", f"AWS does not know who asks: {error}", remedy)
        return
    yield Finding("credentials", "ok", who)
    try:
        (found,) = aws.client("cloudformation").describe_stacks(StackName=aws.stack)["Stacks"]
    except AwsError as error:
        remedy = "look at its name, --region and the permission cloudformation:DescribeStacks"
        yield Finding("stack", "broken", f"{aws.stack}: {error}", remedy)
        return
    yield _state_of_stack(aws.stack, found)
    yield from _permissions(aws, who)
    parameters = {entry["ParameterKey"]: entry["ParameterValue"] for entry in found.get("Parameters", [])}
    yield from _quotas(aws, parameters)


def _state_of_stack(name: str, found: Mapping[str, Any]) -> Finding:
    status = str(found["StackStatus"])
    if status.endswith("_IN_PROGRESS"):
        return Finding("stack", "note", f"{name} is {status}", "wait until it is done")
    if "FAILED" in status or "ROLLBACK" in status:
        remedy = f"aws cloudformation describe-stack-events --stack-name {name} says why; deploy again"
        return Finding(
            "stack", "note" if status == "UPDATE_ROLLBACK_COMPLETE" else "broken", f"{name} is {status}", remedy
        )
    return Finding("stack", "ok", f"{name} is {status}")


def _permissions(aws: Aws, who: str) -> Iterator[Finding]:
    """By IAM's simulator where that may be asked, else by calls that cost nothing and change nothing."""
    if who.endswith(":root"):
        # The simulator answers for users and roles alone.
        yield from _tried(aws)
        return
    try:
        denied = _simulated(aws, who)
    except (StratocubeError, *AwsError):
        yield from _tried(aws)
        return
    for action in denied:
        purpose = _USED[action][1]
        yield Finding(
            "permission", "note", f"{action} is not allowed: needed for {purpose}", f"allow {action}, or do without"
        )
    if not denied:
        yield Finding("permissions", "ok", f"{', '.join(_USED)} (by IAM's simulator)")


def _simulated(aws: Aws, who: str) -> list[str]:
    role = _ROLE.match(who)
    arn = f"arn:{role['partition']}:iam::{role['account']}:role/{role['role']}" if role else who
    iam, denied = aws.client("iam"), []
    for action, (output, _, below) in _USED.items():
        name = aws.output(output)
        # Of queues and keys the output is no ARN; the simulator then is asked about any.
        resource = f"arn:aws:s3:::{name}{below}" if action.startswith("s3:") else "*"
        answer = iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=[action], ResourceArns=[resource])[
            "EvaluationResults"
        ]
        if any(result["EvalDecision"] != "allowed" for result in answer):
            denied.append(action)
    return denied


def _tried(aws: Aws) -> Iterator[Finding]:
    calls: Mapping[str, tuple[str, Callable[[str], object]]] = {
        "list the cube bucket": (
            "CubeBucket",
            lambda name: aws.client("s3").list_objects_v2(Bucket=name, MaxKeys=1),
        ),
        "list the landing bucket": (
            "LandingBucket",
            lambda name: aws.client("s3").list_objects_v2(Bucket=name, MaxKeys=1),
        ),
        "look at the dead-letter queue": (
            "FailedEvents",
            lambda url: aws.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"]),
        ),
        "ask for the API key": (
            "ApiKeyId",
            lambda key: aws.client("apigateway").get_api_key(apiKey=key, includeValue=True),
        ),
    }
    allowed = []
    for what, (output, call) in calls.items():
        try:
            call(aws.output(output))
        except (StratocubeError, *AwsError) as error:
            yield Finding("permission", "note", f"cannot {what}: {error}", "allow it, or do without")
        else:
            allowed.append(what)
    if allowed:
        yield Finding("permissions", "ok", f"can {', '.join(allowed)}")


def _quotas(aws: Aws, parameters: Mapping[str, str]) -> Iterator[Finding]:
    units = int(parameters.get("UnitConcurrency") or 0)
    tasks = max(int(parameters.get(name) or 0) for name in ("MergeConcurrency", "BlendConcurrency"))
    if not units or not tasks:
        return
    wanted = units * tasks
    text = f"a build runs up to {units} units x {tasks} tasks = {wanted} functions at a time"
    try:
        limits = aws.client("lambda").get_account_settings()["AccountLimit"]
        most = int(limits["UnreservedConcurrentExecutions"])
    except (StratocubeError, KeyError, *AwsError) as error:
        yield Finding("Lambda concurrency", "note", f"{text}; the account's quota cannot be asked: {error}")
    else:
        if aws.embedded or most >= wanted:
            yield Finding("Lambda concurrency", "ok", f"{text}, of {most}")
        else:
            remedy = (
                f"lower UnitConcurrency or MergeConcurrency, or ask for {wanted} (Service Quotas, AWS Lambda,"
                " concurrent executions): till then tasks are throttled and tried again"
            )
            yield Finding("Lambda concurrency", "note", f"{text}; the account has {most}", remedy)
    # A build is one map, and each of its units one at a time.
    maps, most, known = units + 1, *_map_runs(aws)
    text = f"a build opens up to {maps} Step Functions map runs, of {most}{'' if known else ' (the default)'}"
    remedy = "" if maps <= most else "lower UnitConcurrency, or ask for more (Service Quotas, AWS Step Functions)"
    yield Finding("map runs", "ok" if maps <= most else "note", text, remedy)


def _map_runs(aws: Aws) -> tuple[int, bool]:
    """Map runs the account may have open, and whether AWS said so."""
    try:
        quotas = aws.client("service-quotas").list_service_quotas(ServiceCode="states")["Quotas"]
    except (StratocubeError, *AwsError):
        return _MAP_RUNS, False
    found = [int(quota["Value"]) for quota in quotas if "open map runs" in str(quota.get("QuotaName", "")).lower()]
    return (found[0], True) if found else (_MAP_RUNS, False)
