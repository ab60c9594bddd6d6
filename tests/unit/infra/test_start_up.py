"""What the functions load while Lambda starts them: counted in modules, never in time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.aws_tables import load_template

FUNCTIONS = Path(__file__).parents[3] / "functions"
RASTER_FUNCTIONS = ("merge", "prepare_blend", "blend", "publish")

# Each takes between 20 and 150 ms, and an answer of BUSY or to a preflight request needs few of them.
LATER = ("boto3", "botocore.session", "pydantic", "pynamodb", "pystac", "requests", "s3transfer", "shapely", "urllib3")

LOADED = """
import json, sys
import app
loaded = [name for name in json.loads(sys.argv[1]) if name in sys.modules]
"""


def run(function: str, code: str, names: tuple[str, ...] = ()) -> list[str]:
    """The last line that ``code`` prints, of JSON, in a process of its own in a function's folder."""
    variables = load_template()["Globals"]["Function"]["Environment"]["Variables"]
    passed_on = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-c", LOADED + code, json.dumps(names)],
        cwd=FUNCTIONS / function,
        env={
            **passed_on,
            **dict.fromkeys(variables, "some-value"),
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "none",
            "AWS_SECRET_ACCESS_KEY": "none",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    answer: list[str] = json.loads(done.stdout.splitlines()[-1])
    return answer


@pytest.mark.parametrize("function", RASTER_FUNCTIONS)
def test_a_raster_function_starts_with_gdal_and_little_else(function: str) -> None:
    assert run(function, "print(json.dumps(loaded))", (*LATER, "numpy", "rasterio")) == ["numpy", "rasterio"]


def test_the_api_starts_with_its_routes_to_be() -> None:
    names = (*LATER, "numpy", "rasterio", "aws_lambda_powertools.event_handler")
    assert run("api", "print(json.dumps(loaded))", names) == ["aws_lambda_powertools.event_handler"]


STEPS = {
    "merge": "merge",
    "prepare_blend": "dates",
    "blend": "blend",
    "publish": "publish",
}


@pytest.mark.parametrize("function", RASTER_FUNCTIONS)
def test_no_raster_function_ever_loads_boto3(function: str) -> None:
    code = f"""
import stratocube.workflow.{STEPS[function]}, stratocube.workflow.events
from stratocube.workflow.context import this_stack
stack = this_stack()
assert stack is this_stack()
print(json.dumps([name for name in json.loads(sys.argv[1]) if name in sys.modules]))
"""
    assert run(function, code, ("boto3", "s3transfer", "botocore.session")) == ["botocore.session"]


def test_compositing_and_merging_load_neither_pydantic_nor_masked_arrays() -> None:
    code = """
import stratocube.pixels.blend_cogs, stratocube.pixels.merge
print(json.dumps([name for name in json.loads(sys.argv[1]) if name in sys.modules]))
"""
    assert run("blend", code, ("pydantic", "numpy.ma", "stratocube.pixels.merge")) == ["stratocube.pixels.merge"]


def test_the_search_loads_no_gdal() -> None:
    assert run("search", "print(json.dumps(loaded))", ("rasterio", "boto3")) == []


def test_only_rasterio_goes_without_boto3() -> None:
    code = """
import rasterio.session
without = rasterio.session.boto3
import boto3
print(json.dumps([str(without), boto3.__name__]))
"""
    assert run("merge", code) == ["None", "boto3"]


def test_boto3_that_is_loaded_already_stays() -> None:
    code = """
import boto3
from stratocube.start_up import load_rasters
load_rasters()
print(json.dumps([str(sys.modules["boto3"] is boto3)]))
"""
    assert run("api", code) == ["True"]


def test_linear_algebra_gets_no_threads_unless_somebody_wants_them() -> None:
    assert run("merge", "import os; print(json.dumps([os.environ['OPENBLAS_NUM_THREADS']]))") == ["1"]
