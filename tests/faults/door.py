"""A door between a function and what it calls: counts the calls, and makes those fail that a test says.

Each function has a door of its own (its ``AWS_ENDPOINT_URL``), so that a call is known by who made it; the sources of
scenes have another. The product knows nothing of doors.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import queue
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

_UPSTREAM_SECONDS = 120.0
_HOLD_SECONDS = 60.0
_NOT_FORWARDED = {"expect", "connection", "proxy-connection"}
_NOT_RETURNED = {"connection", "transfer-encoding", "content-length", "date", "server"}


@dataclass(frozen=True)
class Call:
    """One request of a function."""

    door: str
    """Whose door: a function's name, or ``source``."""
    method: str
    path: str
    """Without the query, percent-decoded: ``/bucket/key`` for S3."""
    query: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def service(self) -> str:
        """``s3``, ``dynamodb``, ``states``, …: from the scope of the signature. Of sources: ``source``."""
        scope = self.headers.get("authorization", "").partition("Credential=")[2].partition(",")[0].split("/")
        return scope[3] if len(scope) > 3 else "source"

    @property
    def operation(self) -> str:
        """``UpdateItem``, ``StartExecution``: what a call of a JSON service asks for. Of S3 the method."""
        return self.headers.get("x-amz-target", "").rpartition(".")[2] or self.method

    def says(self, *texts: str) -> bool:
        """Whether all of the texts are in the body."""
        return all(text.encode() in self.body for text in texts)


@dataclass(frozen=True)
class Reply:
    """An answer; with ``cut`` only so many bytes of the body are sent before the line breaks."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int | None = None


@dataclass(frozen=True)
class Exchange:
    """A call and the way on to where it was going."""

    call: Call
    forward: Callable[[], Reply]


Effect = Callable[[Exchange], Reply | None]
"""What becomes of a call: its answer, or None: the connection is reset."""

Match = Callable[[Call], bool]


class Rule:
    """Which calls something happens to, and what; counts those that matched and those it happened to."""

    def __init__(self, match: Match, effect: Effect, *, nth: Callable[[int], bool] = lambda _: True) -> None:
        self._match, self._effect, self._nth = match, effect, nth
        self._lock = threading.Lock()
        self.seen = 0
        self.hits = 0

    def takes(self, call: Call) -> bool:
        """Whether this call is one of those."""
        if not self._match(call):
            return False
        with self._lock:
            self.seen += 1
            taken = self._nth(self.seen)
            self.hits += taken
        return taken

    def apply(self, exchange: Exchange) -> Reply | None:
        """What becomes of it."""
        return self._effect(exchange)


# -- effects -----------------------------------------------------------------------------------------------------------


def refuse(status: int, code: str) -> Effect:
    """The service answers with an error, in its own format, and does nothing."""

    def effect(exchange: Exchange) -> Reply:
        if exchange.call.service == "s3":
            text = (
                f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>injected</Message></Error>'
            )
            return Reply(status, text.encode(), {"Content-Type": "application/xml"})
        kind = f"com.amazonaws.dynamodb.v20120810#{code}" if exchange.call.service == "dynamodb" else code
        body = json.dumps({"__type": kind, "message": "injected"}).encode()
        return Reply(status, body, {"Content-Type": "application/x-amz-json-1.0"})

    return effect


def answer(status: int, body: bytes = b"", **headers: str) -> Effect:
    """A web server answers with this."""
    return lambda _: Reply(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


def reset(_: Exchange) -> None:
    """The connection breaks before anything is done."""


def lose_answer(exchange: Exchange) -> None:
    """It is done, and the connection breaks before the answer."""
    exchange.forward()


def cut_short(exchange: Exchange) -> Reply:
    """The answer ends in the middle."""
    reply = exchange.forward()
    return Reply(reply.status, reply.body, reply.headers, cut=len(reply.body) // 2)


class Gate:
    """Holds calls up until it is opened."""

    def __init__(self, *, after: bool = False) -> None:
        self._after = after
        self._arrived: queue.SimpleQueue[Call] = queue.SimpleQueue()
        self._opened = threading.Event()

    def __call__(self, exchange: Exchange) -> Reply | None:
        reply = exchange.forward() if self._after else None
        self._arrived.put(exchange.call)
        if not self._opened.wait(_HOLD_SECONDS):
            return None
        return reply or exchange.forward()

    def wait(self) -> Call:
        """Wait for the next call to arrive: that call."""
        try:
            return self._arrived.get(timeout=_HOLD_SECONDS)
        except queue.Empty:
            raise AssertionError("the call that was to be held up never came") from None

    def open(self) -> None:
        """Let everybody through."""
        self._opened.set()


# -- doors -------------------------------------------------------------------------------------------------------------


class Door:
    """A running door."""

    def __init__(self, name: str, upstream: Callable[[Call], Reply]) -> None:
        self.name = name
        self._upstream = upstream
        self.rules: list[Rule] = []
        self.port = 0
        self.calls: list[Call] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @contextmanager
    def rule(self, rule: Rule) -> Iterator[Rule]:
        """Let a rule hold for the time of a ``with`` block."""
        self.rules.append(rule)
        try:
            yield rule
        finally:
            self.rules.remove(rule)

    def pass_through(self, call: Call) -> Reply | None:
        """What becomes of a call."""
        self.calls.append(call)
        exchange = Exchange(call, lambda: self._upstream(call))
        for rule in list(self.rules):
            if rule.takes(call):
                return rule.apply(exchange)
        return exchange.forward()


@contextmanager
def open_door(name: str, upstream: Callable[[Call], Reply]) -> Iterator[Door]:
    """A door on a free port of the loopback interface for the time of a ``with`` block."""
    door = Door(name, upstream)
    server = _Server(("127.0.0.1", 0), _handler(door))
    door.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield door
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def emulator(port: int) -> Callable[[Call], Reply]:
    """The emulator behind the doors. The host a request was signed for stays in it."""
    local = threading.local()

    def forward(call: Call) -> Reply:
        target = call.headers["x-door-target"]
        headers = {name: value for name, value in call.headers.items() if not name.startswith("x-door")}
        for last in (False, True):
            connection: http.client.HTTPConnection | None = getattr(local, "connection", None)
            if connection is None:
                connection = local.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_UPSTREAM_SECONDS)
            try:
                connection.putrequest(call.method, target, skip_host=True, skip_accept_encoding=True)
                for name, value in headers.items():
                    connection.putheader(name, value)
                connection.endheaders(call.body or None)
                found = connection.getresponse()
                body = found.read()
            except (http.client.HTTPException, ConnectionError):
                connection.close()
                local.connection = None
                if last:
                    raise
                continue
            kept = {name: value for name, value in found.getheaders() if name.lower() not in _NOT_RETURNED}
            if call.method == "HEAD" and (length := found.getheader("Content-Length")):
                kept["Content-Length"] = length
            return Reply(found.status, body, kept)
        raise AssertionError("not reached")

    return forward


def files(content: Mapping[str, bytes]) -> Callable[[Call], Reply]:
    """A web server of these files by path (looked up when they are asked for), which knows ranges."""

    def serve(call: Call) -> Reply:
        body = content.get(call.path)
        if body is None:
            return Reply(404)
        wanted = call.headers.get("range")
        if wanted is None:
            return Reply(200, body)
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        part = body[int(first) : int(last or len(body)) + 1]
        if not part:
            return Reply(416)
        return Reply(206, part, {"Content-Range": f"bytes {first}-{int(first) + len(part) - 1}/{len(body)}"})

    return serve


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients are killed and connections broken here all the time."""


def _handler(door: Door) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1
        disable_nagle_algorithm = True

        def do(self) -> None:
            reply = door.pass_through(self._call())
            if reply is None:
                self._reset()
                return
            self.send_response_only(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if "Content-Length" not in reply.headers:
                self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(reply.body if reply.cut is None else reply.body[: reply.cut])
            self.wfile.flush()
            if reply.cut is not None:
                self.close_connection = True

        # names that BaseHTTPRequestHandler asks for
        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = do  # noqa: N815

        def handle_expect_100(self) -> bool:
            going_on = super().handle_expect_100()
            self.wfile.flush()  # a client waits a second for it otherwise
            return going_on

        def _call(self) -> Call:
            headers = {
                name.lower(): value for name, value in self.headers.items() if name.lower() not in _NOT_FORWARDED
            }
            path, _, query = self.path.partition("?")
            body = self._body(headers)
            return Call(door.name, self.command, unquote(path), query, headers | {"x-door-target": self.path}, body)

        def _body(self, headers: Mapping[str, str]) -> bytes:
            if headers.get("transfer-encoding", "").lower() != "chunked":
                return self.rfile.read(int(headers.get("content-length", 0)))
            raw = b""
            while True:
                line = self.rfile.readline()
                raw += line + self.rfile.read(int(line.split(b";")[0], 16) + 2)
                if line.startswith(b"0"):
                    return raw

        def _reset(self) -> None:
            with contextlib.suppress(OSError):
                # Not closed but reset: the client learns at once that nothing more comes.
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.connection.close()

        def log_message(self, format: str, *args: Any) -> None:
            """Keep quiet."""

    return Handler
