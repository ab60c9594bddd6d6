"""Search of a STAC API: a small one on this machine."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from stratocube.catalog.hosts import check_href
from stratocube.catalog.scenes import Scene
from stratocube.catalog.search import search
from stratocube.catalog.stac_api import ApiSource
from stratocube.errors import InvalidRequest, TransientRead

from .recorded import make_item, square

Reply = tuple[int, Any] | tuple[int, Any, dict[str, str]]


@dataclass
class Api:
    """A STAC API with the given items, two a page; ``replies`` are given first, one a search request."""

    items: list[dict[str, Any]]
    methods: tuple[str, ...] = ("GET", "POST")
    conforms_to: tuple[str, ...] = (
        "https://api.stacspec.org/v1.0.0/core",
        "https://api.stacspec.org/v1.0.0/item-search",
    )
    replies: list[Reply] = field(default_factory=list)
    landing: Reply | None = None
    waits_for: threading.Event | None = None
    """Before a search is answered."""
    url: str = ""
    requests: list[tuple[str, str, Any]] = field(default_factory=list)
    headers: list[str | None] = field(default_factory=list)

    def answer(self, method: str, path: str, body: Any) -> Reply:
        parts = urlsplit(path)
        if parts.path == "/":
            return self.landing or (200, self.landing_page())
        parameters = body if method == "POST" else {name: v[0] for name, v in parse_qs(parts.query).items()}
        self.requests.append((method, parts.path, parameters))
        if self.waits_for:
            self.waits_for.wait()
        return self.replies.pop(0) if self.replies else (200, self.page(method, parameters))

    def landing_page(self) -> dict[str, Any]:
        search_links = [
            {"rel": "search", "href": f"{self.url}search", "method": method, "type": "application/geo+json"}
            for method in self.methods
        ]
        return {
            "type": "Catalog",
            "stac_version": "1.0.0",
            "id": "small",
            "description": "two items a page",
            "conformsTo": list(self.conforms_to),
            "links": [{"rel": "self", "href": self.url}, {"rel": "root", "href": self.url}, *search_links],
        }

    def page(self, method: str, parameters: dict[str, Any]) -> dict[str, Any]:
        first = int(parameters.get("token", 0))
        page = {"type": "FeatureCollection", "features": self.items[first : first + 2], "links": []}
        if first + 2 < len(self.items):
            link: dict[str, Any] = {"rel": "next", "href": f"{self.url}search", "method": method}
            if method == "POST":
                link |= {"body": {"token": first + 2}, "merge": True}
            else:
                link["href"] += f"?token={first + 2}"
            page["links"] = [link]
        return page


@contextmanager
def serving(api: Api) -> Iterator[Api]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.reply("GET", None)

        def do_POST(self) -> None:
            self.reply("POST", json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def reply(self, method: str, body: Any) -> None:
            api.headers.append(self.headers.get("Authorization"))
            status, document, *more = api.answer(method, self.path, body)
            content = document if isinstance(document, bytes) else json.dumps(document).encode()
            self.send_response(status)
            for name, value in (more[0] if more else {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    api.url = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def only_loopback(href: str) -> None:
    check_href(href, ["127.0.0.1"], [])


def find(
    api: Api, *, source: Callable[[ApiSource], ApiSource] = lambda s: s, query: dict[str, Any] | None = None
) -> list[Scene]:
    return search(
        source(ApiSource(api.url, retries=0, retry_wait_seconds=0)),
        collections=["s2"],
        footprint=square(10, 45),
        start=date(2023, 8, 1),
        end=date(2023, 8, 31),
        longitude=10.5,
        query=query,
        check_href=only_loopback,
    )


def some_items(count: int) -> list[dict[str, Any]]:
    return [make_item(f"S-{n}", properties={"datetime": f"2023-08-{n + 1:02}T10:00:00Z"}) for n in range(count)]


@pytest.mark.parametrize("methods", [("GET",), ("POST",), ("GET", "POST")])
def test_all_pages_are_read(methods: tuple[str, ...]) -> None:
    with serving(Api(some_items(5), methods=methods)) as api:
        assert [scene.id for scene in find(api)] == ["S-0", "S-1", "S-2", "S-3", "S-4"]
    assert [method for method, _, _ in api.requests] == [methods[-1]] * 3


def test_the_api_is_asked_for_a_day_more_on_both_sides() -> None:
    with serving(Api(some_items(1))) as api:
        find(api, query={"eo:cloud_cover": {"lt": 60}})
    (_, _, body), *_ = api.requests
    assert body == {
        "limit": 100,
        "collections": ["s2"],
        "datetime": "2023-07-31T00:00:00Z/2023-09-01T23:59:59Z",
        "intersects": {"type": "Polygon", "coordinates": body["intersects"]["coordinates"]},
        "query": {"eo:cloud_cover": {"lt": 60}},
    }


def test_what_the_api_lets_through_is_filtered_again() -> None:
    items = [
        make_item("good", properties={"eo:cloud_cover": 5}),
        make_item("cloudy", properties={"eo:cloud_cover": 95}),
        make_item("elsewhere", geometry=square(50, 0), properties={"eo:cloud_cover": 5}),
        make_item("late", properties={"datetime": "2023-09-01T10:00:00Z", "eo:cloud_cover": 5}),
        make_item("other", collection="s1", properties={"eo:cloud_cover": 5}),
    ]
    with serving(Api(items)) as api:
        assert [scene.id for scene in find(api, query={"eo:cloud_cover": {"lt": 60}})] == ["good"]


def test_an_item_without_self_link_is_known_by_its_address_in_the_api() -> None:
    with serving(Api([make_item("S 1/a")])) as api:
        (scene,) = find(api)
    assert scene.item_href == f"{api.url}collections/s2/items/S%201%2Fa"


def test_nothing_found_is_an_empty_list() -> None:
    with serving(Api([])) as api:
        assert find(api) == []


def test_headers_go_with_every_request_and_stay_out_of_sight() -> None:
    source = ApiSource("https://x.org", headers=(("Authorization", "Bearer secret"),))
    assert "secret" not in repr(source)
    with serving(Api(some_items(3))) as api:
        find(api, source=lambda s: replace(s, headers=source.headers))
    assert api.headers == ["Bearer secret"] * 3


def test_a_passing_fault_is_tried_again() -> None:
    with serving(Api(some_items(1), replies=[(503, {}), (429, {}, {"Retry-After": "3600"})])) as api:
        assert len(find(api, source=lambda s: replace(s, retries=2))) == 1
    assert len(api.requests) == 3


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_fault_that_stays_is_transient_and_names_the_url(status: int) -> None:
    with (
        serving(Api([], replies=[(status, {"description": "try later"})])) as api,
        pytest.raises(TransientRead, match=f"the server answered {status}: .*try later") as error,
    ):
        find(api)
    assert error.value.href == api.url


def test_an_api_that_cannot_be_reached_is_transient_and_names_the_url() -> None:
    with serving(Api([])) as api:
        pass
    with pytest.raises(TransientRead) as error:
        find(api)
    assert error.value.href == api.url


def test_an_api_that_does_not_answer_is_given_up() -> None:
    released = threading.Event()
    with serving(Api(some_items(1), waits_for=released)) as api:
        try:
            with pytest.raises(TransientRead, match="timed out"):
                find(api, source=lambda s: replace(s, timeout_seconds=(5.0, 0.05)))
        finally:
            released.set()


@pytest.mark.parametrize("status", [400, 403, 404, 422])
def test_a_refused_search_is_the_callers_to_mend(status: int) -> None:
    with (
        serving(Api([], replies=[(status, {"description": "no such collection"})])) as api,
        pytest.raises(InvalidRequest, match=f"refused the search with {status}: .*no such collection"),
    ):
        find(api)


def test_more_matches_than_allowed_are_an_error_not_a_part() -> None:
    with serving(Api(some_items(5))) as api:
        assert len(find(api, source=lambda s: replace(s, max_items=5))) == 5
        with pytest.raises(InvalidRequest, match="finds more than 4 items: search fewer dates"):
            find(api, source=lambda s: replace(s, max_items=4))


@pytest.mark.parametrize(
    ("landing", "message"),
    [
        ((200, b"<html>login</html>"), "answers no JSON: '<html>login"),
        ((200, [1]), "answers no JSON object"),
        ((200, {"type": "Something"}), "does not answer as a STAC API"),
        (
            (200, {"type": "Catalog", "stac_version": "1.0.0", "id": "static", "description": "", "links": []}),
            "offers no item search",
        ),
        ((404, {}), "refused the search with 404"),
    ],
)
def test_what_is_no_stac_api_is_refused(landing: Reply, message: str) -> None:
    with serving(Api([], landing=landing)) as api, pytest.raises(InvalidRequest, match=message):
        find(api)


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ({"code": "Error", "description": "internal"}, "a page without a list of features"),
        ({"type": "FeatureCollection", "features": ["S-1"]}, "a page without a list of features"),
        ({"type": "FeatureCollection", "features": [make_item("a", assets=3)]}, r"assets: .* \(item a\)"),
        (b"\x00", "answers no JSON"),
        (
            {"type": "FeatureCollection", "features": [make_item()], "links": [{"rel": "next"}]},
            "does not answer as a STAC API",
        ),
    ],
)
def test_a_malformed_page_is_refused_not_taken_for_the_end(page: Any, message: str) -> None:
    with serving(Api([], replies=[(200, page)])) as api, pytest.raises(InvalidRequest, match=message):
        find(api)


@pytest.mark.parametrize(
    "elsewhere", ["https://169.254.169.254/latest/meta-data", "http://localhost:1/", "https://evil.net/search"]
)
def test_a_page_or_redirect_may_not_lead_to_addresses_that_are_not_allowed(elsewhere: str) -> None:
    page = {"type": "FeatureCollection", "features": [make_item()], "links": [{"rel": "next", "href": elsewhere}]}
    redirect: Reply = (302, b"", {"Location": elsewhere})
    for reply in ((200, page), redirect):
        with serving(Api([], replies=[reply])) as api, pytest.raises(InvalidRequest, match=r"allowed|private"):
            find(api)


def test_a_page_may_not_lead_to_a_file() -> None:
    page = {"type": "FeatureCollection", "features": [make_item()], "links": [{"rel": "next", "href": "/etc/passwd"}]}
    with (
        serving(Api([], replies=[(200, page)])) as api,
        pytest.raises(InvalidRequest, match="'/etc/passwd', which is no address"),
    ):
        find(api)


def test_a_redirect_within_the_allowed_hosts_is_followed() -> None:
    with serving(Api(some_items(1), methods=("GET",))) as api:
        api.replies.append((302, b"", {"Location": f"{api.url}search/"}))
        assert len(find(api)) == 1
