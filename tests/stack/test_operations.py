"""Cancel, retry, complete, and rebuild what is stale: each leaves what one clean run would have left."""

from __future__ import annotations

import hashlib
import json
import posixpath
import time
from collections.abc import Mapping
from typing import Any

import pytest
from rasterio.io import MemoryFile

from stratocube.client.api import ApiError
from stratocube.local.progress import BuildProgress
from tests.stack.conftest import DEMO, Application

pytestmark = pytest.mark.slow

NORTH, SOUTH = "000000", "000001"
NORTH_UNIT, SOUTH_UNIT = (f"{tile}_2023-08-01_2023-08-31" for tile in (NORTH, SOUTH))
LATE = "S2B_33TWM_20230813_0_L2A"
LATE_DAY = "2023-08-13"
BANDS = 5
DAYS = ("2023-08-10", LATE_DAY, "2023-08-20")
DATES = len(DAYS)
RUNNING_SECONDS = 60.0


def scenes(app: Application, name: str, *, late: bool = True, red: str | None = None) -> str:
    """Scenes of three days, of which one is kept to the northern tile, or left out; ``red``: where its red is."""
    collection = json.loads((DEMO / "scenes" / "items.json").read_text())
    west, south, east, north = 15.07, 46.30, 15.45, 46.47
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    for item in collection["features"]:
        if item["id"] == LATE:
            item["bbox"] = [west, south, east, north]
            item["geometry"] = {"type": "Polygon", "coordinates": [ring]}
            item["assets"]["red"]["href"] = red or item["assets"]["red"]["href"]
    collection["features"] = [
        item
        for item in collection["features"]
        if item["properties"]["datetime"][:10] in DAYS and (late or item["id"] != LATE)
    ]
    app.stack.client("s3").put_object(Bucket=app.landing, Key=f"demo/{name}.json", Body=json.dumps(collection).encode())
    return f"s3://{app.landing}/demo/{name}.json"


def start(app: Application, path: str, request: Mapping[str, Any]) -> BuildProgress:
    """Send an operation that starts a build, and follow that to its end."""
    return app.wait(app.stack.call("POST", path, dict(request))["build_id"])


def answer(app: Application, build_id: str) -> dict[str, Any]:
    found: dict[str, Any] = app.stack.call("GET", f"/builds/{build_id}")
    return found


def refused(app: Application, path: str) -> int:
    with pytest.raises(ApiError) as caught:
        app.stack.call("POST", path)
    return caught.value.status


def pixels(app: Application, cube: str, tile: str) -> dict[str, str]:
    """What the rasters of a composite hold, by asset: their files also say of which cube they are."""
    folder = f"{cube}/v1/{tile[:3]}/{tile[3:]}/2023/08/01/"
    found = {}
    for name, asset in app.item(folder)["assets"].items():
        with MemoryFile(app.read(posixpath.normpath(folder + asset["href"]))) as memory, memory.open() as raster:
            found[name] = hashlib.sha256(raster.read().tobytes()).hexdigest()
    return found


@pytest.fixture(scope="module")
def grown(app: Application) -> dict[str, BuildProgress]:
    """A cube that is built on one tile without a scene, completed, then brought up to date with the scene."""
    app.stack.call("POST", "/cubes", app.example("cube_lcf", datacube="OPS-1M-LCF", datacube_identity="OPS"))
    fewer, whole = scenes(app, "fewer", late=False), scenes(app, "whole")
    of_cube = {"cube_id": "OPS-1M-LCF-1", "start_date": "2023-08-01", "end_date": "2023-08-31"}
    first = app.build(app.example("start_lcf", datacube="OPS-1M-LCF-1", tiles=[NORTH], stac_url=fewer))
    completed = start(app, "/complete", of_cube | {"tiles": [NORTH, SOUTH]})
    before = {key: app.read(key) for key in app.keys("ops-1m-lcf/") if key.endswith(".json")}
    listed = start(app, "/stale", of_cube | {"stac_url": whole, "dry_run": True})
    assert {key: app.read(key) for key in app.keys("ops-1m-lcf/") if key.endswith(".json")} == before
    rebuilt = start(app, "/stale", of_cube | {"stac_url": whole})
    current = start(app, "/stale", of_cube | {"stac_url": whole, "dry_run": True})
    return {"first": first, "completed": completed, "listed": listed, "rebuilt": rebuilt, "current": current}


def test_complete_builds_only_the_unit_that_is_missing(app: Application, grown: dict[str, BuildProgress]) -> None:
    assert (grown["first"].status, grown["completed"].status) == ("SUCCEEDED", "SUCCEEDED")
    found = answer(app, grown["completed"].build_id)
    assert found["options"] == {"only_missing": True}
    assert found["planned"] == {"requested": 2, "units": 1}
    assert found["units"]["succeeded"] == 1
    assert app.stack.call("GET", f"/builds/{found['build_id']}/units/{SOUTH_UNIT}")["status"] == "SUCCEEDED"


def test_completing_what_is_complete_is_a_build_of_nothing_that_succeeds(
    app: Application, grown: dict[str, BuildProgress]
) -> None:
    # tiles, collections and the source are those of the builds before
    form = {"cube_id": "OPS-1M-LCF-1", "start_date": "2023-08-01", "end_date": "2023-08-31"}
    nothing = start(app, "/complete", form)
    assert (nothing.status, nothing.units["total"]) == ("SUCCEEDED", 0)


def test_a_stale_dry_run_lists_exactly_the_unit_that_got_a_scene_and_builds_nothing(
    app: Application, grown: dict[str, BuildProgress]
) -> None:
    found = answer(app, grown["listed"].build_id)
    assert found["status"] == "SUCCEEDED"
    assert found["stale"]["checked"] == 2
    assert found["stale"]["stale"] == 1
    (unit,) = found["stale"]["units"]
    assert (unit["unit_id"], unit["new"]) == (NORTH_UNIT, [LATE_DAY])
    assert {"gone", "changed", "recipe"} & set(unit) == set()
    assert {name: step["built"] for name, step in found["steps"].items() if step["built"]} == {"search": 2}


def test_a_stale_build_rebuilds_just_that_unit_and_then_nothing_is_stale(
    app: Application, grown: dict[str, BuildProgress]
) -> None:
    rebuilt = grown["rebuilt"]
    assert rebuilt.status == "SUCCEEDED"
    assert (rebuilt.steps["merge"].built, rebuilt.steps["merge"].reused) == (BANDS, BANDS * (DATES - 1))
    assert (rebuilt.steps["blend"].built, rebuilt.steps["publish"].built) == (BANDS, 1)
    item = app.item("ops-1m-lcf/v1/000/000/2023/08/01/")
    assert LATE_DAY in item["properties"]["stratocube:dates"]
    assert len(item["properties"]["stratocube:inputs"]) == DATES
    assert answer(app, grown["current"].build_id)["stale"] == {"checked": 2, "stale": 0, "units": []}
    status = app.stack.call("GET", "/cube-status?cube_id=OPS-1M-LCF-1")
    assert (status["done"], status["not_done"], status["finished"]) == (2, 0, True)


@pytest.fixture(scope="module")
def cancelled(app: Application) -> dict[str, Any]:
    """A build that was cancelled as soon as it had made something; the answers of two presses."""
    app.stack.call("POST", "/cubes", app.example("cube_lcf", datacube="STOP-1M-LCF", datacube_identity="STOP"))
    request = app.example("start_lcf", datacube="STOP-1M-LCF-1", tiles=[NORTH], stac_url=scenes(app, "whole"))
    build_id = app.stack.call("POST", "/start", request)["build_id"]
    deadline = time.monotonic() + RUNNING_SECONDS
    while answer(app, build_id)["steps"]["merge"]["built"] == 0:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    early = refused(app, f"/builds/{build_id}/retry")
    presses = [app.stack.call("POST", f"/builds/{build_id}/cancel") for _ in range(2)]
    return {"build_id": build_id, "presses": presses, "early_retry": early}


def test_cancel_stops_the_build_says_what_remains_and_may_be_pressed_twice(
    app: Application, cancelled: dict[str, Any]
) -> None:
    first, second = cancelled["presses"]
    assert (first["status"], first["execution_stopped"]) == ("CANCELLED", True)
    assert first["units"] == {"total": 1, "planned": 0, "running": 0, "succeeded": 0, "failed": 0, "cancelled": 1}
    assert (second["status"], second["units"]) == (first["status"], first["units"])
    assert second["cancelled_at"] == first["cancelled_at"]
    assert cancelled["early_retry"] == 409
    machine = app.stack.outputs["StateMachineArn"].replace(":stateMachine:", ":execution:")
    execution = app.stack.client("stepfunctions").describe_execution(executionArn=f"{machine}:{cancelled['build_id']}")
    assert execution["status"] == "ABORTED"


def test_a_cancelled_build_is_retried_to_the_products_of_a_clean_run(
    app: Application, cancelled: dict[str, Any], grown: dict[str, BuildProgress]
) -> None:
    assert not [key for key in app.keys("stop-1m-lcf/v1/000/") if key.endswith(".json")]
    retried = start(app, f"/builds/{cancelled['build_id']}/retry", {})
    assert retried.status == "SUCCEEDED"
    assert (retried.units["total"], retried.units["succeeded"]) == (1, 1)
    assert pixels(app, "stop-1m-lcf", NORTH) == pixels(app, "ops-1m-lcf", NORTH)
    again = answer(app, cancelled["build_id"])
    assert (again["status"], again["units"]["cancelled"]) == ("CANCELLED", 1)
    assert again["retried_by"] == [retried.build_id]
    assert answer(app, retried.build_id)["options"]["retry_of"] == cancelled["build_id"]
    assert refused(app, f"/builds/{retried.build_id}/cancel") == 409
    assert refused(app, f"/builds/{retried.build_id}/retry") == 409


def test_a_retry_after_a_failure_heals_just_the_unit_that_failed(
    app: Application, cancelled: dict[str, Any], grown: dict[str, BuildProgress]
) -> None:
    href = f"s3://{app.landing}/demo/later/B04.tif"
    app.stack.call("POST", "/cubes", app.example("cube_lcf", datacube="HEAL-1M-LCF", datacube_identity="OPS"))
    request = app.example("start_lcf", datacube="HEAL-1M-LCF-1", stac_url=scenes(app, "later", red=href))
    failed = app.build(request)
    assert (failed.status, failed.units["failed"]) == ("PARTIAL", 1)
    assert refused(app, f"/builds/{failed.build_id}/cancel") == 409
    with pytest.raises(ApiError, match="no unit that is FAILED"):
        app.stack.call("POST", f"/builds/{failed.build_id}/retry", {"error": "AccessDenied"})
    red = next((DEMO / "scenes" / LATE).glob("*B04.tif")).read_bytes()
    app.stack.client("s3").put_object(Bucket=app.landing, Key="demo/later/B04.tif", Body=red)

    answered = app.stack.call("POST", f"/builds/{failed.build_id}/retry", {"states": ["FAILED"], "error": "b04.tif"})
    healed = app.wait(answered["build_id"])

    assert answered["units"] == 1
    assert (healed.status, healed.units["total"]) == ("SUCCEEDED", 1)
    assert (healed.steps["merge"].built, healed.steps["merge"].reused) == (1, BANDS * DATES - 1)
    assert pixels(app, "heal-1m-lcf", NORTH) == pixels(app, "ops-1m-lcf", NORTH)
