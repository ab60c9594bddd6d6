"""What fails, fails alone, and says why where the user looks."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.stack.conftest import DEMO, Application

NORTH, SOUTH = "000000", "000001"
RED_OF_THE_NORTH = "S2B_33TWM_20230813_0_L2A"


@pytest.fixture(scope="module")
def cube(app: Application) -> str:
    """A cube of its own, so that nothing is there to reuse."""
    definition = app.example("cube_lcf", datacube="FAIL-1M-LCF", datacube_identity="FAIL")
    return str(app.stack.call("POST", "/cubes", definition)["id"])


def _scenes_with(app: Application, name: str, href: str) -> str:
    """An item collection in which the red band of one scene, kept to the northern tile, is at ``href``."""
    collection = json.loads((DEMO / "scenes" / "items.json").read_text())
    west, south, east, north = 15.07, 46.30, 15.45, 46.47
    for item in collection["features"]:
        if item["id"] == RED_OF_THE_NORTH:
            item["bbox"] = [west, south, east, north]
            ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
            item["geometry"] = {"type": "Polygon", "coordinates": [ring]}
            item["assets"]["red"]["href"] = href
    app.stack.client("s3").put_object(Bucket=app.landing, Key=f"demo/{name}.json", Body=json.dumps(collection).encode())
    return f"s3://{app.landing}/demo/{name}.json"


def test_a_scene_that_is_not_there_fails_its_unit_alone_with_its_url(app: Application, cube: str) -> None:
    request = app.example("start_lcf", datacube=cube, stac_url=_scenes_with(app, "missing", "nowhere/B04.tif"))
    build = app.build(request)
    assert build.status == "PARTIAL"
    (failed,) = build.failed_units
    assert failed["unit_id"].startswith(NORTH)
    assert failed["step"] == "merge"
    assert f"s3://{app.landing}/demo/nowhere/B04.tif" in failed["cause"]
    assert "SourceMissing" in failed["cause"]
    assert not app.keys("fail-1m-lcf/v1/000/000/")
    assert app.item("fail-1m-lcf/v1/000/001/")["id"] == "FAIL-1M-LCF_V1_000001_20230801"
    listed = app.stack.call("GET", f"/failures?cube_id={cube}&since=2020-01-01T00:00:00Z")
    assert "nowhere/B04.tif" in json.dumps(listed)


def test_a_scene_that_ends_in_the_middle_fails_its_unit_and_never_counts_as_nodata(app: Application, cube: str) -> None:
    s3 = app.stack.client("s3")
    whole = (DEMO / "scenes" / RED_OF_THE_NORTH).glob("*B04.tif")
    s3.put_object(Bucket=app.landing, Key="demo/cut/B04.tif", Body=next(whole).read_bytes()[:40_000])
    build = app.build(app.example("start_lcf", datacube=cube, stac_url=_scenes_with(app, "cut", "cut/B04.tif")))
    assert build.status == "PARTIAL"
    (failed,) = build.failed_units
    assert failed["unit_id"].startswith(NORTH)
    assert f"s3://{app.landing}/demo/cut/B04.tif" in failed["cause"]


def test_a_permission_that_is_missing_fails_the_step_that_needs_it_while_other_units_succeed(
    app: Application, cube: str
) -> None:
    # The south is built first; what it needs is then reused, so only the north has to write a merge.
    assert app.build(app.example("start_lcf", datacube=cube, tiles=[SOUTH])).status == "SUCCEEDED"
    with _without(app, "merge", "s3:PutObject"):
        build = app.build(app.example("start_lcf", datacube=cube))
    assert build.status == "PARTIAL"
    (failed,) = build.failed_units
    assert failed["unit_id"].startswith(NORTH)
    assert failed["step"] == "merge"
    assert "AccessDenied" in failed["cause"]
    assert "PutObject" in failed["cause"]
    assert build.units["succeeded"] == 1
    mended = app.build(app.example("start_lcf", datacube=cube))
    assert mended.status == "SUCCEEDED"
    assert mended.steps["blend"].reused == 5  # the south's


@pytest.mark.parametrize(
    ("function", "action", "step"),
    [("search", "s3:GetObject", "search"), ("blend", "s3:PutObject", "blend"), ("publish", "s3:PutObject", "publish")],
)
def test_every_step_without_its_permission_fails_under_its_own_name(
    app: Application, cube: str, function: str, action: str, step: str
) -> None:
    name = f"NO-{function.upper()}-1M-LCF"
    app.stack.call("POST", "/cubes", app.example("cube_lcf", datacube=name, datacube_identity="FAIL"))
    with _without(app, function, action):
        build = app.build(app.example("start_lcf", datacube=f"{name}-1", tiles=[SOUTH]))
    assert build.status == "FAILED"
    (failed,) = build.failed_units
    assert failed["step"] == step
    assert "AccessDenied" in failed["cause"] or "not authorized" in failed["cause"] or "may not read" in failed["cause"]


@contextmanager
def _without(app: Application, function: str, action: str) -> Iterator[None]:
    """Take an action out of the policies of a function's role, and put it back."""
    lambda_client, iam = app.stack.client("lambda"), app.stack.client("iam")
    (arn,) = {
        entry["Role"]
        for entry in lambda_client.list_functions()["Functions"]
        if entry["FunctionName"] == f"stratocube-{function}"
    }
    role = arn.rsplit("/", 1)[1]
    before: dict[str, Any] = {
        name: iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]
    }
    taken = 0
    for name, document in before.items():
        changed = copy.deepcopy(document)
        for statement in changed["Statement"]:
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            taken += action in actions
            statement["Action"] = [kept for kept in actions if kept != action] or ["s3:GetObjectTorrent"]
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(changed))
    assert taken, f"{function} never had {action}"
    try:
        yield
    finally:
        for name, document in before.items():
            iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))
