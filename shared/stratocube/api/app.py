"""The API as one thing: routes, errors, CORS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, CORSConfig

from stratocube.api.assets import add_asset_routes
from stratocube.api.buckets import add_bucket_routes
from stratocube.api.builds import add_build_routes
from stratocube.api.costs import add_cost_routes
from stratocube.api.cubes import add_cube_routes
from stratocube.api.documentation import add_documentation_routes
from stratocube.api.grids import add_grid_routes
from stratocube.api.items import add_item_routes
from stratocube.api.operations import add_operation_routes
from stratocube.api.pages import add_page_routes
from stratocube.api.parameters import refuse_unknown_parameters
from stratocube.api.problems import answer_errors
from stratocube.api.root import add_root_route
from stratocube.api.services import Services
from stratocube.api.stac import add_stac_routes
from stratocube.api.tasks import add_task_routes
from stratocube.api.units import add_unit_routes
from stratocube.api.watches import add_watch_routes

_PREFLIGHT_SECONDS = 600


class Api:
    """Answers REST proxy events of API Gateway."""

    def __init__(self, services: Services, logger: Logger) -> None:
        # Any origin: what lets a web client in is the key it sends, not the page it was loaded from.
        cors = CORSConfig(
            allow_origin="*",
            allow_headers=["Content-Type", "X-Api-Key"],
            expose_headers=["Allow", "Link", "Location", "Retry-After"],
            max_age=_PREFLIGHT_SECONDS,
        )
        self._app = APIGatewayRestResolver(cors=cors)
        answer_errors(self._app, logger)
        self._app.use([refuse_unknown_parameters])
        add_root_route(self._app)
        add_documentation_routes(self._app)
        add_page_routes(self._app)
        add_asset_routes(self._app, services)
        add_cube_routes(self._app, services)
        add_grid_routes(self._app, services)
        add_build_routes(self._app, services)
        add_unit_routes(self._app, services)
        add_cost_routes(self._app, services)
        add_operation_routes(self._app, services)
        add_watch_routes(self._app, services)
        add_stac_routes(self._app, services)
        add_item_routes(self._app, services)
        add_bucket_routes(self._app, services)
        add_task_routes(self._app, services)

    def resolve(self, event: Mapping[str, Any], context: Any) -> dict[str, Any]:
        """The proxy response to a proxy event. Never raises for what a caller can send."""
        return self._app.resolve(_below_root(event), context)


def _below_root(event: Mapping[str, Any]) -> dict[str, Any]:
    """The event with its path as the routes know it.

    API Gateway leaves the stage out of ``path``, but a custom domain's base path in; the resource that matched, its
    parameters filled in, is free of both.
    """
    parameters = event.get("pathParameters") or {}
    path = event.get("resource") or event.get("path") or "/"
    for name, value in parameters.items():
        path = path.replace(f"{{{name}+}}", value).replace(f"{{{name}}}", value)
    return {**event, "path": path}
