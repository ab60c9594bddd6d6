"""Pages to look with: ``/viewer`` (products on a map), ``/progress`` (builds), and what they load from ``/web``.

None of them shows data, so none needs an API key: the pages ask for it, and send it with what they ask the API for.
Everything they load is served from here, the libraries too (``web/vendor/README.md``).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from importlib import resources
from types import MappingProxyType

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response

from stratocube.api.requests import path_id
from stratocube.errors import NotFound

_WEB = "stratocube.web"
_VENDOR = f"{_WEB}.vendor"
_HTML = "text/html; charset=utf-8"
_MEDIA_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}

# Pixels come from the bucket, through links that the API signs: from another host on AWS, from this one on an emulator,
# which may be reached under another of its names. OpenLayers draws its symbols from data: addresses.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self' https: http://127.0.0.1:* http://localhost:*; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
_OURS = "public, max-age=300"
_NEVER_CHANGES = "public, max-age=31536000, immutable"
"""The names of the libraries hold their versions."""


def add_page_routes(app: APIGatewayRestResolver) -> None:
    """Add the routes."""

    @app.get("/viewer")
    def viewer() -> Response[str]:
        return _page("viewer.html")

    @app.get("/progress")
    def progress() -> Response[str]:
        return _page("progress.html")

    @app.get("/web/<file>")
    def web_file(file: str) -> Response[str]:
        name = path_id(file, "file")
        if name not in files():
            raise NotFound(f"there is no file {name}: the pages at /viewer and /progress load what they need")
        package, media_type = files()[name]
        headers: dict[str, str | list[str]] = {"Cache-Control": _NEVER_CHANGES if package == _VENDOR else _OURS}
        return Response(int(HTTPStatus.OK), content_type=media_type, body=_text(package, name), headers=headers)


@cache
def files() -> Mapping[str, tuple[str, str]]:
    """Package and media type of every file that pages load, by name."""
    return MappingProxyType(
        {
            found.name: (package, media_type)
            for package in (_WEB, _VENDOR)
            for found in resources.files(package).iterdir()
            for suffix, media_type in _MEDIA_TYPES.items()
            if found.name.endswith(suffix)
        }
    )


def _page(name: str) -> Response[str]:
    headers: dict[str, str | list[str]] = {
        "Content-Security-Policy": _POLICY,
        "Referrer-Policy": "no-referrer",
        "Cache-Control": _OURS,
    }
    return Response(int(HTTPStatus.OK), content_type=_HTML, body=_text(_WEB, name), headers=headers)


def _text(package: str, name: str) -> str:
    return resources.files(package).joinpath(name).read_text(encoding="utf-8")
