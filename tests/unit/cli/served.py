"""The real API over its tables in memory, served by HTTP on this machine as an emulator does."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.unit.api.api_client import Client, proxy_event

KEY = "the-key"


@contextmanager
def served(client: Client) -> Iterator[str]:
    """The root of the API, below the path an emulator gives it; requests without the key are refused."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(client)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/_aws/execute-api/id/v1"
        finally:
            server.shutdown()


def _handler(client: Client) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length).decode() if length else None
            if self.headers.get("x-api-key") != KEY:
                self._send(403, {"Content-Type": "application/json"}, '{"message": "Forbidden"}')
                return
            url = self.path.removeprefix("/_aws/execute-api/id/v1")
            event = proxy_event(self.command, url, body=body, headers={"Host": self.headers["Host"]})
            context = {**event["requestContext"], "domainName": None, "apiId": "id", "stage": "v1"}
            response = client.api.resolve({**event, "requestContext": context}, None)
            headers = {name: values[0] for name, values in response["multiValueHeaders"].items()}
            self._send(response["statusCode"], headers, response["body"] or "")

        def _send(self, status: int, headers: dict[str, str], body: str) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

        do_GET = _answer  # noqa: N815 - http.server's names
        do_POST = _answer  # noqa: N815 - as above
        do_PUT = _answer  # noqa: N815 - as above

    return Handler
