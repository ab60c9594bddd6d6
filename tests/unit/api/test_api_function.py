"""The Lambda function around the API: its settings, its cold start, its answer to an event."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.aws_tables import load_template
from tests.unit.api.api_client import FIXTURES

FUNCTION = Path(__file__).parents[3] / "functions" / "api"

# What raster steps need and the API does not, except when grids are made or a build is started, and what the first
# request loads: each would add between 50 and 500 ms to every cold start.
HEAVY = ("rasterio", "numpy", "shapely", "requests", "boto3", "pystac", "pystac_client", "pydantic", "pynamodb")

SCRIPT = """
import json, sys
import app

loaded = [name for name in sys.argv[2:] if name in sys.modules]

class Context:
    function_name = "api"
    memory_limit_in_mb = 1024
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:api"
    aws_request_id = "request-1"

with open(sys.argv[1]) as event:
    response = app.handler(json.load(event), Context())
print(json.dumps({"loaded": loaded, "response": response}))
"""


def environment() -> dict[str, str]:
    """A value for each variable the template gives the function, and what Lambda itself sets."""
    variables = load_template()["Globals"]["Function"]["Environment"]["Variables"]
    passed_on = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**passed_on, **dict.fromkeys(variables, "some-value"), "AWS_REGION": "us-east-1"}


def test_the_function_starts_light_and_answers_a_fixture_event() -> None:
    event = FIXTURES / "stage_url_root.json"

    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(event), *HEAVY],
        cwd=FUNCTION,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout.splitlines()[-1])
    assert answer["loaded"] == []
    assert answer["response"]["statusCode"] == 200
    assert json.loads(answer["response"]["body"])["name"] == "stratocube"


def test_missing_settings_stop_the_function_and_are_named() -> None:
    env = environment()
    del env["STRATOCUBE_BUILDS_TABLE"]

    done = subprocess.run(
        [sys.executable, "-c", "import app"],
        cwd=FUNCTION,
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode != 0
    assert "STRATOCUBE_BUILDS_TABLE" in done.stderr
