"""``/tasks``: the work that waits."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver

from stratocube.api.services import Services
from stratocube.workflow.waiting import waiting_tasks


def add_task_routes(app: APIGatewayRestResolver, services: Services) -> None:
    """Add the route."""

    @app.get("/tasks")
    def list_tasks() -> dict[str, Any]:
        return waiting_tasks(services.builds, services.unsettled)
