"""The REST API behind API Gateway."""

import os
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging import correlation_paths

from stratocube.api.app import Api
from stratocube.api.services import Services
from stratocube.settings import Settings

logger = Logger()
api = Api(Services.of_stack(Settings.from_env(os.environ), region=os.environ["AWS_REGION"]), logger)


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_REST)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """A REST proxy event of API Gateway → its proxy response."""
    return api.resolve(event, context)
