"""What builds are expected to cost, what they may cost, and what they did."""

from __future__ import annotations

from typing import Any

import pytest

from stratocube.state.build_values import Spent, StepResult
from stratocube.state.status import BuildStatus, Outcome, Step
from stratocube.workflow.progress import build_progress
from tests.unit.api.api_client import Client
from tests.unit.api.forms import cube_form, grid_form, start_form


@pytest.fixture
def ready(client: Client) -> Client:
    """A client of an API that has the cube and its grid."""
    assert client.post("/create-grids", grid_form()).status == 201
    assert client.post("/cubes", cube_form()).status == 201
    return client


def expected(ready: Client, **changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = ready.post("/start", start_form(validate_only=True, **changes)).body["estimate"]
    return found


def test_an_estimate_has_money_time_bytes_and_storage(ready: Client) -> None:
    estimate = expected(ready)

    assert estimate["cost_usd"] == pytest.approx(sum(estimate["cost_parts_usd"].values()), rel=1e-3)
    assert estimate["seconds"] > 0
    assert estimate["read_gb"] > 0
    assert estimate["stored_gb"] > 0
    assert (estimate["region"], estimate["currency"]) == ("us-east-1", "USD")


def test_a_start_that_would_cost_more_than_allowed_is_refused_with_the_estimate_and_the_remedy(ready: Client) -> None:
    cost = expected(ready)["cost_usd"]

    reply = ready.post("/start", start_form(max_cost=cost / 2))

    assert (reply.status, reply.body["errors"][0]["field"]) == (400, "max_cost")
    assert f"{cost:g}" in reply.body["detail"]
    assert "fewer tiles" in reply.body["detail"]
    assert ready.launcher.launched == []
    assert ready.services.builds.of_cube("S2-16D-1", limit=1) == ()
    assert ready.post("/start", start_form(max_cost=cost)).status == 202


@pytest.mark.parametrize("wrong", [0, -1, "cheap", True, 1e9])
def test_what_may_be_spent_is_a_number_of_dollars(ready: Client, wrong: object) -> None:
    reply = ready.post("/start", start_form(max_cost=wrong))
    assert (reply.status, reply.body["errors"][0]["field"]) == (400, "max_cost")


def test_a_build_shows_its_estimate_beside_what_it_used(ready: Client) -> None:
    build_id = ready.post("/start", start_form()).body["build_id"]
    builds = ready.services.builds
    unit = "000002_2019-01-01_2019-01-16"

    costs = ready.get(f"/builds/{build_id}").body["costs"]
    assert costs["estimated"]["cost_usd"] == expected(ready)["cost_usd"]
    assert costs["actual"]["is_final"] is False

    builds.add_units(build_id, [(unit, "000002", "2019-01-01", "2019-01-16")])
    builds.start(build_id, now="2026-08-10T12:00:01")
    builds.unit_running(build_id, unit)
    builds.record(build_id, StepResult(Step.SEARCH, unit, "", Outcome.BUILT, 2.0, spent=Spent(1, 2.0, 3, 4)))
    merged = StepResult(Step.MERGE, unit, "2019-01-05#B04", Outcome.FAILED, 9.0, cause="x", spent=Spent(1, 15.5, 1, 2))
    builds.record(build_id, merged)
    merged = StepResult(Step.MERGE, unit, "2019-01-05#B04", Outcome.BUILT, 9.0, spent=Spent(1, 16.5, 1, 2))
    builds.record(build_id, merged)
    builds.unit_succeeded(build_id, unit)
    builds.finish(
        build_id, status=BuildStatus.SUCCEEDED, summary=build_progress(builds, build_id), now="2026-08-10T12:01:00"
    )

    actual = ready.get(f"/builds/{build_id}").body["costs"]["actual"]
    assert actual["is_final"] is True
    # both attempts of the merge are charged, and plan and finish with half a second each
    assert actual["lambda_gb_seconds"] == 2.0 + 15.5 + 16.5 + 1.0
    assert (actual["function_calls"], actual["express_requests"], actual["s3_puts"]) == (5, 1, 5)
    assert actual["cost_usd"] == pytest.approx(sum(actual["cost_parts_usd"].values()), rel=1e-3)


def test_a_retry_of_two_units_is_estimated_as_two_and_may_be_refused(ready: Client) -> None:
    build_id = ready.post("/start", start_form()).body["build_id"]
    builds = ready.services.builds
    units = [f"000002_{period}" for period in ("2019-01-01_2019-01-16", "2019-01-17_2019-02-01")]
    builds.add_units(build_id, [(unit, "000002", *unit.split("_")[1:]) for unit in units])
    builds.start(build_id, now="2026-08-10T12:00:01")
    for unit in units:
        builds.unit_failed(build_id, unit, step="merge", cause="x")
    builds.finish(build_id, status=BuildStatus.FAILED, summary=build_progress(builds, build_id), now="t")

    refused = ready.post(f"/builds/{build_id}/retry", {"max_cost": 0.000001})
    assert (refused.status, refused.body["errors"][0]["field"]) == (400, "max_cost")

    retried = ready.post(f"/builds/{build_id}/retry", {"max_cost": 5})
    assert retried.status == 202
    estimate = ready.get(f"/builds/{retried.body['build_id']}").body["costs"]["estimated"]
    assert estimate["units"] == 2
    assert ready.services.builds.get(retried.body["build_id"]).request["max_cost"] == 5


def test_a_watch_of_which_not_even_one_unit_is_affordable_is_refused(ready: Client) -> None:
    form = {name: value for name, value in start_form().items() if name not in {"end_date", "datacube"}}
    watch = {**form, "cube_id": "S2-16D-1", "end_date": None}
    refused = ready.post("/watches", {**watch, "max_cost": 0.000001})
    assert (refused.status, refused.body["errors"][0]["field"]) == (400, "max_cost")
    assert ready.post("/watches", {**watch, "max_cost": 5}).status in {200, 201}


# -- what cube-builder-aws calls it

OLD_FORM = {
    "satellite": "SENTINEL-2",
    "resolution": 10,
    "grid": "BDC_SM",
    "start_date": "2019-01-01",
    "last_date": "2019-01-31",
    "quantity_bands": 4,
    "quantity_tiles": 2,
    "quantity_indexes": 1,
    "t_schema": "M",
    "t_step": 1,
}


@pytest.fixture
def old_form(ready: Client) -> dict[str, Any]:
    return OLD_FORM | {"grid": ready.get("/grids").body[0]["name"]}


def test_cube_builders_own_form_is_answered_with_its_own_fields(ready: Client, old_form: dict[str, Any]) -> None:
    reply = ready.post("/estimate-cost", old_form)

    assert reply.status == 200, reply.body
    build, storage = reply.body["build"], reply.body["storage"]
    # 31 days, a date every five; four bands; two tiles
    assert (build["quantity_merges"], build["quantity_blends"]) == (7 * 4 * 2, 8)
    assert (build["collection_items_irregular"], build["collection_items"]) == (14, 2)
    assert build["quantity_posblends"] == 2 * (7 + 1)
    assert build["price_merges"] > 0
    assert storage["size_irregular_cube"] > storage["size_cubes"] > 0
    assert reply.body["estimate"]["units"] == 2


def test_a_start_request_is_estimated_too_at_prices_of_ones_own(ready: Client) -> None:
    plain = ready.post("/estimate-cost", {"start": start_form()}).body
    assert plain["estimate"]["cost_usd"] == expected(ready)["cost_usd"]

    free = ready.post("/estimate-cost", {"start": start_form(), "prices": {"lambda_gb_second_arm64": 0.0}}).body
    assert free["estimate"]["cost_usd"] < plain["estimate"]["cost_usd"]
    assert free["estimate"]["prices_overridden"] == ["lambda_gb_second_arm64"]
    abroad = ready.post("/estimate-cost", {"start": start_form(), "region": "sa-east-1"}).body
    assert abroad["estimate"]["region"] == "sa-east-1"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"quantity_tiles": 0}, "quantity_tiles"),
        ({"last_date": "2018-01-01"}, "last_date"),
        ({"grid": "NOWHERE"}, "grid"),
        ({"prices": {"gold": 1}}, "prices.gold"),
        ({"region": "mars-1"}, "region"),
        ({"t_schema": "X"}, "t_schema"),
        ({"resolution": 1e-9}, "resolution"),
    ],
)
def test_a_form_that_cannot_be_estimated_names_the_field(
    ready: Client, old_form: dict[str, Any], change: dict[str, Any], field: str
) -> None:
    reply = ready.post("/estimate-cost", old_form | change)
    assert (reply.status, reply.body["errors"][0]["field"]) == (400, field)
