from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import pytest

from stratocube.local.packaging import TemplateError, load_template, package, zip_folder, zip_layer
from stratocube.local.project import find_project

_TEMPLATE = """
AWSTemplateFormatVersion: 2010-09-09
Transform: AWS::Serverless-2016-10-31
Resources:
  Layer:
    Type: AWS::Serverless::LayerVersion
    Properties: { ContentUri: ../shared }
  Work:
    Type: AWS::Serverless::Function
    Properties: { CodeUri: ../functions/work/, Layers: [!Ref Layer] }
  Machine:
    Type: AWS::Serverless::StateMachine
    Properties: { DefinitionUri: machine.asl.json }
  Inline:
    Type: AWS::Serverless::StateMachine
    Properties: { Definition: { StartAt: Done } }
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    files = {
        "infra/template.yaml": _TEMPLATE,
        "infra/machine.asl.json": '{"StartAt": "Done"}',
        "functions/work/app.py": "def handler(event, context): ...\n",
        "functions/work/data/table.csv": "1,2\n",
        "shared/cubes/__init__.py": "",
        "shared/cubes/deep/grid.py": "SIZE = 1\n",
        "shared/Makefile": "all:\n",
        "shared/cubes.egg-info/PKG-INFO": "",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def _names(content: bytes) -> list[str]:
    return zipfile.ZipFile(io.BytesIO(content)).namelist()


def test_short_functions_become_long_ones_and_dates_stay_text(tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(
        "AWSTemplateFormatVersion: 2010-09-09\n"
        "Conditions: { Tls: !Equals [!Ref RequireTls, 'true'], Both: !And [!Condition Tls, !Condition Tls] }\n"
        "Resources:\n"
        "  Role:\n"
        "    Type: AWS::IAM::Role\n"
        "    Properties:\n"
        "      AssumeRolePolicyDocument: &policy { Version: 2012-10-17 }\n"
        "      Again: *policy\n"
        "      Path: !Sub '/${AWS::StackName}/'\n"
        "      Arn: !GetAtt Table.Arn\n"
        "      Nested: !GetAtt Stack.Outputs.Name\n"
        "      Names: !Split [',', !Sub ['a${B}', { B: !Ref C }]]\n"
    )
    assert load_template(path) == {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Conditions": {
            "Tls": {"Fn::Equals": [{"Ref": "RequireTls"}, "true"]},
            "Both": {"Fn::And": [{"Condition": "Tls"}, {"Condition": "Tls"}]},
        },
        "Resources": {
            "Role": {
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "AssumeRolePolicyDocument": {"Version": "2012-10-17"},
                    "Again": {"Version": "2012-10-17"},
                    "Path": {"Fn::Sub": "/${AWS::StackName}/"},
                    "Arn": {"Fn::GetAtt": ["Table", "Arn"]},
                    "Nested": {"Fn::GetAtt": ["Stack", "Outputs.Name"]},
                    "Names": {"Fn::Split": [",", {"Fn::Sub": ["a${B}", {"B": {"Ref": "C"}}]}]},
                },
            }
        },
    }


def test_local_paths_become_objects_and_nothing_else_changes(checkout: Path) -> None:
    template = checkout / "infra" / "template.yaml"
    packaged = package(template, "artifacts")
    places = {
        name: next(value for key, value in resource["Properties"].items() if key.endswith(("Uri", "Definition")))
        for name, resource in packaged.template["Resources"].items()
    }
    assert places["Inline"] == {"StartAt": "Done"}
    contents = {name: packaged.artifacts[places[name]["Key"]] for name in ("Layer", "Work", "Machine")}
    assert {place["Bucket"] for name, place in places.items() if name != "Inline"} == {"artifacts"}
    assert _names(contents["Layer"]) == ["python/cubes/__init__.py", "python/cubes/deep/grid.py"]
    assert _names(contents["Work"]) == ["app.py", "data/table.csv"]
    assert contents["Machine"] == b'{"StartAt": "Done"}'
    assert packaged.template["Resources"]["Work"]["Properties"]["Layers"] == [{"Ref": "Layer"}]


def test_the_same_content_gives_the_same_bytes_whenever_and_wherever(checkout: Path, tmp_path: Path) -> None:
    first = zip_folder(checkout / "functions" / "work")
    twin = tmp_path / "twin"
    (twin / "data").mkdir(parents=True)
    (twin / "data" / "table.csv").write_text("1,2\n")
    (twin / "app.py").write_text("def handler(event, context): ...\n")
    (twin / "app.py").chmod(0o755)
    os.utime(twin / "app.py", (1, 1))
    (twin / "__pycache__").mkdir()
    (twin / "__pycache__" / "app.cpython-311.pyc").write_bytes(b"compiled")
    assert zip_folder(twin) == first
    (twin / "app.py").write_text("changed")
    assert zip_folder(twin) != first


def test_files_in_a_zip_can_be_read_by_every_user(checkout: Path) -> None:
    archive = zipfile.ZipFile(io.BytesIO(zip_folder(checkout / "functions" / "work", under="task/")))
    assert {info.filename: oct(info.external_attr >> 16) for info in archive.infolist()} == {
        "task/app.py": "0o100644",
        "task/data/table.csv": "0o100644",
    }


def test_a_folder_that_is_not_there_is_named(checkout: Path) -> None:
    (checkout / "infra" / "machine.asl.json").unlink()
    with pytest.raises(TemplateError, match=r"Machine: DefinitionUri names machine\.asl\.json, and .* is not there"):
        package(checkout / "infra" / "template.yaml", "artifacts")


def test_a_layer_without_a_package_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match="no Python package"):
        zip_layer(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [("a: [", "is not valid YAML"), ("- 1", "has no Resources"), ("Resources: 3", "has no Resources")],
)
def test_what_is_no_template_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(text)
    with pytest.raises(TemplateError, match=message):
        load_template(path)


def test_a_template_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match=r"cannot read the template .*nowhere\.yaml"):
        load_template(tmp_path / "nowhere.yaml")


def test_the_emulator_gets_the_definition_with_a_concurrency_it_reads() -> None:
    (definition,) = (
        content for key, content in package(find_project().template, "b").artifacts.items() if key.endswith(".json")
    )
    assert b"MaxConcurrencyPath" not in definition
    assert b'"MaxConcurrency": ${UnitConcurrency}' in definition
