"""Search of a STAC API through pystac-client, with every address it turns to checked first."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

from pystac import Link
from pystac.errors import STACError
from pystac_client import Client
from pystac_client.errors import ClientTypeError
from pystac_client.exceptions import APIError
from pystac_client.stac_api_io import StacApiIO
from pystac_client.warnings import PystacClientWarning
from requests import Response
from urllib3 import Retry

from stratocube.errors import InvalidRequest, StratocubeError, TransientRead

# What a server says when it is tired rather than asked wrongly.
_TRANSIENT_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
_SHOWN_CHARACTERS = 300
_SECRET_LENGTH = 4
"""Shorter words are none: taken out of a message they would only garble it."""


@dataclass(frozen=True)
class ApiSource:
    """A STAC API to search."""

    url: str
    """Landing page of the API."""
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Sent with every request, for example an access token: kept out of ``repr`` and of every message, and sent to the
    host of ``url`` alone."""
    timeout_seconds: tuple[float, float] = (5.0, 60.0)
    """To connect, and between two bytes of the answer."""
    retries: int = 5
    """Further attempts after a failed connection or a transient status."""
    retry_wait_seconds: float = 0.5
    """Unit of the waits before them, which are 0, 2, 4, 8, … of it."""
    page_size: int = 100
    max_items: int = 50_000
    """More matches than this are an error, never cut off."""

    def hidden(self, text: str) -> str:
        """A text without what the headers hold."""
        for secret in self._secrets:
            text = text.replace(secret, "…")
        return text

    def is_shown_in(self, document: Mapping[str, Any]) -> bool:
        """Whether a JSON document repeats what the headers hold."""
        return bool(self.headers) and any(secret in json.dumps(document) for secret in self._secrets)

    @property
    def _secrets(self) -> list[str]:
        """The values, and the words that come after a scheme such as ``Bearer``; the longest first."""
        words = {
            word for _, value in self.headers for word in (value, value.split()[-1]) if len(word) >= _SECRET_LENGTH
        }
        return sorted(words, key=len, reverse=True)


@dataclass(frozen=True)
class ItemSearch:
    """What is asked of the search endpoint."""

    collections: tuple[str, ...]
    intersects: Mapping[str, Any]
    """GeoJSON geometry in longitude and latitude."""
    interval: str
    """RFC 3339 interval, both ends given."""
    query: Mapping[str, Any]
    """Object of the query extension; may be empty."""


def search_api(source: ApiSource, wanted: ItemSearch, check_href: Callable[[str], object]) -> Iterator[dict[str, Any]]:
    """The items (JSON) a STAC API finds, page after page.

    ``check_href`` is asked before every request: landing page, search, next pages and redirects.

    Raises:
        InvalidRequest: the API refuses the request (4xx), is no STAC API, answers something malformed, finds more
            than ``max_items``, or leads to an address that ``check_href`` refuses.
        TransientRead: the API cannot be reached or has a passing fault; ``href`` is its URL.
    """
    found = 0
    try:
        with warnings.catch_warnings():
            # pystac-client warns where it adapts; what would matter to us is checked here or filtered by the caller.
            warnings.simplefilter("ignore", PystacClientWarning)
            for item in _items(source, wanted, check_href):
                found += 1
                if found > source.max_items:
                    raise InvalidRequest(
                        f"{source.url} finds more than {source.max_items} items: search fewer dates or a smaller area"
                    )
                if source.is_shown_in(item):
                    # What comes next writes hrefs into files and products.
                    raise InvalidRequest(
                        f"{source.url} repeats its token in the items it finds: they cannot be used",
                        field="token_secret",
                    )
                yield item
    except APIError as error:
        # With a token not even the cause is kept: a server that refuses one may well repeat it.
        raise _translated(error, source) from (None if source.headers else error)
    except PystacClientWarning as error:
        raise InvalidRequest(f"{source.url} offers no item search: {error}", field="stac_url") from error
    except (ClientTypeError, STACError, KeyError, TypeError, AttributeError, ValueError) as error:
        # These come out of pystac when the landing page or a page of results is not what STAC says it is.
        shown = source.hidden(repr(error))
        raise InvalidRequest(f"{source.url} does not answer as a STAC API: {shown}", field="stac_url") from (
            None if source.headers else error
        )


def _items(source: ApiSource, wanted: ItemSearch, check_href: Callable[[str], object]) -> Iterator[dict[str, Any]]:
    io = _CheckedIO(source, check_href)
    # Client.open sets timeout and headers of the IO again: without the timeout here it would be none.
    client = Client.open(source.url, stac_io=io, timeout=source.timeout_seconds)
    methods = {str(link.extra_fields.get("method") or "GET").upper() for link in client.get_links("search")}
    found = client.search(
        method="POST" if "POST" in methods else "GET",
        limit=source.page_size,
        collections=list(wanted.collections),
        intersects=dict(wanted.intersects),
        datetime=wanted.interval,
        query=dict(wanted.query) or None,
    )
    yield from found.items_as_dicts()


def _translated(error: APIError, source: ApiSource) -> StratocubeError:
    inner, url = error.__context__, source.url
    if isinstance(inner, StratocubeError):
        return inner
    status: int | None = getattr(error, "status_code", None)
    reason = source.hidden(str(error))[:_SHOWN_CHARACTERS]
    if status is None or status in _TRANSIENT_STATUS:
        return TransientRead(url, f"the server answered {status}: {reason}" if status else reason)
    return InvalidRequest(f"{url} refused the search with {status}: {reason}", field="stac_url")


def _origin(href: str) -> str:
    parts = urlsplit(href)
    return f"{parts.scheme}://{parts.netloc}".lower()


class _CheckedIO(StacApiIO):
    """pystac-client's transport, restricted to allowed addresses and strict about pages."""

    def __init__(self, source: ApiSource, check_href: Callable[[str], object]) -> None:
        # Retry-After is not followed: a server may ask for an hour, and a Lambda function pays for waiting.
        retry = Retry(
            total=source.retries,
            backoff_factor=source.retry_wait_seconds,
            status_forcelist=_TRANSIENT_STATUS,
            allowed_methods=None,
            respect_retry_after_header=False,
            raise_on_status=False,
        )
        super().__init__(headers=dict(source.headers), timeout=source.timeout_seconds, max_retries=retry)
        self._source = source
        self._check_href = check_href
        self.session.hooks["response"].append(self._check_redirect)

    def _check(self, href: str) -> None:
        self._check_href(href)
        # `requests` takes Authorization off when a redirect leaves a host, pystac-client sends it to any next page.
        if self._source.headers and _origin(href) != _origin(self._source.url):
            raise InvalidRequest(
                f"the API leads to {_origin(href)}, which must not get its token: give the address it leads to",
                field="stac_url",
            )

    def _check_redirect(self, response: Response, *_: object, **__: object) -> None:
        if response.is_redirect:
            self._check(urljoin(response.url, response.headers["location"]))

    def read_text(self, source: Any, *args: Any, **kwargs: Any) -> str:
        href = source.to_dict()["href"] if isinstance(source, Link) else str(source)
        # For anything that is no address pystac-client opens a file of this machine.
        if not urlsplit(href).netloc:
            raise InvalidRequest(f"the API leads to {href!r}, which is no address", field="stac_url")
        return super().read_text(source, *args, **kwargs)

    def request(self, href: str, *args: Any, **kwargs: Any) -> str:
        self._check(href)
        return super().request(href, *args, **kwargs)

    def read_json(self, source: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        text = self.read_text(source, *args, **kwargs)
        try:
            document = json.loads(text)
        except (ValueError, RecursionError) as error:
            shown = self._source.hidden(text)[:_SHOWN_CHARACTERS]
            raise InvalidRequest(f"{source} answers no JSON: {shown!r}", field="stac_url") from error
        if not isinstance(document, dict):
            raise InvalidRequest(f"{source} answers no JSON object", field="stac_url")
        return document

    def get_pages(
        self, url: str, method: str | None = None, parameters: dict[str, Any] | None = None
    ) -> Iterator[dict[str, Any]]:
        # pystac-client takes a page without features for the end; an error document with status 200 is not.
        page = self.read_json(url, method=method, parameters=parameters)
        while True:
            features = page.get("features")
            if not isinstance(features, list) or not all(isinstance(feature, dict) for feature in features):
                raise InvalidRequest(f"{url} answers a page without a list of features", field="stac_url")
            yield page
            following = next((link for link in page.get("links", []) if link.get("rel") == "next"), None)
            if following is None or not features:
                return
            page = self.read_json(Link.from_dict(following), parameters=parameters)
