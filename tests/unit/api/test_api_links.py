"""Links lead back to the API, however the caller reached it."""

import pytest

from tests.unit.api.api_client import Client, Reply, fixture_event
from tests.unit.api.forms import cube_form


@pytest.mark.parametrize(
    ("event", "root"),
    [
        ("stage_url", "https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com/v1"),
        ("custom_domain", "https://cubes.example.org/archive"),
        ("emulator_host", "http://9f8e7d6c.execute-api.localhost:4580/v1"),
        ("emulator_path", "http://127.0.0.1:4580/_aws/execute-api/9f8e7d6c/v1"),
    ],
)
def test_links_begin_with_the_root_the_caller_used(client: Client, event: str, root: str) -> None:
    for name in ("A-1", "B-1", "C-1"):
        client.services.cubes.create(name, cube_form(datacube=name[0]), now="2026-08-10T12:00:00.000000Z")

    reply = Reply.of(client.api.resolve(fixture_event(event), None))

    assert reply.status == 200
    assert [cube["id"] for cube in reply.body] == ["A-1", "B-1"]
    assert reply.body[0]["links"][0] == {"rel": "self", "href": f"{root}/cubes/A-1"}
    assert reply.headers["Link"] == f'<{root}/cubes?limit=2&next=B-1>; rel="next"'


def test_the_root_names_the_version_and_where_everything_is(client: Client) -> None:
    reply = Reply.of(client.api.resolve(fixture_event("stage_url_root"), None))

    root = "https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com/v1"
    assert (reply.status, reply.body["name"], reply.body["version"]) == (200, "stratocube", "0.1.0")
    links = {link["rel"]: link["href"] for link in reply.body["links"]}
    assert links["self"] == f"{root}/"
    assert links["start"] == f"{root}/start"
    assert links["builds"] == f"{root}/builds"


def test_a_link_escapes_what_an_id_may_hold(client: Client) -> None:
    client.services.cubes.create("A B/C-1", cube_form(), now="2026-08-10T12:00:00.000000Z")

    reply = client.get("/cubes/A%20B%2FC-1")

    assert reply.status == 200
    assert reply.body["links"][0]["href"].endswith("/v1/cubes/A%20B%2FC-1")
    assert reply.body["links"][1]["href"].endswith("/v1/cube-status?cube_id=A+B%2FC-1")
