"""Requests to the REST API, and its answers as JSON."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from stratocube.errors import StratocubeError

CALL_SECONDS = 60.0
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class ApiError(StratocubeError):
    """The REST API answered with an error."""

    def __init__(self, method: str, path: str, status: int, body: Any) -> None:
        super().__init__(f"{method} {path} answered {status}: {_problem(body)}")
        self.method = method
        self.path = path
        self.status = status
        self.body = body

    @property
    def reason(self) -> str:
        """What the answer says is wrong."""
        return _problem(self.body)

    @property
    def errors(self) -> list[Mapping[str, Any]]:
        """Field and message of each fault, where the answer names them."""
        found = self.body.get("errors") if isinstance(self.body, Mapping) else None
        return [error for error in found if isinstance(error, Mapping)] if isinstance(found, list) else []


class Unreachable(StratocubeError):
    """Nobody answers at the API's address."""


@dataclass(frozen=True)
class ApiClient:
    """The REST API at an address."""

    url: str
    """Root of the API, without a slash at the end."""
    api_key: str = field(default="", repr=False)

    def call(self, method: str, path: str, body: Any = None, *, query: Mapping[str, Any] | None = None) -> Any:
        """One request with the API key; the answer's JSON. ``query`` leaves out what is None.

        Raises:
            ApiError: for an answer of 400 and above, with its status and body.
            Unreachable: when there is no answer.
        """
        given = {name: value for name, value in (query or {}).items() if value is not None}
        status, content = self.request(method, f"{path}?{urlencode(given)}" if given else path, body)
        if status >= 400:
            raise ApiError(method, path, status, content)
        return content

    def request(self, method: str, path: str, body: Any = None, *, api_key: str | None = None) -> tuple[int, Any]:
        """Like :meth:`call`, without raising for an error: status and JSON (text where it is none).

        ``api_key=""`` sends no key. Raises Unreachable when there is no answer.
        """
        status, content, _ = self._send(method, self.url + path, body, self.api_key if api_key is None else api_key)
        return status, content

    def pages(self, path: str, *, query: Mapping[str, Any] | None = None) -> Iterator[Any]:
        """The entries of a list that comes in pages (``Link`` headers with ``rel="next"``)."""
        given = {name: value for name, value in (query or {}).items() if value is not None}
        address: str | None = self.url + (f"{path}?{urlencode(given)}" if given else path)
        while address:
            status, content, links = self._send("GET", address, None, self.api_key)
            if status >= 400:
                raise ApiError("GET", path, status, content)
            yield from content
            address = links.get("next")

    def features(self, path: str, *, query: Mapping[str, Any] | None = None) -> Iterator[dict[str, Any]]:
        """The features of a FeatureCollection that comes in pages (a link with ``rel: next`` in the answer).

        Raises as :meth:`call`; and ApiError when a page leads away from this API, which would give it the key.
        """
        given = {name: value for name, value in (query or {}).items() if value is not None}
        address: str | None = self.url + (f"{path}?{urlencode(given)}" if given else path)
        while address:
            status, content, _ = self._send("GET", address, None, self.api_key)
            if status >= 400:
                raise ApiError("GET", path, status, content)
            yield from content["features"]
            links = content.get("links") or ()
            address = next((str(link["href"]) for link in links if link.get("rel") == "next"), None)
            if address and urlsplit(address).netloc != urlsplit(self.url).netloc:
                raise ApiError("GET", path, status, f"the next page is said to be elsewhere, at {address}")

    def fetch(self, address: str) -> bytes:
        """What an absolute http(s) address answers; with the API key where it is one of this API.

        Raises:
            ApiError: for an answer of 400 and above.
            Unreachable: when there is no answer.
        """
        headers = {"x-api-key": self.api_key} if self.api_key and address.startswith(f"{self.url}/") else {}
        request = urllib.request.Request(address, headers=headers)  # noqa: S310 - http(s), see the caller
        try:
            with _opener(address).open(request, timeout=CALL_SECONDS) as answer:
                content: bytes = answer.read()
                return content
        except urllib.error.HTTPError as error:
            raise ApiError("GET", address.partition("?")[0], error.code, _decoded(error.read())) from error
        except (urllib.error.URLError, OSError) as error:
            raise Unreachable(f"nobody answers at {urlsplit(address).netloc}: {error}") from error

    def _send(self, method: str, address: str, body: Any, key: str) -> tuple[int, Any, Mapping[str, str]]:
        headers = {"Content-Type": "application/json"} | ({"x-api-key": key} if key else {})
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(address, data=data, headers=headers, method=method)  # noqa: S310 - http(s)
        try:
            with _opener(address).open(request, timeout=CALL_SECONDS) as answer:
                return answer.status, _decoded(answer.read()), _links(answer.headers.get("Link"))
        except urllib.error.HTTPError as error:
            return error.code, _decoded(error.read()), {}
        except (urllib.error.URLError, OSError) as error:
            reason = getattr(error, "reason", error)
            raise Unreachable(f"nobody answers at {self.url}: {reason}") from error


def _opener(address: str) -> urllib.request.OpenerDirector:
    if urlsplit(address).hostname in _LOOPBACK:
        # The user's HTTP proxy does not lead to this machine's loopback interface.
        return urllib.request.build_opener(urllib.request.ProxyHandler({}))
    return urllib.request.build_opener()


def _links(header: str | None) -> dict[str, str]:
    """Targets by relation, of a header such as ``<https://…>; rel="next"``."""
    found = {}
    for entry in (header or "").split(","):
        target, _, rest = entry.strip().partition(">")
        if target.startswith("<") and 'rel="' in rest:
            found[rest.partition('rel="')[2].partition('"')[0]] = target[1:]
    return found


def _decoded(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return content.decode(errors="replace")


def _problem(body: Any) -> str:
    if isinstance(body, Mapping):
        for name in ("detail", "message", "title"):
            if isinstance(body.get(name), str):
                return str(body[name])
    return str(body)[:500]
