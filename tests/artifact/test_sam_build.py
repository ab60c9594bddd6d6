"""`sam build`, and what it builds: small enough for Lambda, and complete without anything of this environment."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = pytest.mark.build

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "infra" / "template.yaml"
RUNTIME = "python3.13"
UNZIPPED_LIMIT = 180_000_000
"""Of a function and its layer: Lambda allows 250 MiB, but what is large takes long to fetch at a cold start."""
ENTRY = Path(__file__).with_name("built_function.py")
# As old as pyproject.toml allows: the runtime's own boto3 is seldom the newest.
RUNTIME_BOTO3 = "boto3==1.36.0"
FUNCTIONS = tuple(sorted(path.parent.name for path in (ROOT / "functions").glob("*/app.py")))

# What the template tells the functions; nobody answers at the endpoint (the discard port), for nobody is to be asked.
ENVIRONMENT = {
    "AWS_REGION": "eu-central-1",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "POWERTOOLS_SERVICE_NAME": "stratocube",
    "STRATOCUBE_CUBES_TABLE": "cubes",
    "STRATOCUBE_GRIDS_TABLE": "grids",
    "STRATOCUBE_BUILDS_TABLE": "builds",
    "STRATOCUBE_ACTIVITIES_TABLE": "activities",
    "STRATOCUBE_ARRIVALS_TABLE": "arrivals",
    "STRATOCUBE_WORK_BUCKET": "work",
    "STRATOCUBE_CUBE_BUCKET": "products",
    "STRATOCUBE_STATE_MACHINE_ARN": "arn:aws:states:eu-central-1:123456789012:stateMachine:build",
    "ARRIVALS_DEAD_LETTERS": "https://queue.example.org/dead",
    "ARRIVALS_DISPATCH": "dispatch",
    "ARRIVALS_QUEUE": "https://queue.example.org/scenes",
    "ARRIVALS_SETTLE_SECONDS": "300",
    "RECONCILE_DAYS": "30",
    "RECONCILE_SILENCE_DAYS": "10",
    "SWEEP_STUCK_MINUTES": "60",
}

_MACHINES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}


@dataclass(frozen=True)
class Built:
    """What `sam build` left."""

    layer: Path
    functions: dict[str, Path]
    """Folder by name of the function's source folder."""
    definition: Path


def quiet_environment(home: Path) -> dict[str, str]:
    """This environment, with SAM's notes about its user kept out of the home directory."""
    return {
        **os.environ,
        "SAM_CLI_TELEMETRY": "0",
        "__SAM_CLI_APP_DIR": str(home),
        "PYTHON": sys.executable,
        "COMPILER": str(runtime_python()),
    }


def sam(*arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "samcli", *arguments],
        env=quiet_environment(home),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def architecture() -> str:
    """Lambda's name of this machine's processor, so that what is built can be run here."""
    machine = platform.machine().lower()
    assert sys.platform == "linux", "what is built holds Linux libraries: run these tests on Linux"
    assert machine in _MACHINES, f"Lambda has no {machine} processors"
    return _MACHINES[machine]


def runtime_python() -> Path:
    """A Python of the runtime's version: on the PATH, or among pyenv's."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    found = shutil.which(RUNTIME)
    version = RUNTIME.removeprefix("python")
    candidates = [Path(found)] if found else []
    candidates += sorted(pyenv.glob(f"versions/{version}*/bin/{RUNTIME}"))
    for candidate in candidates:
        # pyenv's shim is on the PATH whether or not this version is switched on
        answer = subprocess.run([candidate, "--version"], capture_output=True, text=True, check=False)
        if answer.returncode == 0 and answer.stdout.startswith(f"Python {version}."):
            return candidate
    pytest.fail(
        f"no {RUNTIME} found on the PATH or below {pyenv / 'versions'}: install it (`pyenv install {version}`), "
        "the functions run on it"
    )


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    home = tmp_path_factory.mktemp("sam")
    target = home / "build"
    answer = sam(
        "build",
        "--template", str(TEMPLATE),
        "--build-dir", str(target),
        "--parameter-overrides", f"Architecture={architecture()}",
        home=home,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stdout + answer.stderr
    resources = read_template(target / "template.yaml")["Resources"]
    functions = {
        (target / resource["Properties"]["CodeUri"]).resolve().name: (target / resource["Properties"]["CodeUri"])
        for resource in resources.values()
        if resource["Type"] == "AWS::Serverless::Function"
    }
    return Built(
        layer=target / resources["Layer"]["Properties"]["ContentUri"],
        functions={name: path.resolve() for name, path in functions.items()},
        definition=(target / resources["BuildCube"]["Properties"]["DefinitionUri"]).resolve(),
    )


def read_template(path: Path) -> dict[str, Any]:
    """A template whose short functions are of no interest."""

    class Loader(yaml.SafeLoader):
        pass

    Loader.add_multi_constructor("!", lambda loader, suffix, node: f"!{suffix}")
    template: dict[str, Any] = yaml.load(path.read_text(), Loader=Loader)  # noqa: S506 - a SafeLoader
    return template


@pytest.fixture(scope="session")
def python() -> Path:
    return runtime_python()


@pytest.fixture(scope="session")
def runtime_packages(tmp_path_factory: pytest.TempPathFactory, python: Path) -> Path:
    """What the Lambda runtime brings: boto3."""
    target = tmp_path_factory.mktemp("runtime")
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", str(target)]
    answer = subprocess.run([*command, RUNTIME_BOTO3], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    return target


@dataclass(frozen=True)
class Lambda:
    """A stand-in for Lambda: a Python that sees a function's artifact, the layer, the runtime's boto3, and no more."""

    built: Built
    python: Path
    runtime_packages: Path
    scratch: Path
    """Working directory."""

    def call(self, function: str, event: dict[str, Any] | None) -> Any:
        """The answer of a function's handler to ``event``; None imports only."""
        folders = [self.built.functions[function], self.built.layer / "python", self.runtime_packages]
        # isolated from the environment (-I) and without any site-packages (-S); compiles nothing into the artifact (-B)
        command = [str(self.python), "-I", "-S", "-B", str(ENTRY)]
        answer = subprocess.run(
            command,
            input=json.dumps({"path": [str(folder) for folder in folders], "event": event}),
            env=ENVIRONMENT,
            cwd=self.scratch,
            capture_output=True,
            text=True,
            check=False,
        )
        assert answer.returncode == 0, answer.stderr
        return json.loads(answer.stdout.splitlines()[-1])


@pytest.fixture(scope="session")
def stand_in(built: Built, python: Path, runtime_packages: Path, tmp_path_factory: pytest.TempPathFactory) -> Lambda:
    return Lambda(built, python, runtime_packages, tmp_path_factory.mktemp("scratch"))


def proxy_event(method: str, path: str, body: Any = None) -> dict[str, Any]:
    """What API Gateway sends for a request."""
    return {
        "resource": "/{proxy+}" if path != "/" else "/",
        "path": path,
        "httpMethod": method,
        "headers": {"Host": "api.example.org", "Content-Type": "application/json"},
        "multiValueHeaders": {"Host": ["api.example.org"], "Content-Type": ["application/json"]},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": {"proxy": path.lstrip("/")} if path != "/" else None,
        "stageVariables": None,
        "requestContext": {"requestId": "r1", "stage": "v1", "path": f"/v1{path}", "domainName": "api.example.org"},
        "body": None if body is None else json.dumps(body),
        "isBase64Encoded": False,
    }


def test_sam_finds_no_fault_with_the_template(tmp_path: Path) -> None:
    answer = sam("validate", "--lint", "--template", str(TEMPLATE), "--region", "us-east-1", home=tmp_path)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "is a valid SAM Template" in answer.stdout + answer.stderr


@pytest.mark.parametrize("function", FUNCTIONS)
def test_function_and_layer_fit_into_lambda(built: Built, function: str) -> None:
    layer, code = size(built.layer), size(built.functions[function])
    print(f"{function}: {code / 1e3:.0f} kB + layer {layer / 1e6:.0f} MB of {UNZIPPED_LIMIT / 1e6:.0f} MB")
    assert layer + code <= UNZIPPED_LIMIT


def test_the_layer_is_a_python_folder_without_what_never_runs(built: Built) -> None:
    assert [path.name for path in built.layer.iterdir()] == ["python"]
    packages = {path.name for path in (built.layer / "python").iterdir()}
    assert {"stratocube", "numpy", "rasterio", "shapely", "pydantic", "pynamodb", "pystac"} <= packages
    assert not packages & {"boto3", "botocore", "pyproj", "scipy", "pandas", "xarray", "requirements.txt"}
    inside = {path.name for path in (built.layer / "python" / "stratocube").iterdir()}
    assert not inside & {"cli", "local"}


def test_the_layer_carries_bytecode_the_runtime_takes_as_it_is(built: Built) -> None:
    """Lambda can keep none: without it every cold start would compile some 700 modules."""
    root = built.layer / "python"
    lacking = []
    for source in root.rglob("*.py"):
        compiled = source.parent / "__pycache__" / f"{source.stem}.cpython-313.pyc"
        # by hash and never compared with the source, whose time zipping changes (PEP 552)
        if not compiled.exists() or compiled.read_bytes()[4:8] != b"\x01\x00\x00\x00":
            lacking.append(str(source.relative_to(root)))
    assert lacking == []
    assert str(root).encode() not in (root / "stratocube" / "__pycache__" / "errors.cpython-313.pyc").read_bytes()


def test_the_layer_is_built_for_the_processor_that_was_asked_for(built: Built) -> None:
    tag = {"x86_64": "x86_64", "arm64": "aarch64"}[architecture()]
    libraries = [path.name for path in (built.layer / "python" / "numpy").rglob("*.so")]
    assert libraries
    assert all(re.search(rf"cpython-313-{tag}-linux-gnu\.so$", name) for name in libraries)


def test_every_function_folder_is_in_the_build(built: Built) -> None:
    assert tuple(sorted(built.functions)) == FUNCTIONS
    assert built.definition.read_text() == (ROOT / "infra" / "build_cube.asl.json").read_text()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_built_function_imports_with_nothing_but_its_artifact(stand_in: Lambda, function: str) -> None:
    assert stand_in.call(function, None) == {"imported": "app"}


def test_the_built_api_answers_its_root(stand_in: Lambda) -> None:
    answer = stand_in.call("api", proxy_event("GET", "/"))
    assert answer["statusCode"] == 200
    assert "links" in json.loads(answer["body"])


def test_the_built_api_refuses_an_unknown_route(stand_in: Lambda) -> None:
    answer = stand_in.call("api", proxy_event("GET", "/no-such-route"))
    assert answer["statusCode"] == 404
    assert json.loads(answer["body"])["status"] == 404


def test_the_built_api_names_the_field_that_is_wrong(stand_in: Lambda) -> None:
    answer = stand_in.call("api", proxy_event("POST", "/cubes", {"datacube": 7}))
    assert answer["statusCode"] == 400
    assert "datacube" in answer["body"]
