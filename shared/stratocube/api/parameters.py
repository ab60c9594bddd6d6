"""The names of query parameters: those of the contract, no others."""

from __future__ import annotations

import difflib
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.middlewares import NextMiddleware

from stratocube.errors import InvalidRequest

_SHOWN = 64


def refuse_unknown_parameters(app: APIGatewayRestResolver, next_middleware: NextMiddleware) -> Response[Any]:
    """Goes before every route: a parameter that the route does not have is an error, for it would do nothing.

    Raises:
        InvalidRequest: naming the first such parameter, and what is meant perhaps.
    """
    given = app.current_event.query_string_parameters
    if given:
        # the contract is read by requests with a query, and by GET /
        from stratocube.api.contract.rooms import operation_of  # noqa: PLC0415 - imported late, see above

        route = app.context["_route"]
        operation = operation_of(route.method, route.path)
        unknown = sorted(given.keys() - operation.query_names) if operation is not None else []
        if operation is not None and unknown:
            raise InvalidRequest(_remedy(unknown[0], sorted(operation.query_names)), field=_readable(unknown[0]))
    return next_middleware(app)


def _remedy(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f"unknown parameter: did you mean {close[0]!r}?"
    if known:
        return f"unknown parameter: leave it out (known are {', '.join(known)})"
    return "unknown parameter: leave it out (this route has none)"


def _readable(name: str) -> str:
    """The name as a field of a problem: short, and with a UTF-8 form."""
    return name[:_SHOWN].encode(errors="replace").decode()
