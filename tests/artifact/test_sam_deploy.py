"""`sam build`, `sam deploy`, `sam delete` as docs/deploy.md has them, against the emulator on the runtime's Python.

What `sam build` made is what runs: the layer's compiled packages too. The commands are taken from the page.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import secrets
import shutil
import subprocess
import sys
import time
import tomllib
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pexpect
import pytest

from stratocube.local.emulator import HOST, REGION, Emulator, emulator_environment, end_group
from stratocube.local.progress import BuildProgress, follow
from stratocube.local.stack import Stack
from tests.artifact.test_sam_build import architecture, quiet_environment, runtime_python
from tests.docs.blocks import DOCS, REPOSITORY, to_run
from tests.stack.conftest import DEMO

pytestmark = [pytest.mark.build, pytest.mark.timeout(1800)]

PAGE = DOCS / "deploy.md"
PORT = 4796
START_SECONDS = 60.0
COPIED = ("infra", "functions", "shared")
SECTIONS = ("default", "dev", "prod")


@dataclass(frozen=True)
class Account:
    """An emulated AWS account, and a copy of the project whose samconfig.toml suits it."""

    emulator: Emulator
    project: Path
    environment: Mapping[str, str]

    def shell(self, script: str) -> str:
        """Run a block of the page: from the root where it goes to infra itself, else in infra. What it printed."""
        folder = self.project if script.startswith("cd infra") else self.project / "infra"
        answer = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert answer.returncode == 0, f"{script}\n{answer.stdout}\n{answer.stderr}"
        return answer.stdout + answer.stderr

    def stack(self, name: str) -> Stack:
        """A deployed stack, with its API where the emulator serves it."""
        (found,) = self.emulator.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
        outputs = {output["OutputKey"]: output["OutputValue"] for output in found["Outputs"]}
        key = self.emulator.client("apigateway").get_api_key(apiKey=outputs["ApiKeyId"], includeValue=True)["value"]
        url = f"{self.emulator.url}/_aws/execute-api/{outputs['ApiId']}/{outputs['ApiStage']}"
        return Stack(emulator=self.emulator, outputs=outputs, url=url, api_key=key)

    def parameters(self, name: str) -> dict[str, str]:
        """What the stack was deployed with."""
        (found,) = self.emulator.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
        return {each["ParameterKey"]: each["ParameterValue"] for each in found["Parameters"]}

    def stacks(self) -> set[str]:
        """Names of the stacks there are."""
        found = self.emulator.client("cloudformation").describe_stacks()["Stacks"]
        return {stack["StackName"] for stack in found if not stack["StackStatus"].startswith("DELETE")}


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    folder = tmp_path_factory.mktemp("account")
    python, packages = runtime_python(), folder / "packages"
    # awscli for the page's `aws`; boto3 as the Lambda runtime has it.
    wanted = [f"ministack=={importlib.metadata.version('ministack')}", "aws-sam-translator", "boto3", "awscli"]
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", str(packages)]
    answer = subprocess.run([*install, *wanted], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    key, secret = "AKIASTRATOCUBE" + secrets.token_hex(3).upper(), secrets.token_urlsafe(30)
    emulator = Emulator(PORT, 0, folder / "emulator.log", key, secret)
    with emulator.log.open("wb") as log:
        state = folder / "state"
        (state / "tmp").mkdir(parents=True)
        process = subprocess.Popen(
            [str(python), "-m", "ministack"],
            env=emulator_environment(
                os.environ,
                port=PORT,
                state_dir=state,
                key=emulator.access_key_id,
                secret=emulator.secret_access_key,
            )
            | {"PYTHONPATH": str(packages)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=state / "tmp",
            start_new_session=True,
        )
    try:
        wait_for(emulator, process)
        project = copy_of_the_project(folder / "project")
        yield Account(emulator, project, environment(folder, emulator, python, packages))
    finally:
        end_group(process.pid)
        process.wait()


def wait_for(emulator: Emulator, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        assert process.poll() is None, emulator.log.read_text()
        assert time.monotonic() < deadline, emulator.log.read_text()
        try:
            with urllib.request.urlopen(f"http://{HOST}:{PORT}/_ministack/health", timeout=2) as answer:
                assert json.load(answer)["auth"] == "enabled"
                return
        except OSError:
            time.sleep(0.1)


def environment(folder: Path, emulator: Emulator, python: Path, packages: Path) -> dict[str, str]:
    """The shell a user would have: sam, aws and Python on the path, credentials, the emulator as endpoint."""
    programs = folder / "bin"
    programs.mkdir()
    (programs / "python3.13").symlink_to(python)
    (programs / "aws").write_text(f'#!/bin/sh\nPYTHONPATH="{packages}" exec "{python}" -m awscli "$@"\n')
    (programs / "aws").chmod(0o755)
    ours = Path(sys.executable).parent
    return {
        **quiet_environment(folder / "sam"),
        "PATH": os.pathsep.join([str(programs), str(ours), os.environ["PATH"]]),
        "AWS_ENDPOINT_URL": emulator.url,
        "AWS_ACCESS_KEY_ID": emulator.access_key_id,
        "AWS_SECRET_ACCESS_KEY": emulator.secret_access_key,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_COLOR": "1",
    }


def copy_of_the_project(target: Path) -> Path:
    """What `sam` reads, with samconfig.toml changed as its user would: this processor, and no TLS on this machine."""
    for name in COPIED:
        shutil.copytree(REPOSITORY / name, target / name, ignore=shutil.ignore_patterns("__pycache__", ".aws-sam"))
    path = target / "infra" / "samconfig.toml"
    text = path.read_text().replace('"Architecture=arm64"', f'"Architecture={architecture()}"')
    text = text.replace(
        f'[\n  "Architecture={architecture()}",', f'[\n  "Architecture={architecture()}", "RequireTls=false",'
    )
    text += f'\n[default.build.parameters]\nparameter_overrides = ["Architecture={architecture()}"]\n'
    path.write_text(text)
    changed = tomllib.loads(text)
    for section in ("dev", "prod"):
        assert "RequireTls=false" in changed[section]["deploy"]["parameters"]["parameter_overrides"]
    return target


class Silent:
    """A display for tests: shows nothing."""

    def update(self, progress: BuildProgress) -> None:
        """Ignore a report."""


def start_a_build(stack: Stack) -> str:
    """The demo's grid, cube and scenes, and a build of one tile that has begun."""

    def request(name: str) -> dict[str, Any]:
        text = (DEMO / f"{name}.json").read_text().replace("LANDING_BUCKET", stack.outputs["LandingBucket"])
        found: dict[str, Any] = json.loads(text)
        return found

    stack.upload(DEMO / "scenes", stack.outputs["LandingBucket"], "demo")
    stack.call("POST", "/create-grids", request("grid"))
    stack.call("POST", "/cubes", request("cube_lcf"))
    return str(stack.call("POST", "/start", request("start_lcf") | {"tiles": ["000000"]})["build_id"])


def test_dev_is_deployed_updated_and_deleted_as_the_page_says(account: Account) -> None:
    deploy, address, change, running, delete = [block.text for block in to_run(PAGE, "dev")]
    name = "stratocube-dev"

    assert f"Successfully created/updated stack - {name}" in account.shell(deploy)
    stack = account.stack(name)
    assert account.parameters(name)["UnitConcurrency"] == "2"

    # The key the page's command prints opens the API, and nothing else does.
    printed = account.shell(address)
    assert "ApiUrl" in printed
    key = printed.split()[-1]
    assert stack.request("GET", "/cubes", api_key="")[0] == 403
    assert stack.request("GET", "/cubes", api_key=key)[0] == 200

    # An update between a cancel and a retry: nothing is lost, and the build goes on after it.
    build = start_a_build(stack)
    stack.call("POST", f"/builds/{build}/cancel")
    assert "UPDATE_COMPLETE" in account.shell(change)
    assert account.parameters(name)["UnitConcurrency"] == "4"
    build = stack.call("POST", f"/builds/{build}/retry")["build_id"]
    progress = follow(lambda: stack.call("GET", f"/builds/{build}"), Silent(), seconds=900)
    assert progress.status == "SUCCEEDED", progress.failures()
    assert stack.call("GET", "/cubes/S2-1M-LCF-1")["datacube"] == "S2-1M-LCF"

    assert "No changes to deploy" in account.shell("sam deploy --config-env dev")
    # Parameters are kept where they are named nowhere: that of dev's section, the list of the command line apart.
    account.shell("sam deploy --config-env dev --parameter-overrides MergeMemory=2048")
    assert account.parameters(name)["MergeMemory"] == "2048"
    assert account.parameters(name)["UnitConcurrency"] == "4"
    memory = stack.client("lambda").get_function_configuration(FunctionName=f"{name}-merge")["MemorySize"]
    assert memory == 2048
    account.shell("sam deploy --config-env dev")
    assert account.parameters(name)["MergeMemory"] == "2048"

    assert json.loads(account.shell(running))["executions"] == []

    tables = {stack.outputs[output] for output in stack.outputs if output.endswith("Table")}
    account.shell(delete)
    assert name not in account.stacks()
    assert tables <= set(stack.client("dynamodb").list_tables()["TableNames"])
    buckets = {bucket["Name"] for bucket in stack.client("s3").list_buckets()["Buckets"]}
    assert {stack.outputs["CubeBucket"], stack.outputs["LandingBucket"]} <= buckets
    assert stack.outputs["WorkBucket"] not in buckets


def test_prod_is_deployed_without_a_question(account: Account) -> None:
    (deploy,) = to_run(PAGE, "prod")
    assert "Successfully created/updated stack - stratocube" in account.shell(deploy.text)
    assert account.stack("stratocube").call("GET", "/")["name"] == "stratocube"
    account.shell("sam delete --config-env prod --no-prompts")
    assert "stratocube" not in account.stacks()


def test_a_guided_deploy_asks_and_keeps_the_answers(account: Account) -> None:
    (guided,) = to_run(PAGE, "guided")
    child = pexpect.spawn(
        "bash",
        ["-euc", guided.text],
        cwd=str(account.project),
        env=dict(account.environment) | {"TERM": "dumb"},
        timeout=120,
        encoding="utf-8",
        dimensions=(50, 200),
    )
    answers = [
        (r"Stack Name\S* \[.*?\]: ", "stratocube-guided"),
        (r"Architecture\S* \[.*?\]: ", architecture()),
        (r"RequireTls\S* \[.*?\]: ", "false"),
        (r"UnitConcurrency\S* \[.*?\]: ", "3"),
        (r"Deploy this changeset\? \[y/N\]: ", "y"),
        (r"no authentication\. Is this okay\? \[y/N\]: ", "y"),
        (r"\]: ", ""),
    ]
    asked = []
    while (found := child.expect([*(pattern for pattern, _ in answers), pexpect.EOF])) < len(answers):
        asked.append(found)
        child.sendline(answers[found][1])
    child.close()
    assert child.exitstatus == 0, child.before
    assert {0, 1, 2, 3, 4} <= set(asked)
    assert account.parameters("stratocube-guided")["UnitConcurrency"] == "3"
    kept = tomllib.loads((account.project / "infra" / "samconfig.toml").read_text())
    assert kept["default"]["deploy"]["parameters"]["stack_name"] == "stratocube-guided"
    assert 'UnitConcurrency="3"' in kept["default"]["deploy"]["parameters"]["parameter_overrides"]
    account.shell("sam delete --stack-name stratocube-guided --no-prompts")
    assert "stratocube-guided" not in account.stacks()
