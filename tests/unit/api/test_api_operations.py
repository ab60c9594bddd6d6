"""Operations through the API: what is answered, and what is recorded and launched."""

from __future__ import annotations

from typing import Any

import pytest

from stratocube.state.status import BuildStatus, UnitStatus
from stratocube.workflow.operations_cancel import StopFailed
from stratocube.workflow.start import LaunchFailed
from tests.unit.api.api_client import Client
from tests.unit.api.forms import cube_form, grid_form, start_form

CUBE = "S2-16D-1"
WINDOW = {"cube_id": CUBE, "start_date": "2019-01-01", "end_date": "2019-01-31"}


@pytest.fixture
def ready(client: Client) -> Client:
    """A client of an API that has the cube and its grid."""
    assert client.post("/create-grids", grid_form()).status == 201
    assert client.post("/cubes", cube_form()).status == 201
    return client


def started(client: Client, **changes: Any) -> str:
    """The id of a build of four units that runs."""
    build_id: str = client.post("/start", start_form(**changes)).body["build_id"]
    units = [
        (f"{tile}_{start}_{end}", tile, start, end)
        for tile in ("000002", "001002")
        for start, end in (("2019-01-01", "2019-01-16"), ("2019-01-17", "2019-02-01"))
    ]
    client.services.builds.add_units(build_id, units)
    client.services.builds.start(build_id, now="2026-08-10T12:00:01.000000Z")
    return build_id


def ended(client: Client, **changes: Any) -> tuple[str, list[str]]:
    """The id of a build that ended with one unit done and three failed, and its units."""
    build_id, builds = started(client, **changes), client.services.builds
    units = [unit.unit_id for unit in builds.units(build_id)]
    builds.unit_succeeded(build_id, units[0], now="2026-08-10T13:00:00.000000Z")
    for hour, unit in enumerate(units[1:]):
        cause = "SourceMissing: s3://scenes/a.tif" if hour else "TransientRead: timeout"
        builds.unit_failed(build_id, unit, step="merge", cause=cause, now=f"2026-08-10T1{hour}:00:00.000000Z")
    builds.finish(build_id, status=BuildStatus.PARTIAL, summary={}, now="2026-08-10T14:00:00.000000Z")
    return build_id, units


def test_cancel_answers_what_was_done_and_what_remains(ready: Client) -> None:
    build_id = started(ready)
    first_unit = next(iter(ready.services.builds.units(build_id))).unit_id
    ready.services.builds.unit_succeeded(build_id, first_unit)

    reply = ready.post(f"/builds/{build_id}/cancel", "")

    assert reply.status == 200
    assert [link["rel"] for link in reply.body.pop("links")] == ["self", "cube", "failures"]
    assert reply.body == {
        "build_id": build_id,
        "status": "CANCELLED",
        "cancelled_at": "2026-08-10T12:00:00.250000Z",
        "execution_stopped": True,
        "claims_released": 0,
        "units": {"total": 4, "planned": 0, "running": 0, "succeeded": 1, "failed": 0, "cancelled": 3},
    }
    assert ready.stopper.stopped == [build_id]
    found = ready.get(f"/builds/{build_id}").body
    assert (found["status"], found["units"]["cancelled"]) == ("CANCELLED", 3)
    statuses = [unit.status for unit in ready.services.builds.units(build_id)]
    assert statuses == [UnitStatus.SUCCEEDED, *[UnitStatus.CANCELLED] * 3]


def test_cancel_pressed_twice_answers_the_same(ready: Client) -> None:
    build_id = started(ready)
    first, second = (ready.post(f"/builds/{build_id}/cancel", "{}") for _ in range(2))
    assert (first.status, second.status) == (200, 200)
    assert second.body == first.body | {"execution_stopped": False}


def test_a_build_that_has_not_begun_can_be_cancelled(ready: Client) -> None:
    build_id = ready.post("/start", start_form()).body["build_id"]
    assert ready.post(f"/builds/{build_id}/cancel", "").body["units"]["total"] == 0
    assert ready.services.builds.get(build_id).status is BuildStatus.CANCELLED


def test_a_build_that_has_ended_cannot_be_cancelled_and_one_that_is_not_there_is_not_found(ready: Client) -> None:
    build_id, _ = ended(ready)
    reply = ready.post(f"/builds/{build_id}/cancel", "")
    assert (reply.status, reply.headers["Content-Type"]) == (409, "application/problem+json")
    assert "PARTIAL" in reply.body["detail"]
    assert ready.post("/builds/nope/cancel", "").status == 404
    assert ready.stopper.stopped == []


def test_an_execution_that_cannot_be_stopped_now_leaves_the_build_cancelled_and_is_asked_for_again(
    ready: Client,
) -> None:
    build_id = started(ready)
    ready.stopper.failure = StopFailed(build_id, "Step Functions: throttled")
    reply = ready.post(f"/builds/{build_id}/cancel", "")
    assert (reply.status, reply.body["build_id"]) == (503, build_id)
    assert "Retry-After" in reply.headers
    assert ready.services.builds.is_cancelled(build_id)
    ready.stopper.failure = None
    assert ready.post(f"/builds/{build_id}/cancel", "").body["units"]["cancelled"] == 4


@pytest.mark.parametrize(
    ("form", "count"),
    [
        (None, 3),
        ({}, 3),
        ({"states": ["FAILED"], "error": "sourcemissing"}, 2),
        ({"error": "TransientRead"}, 1),
        ({"since": "2026-08-10T11:00:00Z"}, 2),
        ({"until": "2026-08-10T11:00:00Z", "step": "merge"}, 1),
    ],
)
def test_a_retry_is_a_build_of_the_units_its_filter_picks(
    ready: Client, form: dict[str, Any] | None, count: int
) -> None:
    build_id, _ = ended(ready, force=True)

    reply = ready.post(f"/builds/{build_id}/retry", "" if form is None else form)

    assert reply.status == 202
    retry_id = reply.body["build_id"]
    assert (reply.body["units"], reply.body["status"], reply.body["cube_id"]) == (count, "QUEUED", CUBE)
    assert reply.headers["Location"].endswith(f"/builds/{retry_id}")
    assert ready.launcher.launched == [build_id, retry_id]
    first, second = ready.services.builds.get(build_id), ready.services.builds.get(retry_id)
    assert second.request == first.request
    assert first.retried_by == (retry_id,)
    assert second.options["retry_of"] == build_id
    assert set(ready.get(f"/builds/{retry_id}").body["options"]["retry"]) == {"states", *(form or {})}
    assert ready.get(f"/builds/{build_id}").body["retried_by"] == [retry_id]


@pytest.mark.parametrize(
    ("form", "status", "words"),
    [
        ({"error": "NoSuchError"}, 409, "no unit"),
        ({"states": ["CANCELLED"]}, 409, "CANCELLED"),
        ({"states": ["SUCCEEDED"]}, 400, "states.0"),
        ({"staets": []}, 400, "staets"),
        ("[]", 400, "object"),
        ("{", 400, "not JSON"),
    ],
)
def test_a_retry_that_picks_nothing_or_is_no_filter_is_refused(
    ready: Client, form: Any, status: int, words: str
) -> None:
    build_id, _ = ended(ready)
    reply = ready.post(f"/builds/{build_id}/retry", form)
    assert (reply.status, words in reply.body["detail"]) == (status, True), reply.body
    assert ready.launcher.launched == [build_id]


def test_a_build_that_still_runs_is_not_retried(ready: Client) -> None:
    build_id = started(ready)
    reply = ready.post(f"/builds/{build_id}/retry", "")
    assert (reply.status, "cancel it first" in reply.body["detail"]) == (409, True)
    assert ready.post("/builds/nope/retry", "").status == 404


def test_a_build_that_was_never_planned_is_retried_as_a_whole(ready: Client) -> None:
    ready.launcher.failure = LaunchFailed("x", "Step Functions: down", retryable=True)
    assert ready.post("/start", start_form()).status == 503
    (failed,) = ready.services.builds.of_cube(CUBE, limit=5)
    assert failed.status is BuildStatus.FAILED
    build_id = failed.build_id
    ready.launcher.failure = None
    reply = ready.post(f"/builds/{build_id}/retry", "")
    assert (reply.status, reply.body["units"], reply.body["options"]) == (202, None, {"retry_of": build_id})


def test_a_retry_of_a_retry_does_units_of_that_one(ready: Client) -> None:
    first, _ = ended(ready)
    second = ready.post(f"/builds/{first}/retry", "").body["build_id"]
    builds = ready.services.builds
    builds.start(second, now="t")
    builds.add_units(second, [("000002_2019-01-17_2019-02-01", "000002", "2019-01-17", "2019-02-01")])
    builds.unit_failed(second, "000002_2019-01-17_2019-02-01", step="merge", cause="x")
    builds.finish(second, status=BuildStatus.FAILED, summary={}, now="t")
    reply = ready.post(f"/builds/{second}/retry", "")
    assert (reply.body["units"], reply.body["options"]["retry_of"]) == (1, second)


def test_complete_takes_what_is_left_out_from_the_builds_before(ready: Client) -> None:
    old = start_form(tiles=["001002"], collections=["OLD-1"], stac_url="https://stac.example.org/old/")
    ready.services.builds.create("b1", CUBE, old, now="2026-08-01")
    new = start_form(tiles=["000002"], stac_url="https://stac.example.org/new/")
    ready.services.builds.create("b2", CUBE, new, now="2026-08-02")
    ready.services.builds.create("b3", CUBE, old | {"tiles": ["000001"]}, now="2026-08-03", dry_run=True)

    reply = ready.post("/complete", WINDOW)

    assert reply.status == 202
    assert (reply.body["options"], reply.body["units_requested"]) == ({"only_missing": True}, 4)
    build = ready.services.builds.get(reply.body["build_id"])
    assert build.options == {"only_missing": True}
    assert ready.launcher.launched[-1] == build.build_id
    request = build.request
    assert (request["datacube"], request["tiles"]) == (CUBE, ["000002", "001002"])
    assert (request["collections"], request["stac_url"]) == (["S2_L2A-1"], "https://stac.example.org/new/")


def test_complete_takes_a_whole_start_request(ready: Client) -> None:
    reply = ready.post("/complete", start_form(tiles=["001002"]))
    assert (reply.status, reply.body["units_requested"]) == (202, 2)
    assert ready.services.builds.get(reply.body["build_id"]).request == start_form(tiles=["001002"])


@pytest.mark.parametrize("path", ["/complete", "/stale"])
@pytest.mark.parametrize(
    ("form", "status", "field"),
    [
        (WINDOW, 400, "collections"),
        (WINDOW | {"collections": ["S2_L2A-1"]}, 400, "tiles"),
        (WINDOW | {"datacube": CUBE}, 400, "cube_id"),
        (WINDOW | {"cube_id": 7}, 400, "cube_id"),
        (WINDOW | {"cube_id": ""}, 400, "datacube"),
        (WINDOW | {"cube_id": "a b"}, 400, "datacube"),
        (WINDOW | {"cube_id": "NONE-1"}, 400, "collections"),
        (start_form(datacube="NONE-1"), 404, None),
        (start_form(tiles=["009009"]), 400, "tiles.0"),
        (start_form(validate_only=True), 400, "validate_only"),
        (start_form(stac_url="https://elsewhere.example.net/"), 400, "stac_url"),
        ({}, 400, "datacube"),
    ],
)
def test_what_cannot_be_completed_or_brought_up_to_date_names_the_field(
    ready: Client, path: str, form: dict[str, Any], status: int, field: str | None
) -> None:
    reply = ready.post(path, form)
    assert reply.status == status, reply.body
    if field is not None:
        assert reply.body["errors"][0]["field"] == field
    assert ready.launcher.launched == []


@pytest.mark.parametrize("dry_run", [None, False, True])
def test_stale_is_a_build_of_what_is_stale_or_a_dry_run(ready: Client, dry_run: bool | None) -> None:
    started(ready)
    flag = {} if dry_run is None else {"dry_run": dry_run}

    reply = ready.post("/stale", WINDOW | flag)

    assert reply.status == 202
    build = ready.services.builds.get(reply.body["build_id"])
    assert build.options == {"only_stale": True} | ({"dry_run": True} if dry_run else {})
    listed = ready.services.builds.of_cube(CUBE, limit=5, dry_runs=False)
    assert (build.build_id in [entry.build_id for entry in listed]) is not bool(dry_run)


def test_a_dry_run_flag_that_is_none_and_a_cube_without_composites_are_refused(ready: Client) -> None:
    reply = ready.post("/stale", start_form(dry_run="yes"))
    assert (reply.status, reply.body["errors"][0]["field"]) == (400, "dry_run")
    identity = cube_form(datacube="S2-IDT", composite_function="IDT", bands_quicklook=[])
    del identity["temporal_composition"]
    created = ready.post("/cubes", identity)
    assert created.status == 201, created.body
    reply = ready.post("/stale", start_form(datacube="S2-IDT-1"))
    assert (reply.status, reply.body["errors"][0]["field"]) == (400, "datacube")
    assert ready.post("/complete", start_form(datacube="S2-IDT-1")).status == 202


def test_a_dry_run_lists_its_stale_units_and_does_not_change_the_state_of_its_cube(ready: Client) -> None:
    build_id = started(ready)
    builds = ready.services.builds
    units = [unit.unit_id for unit in builds.units(build_id)]
    before = ready.get(f"/cube-status?cube_id={CUBE}").body
    dry = ready.post("/stale", WINDOW | {"dry_run": True}).body["build_id"]
    builds.add_units(dry, [(units[0], *units[0].split("_")), (units[1], *units[1].split("_"))])
    builds.set_staleness(dry, units[0], {"stale": True, "published": True, "new": ["2019-01-05"]})
    builds.set_staleness(dry, units[1], {"stale": False, "published": True})
    for unit_id in units[:2]:
        builds.unit_succeeded(dry, unit_id)

    found = ready.get(f"/builds/{dry}").body

    assert found["stale"] == {
        "checked": 2,
        "stale": 1,
        "units": [{"unit_id": units[0], "stale": True, "published": True, "new": ["2019-01-05"]}],
    }
    unit = ready.get(f"/builds/{dry}/units/{units[0]}").body
    assert unit["staleness"]["new"] == ["2019-01-05"]
    assert ready.get(f"/cube-status?cube_id={CUBE}").body == before
