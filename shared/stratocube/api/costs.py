"""``/estimate-cost``: what a build would cost."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver

from stratocube.api.requests import json_body
from stratocube.api.services import Services


def add_cost_routes(app: APIGatewayRestResolver, services: Services) -> None:
    """Add the route."""

    @app.post("/estimate-cost")
    def estimate_cost() -> dict[str, Any]:
        # forms and definitions take a while to load, and few ask this
        from stratocube.workflow.estimate import size_of_build  # noqa: PLC0415 - imported late, see above
        from stratocube.workflow.estimate_cost import (  # noqa: PLC0415 - imported late, see above
            estimated_cost,
            form_of,
            size_of_form,
            tariff_of,
        )
        from stratocube.workflow.start import check_start  # noqa: PLC0415 - imported late, see above

        form = form_of(json_body(app.current_event))
        tariff = tariff_of(form, services.tariff)
        if form.start is None:
            return estimated_cost(size_of_form(form, grids=services.grids, tariff=tariff), tariff)
        checked = check_start(
            form.to_start(),
            cubes=services.cubes,
            grids=services.grids,
            allowed_hosts=services.allowed_hosts,
            allowed_buckets=services.allowed_buckets,
        )
        size = size_of_build(
            checked.request,
            checked.definition,
            units=len(checked.units),
            tile_pixels=checked.tile_pixels,
            tariff=tariff,
            dates_per_unit=form.dates_per_unit,
        )
        return estimated_cost(size, tariff)
