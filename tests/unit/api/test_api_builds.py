"""What the API says of builds, their units and failures."""

from datetime import UTC, datetime

import pytest

from stratocube.state.activities import Work
from stratocube.state.build_values import StepResult
from stratocube.state.builds import Builds
from stratocube.state.status import BuildStatus, Outcome, Step
from stratocube.workflow.progress import SHOWN_CAUSE, SHOWN_FAILURES, build_progress
from tests.unit.api.api_client import Client
from tests.unit.api.forms import cube_form

BUILD = "20260810T120000000Z-00"
A, B, C = (f"00000{n}_2019-01-01_2019-01-31" for n in (1, 2, 3))


@pytest.fixture
def started(client: Client) -> Client:
    """A cube with a running build of three units: one succeeded, one failed, one runs."""
    client.services.cubes.create("S2-16D-1", cube_form(), now="2026-08-01T00:00:00.000000Z")
    builds = client.services.builds
    new_build(builds, BUILD, units=(A, B, C))
    builds.set_totals(BUILD, A, {"merge": 2, "publish_dates": 1, "blend": 2})
    builds.set_totals(BUILD, B, {"merge": 2})
    for unit, part, outcome in (
        (A, "2019-01-05#B04", Outcome.BUILT),
        (A, "2019-01-05#SCL", Outcome.REUSED),
        (B, "2019-01-05#B04", Outcome.FAILED),
    ):
        cause = "SourceMissing: https://stac.example.org/a.tif: 404" if outcome is Outcome.FAILED else None
        builds.record(BUILD, StepResult(Step.MERGE, unit, part, outcome, 1.5, f"id-{unit}-{part}", cause))
    for unit in (A, B):
        builds.record(BUILD, StepResult(Step.SEARCH, unit, "", Outcome.BUILT, 0.25))
        builds.unit_running(BUILD, unit)
    builds.unit_running(BUILD, C)
    builds.unit_succeeded(BUILD, A)
    builds.unit_failed(BUILD, B, step="merge", cause="SourceMissing: https://stac.example.org/a.tif: 404")
    return client


def new_build(
    builds: Builds, build_id: str, *, units: tuple[str, ...], created_at: str = "2026-08-10T12:00:00Z"
) -> None:
    builds.create(build_id, "S2-16D-1", {"datacube": "S2-16D-1"}, now=created_at)
    builds.start(build_id, now="2026-08-10T12:00:05.000000Z")
    builds.add_units(build_id, [(unit, *unit.split("_")) for unit in units])


def test_a_running_build_is_counted_by_step_and_unit(started: Client) -> None:
    reply = started.get(f"/builds/{BUILD}")

    assert reply.status == 200
    links, costs = reply.body.pop("links"), reply.body.pop("costs")
    assert (costs["estimated"], costs["actual"]["is_final"]) == (None, False)
    assert reply.body == {
        "build_id": BUILD,
        "cube_id": "S2-16D-1",
        "status": "RUNNING",
        "created_at": "2026-08-10T12:00:00Z",
        "started_at": "2026-08-10T12:00:05.000000Z",
        "finished_at": None,
        "cause": None,
        "steps": {
            "search": {"total": 3, "built": 2, "reused": 0, "failed": 0, "seconds": 0.5},
            "merge": {"total": None, "built": 1, "reused": 1, "failed": 1, "seconds": 4.5},
            "prepare_dates": {"total": None, "built": 0, "reused": 0, "failed": 0, "seconds": 0.0},
            "prepare_blend": {"total": 3, "built": 0, "reused": 0, "failed": 0, "seconds": 0.0},
            "publish_dates": {"total": None, "built": 0, "reused": 0, "failed": 0, "seconds": 0.0},
            "blend": {"total": None, "built": 0, "reused": 0, "failed": 0, "seconds": 0.0},
            "publish": {"total": 3, "built": 0, "reused": 0, "failed": 0, "seconds": 0.0},
        },
        "units": {"total": 3, "planned": 0, "running": 1, "succeeded": 1, "failed": 1, "cancelled": 0},
        "failed_units": [
            {"unit_id": B, "step": "merge", "cause": "SourceMissing: https://stac.example.org/a.tif: 404"}
        ],
    }
    assert [link["rel"] for link in links] == ["self", "cube", "failures"]


def test_a_total_is_known_once_every_open_unit_knows_its_own(started: Client) -> None:
    started.services.builds.set_totals(BUILD, C, {"merge": 4})

    steps = started.get(f"/builds/{BUILD}").body["steps"]

    # 2 + 2 + 4; the failed unit never got to know its blends, nor will it, but the running one may
    assert (steps["merge"]["total"], steps["blend"]["total"]) == (8, None)
    started.services.builds.unit_failed(BUILD, C, step="merge", cause="x")
    assert started.get(f"/builds/{BUILD}").body["steps"]["blend"]["total"] == 2


def test_before_the_plan_no_total_is_known(client: Client) -> None:
    client.services.builds.create(BUILD, "S2-16D-1", {}, now="2026-08-10T12:00:00Z")

    body = client.get(f"/builds/{BUILD}").body

    assert body["status"] == "QUEUED"
    assert {step["total"] for step in body["steps"].values()} == {None}
    assert body["units"] == {"total": 0, "planned": 0, "running": 0, "succeeded": 0, "failed": 0, "cancelled": 0}


def test_a_finished_build_is_answered_from_its_header(started: Client) -> None:
    builds = started.services.builds
    summary = build_progress(builds, BUILD)
    builds.finish(BUILD, status=BuildStatus.PARTIAL, summary=summary, now="2026-08-10T12:01:00.000000Z")
    # what comes in late changes the rows, not what the build was closed with
    builds.record(BUILD, StepResult(Step.BLEND, A, "B04", Outcome.BUILT, 9.0))

    body = started.get(f"/builds/{BUILD}").body

    assert (body["status"], body["finished_at"]) == ("PARTIAL", "2026-08-10T12:01:00.000000Z")
    used = summary.pop("usage")
    assert {name: body[name] for name in ("steps", "units", "failed_units")} == summary
    # plan and finish beside it
    assert body["costs"]["actual"]["state_transitions"] == used["transitions"] + 8


def test_the_list_of_failed_units_is_bounded_and_their_count_is_not(client: Client) -> None:
    units = tuple(f"{n:06d}_2019-01-01_2019-01-31" for n in range(SHOWN_FAILURES + 3))
    new_build(client.services.builds, BUILD, units=units)
    for unit in units:
        client.services.builds.unit_failed(BUILD, unit, step="search", cause="x" * 1500)

    progress = build_progress(client.services.builds, BUILD)

    assert progress["units"]["failed"] == SHOWN_FAILURES + 3
    assert [failed["unit_id"] for failed in progress["failed_units"]] == list(units[:SHOWN_FAILURES])
    assert progress["failed_units"][0]["cause"] == "x" * SHOWN_CAUSE


def test_a_unit_tells_its_activities(started: Client) -> None:
    reply = started.get(f"/builds/{BUILD}/units/{B}")

    assert reply.status == 200
    assert (reply.body["tile"], reply.body["start"], reply.body["end"]) == ("000002", "2019-01-01", "2019-01-31")
    assert (reply.body["status"], reply.body["failed_step"]) == ("FAILED", "merge")
    assert reply.body["totals"] == {"merge": 2}
    assert [(entry["step"], entry["part"], entry["outcome"]) for entry in reply.body["activities"]] == [
        ("search", "", "BUILT"),
        ("merge", "2019-01-05#B04", "FAILED"),
    ]
    assert "a.tif" in reply.body["activities"][1]["cause"]
    only = started.get(f"/builds/{BUILD}/units/{B}?step=search").body["activities"]
    assert [entry["step"] for entry in only] == ["search"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/builds/nope", 404),
        (f"/builds/{BUILD}/units/nope", 404),
        (f"/builds/nope/units/{A}", 404),
        (f"/builds/{BUILD}/units/{A}?step=dance", 400),
        ("/builds?cube_id=NOPE-1", 404),
        ("/builds?cube_id=S2-16D-1&limit=0", 400),
        ("/failures", 400),
        ("/failures?cube_id=S2-16D-1&since=yesterday", 400),
        ("/failures?cube_id=NOPE-1", 404),
        ("/cube-status", 400),
    ],
)
def test_what_is_not_there_or_not_meant_is_said(started: Client, path: str, status: int) -> None:
    reply = started.get(path)

    assert (reply.status, reply.body["status"]) == (status, status)
    assert reply.headers["Content-Type"] == "application/problem+json"


def test_builds_of_a_cube_come_newest_first(started: Client) -> None:
    new_build(started.services.builds, "20260811T000000000Z-01", units=(), created_at="2026-08-11T00:00:00Z")

    builds = started.get("/builds?cube_id=S2-16D-1").body["builds"]

    assert [build["build_id"] for build in builds] == ["20260811T000000000Z-01", BUILD]
    assert builds[1]["status"] == "RUNNING"
    assert len(started.get("/builds?cube_id=S2-16D-1&limit=1").body["builds"]) == 1


def test_the_status_of_a_cube_counts_each_unit_as_its_newest_build_left_it(started: Client) -> None:
    builds = started.services.builds
    newer = "20260811T000000000Z-01"
    new_build(builds, newer, units=(B, C), created_at="2026-08-11T00:00:00Z")
    builds.unit_succeeded(newer, B)

    for spelling in ("cube_id", "cube_name", "datacube"):
        body = started.get(f"/cube-status?{spelling}=S2-16D-1").body
        # A done by the older build, B failed there and is done since, C is planned again
        assert (body["cube_id"], body["done"], body["not_done"], body["error"]) == ("S2-16D-1", 2, 1, 0)
        assert body["finished"] is False
        assert [build["build_id"] for build in body["builds"]] == [newer, BUILD]


def test_a_cube_is_finished_when_nothing_is_open(started: Client) -> None:
    builds = started.services.builds
    builds.unit_succeeded(BUILD, C)
    assert started.get("/cube-status?cube_id=S2-16D-1").body["finished"] is False

    builds.finish(BUILD, status=BuildStatus.PARTIAL, summary={}, now="2026-08-10T13:00:00Z")

    body = started.get("/cube-status?cube_id=S2-16D-1").body
    assert (body["finished"], body["done"], body["not_done"], body["error"]) == (True, 2, 0, 1)


def test_a_cube_never_built_is_not_finished(client: Client) -> None:
    client.services.cubes.create("S2-16D-1", cube_form(), now="2026-08-01T00:00:00Z")

    body = client.get("/cube-status?cube_id=S2-16D-1").body

    assert (body["finished"], body["done"], body["not_done"], body["error"], body["builds"]) == (False, 0, 0, 0, [])


def fail(client: Client, activity: str, moment: str) -> None:
    work = Work(activity, Step.MERGE, "S2-16D-1", f"{A} 2019-01-05 B04")
    epoch = datetime(2026, 8, 10, tzinfo=UTC).timestamp()
    client.services.activities.claim(work, build_id=BUILD, holder="h", now=moment, now_epoch=epoch, lease_seconds=60)
    client.services.activities.fail(work, holder="h", now=moment, error_type="SourceMissing", cause="a.tif: 404")


def test_failures_are_listed_since_a_moment(started: Client) -> None:
    for activity, moment in (("one", "2026-08-10T11:59:59.900000Z"), ("two", "2026-08-10T12:00:00.000001Z")):
        fail(started, activity, moment)

    def ids(query: str) -> list[str]:
        return [f["activity_id"] for f in started.get(f"/failures?cube_id=S2-16D-1{query}").body["failures"]]

    assert ids("") == ["one", "two"]
    assert ids("&since=2026-08-10") == ["one", "two"]
    assert ids("&since=2026-08-10T12:00:00Z") == ["two"]
    assert ids("&since=2026-08-10T09:00:00-03:00") == ["two"]
    assert ids("&since=2026-08-10T14:00:00%2B02:00") == ["two"]
    assert ids("&since=2026-08-11") == []


def test_a_failure_names_what_failed_and_the_build(started: Client) -> None:
    fail(started, "one", "2026-08-10T12:00:00.000001Z")
    fail(started, "two", "2026-08-10T12:00:00.000002Z")

    body = started.get("/failures?cube_id=S2-16D-1&limit=1").body

    (failure,) = body["failures"]
    link = failure.pop("links")[0]
    assert failure == {
        "activity_id": "one",
        "step": "merge",
        "subject": f"{A} 2019-01-05 B04",
        "build_id": BUILD,
        "error_type": "SourceMissing",
        "cause": "a.tif: 404",
        "failed_at": "2026-08-10T12:00:00.000001Z",
    }
    assert link["href"].endswith(f"/v1/builds/{BUILD}")
    assert body["more"] is True
