"""The API about itself: ``/openapi.json``, and ``/docs``, a page to read it on and to try requests.

The page is Swagger UI as aws-lambda-powertools brings it (Apache-2.0), all of it served from here: no other host is
asked for anything. None of these routes needs an API key, none of them shows data.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from importlib import resources
from types import MappingProxyType
from typing import Any

from aws_lambda_powertools import __name__ as _powertools
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response

from stratocube.api.links import Links
from stratocube.api.replies import reply
from stratocube.api.requests import path_id
from stratocube.errors import NotFound

_HERE = "stratocube.api.openapi"
_SWAGGER = f"{_powertools}.event_handler.openapi.swagger_ui"

FILES: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "page.js": (_HERE, "page.js", "text/javascript; charset=utf-8"),
        "page.css": (_HERE, "page.css", "text/css; charset=utf-8"),
        "swagger-ui.js": (_SWAGGER, "swagger-ui-bundle.min.js", "text/javascript; charset=utf-8"),
        "swagger-ui.css": (_SWAGGER, "swagger-ui.min.css", "text/css; charset=utf-8"),
    }
)
"""What the page loads: package, file in it, media type."""

# Swagger UI sets styles of elements and draws its icons from data: addresses; whatever else is from here.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_KEPT = "public, max-age=86400"


def add_documentation_routes(app: APIGatewayRestResolver) -> None:
    """Add the routes."""

    @app.get("/openapi.json")
    def openapi() -> Response[str]:
        return reply(HTTPStatus.OK, {**_document(), "servers": [{"url": Links(app.current_event).url()}]})

    @app.get("/docs")
    def docs() -> Response[str]:
        page = _text(_HERE, "page.html").replace("{{root}}", Links(app.current_event).url())
        headers: dict[str, str | list[str]] = {"Content-Security-Policy": _POLICY, "Referrer-Policy": "no-referrer"}
        return Response(int(HTTPStatus.OK), content_type="text/html; charset=utf-8", body=page, headers=headers)

    @app.get("/docs/<file>")
    def docs_file(file: str) -> Response[str]:
        name = path_id(file, "file")
        if name not in FILES:
            raise NotFound(f"there is no file {name}: the page at /docs loads what it needs")
        package, resource, media_type = FILES[name]
        headers: dict[str, str | list[str]] = {"Cache-Control": _KEPT}
        return Response(int(HTTPStatus.OK), content_type=media_type, body=_text(package, resource), headers=headers)


@cache
def _document() -> dict[str, Any]:
    # pydantic makes schemas of all models for it, which no other route should pay for
    from stratocube.api.contract.rooms import OPERATIONS, TAGS  # noqa: PLC0415 - imported late, see above
    from stratocube.api.openapi.document import document  # noqa: PLC0415 - imported late, see above

    made: dict[str, Any] = json.loads(json.dumps(document(OPERATIONS, TAGS)))
    return made


def _text(package: str, name: str) -> str:
    return resources.files(package).joinpath(name).read_text(encoding="utf-8")
