"""The REST API behind API Gateway."""

# ruff: noqa: PLC0415 - the first request imports what reads tables and requests, see stratocube/start_up.py
import os
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayRestResolver  # noqa: F401 - loaded at the start, used in api/
from aws_lambda_powertools.logging import correlation_paths

from stratocube.settings import Settings

if TYPE_CHECKING:
    from stratocube.api.app import Api

logger = Logger()
settings = Settings.from_env(os.environ)


@cache
def api() -> "Api":
    """The routes, made by the first request."""
    from stratocube.api.app import Api
    from stratocube.api.services import Services

    return Api(Services.of_stack(settings, region=os.environ["AWS_REGION"]), logger)


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_REST)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """A REST proxy event of API Gateway → its proxy response."""
    return api().resolve(event, context)
