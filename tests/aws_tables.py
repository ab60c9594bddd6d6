"""The tables of ``infra/template.yaml``, for tests: made in moto from what is deployed, not from a copy of it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

TEMPLATE = Path(__file__).parents[1] / "infra" / "template.yaml"
REGION = "us-east-1"

_VARIABLE_PREFIX = "STRATOCUBE_"
_VARIABLE_SUFFIX = "_TABLE"
# What DynamoDB's CreateTable takes of a table's CloudFormation properties; encryption and backups are left out.
_CREATE_TABLE = ("AttributeDefinitions", "KeySchema", "BillingMode", "GlobalSecondaryIndexes", "LocalSecondaryIndexes")


class _TemplateLoader(yaml.SafeLoader):
    """Reads CloudFormation's short forms: ``!Ref X`` as ``{"Ref": "X"}``."""


def _short_form(loader: yaml.SafeLoader, name: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        value = loader.construct_mapping(node, deep=True)
    return {name: value}


_TemplateLoader.add_multi_constructor("!", _short_form)


@cache
def load_template(path: Path = TEMPLATE) -> dict[str, Any]:
    """The template, its short forms spelled out. Read once: do not change what comes back."""
    template: dict[str, Any] = yaml.load(path.read_text(), Loader=_TemplateLoader)  # noqa: S506 - a SafeLoader
    return template


def table_definitions(path: Path = TEMPLATE) -> dict[str, dict[str, Any]]:
    """CreateTable's arguments without a name, by the field of ``Settings`` that names the table (``cubes_table``).

    Which table is which is read from the environment the template gives the functions, so a variable that points at
    the wrong table is wrong in tests too.
    """
    template = load_template(path)
    resources = template["Resources"]
    variables = template["Globals"]["Function"]["Environment"]["Variables"]
    definitions = {}
    for variable, value in variables.items():
        if variable.startswith(_VARIABLE_PREFIX) and variable.endswith(_VARIABLE_SUFFIX):
            resource = resources[value["Ref"]]
            assert resource["Type"] == "AWS::DynamoDB::Table"
            properties = resource["Properties"]
            definitions[variable.removeprefix(_VARIABLE_PREFIX).lower()] = {
                name: properties[name] for name in _CREATE_TABLE if name in properties
            }
    return definitions


def create_tables(client: Any, *, prefix: str = "test", path: Path = TEMPLATE) -> dict[str, str]:
    """Create every table with a boto3 DynamoDB client; their names, by field of ``Settings``."""
    names = {}
    for field, definition in table_definitions(path).items():
        names[field] = f"{prefix}-{field.removesuffix('_table')}"
        client.create_table(TableName=names[field], **definition)
    return names
