"""infra/template.yaml as CloudFormation sees it: after SAM's transform, its intrinsic functions left as they are."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).parents[3]
TEMPLATE = ROOT / "infra" / "template.yaml"

_LOCAL_PATHS = ("CodeUri", "ContentUri", "DefinitionUri")

Json = dict[str, Any]


class _NoPolicyLoader:
    """SAM asks for managed policies by name; the template names none that way."""

    def load(self) -> dict[str, str]:
        return {}


@cache
def source() -> Json:
    """The template as written, short functions in their long form (``{"Fn::Sub": …}``)."""
    template: Json = yaml_parse(TEMPLATE.read_text())
    return template


@cache
def expanded() -> Json:
    """The template after SAM's transform."""
    template: Json = yaml_parse(TEMPLATE.read_text())
    for resource in template["Resources"].values():
        properties = resource["Properties"]
        properties.update({name: "s3://packaged/object" for name in _LOCAL_PATHS if name in properties})
    region = os.environ.get("AWS_DEFAULT_REGION")
    os.environ["AWS_DEFAULT_REGION"] = "us-east-1"  # SAM looks the partition up by it
    try:
        result: Json = transform(template, {}, _NoPolicyLoader())
    finally:
        if region is None:
            del os.environ["AWS_DEFAULT_REGION"]
        else:
            os.environ["AWS_DEFAULT_REGION"] = region
    return result


def resources(kind: str) -> dict[str, Json]:
    """Properties of the expanded template's resources of one type, by logical id."""
    return {
        name: resource.get("Properties", {})
        for name, resource in expanded()["Resources"].items()
        if resource["Type"] == kind
    }


def functions() -> dict[str, Json]:
    """Properties of the Lambda functions, by logical id."""
    return resources("AWS::Lambda::Function")


def statements(role: str) -> list[Json]:
    """Every statement of a role's own policies. Managed policies are not in it."""
    policies = expanded()["Resources"][role]["Properties"].get("Policies", [])
    return [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]


def as_list(value: Any) -> list[Any]:
    """IAM and CloudFormation take one thing where a list may stand."""
    return value if isinstance(value, list) else [value]


def texts(value: Any) -> list[str]:
    """Every text in a value of the template, whatever functions it stands in."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for part in value.values() for text in texts(part)]
    if isinstance(value, list):
        return [text for part in value for text in texts(part)]
    return []
