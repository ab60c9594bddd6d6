"""Errors as problem documents (RFC 9457), one shape for all of them.

``{"type", "title", "status", "detail", "errors": [{"field", "message"}]}``; an unexpected error has an ``id`` instead
of a reason, and the log has the reason under the same id.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError

from stratocube.api.requests import BodyRefused
from stratocube.errors import Conflict, InvalidRequest, NotFound
from stratocube.workflow.operations_cancel import StopFailed
from stratocube.workflow.start import LaunchFailed

CONTENT_TYPE = "application/problem+json"

_RETRY_SECONDS = 5

Errors = Sequence[Mapping[str, str]]


def problem(
    status: HTTPStatus,
    detail: str,
    *,
    errors: Errors = (),
    title: str | None = None,
    headers: Mapping[str, str | list[str]] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Response[str]:
    """A problem document. ``type`` is ``about:blank``: what went wrong is what the status says."""
    body = {
        "type": "about:blank",
        "title": title or status.phrase,
        "status": int(status),
        "detail": detail,
        "errors": [dict(error) for error in errors],
        **(extra or {}),
    }
    return Response(status_code=int(status), content_type=CONTENT_TYPE, body=json.dumps(body), headers=headers)


def answer_errors(app: APIGatewayRestResolver, logger: Logger) -> None:
    """Make ``app`` answer every exception with a problem document."""

    def not_launched(error: LaunchFailed) -> Response[str]:
        logger.error("a build could not be started", exc_info=error, extra={"build_id": error.build_id})
        status = HTTPStatus.SERVICE_UNAVAILABLE if error.retryable else HTTPStatus.BAD_GATEWAY
        headers = {"Retry-After": str(_RETRY_SECONDS)} if error.retryable else None
        detail = f"build {error.build_id} was recorded, but could not be started: GET /builds/{error.build_id} says why"
        return problem(status, detail, headers=headers, extra={"build_id": error.build_id})

    def not_stopped(error: StopFailed) -> Response[str]:
        logger.error("an execution could not be stopped", exc_info=error, extra={"build_id": error.build_id})
        detail = (
            f"build {error.build_id} is CANCELLED and publishes nothing any more, but its execution could not be "
            "stopped: send the same request again"
        )
        headers = {"Retry-After": str(_RETRY_SECONDS)}
        extra = {"build_id": error.build_id}
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers=headers, extra=extra)

    def no_route(_: NotFoundError) -> Response[str]:
        # the contract is read where a request has gone astray, as by GET /
        from stratocube.api.contract.rooms import methods_of  # noqa: PLC0415 - imported late, see above

        event = app.current_event
        methods = methods_of(event.path)
        if methods and event.http_method not in methods:
            detail = f"{event.path} takes {' and '.join(methods)}, no {event.http_method}: GET / lists what there is"
            return problem(HTTPStatus.METHOD_NOT_ALLOWED, detail, headers={"Allow": ", ".join(methods)})
        return problem(HTTPStatus.NOT_FOUND, f"there is no {event.http_method} {event.path}: GET / lists what there is")

    def unexpected(error: Exception) -> Response[str]:
        problem_id = uuid.uuid4().hex
        logger.error("unexpected error", exc_info=error, extra={"problem_id": problem_id})
        detail = f"something went wrong that is not your fault; the log names it under the id {problem_id}"
        return problem(HTTPStatus.INTERNAL_SERVER_ERROR, detail, extra={"id": problem_id})

    answers: dict[type[Exception], Callable[[Any], Response[str]]] = {
        InvalidRequest: _invalid,
        NotFound: lambda error: problem(HTTPStatus.NOT_FOUND, str(error)),
        Conflict: lambda error: problem(HTTPStatus.CONFLICT, str(error)),
        LaunchFailed: not_launched,
        StopFailed: not_stopped,
        NotFoundError: no_route,
        Exception: unexpected,
    }
    for kind, answer in answers.items():
        app.exception_handler(kind)(answer)


def _invalid(error: InvalidRequest) -> Response[str]:
    status = error.status if isinstance(error, BodyRefused) else HTTPStatus.BAD_REQUEST
    errors = [{"field": error.field, "message": error.reason}] if error.field else []
    return problem(status, str(error), errors=errors)
