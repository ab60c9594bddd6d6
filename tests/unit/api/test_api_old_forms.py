"""Start requests and lists as clients of cube-builder and cube-builder-aws send and read them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest

from stratocube.state.status import BuildStatus
from tests.aws_tables import REGION
from tests.unit.api.api_client import Client
from tests.unit.api.forms import cube_form, grid_form, start_form

GUIDE = Path(__file__).parents[2] / "fixtures" / "guide"


def _guide(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((GUIDE / f"{name}.json").read_text())
    return found


@pytest.fixture
def cubed(client: Client) -> Client:
    assert client.post("/create-grids", grid_form()).status == 201
    assert client.post("/cubes", cube_form()).status == 201
    return client


def test_a_start_in_the_words_of_cube_builder_aws(cubed: Client) -> None:
    process = cubed.post("/cubes", cube_form(datacube="OTHER")).body["cubes"]["process_id"]
    form = {
        **{name: value for name, value in start_form().items() if name != "datacube"},
        "process_id": process,
        "url_stac": "https://stac.example.org/",
        "satellite": "SENTINEL-2",
        "bucket": cubed.services.products.bucket,
    }

    reply = cubed.post("/start", form)

    assert reply.status == 202
    assert reply.body["process_id"] == reply.body["build_id"]
    assert cubed.services.builds.get(reply.body["build_id"]).cube_id == "OTHER-1"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"bucket": "another"}, "bucket"),
        ({"url_stac": "https://stac.example.org/a", "stac_url": "https://stac.example.org/b"}, "url_stac"),
        ({"process_id": "OTHER-1"}, "process_id"),
        ({"satellite": 8}, "satellite"),
    ],
)
def test_two_names_of_a_field_must_agree_and_products_have_one_bucket(
    cubed: Client, change: dict[str, Any], field: str
) -> None:
    reply = cubed.post("/start", start_form(**change))

    assert (reply.status, reply.body["errors"][0]["field"]) == (400, field)


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("S2-16D", 202),
        ("S2-16D_10_16D_LCF", 202),
        ("S2-16D_10_16D_STK", 202),
        ("S2-16D_10_16D_LCF-1", 202),
        ("S2-16D_10_16D_LCF-2", 404),
        ("S2-16D_10_16D_MED", 404),
        ("S2-16D_20_16D_LCF", 404),
        ("S2-16D_10_1M_LCF", 404),
        ("S2-16D_10", 404),
    ],
)
def test_a_cube_is_found_by_the_name_cube_builder_puts_together(cubed: Client, name: str, status: int) -> None:
    assert cubed.post("/start", start_form(datacube=name)).status == status


def test_a_cube_of_just_that_name_goes_first(cubed: Client) -> None:
    assert cubed.post("/cubes", cube_form(datacube="S2-16D_10_16D_LCF")).status == 201

    reply = cubed.post("/start", start_form(datacube="S2-16D_10_16D_LCF"))

    assert reply.body["cube_id"] == "S2-16D_10_16D_LCF-1"


def test_the_newest_version_that_has_the_name_is_meant(cubed: Client) -> None:
    assert cubed.post("/cubes", cube_form(version=2)).status == 201
    assert cubed.post("/cubes", cube_form(version=3, resolution=20)).status == 201

    assert cubed.post("/start", start_form(datacube="S2-16D_10_16D_LCF")).body["cube_id"] == "S2-16D-2"


def test_the_guides_grids_cubes_and_starts_are_taken_as_they_are(client: Client) -> None:
    grids = client.post("/create-grids", _guide("grids"))
    assert [grid["name"] for grid in grids.body["grids"]] == ["BRAZIL_SM", "BRAZIL_MD", "BRAZIL_LG"]
    for name in ("landsat8", "sentinel2", "cbers4"):
        assert client.post("/cubes", _guide(name)).status == 201, name
    assert client.post("/cubes", {**_guide("landsat8"), **_guide("landsat8_16_days"), "version": 2}).status == 201

    for name in ("start_landsat8", "start_sentinel2", "start_cbers4"):
        # the archive of the guide is none of those this stack may read
        form = {**_guide(name), "stac_url": "https://stac.example.org/stac/"}
        if name == "start_cbers4":
            # of an older grid: the guide's own BRAZIL_LG ends at column 11
            assert client.post("/start", form).body["errors"][0]["field"] == "tiles.0"
            form["tiles"] = ["005006"]
        reply = client.post("/start-cube", form)
        assert reply.status == 202, reply.body


def test_a_token_goes_into_a_secret_and_nowhere_else(cubed: Client) -> None:
    token = "secret-of-mine"  # noqa: S105 - none
    checked = cubed.post("/start", start_form(token=token, validate_only=True))
    secrets = boto3.client("secretsmanager", region_name=REGION)
    before = {found["Name"] for found in secrets.list_secrets()["SecretList"]}
    assert (checked.status, checked.body["status"]) == (200, "VALID")

    reply = cubed.post("/start", start_form(token=token))
    again = cubed.post("/start", start_form(token=token))

    assert (reply.status, again.status) == (202, 202)
    build = cubed.services.builds.get(reply.body["build_id"])
    assert token not in str(build)
    name = build.request["token_secret"]
    (kept,) = {found["Name"] for found in secrets.list_secrets()["SecretList"]} - before
    assert (kept, secrets.get_secret_value(SecretId=kept)["SecretString"]) == (f"test/{name}", token)


@pytest.mark.parametrize("token", ["two\nlines", "ä", 7, '{"x-api-key": "a"}', " blank", "x" * 5000])
def test_what_can_be_no_token_is_refused_without_showing_it(cubed: Client, token: Any) -> None:
    reply = cubed.post("/start", start_form(token=token))

    assert (reply.status, reply.body["errors"][0]["field"]) == (400, "token")
    assert str(token) not in json.dumps(reply.body) or token == 7


def test_a_cube_is_completed_over_the_window_of_its_builds(cubed: Client) -> None:
    cubed.post("/start", start_form())
    cubed.post("/start", start_form(start_date="2019-03-01", end_date="2019-03-31", tiles=["000003"]))

    reply = cubed.send("POST", "/cubes/S2-16D-1/complete", body="{}")

    assert reply.status == 202
    request = cubed.services.builds.get(reply.body["build_id"]).request
    assert (request["start_date"], request["end_date"]) == ("2019-01-01", "2019-03-31")
    assert request["tiles"] == ["000002", "000003", "001002"]
    assert reply.body["options"]["only_missing"] is True


def test_completing_a_cube_takes_some_tiles_and_no_other_cube(cubed: Client) -> None:
    unbuilt = cubed.send("POST", "/cubes/S2-16D-1/complete")
    cubed.post("/start", start_form())

    tiles = cubed.post("/cubes/S2-16D-1/complete", {"tiles": ["001002"]})
    other = cubed.post("/cubes/S2-16D-1/complete", {"datacube": "OTHER-1"})

    assert (unbuilt.status, unbuilt.body["errors"][0]["field"]) == (400, "start_date")
    assert tiles.body["units_requested"] == 2
    assert (other.status, other.body["errors"][0]["field"]) == (400, "datacube")
    assert cubed.send("POST", "/cubes/NONE-1/complete").status == 404


def test_builds_are_listed_by_page_and_by_state(cubed: Client) -> None:
    ids = []
    for second in range(5):
        build_id = f"20260810T12000{second}000Z-0000000000"
        cubed.services.builds.create(build_id, "S2-16D-1", {}, now=f"2026-08-10T12:00:0{second}.000000Z")
        ids.insert(0, build_id)
    cubed.services.builds.finish(ids[1], status=BuildStatus.FAILED, summary={}, now="2026-08-10T12:01:00.000000Z")

    first = cubed.get("/builds?cube_id=S2-16D-1&limit=2").body
    second = cubed.get(f"/builds?cube_id=S2-16D-1&limit=3&next={first['next']}").body

    assert [build["build_id"] for build in first["builds"] + second["builds"]] == ids
    assert second["next"] is None
    assert f"next={first['next']}" in next(link["href"] for link in first["links"] if link["rel"] == "next")
    failed = cubed.get("/builds?cube_id=S2-16D-1&status=failed").body
    assert [build["build_id"] for build in failed["builds"]] == [ids[1]]
    # without a cube: what is open, of all cubes
    still_open = cubed.get("/builds?limit=3").body
    assert [build["build_id"] for build in still_open["builds"]] == [ids[0], ids[2], ids[3]]
    assert [build["build_id"] for build in cubed.get(f"/builds?next={still_open['next']}").body["builds"]] == [ids[4]]
    assert cubed.get("/builds?status=FINE").status == 400
    assert cubed.get("/builds?cube_id=S2-16D-1&next=none").status == 400


def test_units_of_a_build_are_listed_by_page_and_by_state(cubed: Client) -> None:
    builds = cubed.services.builds
    builds.create("B1", "S2-16D-1", {}, now="2026-08-10T12:00:00.000000Z")
    names = [f"00000{tile}_2019-01-01_2019-01-16" for tile in range(4)]
    builds.add_units("B1", [(name, name[:6], "2019-01-01", "2019-01-16") for name in names])
    builds.unit_failed("B1", names[2], step="merge", cause="https://a/b.tif: 404", now="2026-08-10T12:00:01.000000Z")

    first = cubed.get("/builds/B1/units?limit=3").body
    last = cubed.get(f"/builds/B1/units?limit=3&next={first['next']}").body

    assert [unit["unit_id"] for unit in first["units"] + last["units"]] == names
    (failed,) = cubed.get("/builds/B1/units?status=FAILED").body["units"]
    assert (failed["unit_id"], failed["failed_step"], failed["cause"]) == (names[2], "merge", "https://a/b.tif: 404")
    assert cubed.get("/builds/NONE/units").status == 404


def test_tasks_are_what_is_left_of_open_builds(cubed: Client) -> None:
    builds = cubed.services.builds
    for build_id in ("B1", "B2"):
        builds.create(build_id, "S2-16D-1", {}, now="2026-08-10T12:00:00.000000Z")
    builds.add_units("B1", [(f"00000{tile}_2019", "000000", "2019-01-01", "2019-01-16") for tile in range(3)])
    builds.unit_running("B1", "000001_2019")
    builds.set_totals("B1", "000001_2019", {"merge": 6, "blend": 2})
    builds.add_units("B2", [("000009_2019", "000009", "2019-01-01", "2019-01-16")])
    builds.finish("B2", status=BuildStatus.FAILED, summary={}, now="2026-08-10T12:01:00.000000Z")

    tasks = cubed.get("/tasks").body

    assert tasks["search"] == {"total": 3, "ready": 2, "unacked": 1}
    assert tasks["merge"] == {"total": 6, "ready": 0, "unacked": 6}
    assert tasks["blend"] == {"total": 2, "ready": 0, "unacked": 2}


def _degrees_form(**changes: Any) -> dict[str, Any]:
    return {
        "name": "DEGREES",
        "description": "of the web client's form",
        "projection": "aea",
        "meridian": -54,
        "degreesx": 1.5,
        "degreesy": 1,
        "bbox": "-55,-11,-53,-13",
        **changes,
    }


def test_a_grid_of_tiles_in_degrees_as_the_web_client_asks_for_it(client: Client) -> None:
    (albers,) = client.post("/create-grids", _degrees_form()).body["grids"]
    (plain,) = client.post("/create-grids", _degrees_form(name="PLAIN", projection="longlat")).body["grids"]

    # a degree of latitude is 110.6 km there, and one and a half of longitude times cos(12) are 163.3 km; the
    # projection keeps areas
    width, height = albers["tile_size"]
    assert width * height == pytest.approx(163.3e3 * 110.6e3, rel=0.01)
    assert plain["tile_size"] == [1.5, 1]
    west, south, east, north = -55, -13, -53, -11
    tiles = client.get(f"/grids/DEGREES?bbox={west},{south},{east},{north}").body["tiles"]
    assert len(tiles) == albers["tile_count"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"degreesx": 0}, "degreesx"),
        ({"degreesy": None}, "degreesy"),
        ({"meridian": None}, "meridian"),
        ({"projection": "EPSG:32723"}, "projection"),
        ({"tile_size": [1, 1]}, "tile_size"),
        ({"bbox": "a,b,c,d"}, "bbox.0"),
    ],
)
def test_degrees_that_make_no_tile_are_refused(client: Client, change: dict[str, Any], field: str) -> None:
    reply = client.post("/create-grids", _degrees_form(**change))

    assert (reply.status, reply.body["errors"][0]["field"]) == (400, field)
