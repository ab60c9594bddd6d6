"""``GET /``: what this is, and where everything else is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver

from stratocube import __version__
from stratocube.api.links import Links


def add_root_route(app: APIGatewayRestResolver) -> None:
    """Add ``GET /``."""

    @app.get("/")
    def root() -> dict[str, Any]:
        # the contract is read by this route, and by requests with a query
        from stratocube.api.contract.rooms import OPERATIONS  # noqa: PLC0415 - imported late, see above

        links = Links(app.current_event)
        shown = [operation for operation in OPERATIONS if operation.path != "/" and not operation.hidden]
        paths = dict.fromkeys(operation.path for operation in shown)
        by_path = {path: [operation for operation in shown if operation.path == path] for path in paths}
        return {
            "name": "stratocube",
            "description": "Earth-observation data cubes on AWS without servers",
            "version": __version__,
            "message": "running",
            "links": [
                {"rel": "self", "href": links.url("")},
                {**links.link("service-desc", "openapi.json"), "type": "application/vnd.oai.openapi+json;version=3.1"},
                {**links.link("service-doc", "docs"), "type": "text/html"},
                *(
                    {
                        "rel": path[1:],
                        "href": links.url() + path,
                        "method": ", ".join(sorted({operation.method for operation in found})),
                        **_said("parameters", (name.name for operation in found for name in operation.query)),
                        **({"templated": True} if "{" in path else {}),
                        "title": "; ".join(operation.summary for operation in found),
                    }
                    for path, found in by_path.items()
                ),
            ],
        }


def _said(name: str, values: Iterable[str]) -> dict[str, str]:
    text = ", ".join(dict.fromkeys(values))
    return {name: text} if text else {}
