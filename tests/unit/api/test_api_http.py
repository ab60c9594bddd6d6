"""HTTP manners: bodies, problem documents, CORS, and nothing from inside in an answer."""

import base64
import json
import logging
from dataclasses import replace
from typing import Any

import pytest
from aws_lambda_powertools import Logger

from stratocube.api.app import Api
from stratocube.api.requests import MAX_BODY, MAX_DEPTH
from tests.unit.api.api_client import Client, Reply, fixture_event, proxy_event


def nested(levels: int) -> str:
    return '{"a":' * levels + "1" + "}" * levels


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("", "no body"),
        ("{", "not JSON"),
        ("[1, 2]", "object"),
        ('"text"', "object"),
        ("null", "object"),
        ('{"a": NaN}', "NaN"),
        ('{"a": 1e999}', "too large"),
        ('{"a": 123456789012345678901234567890}', "too large"),
        ('{"a": %s}' % ("9" * 5000), "not JSON"),
        ('{"a": "\\ud800"}', "surrogate"),
        ('{"\\ud800": 1}', "surrogate"),
        (nested(MAX_DEPTH + 1), "nested"),
        (nested(9000), "nested"),
    ],
)
@pytest.mark.parametrize("path", ["/cubes", "/create-grids", "/start", "/list-periods"])
def test_a_body_that_is_no_json_object_is_a_bad_request(client: Client, path: str, body: str, words: str) -> None:
    reply = client.post(path, body)

    assert reply.status == 400
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert words in reply.body["detail"]


def test_the_field_of_a_number_too_large_is_named(client: Client) -> None:
    reply = client.post("/cubes", '{"bands": [{"nodata": 1e400}]}')

    assert reply.body["errors"] == [{"field": "bands.0.nodata", "message": "the number is too large"}]


def test_a_missing_body_is_a_bad_request(client: Client) -> None:
    assert client.send("POST", "/start").status == 400


@pytest.mark.parametrize(("size", "status"), [(MAX_BODY, 400), (MAX_BODY + 1, 413), (8 * MAX_BODY, 413)])
def test_a_body_has_a_largest_size(client: Client, size: int, status: int) -> None:
    body = '{"datacube": "%s"}'
    body %= "x" * (size - len(body) + 2)

    assert client.post("/cubes", body).status == status


def test_a_base64_body_is_read(client: Client) -> None:
    body = base64.b64encode(b'{"datacube": 1}').decode()

    reply = client.post("/cubes", body, base64=True)

    assert reply.status == 400
    assert reply.body["errors"][0]["field"] == "datacube"


@pytest.mark.parametrize("body", ["%%%", base64.b64encode(b"\xff\xfe{").decode(), "A"])
def test_a_body_that_is_no_utf8_is_a_bad_request(client: Client, body: str) -> None:
    assert client.post("/cubes", body, base64=True).status == 400


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 400),
        ("application/json; charset=utf-8", 400),
        ("APPLICATION/JSON", 400),
        ("application/geo+json", 400),
        (None, 400),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("application/jsonp", 415),
    ],
)
def test_only_json_is_read(client: Client, content_type: str | None, status: int) -> None:
    assert client.post("/cubes", "{}", headers={"content-type": content_type}).status == status


def test_an_unknown_route_is_a_problem_that_says_where_to_look(client: Client) -> None:
    for method, path in (("GET", "/nope"), ("DELETE", "/cube"), ("POST", "/builds/x/units/y/z")):
        reply = client.send(method, path)
        assert reply.status == 404
        assert reply.body == {
            "type": "about:blank",
            "title": "Not Found",
            "status": 404,
            "detail": f"there is no {method} {path}: GET / lists what there is",
            "errors": [],
        }


def test_a_trailing_slash_changes_nothing(client: Client) -> None:
    assert client.get("/cubes/").body == client.get("/cubes").body == []


def test_an_id_nothing_can_have_is_not_found(client: Client) -> None:
    for path in (f"/cubes/{'x' * 3000}", "/cubes/%FF%FE", f"/builds/{'x' * 3000}", f"/grids/{'x' * 3000}"):
        assert client.get(path).status == 404


@pytest.mark.parametrize("limit", ["0", "-1", "x", "1.5", "101", "٣", "1e2", " "])
def test_a_limit_is_a_whole_number_in_bounds(client: Client, limit: str) -> None:
    reply = client.get(f"/cubes?limit={limit}")

    # a blank one is none
    assert reply.status == (200 if limit == " " else 400)
    if reply.status == 400:
        assert reply.body["errors"][0]["field"] == "limit"


def test_an_unexpected_error_tells_an_id_and_nothing_else(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        def page(self, **_: Any) -> None:
            raise RuntimeError("the password is hunter2")

    logger = Logger(service="test-broken")
    monkeypatch.setattr(logger._logger, "propagate", True)
    services = replace(client.services, cubes=Broken())  # type: ignore[arg-type]

    with caplog.at_level(logging.ERROR):
        reply = Reply.of(Api(services, logger).resolve(proxy_event("GET", "/cubes"), None))

    assert reply.status == 500
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert "hunter2" not in json.dumps(reply.body)
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.__dict__["problem_id"] == reply.body["id"]
    assert record.exc_info is not None
    assert "hunter2" in str(record.exc_info[1])


def test_a_preflight_of_a_web_client_is_answered(client: Client) -> None:
    reply = Reply.of(client.api.resolve(fixture_event("preflight"), None))

    assert reply.status == 204
    assert reply.headers["Access-Control-Allow-Origin"] == "*"
    assert {"Content-Type", "X-Api-Key"} <= set(reply.headers["Access-Control-Allow-Headers"].split(","))
    assert {"GET", "POST", "OPTIONS"} <= set(reply.headers["Access-Control-Allow-Methods"].split(","))


def test_a_web_client_may_read_answers_and_problems(client: Client) -> None:
    for path, status in (("/cubes", 200), ("/cubes/NOPE-1", 404), ("/nope", 404), ("/cubes?limit=0", 400)):
        reply = client.get(path, headers={"Origin": "https://manager.example.org"})
        assert (reply.status, reply.headers["Access-Control-Allow-Origin"]) == (status, "*")
        assert "Link" in reply.headers["Access-Control-Expose-Headers"]
