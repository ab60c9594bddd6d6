"""The door faults are injected at: what it lets through, and what it makes fail."""

from __future__ import annotations

import http.client
from collections.abc import Iterator

import pytest
import requests

from tests.faults.door import (
    Call,
    Door,
    Exchange,
    Gate,
    Reply,
    Rule,
    answer,
    cut_short,
    files,
    lose_answer,
    open_door,
    refuse,
    reset,
)
from tests.faults.fault import always, every, first

CONTENT = {"/a.tif": b"0123456789"}


@pytest.fixture
def door() -> Iterator[Door]:
    with open_door("source", files(CONTENT)) as found:
        yield found


def _get(door: Door, path: str = "/a.tif", **headers: str) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False  # no proxy leads to this machine's loopback
        return session.get(door.url + path, headers=headers, timeout=10)


def _everything(_: Call) -> bool:
    return True


def test_without_a_rule_everything_passes_and_is_remembered(door: Door) -> None:
    assert _get(door).content == b"0123456789"
    assert _get(door, Range="bytes=2-4").content == b"234"
    assert (_get(door, Range="bytes=20-").status_code, _get(door, "/b.tif").status_code) == (416, 404)
    assert [call.path for call in door.calls] == ["/a.tif", "/a.tif", "/a.tif", "/b.tif"]


def test_a_rule_takes_the_calls_it_names_and_counts_them(door: Door) -> None:
    with door.rule(Rule(_everything, answer(503), nth=every(2))) as rule:
        assert [_get(door).status_code for _ in range(4)] == [200, 503, 200, 503]
    assert (rule.seen, rule.hits) == (4, 2)
    assert _get(door).status_code == 200


def test_the_first_few_and_always(door: Door) -> None:
    with door.rule(Rule(_everything, answer(429), nth=first(2))):
        assert [_get(door).status_code for _ in range(3)] == [429, 429, 200]
    with door.rule(Rule(_everything, answer(429), nth=always)):
        assert [_get(door).status_code for _ in range(2)] == [429, 429]


def test_a_connection_breaks_before_or_after_the_deed(door: Door) -> None:
    for effect in (reset, lose_answer):
        with door.rule(Rule(_everything, effect)), pytest.raises(requests.ConnectionError):
            _get(door)


def test_an_answer_ends_in_the_middle(door: Door) -> None:
    with door.rule(Rule(_everything, cut_short)):
        connection = http.client.HTTPConnection("127.0.0.1", door.port, timeout=10)
        connection.request("GET", "/a.tif")
        with pytest.raises(http.client.IncompleteRead) as caught:
            connection.getresponse().read()
        connection.close()
    assert caught.value.partial == b"01234"


def test_a_gate_holds_a_call_until_it_is_opened(door: Door) -> None:
    gate = Gate(after=True)
    gate.open()
    with door.rule(Rule(_everything, gate)):
        assert _get(door).content == b"0123456789"
    gate.wait()


def test_services_refuse_in_their_own_format() -> None:
    scope = "AWS4-HMAC-SHA256 Credential=KEY/20260101/us-east-1/{}/aws4_request, SignedHeaders=host"

    def refused(service: str) -> bytes:
        call = Call("merge", "POST", "/", "", {"authorization": scope.format(service)}, b"")
        assert call.service == service
        reply = refuse(400, "Throttled")(Exchange(call, lambda: Reply(200)))
        assert reply is not None
        return reply.body

    assert b"<Code>Throttled</Code>" in refused("s3")
    assert b"com.amazonaws.dynamodb.v20120810#Throttled" in refused("dynamodb")
    assert b'"__type": "Throttled"' in refused("states")
