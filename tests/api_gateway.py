"""API Gateway before the API in this process: keys, resources and methods as the template says; a WSGI application.

For tests that need HTTP without the emulator: property tests of the whole API, pages in a browser.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote
from wsgiref.simple_server import WSGIRequestHandler, make_server

from stratocube.api.app import Api
from tests.aws_tables import load_template

ROOT = "/_aws/execute-api/9f8e7d6c/v1"
"""Where an emulator has the stage ``v1`` of an API."""

KEY = "key-of-the-tests"

StartResponse = Callable[[str, list[tuple[str, str]]], Any]


@dataclass(frozen=True)
class _Route:
    method: str
    resource: str
    needs_key: bool

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """The path parameters of a request it is for."""
        if method != self.method:
            return None
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.resource.replace("{proxy+}", "(?P<proxy>.+)"))
        found = re.fullmatch(pattern, path)
        return None if found is None else found.groupdict()


@dataclass(frozen=True)
class Gateway:
    """A WSGI application: requests without the key get no further than here."""

    api: Api

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        method = environ["REQUEST_METHOD"]
        raw = environ.get("REQUEST_URI") or environ.get("RAW_URI") or quote(environ["PATH_INFO"], safe="/%")
        path = raw.partition("?")[0].removeprefix(ROOT) or "/"
        status, headers, body = self._answer(method, path, environ)
        start_response(f"{status} _", [*headers, ("Content-Length", str(len(body)))])
        return [body]

    def _answer(self, method: str, path: str, environ: dict[str, Any]) -> tuple[int, list[tuple[str, str]], bytes]:
        headers = {
            name[5:].replace("_", "-").title(): value for name, value in environ.items() if name.startswith("HTTP_")
        }
        if environ.get("CONTENT_TYPE"):
            headers["Content-Type"] = environ["CONTENT_TYPE"]
        for route in routes():
            parameters = route.match(method, path)
            if parameters is None:
                continue
            if route.needs_key and headers.get("X-Api-Key") != KEY:
                return _refusal("Forbidden")
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            event = _event(route, parameters, headers, environ, body)
            response = self.api.resolve(event, None)
            answered = [(name, value) for name, values in response["multiValueHeaders"].items() for value in values]
            return response["statusCode"], answered, (response["body"] or "").encode()
        return _refusal("Missing Authentication Token")


def routes() -> list[_Route]:
    """The events of the api function, those of one resource before the one of all."""
    events = load_template()["Resources"]["ApiFunction"]["Properties"]["Events"]
    found = []
    for event in events.values():
        properties = event["Properties"]
        needs_key = properties.get("Auth", {}).get("ApiKeyRequired", True)
        found.append(_Route(properties["Method"], properties["Path"], needs_key))
    return sorted(found, key=lambda route: "{proxy+}" in route.resource)


@contextmanager
def served(api: Api) -> Iterator[str]:
    """The API on a free port of this machine; its root."""
    with make_server("127.0.0.1", 0, Gateway(api), handler_class=_Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}{ROOT}"
        server.shutdown()
        thread.join()


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Says nothing."""


def _refusal(message: str) -> tuple[int, list[tuple[str, str]], bytes]:
    headers = [("Content-Type", "application/json"), ("Access-Control-Allow-Origin", "*")]
    return 403, headers, f'{{"message":"{message}"}}'.encode()


def _event(
    route: _Route, parameters: dict[str, str], headers: dict[str, str], environ: dict[str, Any], body: bytes
) -> dict[str, Any]:
    query = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
    path = route.resource
    for name, value in parameters.items():
        path = path.replace(f"{{{name}+}}", value).replace(f"{{{name}}}", value)
    return {
        "resource": route.resource,
        "path": path,
        "pathParameters": parameters or None,
        "httpMethod": route.method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": query or None,
        "multiValueQueryStringParameters": {name: [value] for name, value in query.items()} or None,
        "requestContext": {"apiId": "9f8e7d6c", "stage": "v1", "httpMethod": route.method, "path": f"/v1{path}"},
        "body": body.decode("utf-8", "surrogateescape") if body else None,
        "isBase64Encoded": False,
    }
