"""An object store on the loopback interface: range requests with the latency and the bandwidth of a real one.

    python -m benchmarks.range_server --root scenes --latency 0.03 --megabytes-per-second 100

Every answer comes ``latency`` seconds late, and each connection carries so many bytes a second; several connections
carry that each, as those of S3 do. Requests, bytes and connections are counted; ``GET /-/counts`` tells and resets.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

COUNTS_PATH: Final = "/-/counts"

_RANGE: Final = re.compile(r"bytes=(\d+)-(\d*)")
_CHUNK: Final = 1 << 18


@dataclass(frozen=True)
class Link:
    """What the network between the store and its reader is like."""

    latency: float = 0.03
    """Seconds between a request and the first byte of its answer."""
    bytes_per_second: float = 100e6
    """Of one connection."""

    def seconds(self, size: int) -> float:
        """How long one connection needs for so many bytes in one answer."""
        return self.latency + size / self.bytes_per_second


@dataclass
class Counts:
    """What was served since the last reset."""

    requests: int = 0
    bytes: int = 0
    connections: int = 0


class RangeServer(ThreadingHTTPServer):
    """Serves the files below a folder to readers on this machine."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, root: Path, link: Link, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.root, self.link = root.resolve(), link
        self._counts, self._lock = Counts(), threading.Lock()

    @property
    def url(self) -> str:
        """Where the folder is, without a slash at the end."""
        return f"http://127.0.0.1:{self.server_port}"

    def count(self, *, requests: int = 0, size: int = 0, connections: int = 0) -> None:
        """Add to the counts."""
        with self._lock:
            self._counts.requests += requests
            self._counts.bytes += size
            self._counts.connections += connections

    def counts(self) -> Counts:
        """The counts so far, which begin again at zero."""
        with self._lock:
            told, self._counts = self._counts, Counts()
        return told


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: RangeServer

    def setup(self) -> None:
        super().setup()
        self.server.count(connections=1)

    def do_GET(self) -> None:
        if self.path == COUNTS_PATH:
            self._answer_text(json.dumps(asdict(self.server.counts())))
        else:
            self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: there are thousands of requests."""

    def _answer(self, *, with_body: bool) -> None:
        started = time.monotonic()
        self.server.count(requests=1)
        path = (self.server.root / unquote(urlsplit(self.path).path).lstrip("/")).resolve()
        if not path.is_relative_to(self.server.root) or not path.is_file():
            self._wait_until(started + self.server.link.latency)
            self._answer_text("no such file", HTTPStatus.NOT_FOUND)
            return
        size = path.stat().st_size
        asked = _RANGE.fullmatch(self.headers.get("Range", ""))
        first = int(asked[1]) if asked else 0
        last = min(int(asked[2]), size - 1) if asked and asked[2] else size - 1
        if first > last:
            self._wait_until(started + self.server.link.latency)
            self._answer_text("beyond the end", HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
            return
        self._wait_until(started + self.server.link.latency)
        self.send_response(HTTPStatus.PARTIAL_CONTENT if asked else HTTPStatus.OK)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(last - first + 1))
        if asked:
            self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        self.end_headers()
        if with_body:
            self._send(path, first, last + 1)

    def _send(self, path: Path, start: int, end: int) -> None:
        begun, at = time.monotonic(), start
        self.wfile.flush()
        with path.open("rb") as file:
            try:
                while at < end:
                    at += os.sendfile(self.connection.fileno(), file.fileno(), at, min(_CHUNK, end - at))
                    self._wait_until(begun + (at - start) / self.server.link.bytes_per_second)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True
        self.server.count(size=at - start)

    def _answer_text(self, text: str, status: HTTPStatus = HTTPStatus.OK) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text.encode())

    @staticmethod
    def _wait_until(moment: float) -> None:
        left = moment - time.monotonic()
        if left > 0:
            time.sleep(left)


@contextmanager
def serving(root: Path, link: Link = Link(), port: int = 0) -> Iterator[RangeServer]:
    """A server that answers while the ``with`` block runs."""
    with RangeServer(root, link, port) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=Path())
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument("--latency", type=float, default=Link.latency)
    parser.add_argument("--megabytes-per-second", type=float, default=Link.bytes_per_second / 1e6)
    options = parser.parse_args()
    link = Link(options.latency, options.megabytes_per_second * 1e6)
    with serving(options.root, link, options.port) as server:
        print(server.url, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
