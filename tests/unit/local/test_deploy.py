from __future__ import annotations

from pathlib import Path

import pytest

from stratocube.local.deploy import DeployError, deploy
from stratocube.local.emulator import Emulator

_TEMPLATE = """
Parameters:
  Retention: { Type: Number, Default: 1 }
Resources:
  Logs:
    Type: AWS::Logs::LogGroup
    Properties: { LogGroupName: !Sub "/${AWS::StackName}", RetentionInDays: !Ref Retention }
Outputs:
  LogGroup: { Value: !Ref Logs }
"""


def _retention(emulator: Emulator, name: str) -> int:
    groups = emulator.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    return int(groups[0]["retentionInDays"])


def test_a_stack_is_created_then_updated_then_left_alone(emulator: Emulator, tmp_path: Path) -> None:
    template = tmp_path / "template.yaml"
    template.write_text(_TEMPLATE)
    outputs = deploy(emulator, template, {}, stack_name="one")
    assert outputs == {"LogGroup": "/one"}
    assert _retention(emulator, "/one") == 1
    for _ in range(2):
        assert deploy(emulator, template, {"Retention": "7"}, stack_name="one") == {"LogGroup": "/one"}
        assert _retention(emulator, "/one") == 7


def test_a_resource_that_cannot_be_made_is_named_with_the_reason(emulator: Emulator, tmp_path: Path) -> None:
    emulator.client("s3").create_bucket(Bucket="taken-already")
    template = tmp_path / "template.yaml"
    template.write_text("Resources:\n  Cubes: { Type: AWS::S3::Bucket, Properties: { BucketName: taken-already } }\n")
    with pytest.raises(DeployError, match=r"stack two is \w+_FAILED: Cubes \(AWS::S3::Bucket\): .*already"):
        deploy(emulator, template, {}, stack_name="two")


def test_a_template_that_cloudformation_refuses_fails_with_its_words(emulator: Emulator, tmp_path: Path) -> None:
    template = tmp_path / "template.yaml"
    template.write_text("Parameters: { Owner: { Type: String } }\nResources:\n  Logs: { Type: AWS::Logs::LogGroup }\n")
    with pytest.raises(DeployError, match=r"refused the template: .*Owner"):
        deploy(emulator, template, {}, stack_name="three")


def test_a_parameter_the_template_does_not_know_is_named(emulator: Emulator, tmp_path: Path) -> None:
    template = tmp_path / "template.yaml"
    template.write_text(_TEMPLATE)
    with pytest.raises(DeployError, match="no parameter Retenton; it has Retention"):
        deploy(emulator, template, {"Retenton": "7"}, stack_name="four")
