"""The object store the benchmarks read from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from benchmarks.range_server import Counts, Link, RangeServer, serving

NO_WAIT = Link(latency=0, bytes_per_second=1e12)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RangeServer]:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "a.bin").write_bytes(bytes(range(100)))
    (tmp_path / "secret").write_text("not in the store")
    with serving(tmp_path / "store", NO_WAIT) as running:
        yield running


def asked(server: RangeServer, path: str, byte_range: str = "", method: str = "GET") -> tuple[int, bytes]:
    connection = HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    connection.request(method, path, headers={"Range": f"bytes={byte_range}"} if byte_range else {})
    answer = connection.getresponse()
    found = answer.status, answer.read()
    connection.close()
    return found


@pytest.mark.parametrize(
    ("byte_range", "status", "body"),
    [
        ("", 200, bytes(range(100))),
        ("10-12", 206, bytes([10, 11, 12])),
        ("98-", 206, bytes([98, 99])),
        ("98-500", 206, bytes([98, 99])),
    ],
)
def test_ranges_are_answered_as_asked(server: RangeServer, byte_range: str, status: int, body: bytes) -> None:
    assert asked(server, "/a.bin", byte_range) == (status, body)


def test_what_is_not_there_is_said_to_be(server: RangeServer) -> None:
    assert asked(server, "/b.bin")[0] == 404
    assert asked(server, "/../secret")[0] == 404
    assert asked(server, "/a.bin", "100-")[0] == 416


def test_requests_and_bytes_are_counted_until_they_are_asked_for(server: RangeServer) -> None:
    asked(server, "/a.bin", "0-9")
    asked(server, "/a.bin", method="HEAD")
    asked(server, "/b.bin")
    status, told = asked(server, "/-/counts")
    assert (status, json.loads(told)) == (200, {"requests": 3, "bytes": 10, "connections": 4})
    assert server.counts() == Counts()


def test_a_link_needs_its_latency_and_the_time_of_the_bytes() -> None:
    assert Link(latency=0.03, bytes_per_second=100e6).seconds(50_000_000) == pytest.approx(0.53)
