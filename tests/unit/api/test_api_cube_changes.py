"""Changes of cubes through the API: what is said may change, pixels may not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stratocube.errors import Conflict
from tests.unit.api.api_client import Client, Reply
from tests.unit.api.forms import cube_form, grid_form, start_form

CUBE = "/cubes/S2-16D-1"


@pytest.fixture
def cubed(client: Client) -> Client:
    assert client.post("/create-grids", grid_form()).status == 201
    assert client.post("/cubes", cube_form()).status == 201
    return client


def _put(client: Client, url: str, body: Any) -> Reply:
    return client.send("PUT", url, body=json.dumps(body))


def test_title_description_metadata_and_visibility_change_and_the_rest_stays(cubed: Client) -> None:
    before = cubed.get(CUBE).body
    change = {"title": "New", "description": "other", "public": False, "metadata": {"license": "MIT"}}

    reply = _put(cubed, CUBE, change)

    assert (reply.status, reply.body["message"]) == (200, "Updated")
    after = cubed.get(CUBE).body
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == {*change, "is_public", "_metadata", "updated_at"}
    assert (after["title"], after["is_public"], after["_metadata"]) == ("New", False, {"license": "MIT"})


def test_what_is_sent_back_unchanged_is_no_change(cubed: Client) -> None:
    reply = _put(cubed, CUBE, {**cube_form(), "title": "Sentinel-2, 16 days"})

    assert reply.status == 200
    assert reply.body["updated_at"] is None


def test_a_band_may_be_called_otherwise_in_the_form_of_the_web_client(cubed: Client) -> None:
    band = {"id": 7, "collection_id": 3, "name": "B04", "common_name": "rot", "nodata": 0, "data_type": "int16"}

    reply = _put(cubed, CUBE, {"bands": [{**band, "_metadata": {"source": "ESA"}}]})

    assert reply.status == 200, reply.body
    assert [found["common_name"] for found in reply.body["bands"]] == ["rot", "nir", "quality"]
    assert reply.body["bands"][0]["metadata"] == {"source": "ESA"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"bands": [{"name": "B04", "nodata": -1}]}, "bands.0.nodata"),
        ({"bands": [{"name": "B08", "scale": 0.5}]}, "bands.1.scale"),
        ({"bands": [{"name": "B99", "nodata": 0}]}, "bands.0.name"),
        ({"grs": "OTHER"}, "grs"),
        ({"resolution": 20}, "resolution"),
        ({"composite_function": "MED"}, "composite_function"),
        ({"temporal_composition": {"schema": "Continuous", "unit": "month", "step": 1}}, "temporal_composition"),
        ({"parameters": {**cube_form()["parameters"], "reference_day": 3}}, "parameters.reference_day"),
        ({"parameters": {"stac_url": "https://stac.example.org/"}}, "parameters.mask"),
        ({"indexes": []}, None),
        ({"datacube": "OTHER"}, "datacube"),
        ({"version": 2}, "version"),
        ({"titel": "New"}, "titel"),
    ],
)
def test_what_would_alter_pixels_or_names_is_refused_with_the_field(
    cubed: Client, change: dict[str, Any], field: str | None
) -> None:
    before = cubed.get(CUBE).body

    reply = _put(cubed, CUBE, change)

    if field is None:
        # a list holds changes of bands by name: an empty one holds none
        assert reply.status == 200
    else:
        assert reply.status == 400
        assert reply.body["errors"][0]["field"] == field
    assert cubed.get(CUBE).body == before


def test_the_remedy_for_pixels_is_the_next_version(cubed: Client) -> None:
    assert "next version" in _put(cubed, CUBE, {"resolution": 20}).body["detail"]


def test_an_expression_of_an_index_is_pixels_and_its_name_is_not(cubed: Client) -> None:
    other = {"expression": {"bands": ["B08", "B04"], "value": "B08 - B04"}}

    assert _put(cubed, CUBE, {"indexes": [{"name": "NDVI", "common_name": "greenness"}]}).status == 200
    reply = _put(cubed, CUBE, {"indexes": [{"name": "NDVI", "metadata": other}]})

    assert reply.status == 400
    assert reply.body["errors"][0]["field"] == "indexes.0.metadata.expression"


def test_a_change_of_a_cube_that_was_changed_meanwhile_is_a_conflict(cubed: Client) -> None:
    read = cubed.services.cubes.get("S2-16D-1")
    assert _put(cubed, CUBE, {"title": "first"}).status == 200

    with pytest.raises(Conflict):
        cubed.services.cubes.change(read, {**read.definition, "title": "second"}, now="2026-08-10T12:00:01Z")

    assert cubed.get(CUBE).body["title"] == "first"


def test_where_scenes_are_searched_may_change_and_the_mask_may_not(cubed: Client) -> None:
    url = f"{CUBE}/parameters"

    moved = _put(cubed, url, {"stac_url": "https://stac.example.org/v2", "token_secret": "bdc"})
    masked = _put(cubed, url, {"mask": {**cube_form()["parameters"]["mask"], "clear_data": [4]}})

    assert (moved.status, moved.body["stac_url"]) == (200, "https://stac.example.org/v2")
    assert (masked.status, masked.body["errors"][0]["field"]) == (400, "mask")
    assert "POST /start" in masked.body["detail"]
    assert cubed.get(url).body == moved.body
    assert _put(cubed, url, {"token_secret": None}).body == {
        **cube_form()["parameters"],
        "stac_url": moved.body["stac_url"],
    }


def test_what_a_cube_is_generated_with_is_taken_back_as_parameters_unless_it_is_changed(cubed: Client) -> None:
    assert cubed.post("/start", start_form(stac_url="https://stac.example.org/other")).status == 202

    meta = cubed.get(f"{CUBE}/meta").body

    assert meta == {
        **cube_form()["parameters"],
        "quality_band": "SCL",
        "stac_url": "https://stac.example.org/other",
        "url_stac": "https://stac.example.org/other",
        "collections": ["S2_L2A-1"],
        "start_date": "2019-01-01",
        "end_date": "2019-01-31",
        "bucket": cubed.services.products.bucket,
        "satellite": "Sentinel-2",
    }
    assert _put(cubed, f"{CUBE}/parameters", meta).body == cube_form()["parameters"]
    reply = _put(cubed, f"{CUBE}/parameters", {**meta, "collections": ["another"]})
    assert (reply.status, reply.body["errors"][0]["field"]) == (400, "collections")
    # one that is named is set, also to what the newest build had
    kept = _put(cubed, f"{CUBE}/parameters", {"stac_url": meta["stac_url"]})
    assert kept.body["stac_url"] == cubed.get(f"{CUBE}/parameters").body["stac_url"] == meta["stac_url"]


@pytest.mark.parametrize("path", ["", "/parameters", "/meta", "/items", "/tiles", "/tiles/geom"])
def test_a_cube_that_is_not_there_is_not_found(client: Client, path: str) -> None:
    assert client.get(f"/cubes/NONE-1{path}").status == 404


def test_cubes_are_filtered_and_the_next_page_keeps_the_filter(cubed: Client) -> None:
    for name, public in (("S2-A", False), ("S2-B", True), ("S2-C", True)):
        assert cubed.post("/cubes", cube_form(datacube=name, public=public)).status == 201

    first = cubed.get("/cubes?public=true&name=s2-&limit=2")
    link = first.headers["Link"].partition("<")[2].partition(">")[0]
    second = cubed.get(link.partition("/v1")[2])

    assert [cube["id"] for cube in first.body] == ["S2-16D-1", "S2-B-1"]
    assert [cube["id"] for cube in second.body] == ["S2-C-1"]
    assert [cube["id"] for cube in cubed.get("/cubes?public=false").body] == ["S2-A-1"]
    assert cubed.get("/cubes?collection_type=mosaic").body == []
    assert cubed.get("/cubes?public=maybe").status == 400


def test_a_cube_stands_where_its_newest_build_left_it(cubed: Client) -> None:
    assert cubed.get(CUBE).body["status"] == "Pending"

    cubed.post("/start", start_form())

    body = cubed.get(CUBE).body
    assert (body["status"], body["start_date"], body["end_date"]) == ("Pending", "2019-01-01", "2019-01-31")


def test_composite_functions_are_those_a_definition_takes(cubed: Client) -> None:
    functions = cubed.get("/composite-functions").body

    assert [function["alias"] for function in functions] == ["IDT", "LCF", "MED", "AVG"]
    for position, function in enumerate(functions):
        form = cube_form(datacube=f"F{position}", composite_function=function["alias"])
        assert cubed.post("/cubes", form).status == 201
