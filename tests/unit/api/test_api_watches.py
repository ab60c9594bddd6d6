"""``/watches`` and ``/scenes``."""

from __future__ import annotations

from typing import Any

import pytest

from stratocube.clock import iso_time
from tests.unit.api.api_client import NOW, Client
from tests.unit.workflow.small_build import CUBE, CUBE_FORM, GRID, START, TILE, scene

WATCH = {name: value for name, value in START.items() if name not in {"datacube", "end_date"}}
WATCH |= {"cube_id": CUBE, "stac_url": "https://stac.example.org/"}
UNIT = f"{TILE}_2023-08-01_2023-08-31"


@pytest.fixture
def cube(client: Client) -> Client:
    assert client.post("/create-grids", GRID).status == 201
    assert client.post("/cubes", CUBE_FORM).status == 201
    return client


def item(**changes: Any) -> dict[str, Any]:
    return scene("s3://scenes/r.tif", "s3://scenes/q.tif") | changes


def test_a_cube_is_watched_shown_listed_and_watched_no_more(cube: Client) -> None:
    made = cube.post("/watches", WATCH)
    assert made.status == 201
    assert made.headers["Location"].endswith(f"/watches/{CUBE}")
    assert {name: made.body[name] for name in ("cube_id", "hears_of", "end_date", "heard_at", "watched_since")} == {
        "cube_id": CUBE,
        "hears_of": ["s2"],
        "end_date": None,
        "heard_at": None,
        "watched_since": iso_time(NOW),
    }
    assert made.body["request"] == {name: value for name, value in WATCH.items() if name != "cube_id"}
    assert cube.get(f"/watches/{CUBE}").body == made.body | {"units": []}
    (listed,) = cube.get("/watches").body["watches"]
    assert (listed["cube_id"], listed["tile_count"], "request" in listed) == (CUBE, 1, False)
    assert cube.send("DELETE", f"/watches/{CUBE}").body == {"cube_id": CUBE, "watched": False}
    assert cube.get("/watches").body == {"watches": [], "next": None, "links": []}
    assert cube.get(f"/watches/{CUBE}").status == cube.send("DELETE", f"/watches/{CUBE}").status == 404


def test_a_scene_answers_with_the_units_it_touches_and_they_are_pending(cube: Client) -> None:
    cube.post("/watches", WATCH)
    sent = cube.post("/scenes", item())
    assert (sent.status, sent.body) == (
        202,
        {"scene": "S-1", "collection": "s2", "units": [{"cube_id": CUBE, "unit_id": UNIT}]},
    )
    shown = cube.get(f"/watches/{CUBE}").body
    assert shown["heard_at"] == iso_time(NOW)
    assert shown["units"] == [
        {"unit_id": UNIT, "arrivals": 1, "pending": True, "build_id": None, "due_at": iso_time(NOW)}
    ]
    assert cube.launcher.launched == []


def test_a_scene_nobody_watches_for_is_accepted_and_touches_nothing(cube: Client) -> None:
    assert cube.post("/scenes", item()).body["units"] == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"id": None}, "id"), ({"collection": None}, "collection"), ({"geometry": {"type": "Point"}}, "geometry")],
)
def test_a_malformed_scene_is_refused_with_the_field(cube: Client, changes: dict[str, Any], field: str) -> None:
    refused = cube.post("/scenes", item(**changes))
    assert (refused.status, refused.body["errors"][0]["field"]) == (400, field)


def test_a_watch_that_cannot_be_is_refused_with_the_field(cube: Client) -> None:
    refused = cube.post("/watches", WATCH | {"tiles": ["999999"]})
    assert (refused.status, refused.body["errors"][0]["field"]) == (400, "tiles.0")
    assert cube.post("/watches", {"cube_id": "NONE-1"}).status == 404
