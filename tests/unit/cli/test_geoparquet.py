"""The command that writes a cube's items as stac-geoparquet."""

from __future__ import annotations

import json
import os

import pytest
from typer.testing import CliRunner

from stratocube.cli.aws import Aws
from stratocube.cli.main import app
from stratocube.cli.session import Session
from stratocube.workflow.context import Stack
from stratocube.workflow.item_index import ItemIndex
from tests.aws_tables import REGION
from tests.unit.workflow.conftest import clock, stack
from tests.unit.workflow.small_build import CUBE
from tests.unit.workflow.test_item_index import document, index, publish

__all__ = ["clock", "index", "stack"]


def test_a_cubes_items_are_written_once(stack: Stack, index: ItemIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    import boto3

    monkeypatch.setattr(os, "environ", os.environ.copy())
    aws = Aws("stratocube", lambda service: boto3.client(service, region_name=REGION))
    outputs = {"CubeBucket": index.products.bucket, "ItemsTable": "test-items"}
    monkeypatch.setattr(Aws, "outputs", outputs)
    monkeypatch.setattr(Session, "aws", lambda self, default_stack=None: aws)
    publish(index, document("0801"))

    said = [CliRunner().invoke(app, ["geoparquet", CUBE, "--json"]) for _ in range(2)]

    assert [answer.exit_code for answer in said] == [0, 0], said[0].output
    assert [
        (year["year"], year["items"], year["changed"]) for answer in said for year in json.loads(answer.output)
    ] == [
        ("2023", 1, True),
        ("2023", 1, False),
    ]
    assert index.products.exists(json.loads(said[0].output)[0]["key"])
