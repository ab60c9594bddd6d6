"""Cubes and grids through the API."""

from typing import Any

import pytest

from tests.unit.api.api_client import Client
from tests.unit.api.forms import cube_form, grid_form


@pytest.fixture
def gridded(client: Client) -> Client:
    assert client.post("/create-grids", grid_form()).status == 201
    return client


def test_a_grid_is_created_with_its_tiles_from_cube_builders_form(client: Client) -> None:
    reply = client.post("/create-grids", grid_form())

    assert reply.status == 201
    assert reply.headers["Location"].endswith("/v1/grids/BRAZIL_SM")
    (grid,) = reply.body["grids"]
    assert (grid["name"], grid["tile_count"], grid["tile_size"]) == ("BRAZIL_SM", 6, [105600.0, 105600.0])
    found = client.get("/grids/BRAZIL_SM")
    assert found.status == 200
    assert found.body["crs"].startswith("+proj=aea")
    assert [tile["id"] for tile in found.body["tiles"]] == ["000002", "000003", "001002", "001003", "002002", "002003"]
    assert found.body["next"] is None


def test_hierarchical_grids_are_created_together(client: Client) -> None:
    form = grid_form(names=["SM", "MD", "LG"], tile_factor=[[10, 10], [20, 20], [40, 40]])

    reply = client.post("/create-grids", form)

    assert reply.status == 201
    assert [grid["name"] for grid in reply.body["grids"]] == ["SM", "MD", "LG"]
    assert [entry["name"] for entry in client.get("/grids").body] == ["LG", "MD", "SM"]


def test_no_grid_is_made_when_one_of_the_names_is_taken(gridded: Client) -> None:
    form = grid_form(names=["NEW", "BRAZIL_SM"], tile_factor=[[10, 10], [20, 20]])

    reply = gridded.post("/create-grids", form)

    assert reply.status == 409
    assert "BRAZIL_SM" in reply.body["detail"]
    assert gridded.get("/grids/NEW").status == 404


def test_a_bad_grid_request_names_the_field(client: Client) -> None:
    reply = client.post("/create-grids", grid_form(projection="mercatorish"))

    assert reply.status == 400
    assert reply.body["errors"][0]["field"] == "projection"


def test_the_tiles_of_a_grid_come_in_pages(gridded: Client) -> None:
    first = gridded.get("/grids/BRAZIL_SM?limit=4").body
    second = gridded.get(f"/grids/BRAZIL_SM?limit=4&next={first['next']}").body

    assert first["next"] == "001003"
    assert first["links"][-1]["rel"] == "next"
    assert [tile["id"] for tile in first["tiles"] + second["tiles"]] == [
        "000002",
        "000003",
        "001002",
        "001003",
        "002002",
        "002003",
    ]
    assert second["next"] is None


def test_grids_come_in_pages(client: Client) -> None:
    for name in ("A", "B", "C"):
        grid = {
            "name": name,
            "crs": "EPSG:32723",
            "origin": [0, 0],
            "tile_size": [1, 1],
            "description": "",
            "srid": None,
        }
        client.services.grids.create(name, grid, {})

    first = client.get("/grids?limit=2")
    last = client.get("/grids?limit=2&next=B")

    assert [grid["name"] for grid in first.body] == ["A", "B"]
    assert first.headers["Link"].endswith('/v1/grids?limit=2&next=B>; rel="next"')
    assert [grid["name"] for grid in last.body] == ["C"]
    assert "Link" not in last.headers


def test_a_cube_is_created_from_cube_builders_form_and_read_back(gridded: Client) -> None:
    reply = gridded.post("/cubes", cube_form())

    assert reply.status == 201
    assert reply.headers["Location"].endswith("/v1/cubes/S2-16D-1")
    assert reply.body["id"] == "S2-16D-1"
    assert reply.body["created_at"] == "2026-08-10T12:00:00.250000Z"
    assert [band["name"] for band in reply.body["bands"]] == ["B04", "B08", "SCL"]
    cube = {name: value for name, value in reply.body.items() if name != "cubes"}
    assert gridded.get("/cubes").body == [cube]
    assert gridded.get("/cubes/S2-16D-1").body == {**cube, "start_date": None, "end_date": None}


def test_a_cube_is_created_once(gridded: Client) -> None:
    gridded.post("/cubes", cube_form())

    reply = gridded.post("/cubes", cube_form(title="another"))

    assert reply.status == 409
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert reply.body["title"] == "Conflict"


def test_a_cube_needs_its_grid(client: Client) -> None:
    reply = client.post("/cubes", cube_form())

    assert reply.status == 400
    assert reply.body["errors"] == [
        {
            "field": "grs",
            "message": "there is no grid BRAZIL_SM: create it with POST /create-grids, or name one of GET /grids",
        }
    ]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"resolution": 70_000}, "resolution"),
        ({"quality_band": "QA"}, "quality_band"),
        ({"bands": []}, "bands"),
        ({"colour": "blue"}, "colour"),
        ({"version": "one"}, "version"),
    ],
)
def test_a_bad_definition_names_the_field(gridded: Client, change: dict[str, Any], field: str) -> None:
    reply = gridded.post("/cubes", cube_form(**change))

    assert reply.status == 400
    assert reply.body["errors"][0]["field"] == field
    assert reply.body["errors"][0]["message"] in reply.body["detail"]
    assert gridded.get("/cubes").body == []


def test_an_unknown_cube_or_grid_is_not_found(client: Client) -> None:
    for path in ("/cubes/NOPE-1", "/grids/NOPE", "/cube-status?cube_id=NOPE-1", "/builds?cube_id=NOPE-1"):
        reply = client.get(path)
        assert (reply.status, reply.body["title"]) == (404, "Not Found")
        assert "NOPE" in reply.body["detail"]


def test_cubes_come_in_pages(client: Client) -> None:
    for name in ("A-1", "B-1", "C-1"):
        client.services.cubes.create(name, cube_form(datacube=name[0]), now="2026-08-10T12:00:00.000000Z")

    first = client.get("/cubes?limit=2")
    last = client.get("/cubes?limit=2&next=B-1")

    assert [cube["id"] for cube in first.body] == ["A-1", "B-1"]
    assert [cube["id"] for cube in last.body] == ["C-1"]
    assert "Link" not in last.headers


def test_the_periods_of_a_timeline_are_listed(client: Client) -> None:
    body = {
        "schema": "Cyclic",
        "step": 16,
        "unit": "day",
        "cycle": {"unit": "year", "step": 1},
        "start_date": "2019-12-01",
        "last_date": "2020-01-20",
    }

    reply = client.post("/list-periods", body)

    assert reply.status == 200
    assert reply.body == {
        "timeline": [
            ["2019-12-03", "2019-12-18"],
            ["2019-12-19", "2019-12-31"],
            ["2020-01-01", "2020-01-16"],
            ["2020-01-17", "2020-02-01"],
        ]
    }


@pytest.mark.parametrize(
    ("change", "field"),
    [({"start_date": None}, "start_date"), ({"unit": "week"}, "unit"), ({"last_date": 3}, "last_date")],
)
def test_a_bad_timeline_names_the_field(client: Client, change: dict[str, Any], field: str) -> None:
    body = {"schema": "Continuous", "step": 1, "unit": "month", "start_date": "2019-01-01", "last_date": "2019-03-31"}

    reply = client.post("/list-periods", {**body, **change})

    assert reply.status == 400
    assert reply.body["errors"][0]["field"] == field
