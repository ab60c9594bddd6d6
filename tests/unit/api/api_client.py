"""A client of the API in this process: sends events as API Gateway does, takes replies apart."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from stratocube.api.app import Api
from stratocube.api.services import Services
from stratocube.workflow.operations_cancel import StopFailed
from stratocube.workflow.start import LaunchFailed
from tests.unit.api.promises import check_reply

FIXTURES = Path(__file__).parents[2] / "fixtures" / "api"
NOW = datetime(2026, 8, 10, 12, 0, 0, 250_000, tzinfo=UTC)


@dataclass(frozen=True)
class Reply:
    """A proxy response, taken apart."""

    status: int
    headers: Mapping[str, str]
    body: Any

    @classmethod
    def of(cls, response: Mapping[str, Any]) -> Reply:
        headers = {name: values[0] for name, values in response["multiValueHeaders"].items()}
        body = response["body"]
        return cls(response["statusCode"], headers, json.loads(body) if body else None)


@dataclass
class Launcher:
    """Stands in for Step Functions: remembers what was launched, or fails on demand."""

    launched: list[str] = field(default_factory=list)
    failure: LaunchFailed | None = None

    def __call__(self, build_id: str) -> None:
        if self.failure is not None:
            raise self.failure
        self.launched.append(build_id)


@dataclass
class Stopper:
    """Stands in for Step Functions: remembers what was stopped; a build's execution runs until it is stopped."""

    stopped: list[str] = field(default_factory=list)
    failure: StopFailed | None = None

    def __call__(self, build_id: str) -> bool:
        if self.failure is not None:
            raise self.failure
        was_running = build_id not in self.stopped
        self.stopped.append(build_id)
        return was_running


@dataclass(frozen=True)
class Client:
    """Calls the API as a client behind API Gateway does."""

    api: Api
    services: Services
    launcher: Launcher
    stopper: Stopper

    def get(self, url: str, **changes: Any) -> Reply:
        return self.send("GET", url, **changes)

    def post(self, url: str, body: Any, **changes: Any) -> Reply:
        return self.send("POST", url, body=body if isinstance(body, str) else json.dumps(body), **changes)

    def send(self, method: str, url: str, **changes: Any) -> Reply:
        """One request; its reply, held against the document."""
        reply = Reply.of(self.api.resolve(proxy_event(method, url, **changes), None))
        check_reply(method, url, reply.status, reply.headers, reply.body)
        return reply


def fixture_event(name: str) -> dict[str, Any]:
    """An event of ``tests/fixtures/api``."""
    event: dict[str, Any] = json.loads((FIXTURES / f"{name}.json").read_text())
    return event


def proxy_event(
    method: str,
    url: str,
    *,
    body: str | None = None,
    headers: Mapping[str, str | None] | None = None,
    base64: bool = False,
    query: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The event ``stage_url.json`` as it would be for another request."""
    path, _, query_text = url.partition("?")
    sent_query = {**dict(parse_qsl(query_text, keep_blank_values=True)), **(query or {})}
    event = fixture_event("stage_url")
    merged = {
        **event["headers"],
        **({"content-type": "application/json"} if body is not None else {}),
        **(headers or {}),
    }
    sent = {name: value for name, value in merged.items() if value is not None}
    root = path == "/"
    return {
        **event,
        "resource": "/" if root else "/{proxy+}",
        "path": path,
        "pathParameters": None if root else {"proxy": path[1:]},
        "httpMethod": method,
        "headers": sent,
        "multiValueHeaders": {name: [value] for name, value in sent.items()},
        "queryStringParameters": sent_query or None,
        "multiValueQueryStringParameters": {name: [value] for name, value in sent_query.items()} or None,
        "requestContext": {**event["requestContext"], "httpMethod": method, "path": f"/v1{path}"},
        "body": body,
        "isBase64Encoded": base64,
    }
